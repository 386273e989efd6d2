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
    "shown_results",
    "task",
    "step_settings",
    "steps_session",
    "step_operators",
    "main_panel",
    "landmarks",
    "landmark_tools",
    "swatches",
    "pins",
    "distrust_tools",
    "heat_map",
    "before_after",
    "shape_sliders",
    "pose_sliders",
    "refit",
    "edit_refresh",
    "edit_panel",
    "guard",
    "gltf_hooks",
    "consent_ops",
    "consent_panel",
    "overlay",
    "twin_import",
    "poses",
    "rig_operators",
    "rig_export",
    "cloth",
    "rigify",
    "rig_panel",
    "expressions",
    "face_panel",
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
