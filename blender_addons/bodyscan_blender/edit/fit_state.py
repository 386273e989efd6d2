# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fit the scene shows, and what was changed in it by hand since.

What sliders changed is a custom property of the person's collection, so that undo takes it back; it names
the fit that it is of, and counts for no other. Results in a folder never change: what is read of one is kept
by its path.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.steps.arrays import read_fit, read_scan
from bodyscan.steps.folder import WorkFolder
from bodyscan.types import F64, BodyFit, BodyParams, ScanMesh

from ..mesh_data import set_positions
from ..steps.shown_results import current_results, shown
from .pose_moves import moved_pose

ADJUSTED = "bodyscan_adjusted"
"""Of a person's collection: the result that was changed by hand, its `betas` and the `moves` of its pose."""
_KEPT_FITS = 3


@dataclass(frozen=True, eq=False)
class Shown:
    """A fit of the working folder and the body that it was made with."""

    result: str
    fit: BodyFit
    model: BodyModel


def work_folder(person: Any) -> WorkFolder:
    """A person's working folder. Raises `InputError` where there is none, as for a twin read from a file."""
    if person.folder is None:
        raise InputError(f"{person.name} has no working folder; import the person's scan to edit a fit.")
    return WorkFolder(person.folder)


def shown_result(person: Any) -> str:
    """Name of the fit that the scene shows, or of the folder's current one where it shows none.

    Raises `InputError` where there is none.
    """
    folder = work_folder(person)
    name = shown(person).get("fit")
    if name is None:
        name = current_results(folder).get("fit")
    if name is None:
        raise InputError(f"{person.name} has no fit yet; run the step Fit first.")
    return name


def shown_fit(person: Any) -> Shown:
    """The fit that the scene shows. Raises `InputError` where there is none, or it cannot be read."""
    name = shown_result(person)
    fit = _read(str(work_folder(person).path / "results" / name / "fit.npz"))
    return Shown(name, fit, model_named(fit.model_name))


def has_fit(person: Any) -> bool:
    """Whether a fit can be read; asks the disk for names alone."""
    try:
        return bool(shown_result(person))
    except InputError:
        return False


def scan_of(person: Any) -> ScanMesh:
    """The working folder's scan, world frame. Raises `InputError` where there is none."""
    return _scan(str(work_folder(person).file("scan", "scan.npz")))


def model_named(name: str) -> BodyModel:
    """The packaged body of a name. Raises `InputError` for a user's own, which is not in Blender."""
    for age in ("adult", "child"):
        model = load_body_model(age)
        if model.name == name:
            return model
    raise InputError(
        f"The fit was made with the body model '{name}', which is not the packaged one: landmarks and "
        "sliders know the packaged one only."
    )


def adjustments(person: Any) -> tuple[F64 | None, dict[str, float]]:
    """Shape (S,) and moves (name -> degrees) that were set by hand on the shown fit; (None, {}) for none."""
    held = person.collection.get(ADJUSTED)
    if held is None or held.get("result") != _name_or_none(person):
        return None, {}
    betas = held.get("betas")
    moves = held.get("moves")
    return (
        None if betas is None else np.array(betas.to_list(), dtype=np.float64),
        {} if moves is None else {str(name): float(value) for name, value in moves.items()},
    )


def adjust(person: Any, *, betas: F64 | None = None, moves: dict[str, float] | None = None) -> None:
    """Remember a shape or the moves of a pose; what is not given stays as it is."""
    old_betas, old_moves = adjustments(person)
    betas = old_betas if betas is None else betas
    held: dict[str, Any] = {"result": shown_result(person)}
    if betas is not None:
        held["betas"] = [float(value) for value in betas]
    chosen = {name: float(v) for name, v in (old_moves if moves is None else moves).items() if abs(v) > 1e-6}
    if chosen:
        held["moves"] = chosen
    person.collection[ADJUSTED] = held


def forget_adjustments(person: Any, *, shape: bool = True, pose: bool = True) -> None:
    """Take back the shape, the pose, or both, to those of the fit."""
    betas, moves = adjustments(person)
    if ADJUSTED in person.collection:
        del person.collection[ADJUSTED]
    if betas is not None and not shape:
        adjust(person, betas=betas)
    if moves and not pose:
        adjust(person, moves=moves)


def present_params(
    person: Any, shown: Shown, *, betas: F64 | None = None, moves: dict[str, float] | None = None
) -> BodyParams:
    """The body's parameters as the scene has them: the fit's, with what was changed by hand.

    `betas` or `moves` stand in the place of what the scene remembers.
    """
    held_betas, held_moves = adjustments(person)
    betas = held_betas if betas is None else betas
    moves = held_moves if moves is None else moves
    params = shown.fit.params
    if betas is not None:
        params = replace(params, betas=betas)
    if any(moves.values()):
        params = replace(params, pose_rotvec=moved_pose(shown.model, shown.fit.params, moves))
    return params


def fitted_surface(person: Any) -> Any:
    """The object that shows the fitted surface. Raises `InputError` where there is none."""
    item = person.object("surface")
    if item is None or item.type != "MESH":
        raise InputError(f"{person.name}'s fitted surface is not in the scene; run the step Fit again.")
    return item


def write_surface(person: Any, points: F64) -> None:
    """Put the fitted surface's vertices at (V, 3) metres, world frame. Raises `InputError` for another V."""
    mesh = fitted_surface(person).data
    if len(mesh.vertices) != len(points):
        raise InputError(
            f"The surface in the scene has {len(mesh.vertices)} vertices and the body has {len(points)}: it "
            "was cut or subdivided. Run the step Fit again to get it back."
        )
    set_positions(mesh, points)


@lru_cache(maxsize=_KEPT_FITS)
def _read(path: str) -> BodyFit:
    return read_fit(Path(path))


@lru_cache(maxsize=1)
def _scan(path: str) -> ScanMesh:
    return read_scan(Path(path))


def _name_or_none(person: Any) -> str | None:
    try:
        return shown_result(person)
    except InputError:
        return None
