# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin's files, read and judged before anything is built of them. No `bpy` here.

Everything that a file shows is held against what its consent was bound to: triangles, rig, face shapes and
skin. What is built in Blender is what was judged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.consent import ConsentRecord, Evidence, Purpose, Use, verify_content
from bodyscan.consent.state import ConsentStatus, RefusedConsent
from bodyscan.errors import ConsentError, InputError
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.metadata import KEY
from bodyscan.gltf.read import GlbBody, read_glb
from bodyscan.gltf.read_content import read_content

USE = Use(Purpose.MAKE_TWIN)
SAME_JOINT_M = 1e-4
"""Within which the joints of a twin's files stand at one place; packing moves them by less."""


@dataclass(frozen=True, eq=False)
class TwinFile:
    """One GLB whose consent holds for making a twin."""

    path: Path
    body: GlbBody
    consent: str
    record: ConsentRecord
    extras: Mapping[str, Any]
    """Of the body node, under `bodyscan`."""
    document: Mapping[str, Any]
    binary: bytes


def read_twin_file(path: Path, now: datetime, evidence: Evidence | None = None) -> TwinFile:
    """Read a twin's GLB and verify the record in it for making a twin.

    Raises `RefusedConsent` with the clause where the record does not allow it or belongs to another body,
    `ConsentError` where its copies in the file differ, `InputError` where the file is no twin or damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    try:
        text, content = read_content(data)
        document, binary = unpack_glb(data)
        body = read_glb(data)
    except InputError as error:
        raise InputError(str(error).replace("The data", path.name, 1)) from None
    status = verify_content(text, content, now, USE, evidence)
    if not status.ok or text is None or status.record is None:
        raise RefusedConsent(
            status.state,
            status.reason,
            status.record,
            clause=status.clause,
            geometry=status.geometry,
            moved_mm=status.moved_mm,
            parts=status.parts,
        )
    return TwinFile(path, body, text, status.record, _extras(document), document, binary)


def refusal(error: ConsentError) -> str:
    """One sentence for the person who is refused, with the clause that decided."""
    status: ConsentStatus | None = getattr(error, "status", None)
    clause = f" Clause: {status.clause}." if status is not None and status.clause else ""
    return f"Not imported. {error}{clause}"


def level_paths(path: Path) -> list[Path]:
    """The levels of detail that lie beside a twin's file, finest first: `twin.lod1.glb` ..."""
    pattern = re.compile(re.escape(path.stem) + r"\.lod(\d+)" + re.escape(path.suffix))
    found = [
        (int(match[1]), other)
        for other in (path.parent.iterdir() if path.parent.is_dir() else ())
        if (match := pattern.fullmatch(other.name)) is not None
    ]
    return [other for _, other in sorted(found)]


def collision_path(path: Path) -> Path | None:
    """The collision body that lies beside a twin's file, `twin.collision.glb`, or None."""
    other = path.with_name(f"{path.stem}.collision.glb")
    return other if other.is_file() else None


def check_companion(twin: TwinFile, other: TwinFile) -> None:
    """Raise `InputError` where a level or collision body is not of the same person, on the same joints."""
    if other.record.record_id != twin.record.record_id:
        raise InputError(
            f"{other.path.name} carries another record than {twin.path.name}: it is not this twin's. "
            "Import the twin alone, or put its own files beside it."
        )
    ours, theirs = twin.body.skeleton, other.body.skeleton
    if (
        ours.joint_names != theirs.joint_names
        or np.abs(ours.positions - theirs.positions).max() > SAME_JOINT_M
    ):
        raise InputError(
            f"{other.path.name} stands on other joints than {twin.path.name}: it was made in another run or "
            "pose. Import the twin alone, or export its files together anew."
        )


def _extras(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The extras of the body node under our key; empty where a tool dropped them."""
    skinned = [node for node in document.get("nodes", []) if "mesh" in node and "skin" in node]
    named = [node for node in skinned if node.get("name") == "body"] or skinned
    return dict(named[0].get("extras", {}).get(KEY, {}))
