# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person corrected in the scene, as the step `fit` takes it, and in words."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types import F32

from ..people import Person
from .distrust import distrust_of
from .fit_state import adjustments, present_params, shown_fit, work_folder
from .landmark_words import in_reading_order, words_of
from .landmarks import ignored, moved, places
from .pins import pinned, region_words

PREFIX, SUFFIX = ".untrusted-", ".npy"
"""Of the file in the working folder in which the step reads what is painted."""
NAMED = 3
"""Things that a sentence names one by one; more are counted."""


@dataclass(frozen=True, eq=False)
class Edits:
    """Everything that was corrected."""

    placed: dict[str, tuple[float, float, float]]
    """Landmark -> metres, bodyscan's world, the scan's frame."""
    ignored: tuple[str, ...]
    """Landmarks that the fit is not to look at."""
    pinned: tuple[str, ...]
    untrusted: F32 | None
    """(V,) 0..1 for each vertex of the working folder's scan."""
    betas: tuple[float, ...] | None
    """(S,) where sliders changed the shape."""
    pose_rotvec: tuple[tuple[float, ...], ...] | None
    """(J, 3) radians where sliders changed the pose."""


def edits_of(person: Person, *, anew: bool = False) -> Edits:
    """What was corrected. `anew`: only what a fit that begins anew can take: landmarks and distrust.

    Raises `InputError` where there is no scan, or no fit to go on from.
    """
    placed = places(person, moved(person))
    for name, place in placed.items():
        if not np.isfinite(place).all():
            raise InputError(
                f"{words_of(name)} lies nowhere (its location is no number). Put it back, or drag it."
            )
    untrusted = distrust_of(person)
    if anew:
        return Edits(placed, tuple(ignored(person)), (), untrusted, None, None)
    shown = shown_fit(person)
    betas, moves = adjustments(person)
    params = present_params(person, shown)
    return Edits(
        placed,
        tuple(ignored(person)),
        pinned(person),
        untrusted,
        None if betas is None else tuple(params.betas.tolist()),
        tuple(map(tuple, params.pose_rotvec.tolist())) if moves else None,
    )


def request_fields(person: Person, *, anew: bool = False) -> dict[str, Any]:
    """The fields of a request `fit` that say what was corrected, `start` among them.

    What is painted is written into the working folder; `tidy` deletes it when the step is over. Raises as
    `edits_of`, and `InputError` where the folder cannot be written.
    """
    edits = edits_of(person, anew=anew)
    path = None
    if edits.untrusted is not None:
        path = _write(work_folder(person).path, edits.untrusted)
    return {
        "start": "anew" if anew else "earlier",
        "placed": {name: list(place) for name, place in edits.placed.items()},
        "ignored": list(edits.ignored),
        "pinned": list(edits.pinned),
        "untrusted": None if path is None else str(path),
        "betas": None if edits.betas is None else list(edits.betas),
        "pose_rotvec": None if edits.pose_rotvec is None else [list(row) for row in edits.pose_rotvec],
    }


def tidy(person: Person) -> None:
    """Delete what `request_fields` wrote."""
    if person.folder is not None and person.folder.is_dir():
        for path in person.folder.glob(f"{PREFIX}*{SUFFIX}"):
            with contextlib.suppress(OSError):
                path.unlink()


def edit_words(person: Person, *, painted: str = "") -> list[str]:
    """What was corrected, a sentence a kind; empty where nothing was. `painted`: how much of the scan is."""
    found = []
    points = [words_of(name) for name in in_reading_order(list(moved(person)))]
    if points:
        found.append(f"Points placed by hand: {listed(points)}.")
    points = [words_of(name) for name in in_reading_order(ignored(person))]
    if points:
        found.append(f"Points ignored: {listed(points)}.")
    regions = [region_words(name).lower() for name in pinned(person)]
    if regions:
        found.append(f"Pinned: {listed(regions)}.")
    if painted:
        found.append(painted)
    betas, moves = adjustments(person)
    if betas is not None:
        found.append("The shape was changed with sliders.")
    if moves:
        found.append("The pose was changed with sliders.")
    return found


def listed(names: Sequence[str]) -> str:
    """`a, b and c`, or `a, b, c and 4 more`."""
    if len(names) > NAMED + 1:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _write(folder: Path, values: F32) -> Path:
    """Write an array into a file of its own, which its owner alone can read."""
    try:
        handle, name = tempfile.mkstemp(SUFFIX, PREFIX, folder)
        with os.fdopen(handle, "wb") as file:
            np.save(file, np.asarray(values, np.float32), allow_pickle=False)
    except OSError as error:
        raise InputError(f"The working folder {folder} cannot be written ({error.strerror}).") from None
    return Path(name)
