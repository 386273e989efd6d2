# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sliders of shape and pose share: they change what the scene remembers, and the surface at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bodyscan.types import F64

from ..mesh_points import get_positions
from ..people import Person
from ..scan.scan_object import leave_edit_mode
from .fit_preview import preview
from .fit_state import (
    Shown,
    adjust,
    adjustments,
    fitted_surface,
    forget_adjustments,
    present_params,
    shown_fit,
    write_surface,
)

KIND = "bodyscan_adjusted_surface"
"""Of a person's collection: `surface` or `skin`, what the scene showed when the first slider was moved."""
SAME_M = 1e-5
AFTER_CHANGE: list[Callable[[Person], None]] = []
"""Called when sliders have changed the surface in the scene."""


def change(person: Person, *, betas: F64 | None = None, moves: dict[str, float] | None = None) -> None:
    """Set the shape (S,) or the moves of the pose, and show the surface with them.

    Raises `InputError` where there is no fit, or the surface is missing or was cut: then nothing changes.
    """
    shown = shown_fit(person)
    item = fitted_surface(person)
    leave_edit_mode(item)
    old_betas, old_moves = adjustments(person)
    if old_betas is None and not old_moves:
        person.collection[KIND] = _kind(shown, item.data)
    write_surface(person, _vertices(person, shown, betas, moves))
    adjust(person, betas=betas, moves=moves)
    for after in AFTER_CHANGE:
        after(person)


def reset(person: Person, *, shape: bool = True, pose: bool = True) -> None:
    """Take back what sliders did to the shape, to the pose, or to both. Raises as `change`."""
    shown = shown_fit(person)
    leave_edit_mode(fitted_surface(person))
    betas, moves = adjustments(person)
    if betas is None and not moves:
        return
    forget_adjustments(person, shape=shape, pose=pose)
    write_surface(person, _vertices(person, shown, None, None))
    for after in AFTER_CHANGE:
        after(person)


def _vertices(person: Person, shown: Shown, betas: F64 | None, moves: dict[str, float] | None) -> F64:
    """(V, 3) of the surface at what the scene remembers, or at what is given in its place."""
    params = present_params(person, shown, betas=betas, moves=moves)
    kind = str(person.collection.get(KIND, "surface"))
    if params is shown.fit.params:  # as it was fitted, to the last bit
        return shown.fit.skin.vertices if kind == "skin" else shown.fit.surface.vertices
    return preview(shown.model, shown.fit, params, kind).vertices


def _kind(shown: Shown, mesh: Any) -> str:
    """Which of the fit's surfaces an untouched mesh shows."""
    there = get_positions(mesh)
    skin = shown.fit.skin.vertices
    if there.shape != skin.shape or np.abs(there - shown.fit.surface.vertices).max() < SAME_M:
        return "surface"
    return "skin" if np.abs(there - skin).max() < SAME_M else "surface"
