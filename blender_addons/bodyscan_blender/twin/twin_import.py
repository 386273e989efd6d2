# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin's GLB -> a person in the scene, with skin, bones and consent. Refused consents build nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bpy

from bodyscan.consent import Evidence
from bodyscan.errors import BodyscanError, ConsentError
from bodyscan.gltf.read_skin import vrm_joint_names

from .. import people
from ..rig.armature import armature_object
from ..rig.bone_layout import bone_layout
from ..rollback import UNDOABLE, all_or_nothing
from ..settings import preference
from .twin_file import TwinFile, check_companion, collision_path, level_paths, read_twin_file, refusal
from .twin_material import grey_material, skin_material
from .twin_mesh import mesh_object

LEVELS = "Levels of detail"
DEFORM = "Skeleton"
"""Name of the modifier by which the bones move the skin."""


@dataclass(frozen=True)
class Found:
    """What is read before anything is built."""

    twin: TwinFile
    levels: tuple[TwinFile, ...] = ()
    collision: TwinFile | None = None


def read_twin(
    path: Path,
    now: datetime,
    evidence: Evidence | None = None,
    *,
    levels: bool = False,
    collision: bool = True,
) -> Found:
    """Read and verify a twin and, where asked and there, the files beside it.

    Raises what `read_twin_file` and `check_companion` raise.
    """
    twin = read_twin_file(path, now, evidence)
    beside = level_paths(path) if levels else []
    body = collision_path(path) if collision else None
    others = [read_twin_file(other, now, evidence) for other in [*beside, *([body] if body else [])]]
    for other in others:
        check_companion(twin, other)
    return Found(twin, tuple(others[: len(beside)]), others[-1] if body else None)


def build_twin(context: Any, found: Found, person: people.Person | None = None) -> people.Person:
    """Build what was read as a person, or in the place of what a person had; all or nothing.

    A new person is called as the record calls them. Raises `InputError` where Blender cannot hold the file.
    """
    twin = found.twin
    with all_or_nothing():
        if person is None:
            person = people.new_person(context.scene, twin.record.subject.pseudonym, consent=twin.consent)
            context.view_layer.update()
        skeleton = twin.body.skeleton
        names = vrm_joint_names(skeleton.joint_names)
        layout = bone_layout(
            skeleton, names, twin.body.positions, twin.body.joint_indices, twin.body.joint_weights
        )
        made = [mesh_object(file.body, name, file.extras) for file, name in _named(found)]
        materials = [skin_material(twin.document, twin.binary, "skin")] + [grey_material("collision")] * (
            found.collision is not None
        )
        armature = armature_object(context, person.collection, "armature", skeleton, names, layout)
    # Nothing below can fail: what the person had goes only now.
    for role in ("twin", "level", "collision", "armature"):
        person.remove(role)
    person.consent = twin.consent
    person.add(armature, "armature")
    roles = ["twin", *["level"] * len(found.levels), *["collision"] * (found.collision is not None)]
    for item, role, (file, name) in zip(made, roles, _named(found), strict=True):
        item.name = name
        item.data.materials.append(materials[-1] if role == "collision" else materials[0])
        person.add(item, role)
        _bind(item, armature)
        if role != "twin":
            item[people.CONSENT] = file.consent  # the record is bound to each surface by itself
            _put_away(person, item, role)
    context.view_layer.update()  # else it still lists what was removed, as None
    for one in context.view_layer.objects:
        one.select_set(one in (made[0], armature))
    context.view_layer.objects.active = made[0]
    return person


def _named(found: Found) -> list[tuple[TwinFile, str]]:
    """Each file with the name of its object: `body`, `body.lod1` ..., `body.collision`."""
    levels = [(file, f"body.lod{number}") for number, file in enumerate(found.levels, 1)]
    return [
        (found.twin, "body"),
        *levels,
        *([(found.collision, "body.collision")] if found.collision else []),
    ]


def _bind(item: Any, armature: Any) -> None:
    """Let the bones move the skin by linear blending, as every engine does it."""
    item.parent = armature
    modifier = item.modifiers.new(DEFORM, "ARMATURE")
    modifier.object = armature
    modifier.use_deform_preserve_volume = False
    modifier.use_bone_envelopes = False


def _put_away(person: people.Person, item: Any, role: str) -> None:
    """Levels and the collision body are there to be taken, not to be seen."""
    item.hide_render = True
    if role == "collision":
        item.display_type = "WIRE"
        item.hide_set(True)  # one that is switched off altogether would stop no cloth
        return
    item.hide_viewport = True
    home = next((child for child in person.collection.children if child.name.startswith(LEVELS)), None)
    if home is None:
        home = bpy.data.collections.new(LEVELS)
        home.hide_render = True
        person.collection.children.link(home)
    person.collection.objects.unlink(item)
    home.objects.link(item)


class ImportTwin(bpy.types.Operator):
    """Import a person's twin: skin, bones, face shapes and consent, which is verified first."""

    bl_idname = "bodyscan.import_twin"
    bl_label = "Import Twin (.glb)"
    bl_options = UNDOABLE

    filepath: bpy.props.StringProperty(subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.glb;*.vrm", options={"HIDDEN"})
    levels: bpy.props.BoolProperty(
        name="Levels of Detail",
        description="Also load the coarser levels that lie beside the file, hidden",
        default=False,
    )
    collision: bpy.props.BoolProperty(
        name="Collision Body",
        description="Also load the body that cloth collides with, where it lies beside the file, hidden",
        default=True,
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave the edit or pose mode first: people are imported in object mode.")
            return False
        return True

    def invoke(self, context: Any, event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        now = datetime.now(UTC)
        try:
            found = read_twin(
                path, now, _evidence(context, now), levels=self.levels, collision=self.collision
            )
            person = build_twin(context, found)
        except ConsentError as error:
            self.report({"ERROR"}, refusal(error))
            return {"CANCELLED"}
        except BodyscanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        body = found.twin.body
        self.report(
            {"INFO"},
            f"{person.name}: {len(body.faces):,} triangles, {len(body.skeleton.joint_names)} bones, "
            f"{len(body.morphs)} face shapes; the consent covers making a twin.",
        )
        return {"FINISHED"}


def _evidence(context: Any, now: datetime) -> Evidence | None:
    folder = preference(context, "evidence")
    if folder is None:
        return None
    from bodyscan.run.evidence import read_evidence

    return read_evidence(folder, now=now)


def _menu(self: Any, context: Any) -> None:
    self.layout.operator(ImportTwin.bl_idname, text="bodyscan Twin (.glb)")


def register() -> None:
    bpy.utils.register_class(ImportTwin)
    bpy.types.TOPBAR_MT_file_import.append(_menu)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_import.remove(_menu)
    bpy.utils.unregister_class(ImportTwin)
