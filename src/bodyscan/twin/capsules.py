"""Tapered capsules around the main bones, for engines that collide with nothing else.

Each is fitted to the skin that its bone moves most: the one that leaves a tenth of it outside and lies
closest to it (quantile regression on the signed distance, Koenker and Bassett, "Regression quantiles",
1978), and that does not stand out of the skin of other bones. VRM spring bones and Unity's cloth take such
capsules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from bodyscan.body.hidden_parts import hidden_vertices
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.normals import vertex_areas
from bodyscan.types import F64, I32, Bool, Capsule, Rig, Skeleton

_LIMBS = ("Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
CAPSULE_JOINTS: tuple[str, ...] = (
    *("hips", "spine", "chest", "upperChest", "neck", "head"),
    *(side + part for side in ("left", "right") for part in _LIMBS),
)
"""The 20 bones that get a capsule; fingers count to the hand, toes to the foot, jaw and eyes to the head."""
ENCLOSED = 0.9
"""Share of the skin that a capsule encloses."""
SOFT_M = 0.0005
"""Distances below this count quadratically, so that the fit is smooth."""
STANDING_OUT = 4.0
"""Cost of what stands out of other bones' skin by more than"""
STANDING_OUT_M = 0.004
"""this, against what is outside of a capsule."""
MOST_POINTS = 220
MOST_OTHERS = 700
LEAST_POINTS = 8
LEAST_RADIUS_M, MOST_RADIUS_M = 0.008, 0.5

_Found = tuple[float, F64]
"""Loss and parameters: start, end, start radius, end radius (8,)."""


@dataclass(frozen=True, eq=False)
class _Skin:
    """The skin that one bone moves."""

    points: F64
    """(N, 3) metres."""
    weights: F64
    """(N,) share of the area, summing to 1."""
    others: F64
    """(M, 3) metres: skin that other bones move."""


def bone_capsules(model: BodyModel, rig: Rig) -> tuple[Capsule, ...]:
    """Return one capsule for each of `CAPSULE_JOINTS`, in the rig's bind pose, world frame, metres.

    `rig`: on the body's topology or its split vertices, any joint set. Raises `InputError` where the rig is
    on another surface, or a bone moves no skin.
    """
    skeleton = rig.skeleton
    owner = _owners(skeleton)
    moved_by = owner[rig.joint_indices[:, 0]]
    areas = vertex_areas(rig.mesh.vertices, rig.mesh.faces)
    skin = _skin_vertices(model, len(rig.mesh.vertices))
    everywhere = np.flatnonzero(skin)
    skins: dict[str, _Skin] = {}
    found: dict[str, list[_Found]] = {}
    for name in CAPSULE_JOINTS:
        joint = skeleton.joint_names.index(name)
        own = everywhere[moved_by[everywhere] == joint]
        if len(own) < LEAST_POINTS:
            raise InputError(
                f"The bone {name} moves {len(own)} skin vertices; a capsule needs {LEAST_POINTS}. Give a rig "
                "made by rig_body."
            )
        others = everywhere[moved_by[everywhere] != joint]
        own = own[:: max(1, len(own) // MOST_POINTS)]
        others = others[:: max(1, len(others) // MOST_OTHERS)]
        weights = np.maximum(areas[own], 1e-12)
        skins[name] = _Skin(rig.mesh.vertices[own], weights / weights.sum(), rig.mesh.vertices[others])
        found[name] = [_fitted(skins[name], guess) for guess in _axes(skeleton, joint, skins[name])]
    # What fits one side best is tried on the other: a symmetric person gets symmetric capsules.
    best = {name: min(results, key=lambda result: result[0])[1] for name, results in found.items()}
    for name, other in ((name, _other_side(name)) for name in CAPSULE_JOINTS):
        if other != name:
            found[name].append(_fitted(skins[name], _mirrored(best[other], skeleton)))
    return tuple(
        _capsule(name, min(results, key=lambda result: result[0])[1]) for name, results in found.items()
    )


def _other_side(name: str) -> str:
    if name.startswith("left"):
        return "right" + name.removeprefix("left")
    return "left" + name.removeprefix("right") if name.startswith("right") else name


def _mirrored(parameters: F64, skeleton: Skeleton) -> F64:
    """(8,) on the other side of the plane between the thighs' joints."""
    left, right = (skeleton.positions[skeleton.joint_names.index(f"{s}UpperLeg")] for s in ("left", "right"))
    normal = (left - right) / max(float(np.linalg.norm(left - right)), 1e-9)
    out = np.array(parameters)
    for part in (slice(0, 3), slice(3, 6)):
        out[part] -= 2 * ((parameters[part] - (left + right) / 2) @ normal) * normal
    return out


def _capsule(name: str, parameters: F64) -> Capsule:
    return Capsule(name, parameters[:3], parameters[3:6], float(parameters[6]), float(parameters[7]))


def signed_distance(points: F64, capsule: Capsule) -> F64:
    """(N, 3) metres -> (N,) metres to the surface of a tapered capsule, negative inside.

    The surface is the hull of two balls: two spherical caps and the cone that touches both. Where one ball
    holds the other it is the larger ball.
    """
    parameters = np.concatenate([capsule.start, capsule.end, [capsule.start_radius_m, capsule.end_radius_m]])
    return _distance(np.asarray(points, np.float64), parameters)[0]


def _distance(points: F64, parameters: F64) -> tuple[F64, F64]:
    """Signed distance (N,) and its derivative (N, 8) by start, end and the two radii.

    The nearest ball of the sweep is the one from which the point is seen at right angles to the cone; by the
    envelope theorem its place along the axis can be held for the derivative.
    """
    start, end, (r0, r1) = parameters[:3], parameters[3:6], parameters[6:]
    axis = end - start
    length = float(np.sqrt(axis @ axis))
    if length <= abs(r0 - r1) + 1e-9:
        share: F64 = np.full(len(points), 0.0 if r0 >= r1 else 1.0)
    else:
        along = np.einsum("nk,k->n", points - start, axis / length)
        beside = np.sqrt(np.maximum(((points - start) ** 2).sum(axis=1) - along * along, 0))
        sine = (r0 - r1) / length
        share = np.clip((along - beside * sine / np.sqrt(1 - sine * sine)) / length, 0, 1)
    away = points - start - share[:, None] * axis
    size = np.sqrt((away * away).sum(axis=1))
    away /= np.maximum(size, 1e-12)[:, None]
    rest = (1 - share)[:, None]
    by = np.concatenate([-rest * away, -share[:, None] * away, -rest, -share[:, None]], axis=1)
    distance: F64 = size - (r0 + share * (r1 - r0))
    return distance, by


def _owners(skeleton: Skeleton) -> I32:
    """(J,) the joint of `CAPSULE_JOINTS` that each joint counts to: itself or its nearest ancestor."""
    missing = sorted(set(CAPSULE_JOINTS) - set(skeleton.joint_names))
    if missing:
        raise InputError(
            f"The skeleton lacks {', '.join(missing[:4])}; capsules need the VRM humanoid names of the main "
            f"bones. It has: {', '.join(skeleton.joint_names)}."
        )
    out = np.zeros(len(skeleton.joint_names), np.int32)
    for joint, name in enumerate(skeleton.joint_names):
        out[joint] = joint if name in CAPSULE_JOINTS else out[max(int(skeleton.parents[joint]), 0)]
    return out


def _skin_vertices(model: BodyModel, count: int) -> Bool:
    """(count,) the vertices that can be touched: no mouth, sockets, eyeballs, teeth and tongue."""
    loose = hidden_vertices(model)
    if count == model.num_vertices:
        return ~loose
    if count == len(model.split_source):
        return ~loose[model.split_source]
    raise InputError(
        f"The rig has {count} vertices; the body model has {model.num_vertices}, or "
        f"{len(model.split_source)} split at texture seams. Give the rig that rig_body made."
    )


def _axes(skeleton: Skeleton, joint: int, skin: _Skin) -> list[F64]:
    """First guesses (8,): along the bone, and along the skin's longest direction."""
    centre = skin.weights @ skin.points
    spread = (skin.points - centre).T @ ((skin.points - centre) * skin.weights[:, None])
    directions = [np.linalg.eigh(spread)[1][:, 2]]
    children = np.flatnonzero(skeleton.parents == joint)
    if len(children):
        bone = skeleton.positions[children].mean(axis=0) - skeleton.positions[joint]
        directions.insert(0, bone / max(float(np.linalg.norm(bone)), 1e-9))
    guesses = []
    for direction in directions:
        # The sign must not hang on the eigenvector's: the capsule starts nearer to the joint.
        if direction @ (centre - skeleton.positions[joint]) < 0:
            direction = -direction
        along = (skin.points - centre) @ direction
        beside = np.sqrt(np.maximum(((skin.points - centre) ** 2).sum(axis=1) - along**2, 0))
        radius = max(float(skin.weights @ beside), LEAST_RADIUS_M)
        half = max(float(np.abs(along).max()) - radius, 0.1 * radius)
        ends = centre - half * direction, centre + half * direction
        guesses.append(np.concatenate([*ends, [radius, radius]]))
    return guesses


def _fitted(skin: _Skin, guess: F64) -> _Found:
    bounds = [(None, None)] * 6 + [(LEAST_RADIUS_M, MOST_RADIUS_M)] * 2
    result = minimize(
        _loss, guess, args=(skin,), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 80}
    )
    return float(result.fun), np.asarray(result.x, np.float64)


def _loss(parameters: F64, skin: _Skin) -> tuple[float, F64]:
    """Metres, and its derivative (8,): the mean pinball loss, least where 1 - `ENCLOSED` of the skin is
    outside, and what stands out of other bones' skin."""
    distance, by = _distance(skin.points, parameters)
    root = np.sqrt(distance * distance + SOFT_M * SOFT_M)
    cost = skin.weights * np.where(distance > 0, ENCLOSED, 1 - ENCLOSED)
    total = float((cost * (root - SOFT_M)).sum())
    slope = np.einsum("n,nk->k", cost * distance / root, by)
    if len(skin.others):
        other, other_by = _distance(skin.others, parameters)
        deep = np.maximum(-other - STANDING_OUT_M, 0)
        share = STANDING_OUT / len(skin.others)
        total += share * deep.sum()
        slope -= share * other_by[deep > 0].sum(axis=0)
    return float(total), slope
