"""What a person set right in a fit, and the start of another fit from there.

A landmark that a person has put in its place moves the body there before anything of the scan is looked at,
and is taken for no mistake, however far off. It leads the coarse levels as a detector's does; at the fine
ones the scan's surface decides wherever it shows something, for an eye is a centimetre off about where a
joint lies inside a limb. Where the scan shows nothing, or is marked as not to be trusted, the point holds. A
part that is pinned keeps pose and shape, whatever the scan says there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from bodyscan.body.landmarks import detector_points
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.fit.landmark_term import joined
from bodyscan.fit.solve import LandmarkTerm, Problem, follow_landmarks
from bodyscan.types import F64, BodyParams, Landmarks

PLACED_SIGMA_M = 0.004
"""How far off a person puts a point with the mouse on a screen."""
PINNED_SIGMA_M = 0.002
PINNED_POINTS = 60
"""Vertices that hold a region: a rigid part needs three, a soft one a few dozen."""
ANCHOR_SIGMA_M = 0.05
"""How loosely all joints stay where they are while the corrected points are followed: an arm may follow its
wrist, and the other arm has no reason to move."""
FOLLOW_BETAS = 10


@dataclass(frozen=True, eq=False)
class Corrections:
    """What was set right in an earlier fit of the same scan."""

    start: BodyParams
    """The parameters of that fit, from which the next goes on."""
    placed: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Name of a landmark (`bodyscan.body.landmarks.LANDMARK_NAMES`) -> where a person put it, metres, world
    frame."""
    pinned: tuple[str, ...] = ()
    """Regions of the body that keep the pose and the shape that they have in `start`."""


def with_placed(
    landmarks: Landmarks | None, placed: Mapping[str, tuple[float, float, float]]
) -> Landmarks | None:
    """`landmarks` with the placed points (as in `Corrections`) in the detector's place, fully trusted.

    Raises `InputError` for a name that is no landmark's and for a place that is no point.
    """
    for name, point in placed.items():
        if not np.isfinite(point).all() or np.shape(point) != (3,):
            raise InputError(f"The landmark {name} was put at {point}; give three finite numbers in metres.")
    if not placed:
        return landmarks
    places = np.array(list(placed.values()), dtype=np.float64)
    sure = np.ones(len(placed), np.float32)
    if landmarks is None:
        return Landmarks(tuple(placed), places, sure, source="person")
    kept = [k for k, name in enumerate(landmarks.names) if name not in placed]
    return Landmarks(
        names=(*(landmarks.names[k] for k in kept), *placed),
        positions=np.concatenate([landmarks.positions[kept], places]),
        confidence=np.concatenate([landmarks.confidence[kept], sure]),
        source=f"{landmarks.source}, person",
    )


def without_ignored(landmarks: Landmarks | None, ignored: Sequence[str]) -> Landmarks | None:
    """`landmarks` without those that a person said are found in a wrong place; None where none is left.

    Raises `InputError` for a name that is none of them.
    """
    if not ignored:
        return landmarks
    known = () if landmarks is None else landmarks.names
    if unknown := [name for name in ignored if name not in known]:
        raise InputError(f"The landmark {unknown[0]} was not found on this scan, so it cannot be ignored.")
    assert landmarks is not None
    kept = [k for k, name in enumerate(landmarks.names) if name not in ignored]
    if not kept:
        return None
    return replace(
        landmarks,
        names=tuple(landmarks.names[k] for k in kept),
        positions=landmarks.positions[kept],
        confidence=landmarks.confidence[kept],
        kind=tuple(landmarks.kind[k] for k in kept) if landmarks.kind else (),
    )


def held_points(model: BodyModel, corrections: Corrections) -> LandmarkTerm | None:
    """The placed landmarks and the pinned regions, as points that yield to nothing; None where none are.

    Raises `InputError` for a landmark or a region that the model does not have, and for a start that is not
    of this model.
    """
    _check_start(model, corrections.start)
    terms = []
    if corrections.placed:
        points = detector_points(model).subset(tuple(corrections.placed))
        places = np.array(list(corrections.placed.values()), dtype=np.float64)
        terms.append(_certain(places, points.over_vertices, points.over_joints, PLACED_SIGMA_M))
    if corrections.pinned:
        terms.append(_pins(model, corrections))
    if not terms:
        return None
    return terms[0] if len(terms) == 1 else joined(*terms)


def with_held(term: LandmarkTerm | None, held: LandmarkTerm | None) -> LandmarkTerm | None:
    """Both terms as one; either may be missing."""
    if term is None or held is None:
        return held if term is None else term
    return joined(term, held)


def start_from(problem: Problem, corrections: Corrections, held: LandmarkTerm | None) -> BodyParams:
    """The earlier fit's parameters, its limbs moved to where the placed landmarks are.

    `held`: `held_points` of the corrections. `problem.landmarks` are not used: only what a person said moves
    the body here.
    """
    model, start = problem.model, corrections.start
    if held is None or not corrections.placed:
        return start
    joints = model.pose(start).joints
    anchors = LandmarkTerm(
        joints,
        sparse.csr_matrix((len(joints), model.num_vertices)),
        sparse.csr_matrix(sparse.identity(len(joints))),
        np.full(len(joints), ANCHOR_SIGMA_M),
    )
    return follow_landmarks(replace(problem, landmarks=joined(anchors, held)), start, FOLLOW_BETAS)


def _check_start(model: BodyModel, start: BodyParams) -> None:
    if start.pose_rotvec.shape != (model.num_joints, 3) or start.betas.shape != (model.num_components,):
        raise InputError(
            f"The fit to go on from has {len(start.pose_rotvec)} joints and {len(start.betas)} components; "
            f"the body model '{model.name}' has {model.num_joints} and {model.num_components}. Fit anew."
        )


def _pins(model: BodyModel, corrections: Corrections) -> LandmarkTerm:
    vertices = model.pose(corrections.start).vertices
    ids = []
    for name in corrections.pinned:
        members = np.flatnonzero(model.region(name) & ~model.inner)
        ids.append(members[np.linspace(0, len(members) - 1, min(PINNED_POINTS, len(members))).astype(int)])
    chosen = np.unique(np.concatenate(ids))
    count = len(chosen)
    rows = sparse.csr_matrix((np.ones(count), (np.arange(count), chosen)), shape=(count, model.num_vertices))
    return _certain(vertices[chosen], rows, sparse.csr_matrix((count, model.num_joints)), PINNED_SIGMA_M)


def _certain(
    targets: F64, over_vertices: sparse.csr_matrix, over_joints: sparse.csr_matrix, sigma_m: float
) -> LandmarkTerm:
    count = len(targets)
    return LandmarkTerm(
        targets,
        over_vertices,
        over_joints,
        np.full(count, sigma_m),
        least_weight=np.ones(count),
        certain=np.ones(count, dtype=bool),
    )
