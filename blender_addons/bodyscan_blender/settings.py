# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sets: in the preferences once for all files, in the scene what its pictures are for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from bodyscan.consent import Medium, Purpose, Use

PACKAGE = str(__package__)
"""The add-on's main module, by whatever name Blender gave it."""
PURPOSES = [(str(p), str(p).replace("_", " ").capitalize(), "") for p in Purpose]
NOT_STATED = "NOT_STATED"
"""A medium that nobody named: Blender takes an empty name for a heading."""
MEDIA = [
    (NOT_STATED, "Not stated", "Only a record for all media allows that"),
    *((str(m), str(m), "") for m in Medium),
]


class BodyscanPreferences(bpy.types.AddonPreferences):
    """The same for every file."""

    bl_idname = PACKAGE

    command: bpy.props.StringProperty(
        name="bodyscan command",
        description="The program that reconstructs and fits. Empty: looked for on the search path",
        subtype="FILE_PATH",
    )
    work_root: bpy.props.StringProperty(
        name="Working folders",
        description="Where scans and fits are kept in work. Empty: beside Blender's own settings",
        subtype="DIR_PATH",
    )
    evidence: bpy.props.StringProperty(
        name="Evidence",
        description="Folder of withdrawals, status lists, key histories and trusted keys",
        subtype="DIR_PATH",
    )
    ledger: bpy.props.StringProperty(
        name="Ledger",
        description="File in which every use is written down. Empty: the default of the bodyscan command",
        subtype="FILE_PATH",
    )

    def draw(self, context: Any) -> None:
        for name in ("command", "work_root", "evidence", "ledger"):
            self.layout.prop(self, name)


class BodyscanScene(bpy.types.PropertyGroup):
    """What the pictures and files of this scene are for: the use that consents are asked about."""

    purpose: bpy.props.EnumProperty(
        name="Purpose",
        items=PURPOSES,
        default=str(Purpose.MAKE_TWIN),
        description="What the twin is used for",
    )
    territory: bpy.props.StringProperty(
        name="Territory", description="`worldwide` or an ISO 3166-1 code. Empty: not stated"
    )
    medium: bpy.props.EnumProperty(name="Medium", items=MEDIA, description="Where it is shown")
    licensee: bpy.props.StringProperty(
        name="Licensee", description="Who uses it: a name in the record. Empty: the controller"
    )
    product_line: bpy.props.StringProperty(name="Product line", description="Empty: not stated")


def preferences(context: Any) -> Any | None:
    """The add-on's preferences, or None where it is registered from its source."""
    addon = context.preferences.addons.get(PACKAGE)
    return addon.preferences if addon is not None else None


def preference(context: Any, name: str) -> Path | None:
    """A path of the preferences, absolute, or None where it is empty."""
    found = preferences(context)
    text = getattr(found, name) if found is not None else ""
    return Path(bpy.path.abspath(text)) if text else None


def medium_of(said: str) -> Medium | None:
    """Return the medium that an item of `MEDIA` stands for."""
    return None if said == NOT_STATED else Medium(said)


def use_of(scene: Any) -> Use:
    """The use that a scene states. Raises `InputError` for a territory that is none."""
    said = scene.bodyscan
    return Use(
        Purpose(said.purpose),
        territory=said.territory or None,
        medium=medium_of(said.medium),
        licensee=said.licensee or None,
        product_line=said.product_line or None,
    )


CLASSES = (BodyscanPreferences, BodyscanScene)


def register() -> None:
    for item in CLASSES:
        bpy.utils.register_class(item)
    bpy.types.Scene.bodyscan = bpy.props.PointerProperty(type=BodyscanScene)


def unregister() -> None:
    del bpy.types.Scene.bodyscan
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
