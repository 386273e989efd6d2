# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin that Blender's own glTF importer brings becomes a person with a consent."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from bodyscan.consent.binding import record_of
from bodyscan.errors import BodyscanError, ConsentError
from bodyscan.gltf.consent_copies import agreed_consent
from bodyscan.gltf.metadata import CONSENT_EXTENSION, KEY, XMP_EXTENSION
from bodyscan.gltf.read import read_consent

from .. import people
from .guard import PROBLEM
from .guard_exact import give_exact_positions
from .guard_geometry import armatures_of
from .guard_tell import tell

PACKETS = "bodyscan_xmp"
"""Of a twin: the XMP packets of the file that it came from, as JSON text."""


class TwinImport:
    """The hooks of one import."""

    def __init__(self) -> None:
        self.found: list[tuple[Any, Any]] = []
        """(object, glTF node) of every mesh object that was made."""

    def gather_import_gltf_before_hook(self, gltf: Any) -> None:
        """One operator may import several files, one after the other."""
        self.found.clear()

    def gather_import_node_after_hook(self, vnode: Any, node: Any, item: Any, gltf: Any) -> None:
        """Note the objects with a mesh; their armatures are not made yet."""
        if item is not None and item.type == "MESH":
            self.found.append((item, node))

    def gather_import_scene_after_nodes_hook(self, gltf_scene: Any, scene: Any, gltf: Any) -> None:
        """All objects are there: make a person of the twin."""
        document = _document(gltf.data)
        bodies = [(item, node) for item, node in self.found if people.is_twin(item)]
        if not bodies and CONSENT_EXTENSION in document["extensions"]:
            # A tool dropped extras and attributes: what is skinned is the body.
            bodies = [(item, node) for item, node in self.found if armatures_of(item)] or self.found
        if not bodies:
            return
        if len(bodies) == len(self.found) == 1:
            _mend(bodies[0][0], Path(gltf.filename))
        text, problem = _consent(document, Path(gltf.filename).name)
        person = people.new_person(scene, _name(text) or Path(gltf.filename).stem, consent=text)
        packets = document["extensions"].get(XMP_EXTENSION, {}).get("packets")
        for item, node in bodies:
            is_collision = _about(node).get("part") == "collision"
            person.add(item, "collision" if is_collision else "twin")
            # Empty where copies differ: the one in the extras does not count then.
            item[people.CONSENT] = text or ""
            if packets:
                item[PACKETS] = json.dumps(packets)
            for armature in armatures_of(item):
                if armature.get(people.ROLE) is None:
                    person.add(armature, "armature")
        if problem:
            person.collection[PROBLEM] = problem
            tell(problem)


def _mend(item: Any, path: Path) -> None:
    """Give the one body of a file the bits that stand there; a file that cannot be read so stays as Blender
    read it, and is judged as that."""
    with suppress(BodyscanError):
        _, positions, faces = read_consent(path)
        give_exact_positions(item, positions, faces)


def _consent(document: dict[str, Any], name: str) -> tuple[str | None, str]:
    """Return the text that all places agree on, and what is wrong where they do not."""
    try:
        text = agreed_consent(document)
    except ConsentError as error:
        return None, f"{name}: {error}"
    return text, "" if text is not None else f"{name} carries no consent record."


def _document(data: Any) -> dict[str, Any]:
    """Return the places of a parsed glTF in which a consent may stand."""

    def extras(items: Any) -> list[dict[str, Any]]:
        return [{"extras": item.extras or {}} for item in items or []]

    return {
        "extensions": data.extensions or {},
        "nodes": extras(data.nodes),
        "meshes": extras(data.meshes),
        "scenes": extras(data.scenes),
    }


def _about(node: Any) -> dict[str, Any]:
    extras = node.extras if node is not None else None
    ours = extras.get(KEY) if isinstance(extras, dict) else None
    return ours if isinstance(ours, dict) else {}


def _name(text: str | None) -> str:
    try:
        return record_of(text).subject.pseudonym
    except ConsentError:
        return ""
