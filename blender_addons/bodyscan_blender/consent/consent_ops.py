# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's consent: load it, read it, say what the scene is for, judge again, and forget the person."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bpy

from bodyscan.consent import Use
from bodyscan.consent.describe import Rows, describe, open_any
from bodyscan.consent.state import ConsentState
from bodyscan.errors import BodyscanError, InputError
from bodyscan.gltf.consent_copies import agreed_consent
from bodyscan.gltf.container import unpack_glb
from bodyscan.run.text_files import read_text

from .. import people
from ..guards import guard
from ..guards.guard_geometry import rest_body
from ..guards.guard_withhold import withhold
from ..guards.verdicts import judge, use_words
from ..people import chosen_person
from ..settings import MEDIA, PURPOSES, medium_of, use_of
from ..steps.fit_step import person_property
from ..steps.person_operators import forget_folder
from ..steps.steps_session import work_root

TWINS = (".glb", ".vrm")
NOT_THIS_BODY = (ConsentState.UNBOUND, ConsentState.ALTERED, ConsentState.STRIPPED)
USE_FIELDS = ("purpose", "territory", "medium", "licensee", "product_line")
LINE = 110


def read_consent(path: Path) -> str:
    """Return the consent text of a record (.json) or of a twin (.glb, .vrm).

    Raises `InputError` where there is none, `ConsentError` where a twin's copies differ.
    """
    if path.suffix.lower() not in TWINS:
        return read_text(path)
    document, _ = unpack_glb(path)
    text = agreed_consent(document)
    if text is None:
        raise InputError(f"{path.name} carries no consent record.")
    return text


def consent_rows(text: str) -> Rows:
    """Return everything that a record says, and who signed it. Raises as
    `bodyscan.consent.describe.open_any`."""
    return describe(*open_any(text))


def give_consent(person: people.Person, text: str, use: Use) -> None:
    """Let a person's twin carry another record, bound to its body.

    Raises `InputError` for a record of another body and for a person who has no twin yet, `ConsentError`
    where a signature does not hold.
    """
    open_any(text)
    twin = person.object("twin")
    if twin is None:
        raise InputError(
            f"{person.name} has no twin here. A record is given with the scan: import the scan with this one."
        )
    now = datetime.now(UTC)
    status = judge(text, rest_body(twin, edited=True), use, now, guard.evidence(now))
    if status.state in NOT_THIS_BODY:
        raise InputError(
            f"The record does not belong to the body of {person.name}: {status.reason} It keeps its own "
            "record. A record is bound to a body when the twin is made."
        )
    person.consent = text
    for item in (person.collection, twin):
        if guard.PROBLEM in item:
            del item[guard.PROBLEM]
    if people.GLTF_EXTRAS in twin:
        twin[people.GLTF_EXTRAS]["consent"] = text


def subject(context: Any, name: str) -> people.Person:
    """Return the person of a name or an id, else the active one. A twin that is nobody's becomes a person."""
    item = context.active_object
    if not name and item is not None and people.is_twin(item) and people.person_of(item) is None:
        person = people.new_person(context.scene, item.name, consent=people.consent_of(item))
        return people.Person(person.add(item, "twin").users_collection[0])
    return chosen_person(context, name)


def forget(person: people.Person) -> int:
    """Delete a person's objects, their data and images, and the collection; return how many objects went.

    What another person's object uses too stays.
    """
    objects = list(person.collection.all_objects)
    data = [item.data for item in objects if item.data is not None]
    data += [item.data.shape_keys for item in objects if item.type == "MESH"]
    actions = [one.animation_data.action for one in (*objects, *data) if one and one.animation_data]
    materials = [slot.material for item in objects for slot in item.material_slots if slot.material]
    images = [
        node.image for one in materials if one.node_tree for node in one.node_tree.nodes if _image(node)
    ]
    collections = [*person.collection.children_recursive, person.collection]
    bpy.data.batch_remove(objects)
    bpy.data.batch_remove(collections)
    for group in (data, materials, images, actions):
        unused = {one.name_full: one for one in group if _is_unused(one)}
        bpy.data.batch_remove(list(unused.values()))
    return len(objects)


def _image(node: Any) -> bool:
    return getattr(node, "image", None) is not None


def _is_unused(one: Any) -> bool:
    try:
        return one is not None and one.users - int(one.use_fake_user) == 0
    except ReferenceError:  # went with what used it
        return False


class BODYSCAN_OT_load_consent(bpy.types.Operator):
    """Give a person's twin another signed record, bound to the same body: after a renewal, or where it was
    lost"""

    bl_idname = "bodyscan.load_consent"
    bl_label = "Load a Record"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.json;*.glb;*.vrm", options={"HIDDEN"})
    person: person_property()

    def invoke(self, context: Any, event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        try:
            person = subject(context, self.person)
            give_consent(person, read_consent(Path(bpy.path.abspath(self.filepath))), use_of(context.scene))
        except (BodyscanError, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return report_verdicts(self, context, [person])


class BODYSCAN_OT_show_consent(bpy.types.Operator):
    """Read the whole record: what is allowed, by whom it was signed, what body it is bound to"""

    bl_idname = "bodyscan.show_consent"
    bl_label = "Read the Record"

    person: person_property()

    rows = ()

    def invoke(self, context: Any, event: Any) -> set[str]:
        if self.execute(context) == {"CANCELLED"}:
            return {"CANCELLED"}
        return context.window_manager.invoke_popup(self, width=620)

    def execute(self, context: Any) -> set[str]:
        try:
            person = subject(context, self.person)
            text = person.consent or next(filter(None, map(people.consent_of, person.objects("twin"))), None)
            if text is None:
                raise InputError(f"{person.name} carries no consent record.")
            self.rows = consent_rows(text)
        except BodyscanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for label, value in self.rows:
            print(f"{label:<24}{value}")
        return {"FINISHED"}

    def draw(self, context: Any) -> None:
        column = self.layout.column(align=True)
        for label, value in self.rows:
            row = column.split(factor=0.28)
            row.label(text=label)
            lines = row.column(align=True)
            for line in _lines(value, LINE - 30):
                lines.label(text=line)


class BODYSCAN_OT_choose_use(bpy.types.Operator):
    """Say what the pictures and files of this scene are for; the consents are asked about that"""

    bl_idname = "bodyscan.choose_use"
    bl_label = "Choose the Use"
    bl_options = {"REGISTER", "UNDO"}

    purpose: bpy.props.EnumProperty(name="Purpose", items=PURPOSES)
    territory: bpy.props.StringProperty(name="Territory")
    medium: bpy.props.EnumProperty(name="Medium", items=MEDIA)
    licensee: bpy.props.StringProperty(name="Licensee")
    product_line: bpy.props.StringProperty(name="Product line")
    reference: bpy.props.StringProperty(
        name="Reference", description="Campaign, order or job, for the ledger"
    )

    def invoke(self, context: Any, event: Any) -> set[str]:
        said = context.scene.bodyscan
        for name in USE_FIELDS:
            if value := getattr(said, name):
                setattr(self, name, value)
        self.reference = context.scene.bodyscan_reference
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: Any) -> set[str]:
        try:
            Use(
                self.purpose,
                territory=self.territory or None,
                medium=medium_of(self.medium),
                licensee=self.licensee or None,
                product_line=self.product_line or None,
            )
        except BodyscanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        said = context.scene.bodyscan
        for name in USE_FIELDS:
            if value := getattr(self, name):
                setattr(said, name, value)
            else:
                said.property_unset(name)
        context.scene.bodyscan_reference = self.reference
        return report_verdicts(self, context)


class BODYSCAN_OT_check_consents(bpy.types.Operator):
    """Judge all twins of the file again, with the evidence as it is now"""

    bl_idname = "bodyscan.check_consents"
    bl_label = "Check Again"

    def execute(self, context: Any) -> set[str]:
        guard.forget_verdicts()
        return report_verdicts(self, context)


class BODYSCAN_OT_forget_person(bpy.types.Operator):
    """Delete all of a person from this file: scan, twin, images, record. The file on the disk changes when it
    is saved; earlier versions, backups and the undo history keep what they have"""

    bl_idname = "bodyscan.forget_person"
    bl_label = "Forget this Person"
    bl_options = {"REGISTER", "UNDO"}

    person: person_property()
    delete_folder: bpy.props.BoolProperty(
        name="Delete the working folder too",
        description="Scan, fit, texture and twin as the steps wrote them; this cannot be undone",
        default=True,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Any, event: Any) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, confirm_text="Forget")

    def execute(self, context: Any) -> set[str]:
        try:
            person = subject(context, self.person)
            name, folder = person.name, person.folder
            if self.delete_folder and folder is not None:
                forget_folder(folder, work_root(context))
            count = forget(person)
        except BodyscanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        kept = f" The working folder {folder} is still there." if folder and not self.delete_folder else ""
        self.report(
            {"INFO"},
            f"{name} is forgotten: {count} objects. Save the file to have it so on the disk; backups "
            f"(.blend1) and the undo history keep what they have until they are gone.{kept}",
        )
        return {"FINISHED"}


def report_verdicts(operator: Any, context: Any, persons: list[people.Person] | None = None) -> set[str]:
    """Judge the file's twins, withhold and give back, and report how the scene's stand."""
    withhold()
    shown = guard.likenesses_in(context.scene)
    if persons is not None:
        ids = {person.id for person in persons}
        shown = [item for item in shown if item.get(people.PERSON) in ids]
    verdicts = guard.once(guard.verdict_of(item, context.scene) for item in shown)
    if not verdicts:
        operator.report({"INFO"}, "There is nobody in this scene.")
    for verdict in verdicts:
        kind = "INFO" if verdict.is_allowed else "WARNING"
        operator.report({kind}, f"{verdict.name}, {use_words(verdict.use)}. {verdict.sentence}")
    return {"FINISHED"}


def _lines(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width) or [""]


CLASSES = (
    BODYSCAN_OT_load_consent,
    BODYSCAN_OT_show_consent,
    BODYSCAN_OT_choose_use,
    BODYSCAN_OT_check_consents,
    BODYSCAN_OT_forget_person,
)


def register() -> None:
    bpy.types.Scene.bodyscan_reference = bpy.props.StringProperty(
        name="Reference", description="Campaign, order or job: what the ledger calls the uses of this scene"
    )
    for item in CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
    del bpy.types.Scene.bodyscan_reference
