"""The files of a body folder, and how they are written: all of them or none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.body.body_parts import body_parts
from bodyscan.body.garment_measures import GarmentParameter, measure_garment
from bodyscan.body.garment_points import garment_points
from bodyscan.body.landmarks import body_landmarks
from bodyscan.errors import InputError
from bodyscan.files import new_folder
from bodyscan.garment.body import GarmentBody
from bodyscan.types import F32, Measurement, measurement_values

FRAME = "metres, +Y up, the person faces +Z, soles at Y = 0; the person's left is +X"
GARMENTCODE_PARTS = "ggg_body_segmentation.json"
"""The name under which GarmentCode looks for the parts in its folder of bodies."""
README = """\
SYNTHETIC: these files describe a digital twin. They were computed from a scan of a real or made person by
{software}; they are not the person, and no picture made with them may pass as a photograph.
Person (pseudonym): {person}. Consent record: {record_id}, bound to body.obj.
Use them only as that record allows; keep consent.json with them.

body.obj           The skin in the pose {pose}, closed.
                   {frame}.
                   The same vertex number is the same place of every person's body. Vertices in no face belong
                   to eyes, teeth and tongue.
body.yaml          GarmentCode's body parameters, centimetres and degrees, measured on body.obj.
measurements.json  Tape measurements in the standard pose, centimetres, with the clause of ISO 8559-1:2017
                   where one defines them. No conformity is claimed.
landmarks.json     Named points on body.obj, metres.
body_parts.json    Part of the body -> its vertices.
{parts}
                   The same table under the name that GarmentCode looks for.
consent.json       The signed consent record and its binding to body.obj.

GarmentCode: point `bodies_default_path` in its system.json at this folder and take the body named `body`.
It reads the OBJ in metres and the YAML in centimetres.
"""


@dataclass(frozen=True)
class FolderNotes:
    """What the files say about where they come from."""

    person: str
    """The subject's pseudonym in the consent record."""
    record_id: str
    software: str
    """`bodyscan` and its version."""


def skin_positions(body: GarmentBody) -> F32:
    """(V, 3) float32, metres: the positions that `body.obj` holds, to the last bit."""
    return body.vertices.astype(np.float32)


def body_files(
    body: GarmentBody, measurements: Sequence[Measurement], consent: str, notes: FolderNotes
) -> dict[str, bytes]:
    """File name -> content of a body folder.

    `measurements`: of the same person in the standard pose. `consent`: the record's JSON text, bound to
    `skin_positions` and `body.skin_faces`.
    """
    parts = {name: ids.tolist() for name, ids in body_parts(body.model).items()}
    points = garment_points(body.model, body.vertices, body.joints)
    landmarks = {
        "synthetic": True,
        "unit": "m",
        "frame": FRAME,
        "pose": body.pose,
        "landmarks": _rounded(body_landmarks(body.model, body.vertices, body.joints)),
        "garmentcode_points": _rounded(points),
    }
    taken = {
        "synthetic": True,
        "unit": "cm",
        "pose": "standing, arms half raised, legs nearly upright (see docs/measurements.md)",
        "standard": "ISO 8559-1:2017, where a clause is named; no conformity is claimed",
        "measurements": measurement_values(measurements),
    }
    readme = README.format(
        software=notes.software,
        person=notes.person,
        record_id=notes.record_id,
        pose=body.pose,
        frame=FRAME,
        parts=GARMENTCODE_PARTS,
    )
    table = _json(parts)
    return {
        "README.txt": readme.encode(),
        "body.obj": _obj(body, notes),
        "body.yaml": garment_yaml(measure_garment(body.model, body.vertices, body.joints), notes),
        "measurements.json": _json(taken),
        "landmarks.json": _json(landmarks),
        "body_parts.json": table,
        GARMENTCODE_PARTS: table,
        "consent.json": consent.encode(),
    }


def garment_yaml(parameters: Sequence[GarmentParameter], notes: FolderNotes) -> bytes:
    """GarmentCode's body file: one number a parameter, with what it is as a comment."""
    lines = [
        f"# Synthetic: measured on a digital twin by {notes.software}. Consent record {notes.record_id}.",
        "# Centimetres; angles in degrees.",
        "body:",
    ]
    for p in parameters:
        lines.append(f"  {p.name}: {p.value:.4f}  # {'degrees. ' if p.unit == 'deg' else ''}{p.description}")
    return ("\n".join(lines) + "\n").encode()


def check_empty(folder: Path) -> None:
    """Raise `InputError` where `folder` is there already and not an empty folder."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder} is no folder; give another one.")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"The folder {folder} is not empty; empty it, or give another one.")
    if not folder.absolute().parent.is_dir():
        raise InputError(
            f"The folder {folder.absolute().parent} does not exist; make it, or give another one."
        )


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write all files into a folder that is not there yet, or is empty; on any failure nothing is left.

    Raises `InputError` where that is not possible.
    """
    check_empty(folder)
    with new_folder(folder) as hidden:
        for name, data in files.items():
            (hidden / name).write_bytes(data)
    return folder


def _obj(body: GarmentBody, notes: FolderNotes) -> bytes:
    """Float32 positions as the shortest decimals that give them back, faces counted from 1."""
    lines = [
        f"# Synthetic: skin of a digital twin by {notes.software}. Consent record {notes.record_id}.",
        f"# {FRAME}. Pose {body.pose}.",
        "o body",
    ]
    lines += [f"v {x!s} {y!s} {z!s}" for x, y, z in skin_positions(body)]
    lines += [f"f {a} {b} {c}" for a, b, c in (body.skin_faces + 1).tolist()]
    return ("\n".join(lines) + "\n").encode()


def _rounded(points: Mapping[str, Any]) -> dict[str, list[float]]:
    return {name: [round(float(value), 6) for value in place] for name, place in points.items()}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1 if "unit" in value else None) + "\n").encode()
