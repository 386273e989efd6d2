# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks of Blender's own glTF importer and exporter: a twin keeps its consent both ways.

On the way in, the root extension, the XMP packets and the extras become a person with a twin. On the way out
all three are written, custom properties or not; the finished file is read again as `bodyscan consent verify`
reads it, its use is written into the ledger, and then it appears. A file that would not verify does not
appear.

A file holds one twin and nothing else that has a surface: the binding is over every triangle in it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bpy

from bodyscan import __version__
from bodyscan.consent import verify_content
from bodyscan.errors import BodyscanError, InputError
from bodyscan.gltf.metadata import CONSENT_EXTENSION, KEY, XMP_EXTENSION, consent_extension, xmp_packet
from bodyscan.gltf.read_content import read_content

from .. import people
from ..settings import PACKAGE
from . import guard, guard_evidence, guard_export
from .gltf_import import PACKETS, TwinImport
from .guard_export import write_down
from .guard_tell import tell
from .verdicts import Act, Verdict, refusal

_OURS = f"{KEY}_"
"""What the names of properties begin with that are for Blender alone."""
_CONSENT = f"{KEY}:consent"
SOFTWARE = f"bodyscan {__version__}"
COMPANIONS = ("level", "collision")
"""Roles of bodies that belong to a twin and have a file and a record of their own."""
_exports: list[tuple[Any, dict[str, Any]]] = []
"""The export that runs, and its settings."""


class glTF2ImportUserExtension(TwinImport):
    """Made by Blender for each import."""


class glTF2ExportUserExtension:
    """Made by Blender for each export."""

    def __init__(self) -> None:
        self.meshes: list[tuple[Any, Any]] = []
        """(object, glTF node) of every node with a mesh."""
        self.left_out: dict[str, str] = {}
        """Full name -> name of the levels and collision bodies whose twin is in the file."""
        self.twin: Any = None
        self.verdict: Verdict | None = None
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        self.target = Path()
        self.is_begun = False

    def pre_export_hook(self, settings: dict[str, Any]) -> None:
        """Called by Blender 4.3 and newer before anything else."""
        self.begin(settings)

    def begin(self, settings: dict[str, Any]) -> None:
        """Ask the consents before anything is gathered."""
        if self.is_begun:
            return
        self.is_begun = True
        _exports[:] = [(self, settings)]
        scenes = [bpy.context.scene] if settings["gltf_active_scene"] else list(bpy.data.scenes)
        self._guarded(lambda: guard.require(scenes, Act.EXPORT))
        if settings["gltf_format"] == "GLB" and any(guard.twins_in(scene) for scene in scenes):
            self.folder = tempfile.TemporaryDirectory(prefix="bodyscan_gltf_")
            self.target = Path(settings["gltf_filepath"])
            settings["gltf_filepath"] = str(Path(self.folder.name, self.target.name))

    def vtree_after_filter_hook(self, tree: Any, settings: dict[str, Any]) -> None:
        """It is settled which objects are exported: with a twin its levels and collision body are not."""
        items = [node.blender_object for node in tree.nodes.values()]
        twins = [item for item in items if isinstance(item, bpy.types.Object) and people.is_twin(item)]
        whole = {item.get(people.PERSON) for item in twins if item.get(people.ROLE) == "twin"}
        for item in twins:
            if item.get(people.ROLE) in COMPANIONS and item.get(people.PERSON) in whole:
                self.left_out[item.name_full] = item.name

    def gather_node_mesh_hook(self, node: Any, item: Any, settings: dict[str, Any]) -> None:
        """Leave the surface of a companion out."""
        if isinstance(item, bpy.types.Object) and item.name_full in self.left_out:
            node.export_mesh = False

    def gather_node_hook(self, node: Any, item: Any, settings: dict[str, Any]) -> None:
        """Note what has a surface; write the twin's extras."""
        node.extras = _without_ours(node.extras)
        if isinstance(item, bpy.types.Object) and item.name_full in self.left_out:
            node.extras = None
        if node.mesh is None or not isinstance(item, bpy.types.Object):
            return
        self.meshes.append((item, node))
        if people.is_twin(item):
            node.extras = {**(node.extras or {}), KEY: twin_extras(item)}
            node.weights = None

    def gather_mesh_hook(self, mesh: Any, data: Any, item: Any, *ignored: Any) -> None:
        """Face shapes are at rest in the file: one that is on from the start would show another body."""
        if people.BODY_VERTEX in data.attributes and mesh.weights:
            mesh.weights = [0.0] * len(mesh.weights)

    def gather_scene_hook(self, scene: Any, item: Any, settings: dict[str, Any]) -> None:
        """What the scene is for is no affair of the file, and stands under the key of a twin's extras."""
        scene.extras = _without_ours(scene.extras)
        if scene.extras and KEY in scene.extras and isinstance(item, bpy.types.Scene):
            scene.extras = {name: value for name, value in scene.extras.items() if name != KEY} or None

    def gather_gltf_hook(self, active: int, scenes: Any, animations: Any, settings: dict[str, Any]) -> None:
        """Everything is gathered and nothing written: see what the file would hold."""
        self._guarded(lambda: self._choose(settings))

    def gather_gltf_extensions_hook(self, gltf: Any, settings: dict[str, Any]) -> None:
        """Write the root extension, the XMP packets, and what the asset says of them."""
        if self.twin is None:
            return
        text = people.consent_of(self.twin)
        assert text is not None
        packets, index = xmp_packets(self.twin, text)
        gltf.extensions = {
            **(gltf.extensions or {}),
            CONSENT_EXTENSION: consent_extension(text),
            XMP_EXTENSION: {"packets": packets},
        }
        for name in (CONSENT_EXTENSION, XMP_EXTENSION):
            if name not in gltf.extensions_used:
                gltf.extensions_used.append(name)
        gltf.asset.extensions = {**(gltf.asset.extensions or {}), XMP_EXTENSION: {"packet": index}}
        about = {name: value for name, value in twin_extras(self.twin).items() if name != "consent"}
        if about:
            gltf.asset.extras = {**(gltf.asset.extras or {}), KEY: about}

    def post_export_hook(self, settings: dict[str, Any]) -> None:
        """Called by Blender 4.3 and newer after all."""
        self.finish(settings)

    def finish(self, settings: dict[str, Any]) -> None:
        """The file is written, in a folder of its own: check it, write the use down, and let it appear."""
        folder, self.folder = self.folder, None
        if folder is None:
            return
        try:
            self._guarded(lambda: self._hand_out(settings))
        finally:
            folder.cleanup()

    def _choose(self, settings: dict[str, Any]) -> None:
        guard_export.require_twins(item for item, _ in self.meshes)
        twins = [item for item, _ in self.meshes if people.is_twin(item)]
        if not twins:
            return
        if len(twins) > 1:
            names = ", ".join(item.name for item in twins)
            raise InputError(
                f"A file carries one twin and its record; this one would hold {names}. Select one, and "
                "export with Limit To > Selected Objects."
            )
        others = [item.name for item, _ in self.meshes if item is not twins[0] and item != twins[0]]
        if others:
            raise InputError(
                f"A twin's record is bound to every triangle of its file; beside {twins[0].name} it would "
                f"hold {', '.join(others[:3])}{' ...' if len(others) > 3 else ''}. Select the twin and its "
                "armature, and export with Limit To > Selected Objects; the rest goes into another file."
            )
        if self.folder is None:
            raise InputError("A twin is exported as one file: choose the format glTF Binary (.glb).")
        if settings.get("gltf_use_gltfpack"):
            raise InputError(
                "gltfpack drops the record from the file. Switch it off, and pack the file with "
                "`bodyscan export --profile web`."
            )
        self.twin = twins[0]
        self.verdict = guard.allowed(self.twin, bpy.context.scene, Act.EXPORT)

    def _hand_out(self, settings: dict[str, Any]) -> None:
        data = Path(settings["gltf_filepath"]).read_bytes()
        verdicts = []
        if self.twin is not None and self.verdict is not None:
            now = datetime.now(UTC)
            known = guard_evidence.known(now)
            text, content = read_content(data)
            status = verify_content(text, content, now, self.verdict.use, known.evidence)
            if not status.ok:
                wrong = Verdict(self.verdict.name, status, self.verdict.use, text)
                raise guard.Refused(refusal(Act.EXPORT, [wrong], _hint(settings)))
            verdicts.append(Verdict(self.verdict.name, status, self.verdict.use, text))
        write_down({self.target: data}, verdicts, bpy.context.scene)
        if self.left_out:
            names = ", ".join(sorted(self.left_out.values()))
            tell(f"Exported without {names}: a file carries one body and its record. Select it to export it.")

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a step; what goes wrong in it stops the export, and nothing of it is left."""
        try:
            step()
        except Exception as error:
            if isinstance(error, guard.Refused):
                words = str(error)
            elif isinstance(error, BodyscanError):
                words = f"Not exported. {error}"
            else:
                words = f"Not exported. The twin's file could not be checked: {error!r}."
            if self.folder is not None:
                self.folder.cleanup()
                self.folder = None
            tell(words)
            raise guard.Stopped(words) from error


def begin_export(settings: dict[str, Any]) -> None:
    """Called by every Blender before it gathers; in 4.2 there is no hook before."""
    for extension in settings["gltf_user_extensions"]:
        if isinstance(extension, glTF2ExportUserExtension):
            extension.begin(settings)


def finish_export() -> None:
    """Finish the export that is over; in 4.2 there is no hook behind it."""
    while _exports:
        extension, settings = _exports.pop()
        extension.finish(settings)


def _without_ours(extras: dict[str, Any] | None) -> dict[str, Any] | None:
    if not extras:
        return extras
    return {name: value for name, value in extras.items() if not name.startswith(_OURS)} or None


def twin_extras(item: Any) -> dict[str, Any]:
    """Return what stands in a twin's extras under our key: its consent, and what its file said beside it."""
    held = item.get(people.GLTF_EXTRAS)
    about = held.to_dict() if hasattr(held, "to_dict") else {}
    return {**about, "consent": people.consent_of(item)}


def xmp_packets(item: Any, text: str) -> tuple[list[dict[str, Any]], int]:
    """Return the XMP packets of a twin's file, and which of them is about the consent.

    Those that came with the twin stay as they were; the one about the consent says what `text` says.
    """
    held = item.get(PACKETS)
    packets = json.loads(held) if isinstance(held, str) else []
    places = [
        index for index, packet in enumerate(packets) if isinstance(packet, dict) and _CONSENT in packet
    ]
    if not places:
        return [*packets, xmp_packet(text, SOFTWARE)], len(packets)
    place = places[0]
    if packets[place][_CONSENT] != text:
        tool = packets[place].get("xmp:CreatorTool")
        packets[place] = xmp_packet(text, tool if isinstance(tool, str) else SOFTWARE)
    return packets, place


def _hint(settings: dict[str, Any]) -> str:
    """What in the exporter's settings makes another body of a twin."""
    hints = []
    if not settings.get("gltf_yup", True):
        hints.append("switch Transform > +Y Up on")
    if settings.get("gltf_apply"):
        hints.append("switch Data > Mesh > Apply Modifiers off")
    if not settings.get("gltf_rest_position_armature", True):
        hints.append("switch Data > Armature > Use Rest Position Armature on")
    if settings.get("gltf_draco_mesh_compression"):
        hints.append("switch Data > Compression off")
    return f"Settings of the exporter to change: {', '.join(hints)}." if hints else ""


_HOOKS = {
    "glTF2ImportUserExtension": glTF2ImportUserExtension,
    "glTF2ExportUserExtension": glTF2ExportUserExtension,
    "glTF2_pre_export_callback": begin_export,
}


def register() -> None:
    """Put the hooks where Blender looks for them: into the add-on's main module."""
    for name, hook in _HOOKS.items():
        setattr(sys.modules[PACKAGE], name, hook)
    guard_export.after_gltf[:] = [finish_export]


def unregister() -> None:
    _exports.clear()
    guard_export.after_gltf.clear()
    for name in _HOOKS:
        delattr(sys.modules[PACKAGE], name)
