# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""bodyscan in Blender: from a person's scan to their digital twin, with the person's consent in sight.

Each module of `MODULES` has `register()` and `unregister()`. What the add-on does lies in the package
`bodyscan`, which comes in this extension's wheels and knows nothing of Blender; here are the operators,
panels and handlers around it.
"""

from __future__ import annotations

import importlib
from types import ModuleType

MODULES = (
    "settings",
    "steps.shown_results",
    "task",
    "steps.step_settings",
    "steps.steps_session",
    "steps.step_operators",
    "steps.main_panel",
    "edit.landmarks",
    "edit.landmark_tools",
    "edit.swatches",
    "edit.pins",
    "edit.distrust_tools",
    "edit.heat_map",
    "edit.before_after",
    "edit.shape_sliders",
    "edit.pose_sliders",
    "edit.refit",
    "edit.edit_refresh",
    "edit.edit_panel",
    "guards.guard",
    "guards.gltf_hooks",
    "consent.consent_ops",
    "consent.consent_panel",
    "consent.overlay",
    "twin.twin_import",
    "rig.poses",
    "rig.rig_operators",
    "rig.rig_export",
    "rig.cloth",
    "rig.rigify",
    "rig.rig_panel",
    "rig.expressions",
    "rig.face_panel",
)
"""In the order in which they are registered."""

_registered: list[ModuleType] = []


def register() -> None:
    """Register all modules, or none where one fails."""
    try:
        for name in MODULES:
            module = importlib.import_module(f".{name}", __package__)
            module.register()
            _registered.append(module)
    except BaseException:
        unregister()
        raise


def unregister() -> None:
    """Take back what `register` did, last first."""
    while _registered:
        _registered.pop().unregister()
