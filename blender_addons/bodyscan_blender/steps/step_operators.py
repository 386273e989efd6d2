# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps' operators, registered; and what all that work on a person's scan have in common."""

from __future__ import annotations

import bpy

from . import export_step, fit_step, import_capture, person_operators, twin_step

CLASSES = (
    *import_capture.CLASSES,
    *fit_step.CLASSES,
    *twin_step.CLASSES,
    *export_step.CLASSES,
    *person_operators.CLASSES,
)


register, unregister = bpy.utils.register_classes_factory(CLASSES)
