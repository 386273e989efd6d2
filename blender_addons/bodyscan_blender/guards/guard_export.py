# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's exporters may write of a person. glTF has a module of its own, `gltf_hooks`.

| exporter | a refused person | an allowed twin | an allowed scan or fit |
|---|---|---|---|
| glTF | refused | checked, with its record, in the ledger (`gltf_hooks`) | refused |
| FBX | refused | with its record as a property, in the ledger | refused |
| USD | not in the file | taken out by a hook, which sees no finished file to write down | taken out |
| OBJ, STL, PLY, Alembic | not in the file: withheld | held back while the exporter is open | so too |

The last four ask nobody and have no place for a record. From a script, or by a collection's exporter, they
write an allowed twin without one, and no ledger knows. USD is among them where Blender has no USD library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import bpy

from bodyscan.consent import ConsentRecord
from bodyscan.errors import BodyscanError, InputError
from bodyscan.files import write_all
from bodyscan.ledger import EntryKind
from bodyscan.mark.twin_id import bound_geometry, twin_id
from bodyscan.run.uses import UseWriter

from .. import people
from ..settings import preference
from . import guard, guard_withhold
from .guard_tell import tell
from .verdicts import Act, Verdict

WITHOUT_RECORD = {
    "WM_OT_obj_export": "OBJ",
    "WM_OT_stl_export": "STL",
    "WM_OT_ply_export": "PLY",
    "WM_OT_alembic_export": "Alembic",
}
"""Exporters whose files have no place for a consent record."""
LOOK_S = 0.25
_FBX_GEOMETRY = b"\x00\x01Geometry"
"""What follows the name of a mesh in a binary FBX."""
Execute = Callable[[Any, Any], set[str]]

_wrapped: dict[str, tuple[type, Execute, bool]] = {}
"""Operator -> its class, its own `execute`, and whether that stands in the class itself."""
after_gltf: list[Callable[[], None]] = []
"""What is done after Blender's glTF exporter."""
_waiting: list[str] = []
"""The exporter that is open now, of those in `WITHOUT_RECORD`."""


def write_down(files: dict[Path, bytes], verdicts: list[Verdict], scene: Any) -> None:
    """Write into the ledger that twins are exported, then their files; all or nothing.

    Raises `InputError` where ledger or files cannot be written.
    """
    now = datetime.now(UTC)
    with ExitStack() as uses:
        for verdict in verdicts:
            record, text, use = verdict.status.record, verdict.text, verdict.use
            assert isinstance(record, ConsentRecord)
            assert text is not None
            assert use is not None
            writer = UseWriter(
                place=preference(bpy.context, "ledger"),
                record=record,
                text=text,
                use=use,
                kind=EntryKind.EXPORT,
                now=now,
                reference=scene.bodyscan_reference or None,
                twin_id=twin_id(record.record_id, bound_geometry(text)).hex(),
            )
            uses.enter_context(writer.recorded(files))
        write_all(files)


def require_twins(items: Iterable[Any]) -> None:
    """Raise `InputError` where an object shows a person and is no twin: it may not go into a file."""
    names = [item.name for item in items if people.is_likeness(item) and not people.is_twin(item)]
    if names:
        raise InputError(
            f"No record is bound to {', '.join(names)}, so no file can carry it: a scan or a fit leaves this "
            "scene as a twin. Make the twin, select it with its armature, and export with Limit To > "
            "Selected Objects."
        )


def wrap(operator: str, around: Callable[[Any, Any, Execute], set[str]]) -> None:
    """Let `around(operator, context, execute)` stand around `execute` of an operator written in Python.

    Where the operator is not there, or was wrapped before, nothing happens.
    """
    found = getattr(bpy.types, operator, None)
    if found is None or not hasattr(found, "execute"):
        return
    if operator in _wrapped and _wrapped[operator][0] is found:
        return
    original: Execute = found.execute

    def execute(self: Any, context: Any) -> set[str]:
        return around(self, context, original)

    _wrapped[operator] = (found, original, "execute" in vars(found))
    found.execute = execute


def around_gltf(operator: Any, context: Any, execute: Execute) -> set[str]:
    """The hooks refuse by an exception; here it becomes a plain report."""
    frame = context.scene.frame_current
    try:
        done = execute(operator, context)
        if "FINISHED" in done:
            for finish in after_gltf:
                finish()
        return done
    except guard.Stopped as refusal:
        if context.scene.frame_current != frame:
            context.scene.frame_set(frame)
        if context.window is not None:
            context.window.cursor_set("DEFAULT")
        operator.report({"ERROR"}, str(refusal))
        return {"CANCELLED"}


def around_fbx(operator: Any, context: Any, execute: Execute) -> set[str]:
    """Ask the consents, see to it that the records go along, and write the use down."""
    scene, target = context.scene, bpy.path.ensure_ext(operator.filepath, ".fbx")
    try:
        guard.require([scene], Act.EXPORT)
    except BodyscanError as refusal:
        tell(str(refusal))
        operator.report({"ERROR"}, str(refusal))
        return {"CANCELLED"}
    people_in = guard.likenesses_in(scene)
    if not people_in:
        return execute(operator, context)
    for item in people_in:
        if people.is_twin(item) and item.library is None:
            item[people.CONSENT] = people.consent_of(item)
    path, was = Path(bpy.path.abspath(target)), (operator.filepath, operator.use_custom_props)
    # Beside the target, because paths of images in the file are relative to it.
    place = path.with_name(f".{path.stem}.{uuid4().hex[:8]}.fbx")
    try:
        if operator.batch_mode != "OFF":
            raise InputError("With a person in the scene one file is written: set Batch Mode to Off.")
        operator.filepath, operator.use_custom_props = str(place), True
        done = execute(operator, context)
        if place.is_file():
            data = place.read_bytes()
            write_down({path: data}, _inside_fbx(data, people_in, scene), scene)
    except BodyscanError as error:
        words = str(error) if isinstance(error, guard.Refused) else f"Not exported. {error}"
        tell(words)
        operator.report({"ERROR"}, words)
        return {"CANCELLED"}
    finally:
        place.unlink(missing_ok=True)
        operator.filepath, operator.use_custom_props = was
    return done


def _inside_fbx(data: bytes, items: list[Any], scene: Any) -> list[Verdict]:
    """Return the verdicts of the twins that are in a file. Raises `InputError` where a record is not with
    one, and for a scan, which has none to take along."""
    found = {}
    for item in items:
        if item.data.name.encode() + _FBX_GEOMETRY not in data:
            continue
        require_twins([item])
        verdict = guard.allowed(item, scene, Act.EXPORT)
        if verdict.text is None or verdict.text.encode() not in data:
            raise InputError(f"The file would hold {verdict.name}'s twin without its record.")
        found[verdict.text] = verdict
    return list(found.values())


class BodyscanUsdHook(bpy.types.USDHook):
    """Takes twins and scans out of a USD file before it is written."""

    bl_idname = "bodyscan_consent"
    bl_label = "bodyscan consent"

    @staticmethod
    def on_export(context: Any) -> bool:
        try:
            removed = _without_people(context.get_stage())
        except BaseException:
            context.get_stage().GetRootLayer().Clear()
            tell("Not exported. The USD file was emptied: it could not be told whether it holds a person.")
            raise
        if removed:
            tell(
                f"Not exported to USD: {', '.join(removed)}. Blender shows no finished USD file that could "
                "be written into the ledger. Export glTF or FBX, which carry the record."
            )
        return True


def _without_people(stage: Any) -> list[str]:
    """Remove everybody from a stage, and return the names of what went."""
    marked = (f"primvars:{people.BODY_VERTEX}", f"userProperties:{people.CONSENT}")
    names = {item.name: item.name for item in bpy.data.objects if people.is_likeness(item)}
    names |= {bpy.path.clean_name(name): name for name in names}
    removed = {}
    for prim in list(stage.Traverse()):
        if prim.GetTypeName() != "Mesh":
            continue
        parent = prim.GetParent()
        told = any(one.HasAttribute(name) for one in (prim, parent) for name in marked)
        if told or parent.GetName() in names or prim.GetName() in names:
            removed[prim.GetPath()] = names.get(parent.GetName(), parent.GetName())
    for path in removed:
        stage.RemovePrim(path)
    return sorted(set(removed.values()))


def has_usd() -> bool:
    """Return whether the USD library can be found; a hook without it ends Blender. Where Blender is a Python
    module its folder is put at the end of Python's path."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    beside = Path(bpy.utils.resource_path("LOCAL"), "python", "lib", version, "site-packages")
    if (beside / "pxr").is_dir() and str(beside) not in sys.path:
        sys.path.append(str(beside))
        _paths.append(str(beside))
    try:
        import pxr.Usd  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        return False
    return True


def look() -> float:
    """In a window: hold twins and scans back while an exporter is open that has no place for a record."""
    open_now = open_exporter()
    if open_now and not _waiting:
        _waiting.append(open_now)
        guard_withhold.held_back.add(open_now)
        guard_withhold.withhold(bodies=False)
        if any(people.is_likeness(item) for item in bpy.data.objects):
            tell(
                f"{without_record()[open_now]} has no place for a consent record: twins and scans are held "
                "back from this export. glTF and FBX carry a twin's record."
            )
    elif not open_now and _waiting:
        guard_withhold.held_back.discard(_waiting.pop())
        guard_withhold.withhold(bodies=False)
    wrap_all()
    return LOOK_S


def without_record() -> dict[str, str]:
    """Return the exporters, by identifier, that can take no record along here: those without a hook."""
    return WITHOUT_RECORD if _hooks else {**WITHOUT_RECORD, "WM_OT_usd_export": "USD"}


def open_exporter(windows: Iterable[Any] | None = None) -> str:
    """Return the exporter of `without_record` whose file browser is open in a window, empty for none."""
    for window in bpy.context.window_manager.windows if windows is None else windows:
        for area in window.screen.areas:
            if area.type == "FILE_BROWSER":
                operator = getattr(area.spaces.active, "active_operator", None)
                if operator is not None and operator.bl_idname in without_record():
                    return str(operator.bl_idname)
    return ""


_AROUND = (("EXPORT_SCENE_OT_gltf", around_gltf), ("EXPORT_SCENE_OT_fbx", around_fbx))
_hooks: list[type] = []
_paths: list[str] = []
"""What was put on Python's path."""


def wrap_all() -> None:
    """Put what must be asked around the exporters that are written in Python."""
    for name, around in _AROUND:
        wrap(name, around)


def unwrap() -> None:
    """Give the exporters their own `execute` again."""
    while _wrapped:
        _, (found, original, is_own) = _wrapped.popitem()
        if is_own:
            found.execute = original
        else:
            del found.execute


def register() -> None:
    wrap_all()
    if has_usd():
        bpy.utils.register_class(BodyscanUsdHook)
        _hooks.append(BodyscanUsdHook)
    if not bpy.app.background:
        bpy.app.timers.register(look, first_interval=LOOK_S, persistent=True)


def unregister() -> None:
    if bpy.app.timers.is_registered(look):
        bpy.app.timers.unregister(look)
    _waiting.clear()
    while _hooks:
        bpy.utils.unregister_class(_hooks.pop())
    while _paths:
        with suppress(ValueError):
            sys.path.remove(_paths.pop())
    unwrap()
