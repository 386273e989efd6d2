"""Whether limbs came out once: rays from the middle of each bone outwards, through the walls around it.

A limb that was seen in two places comes out with two walls, one inside the other, or as a sleeve that is too
thick. From points on the true bone, square to it, rays run out to just beyond the true wall: the
reconstruction must have one wall there, as far out as the true one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel, joint_positions
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import F64, BodyParams, Mesh

STATIONS = (0.3, 0.5, 0.7)
"""Along the bone."""
DIRECTIONS = 8
"""Even, so that each ray has one that runs the other way."""
BEYOND_M = 0.030
"""How far beyond the true wall a second one is looked for, unless another part begins there."""
CLEAR_M = 0.020
"""Rays whose next true wall is nearer than this say nothing."""
SAME_M = 0.0005
"""Crossings this near are one: rays through an edge meet both of its faces."""
FARTHEST_M = 0.6
DOUBLED_SHARE = 0.25
"""A limb is doubled where more than this share of its rays meet more than one wall."""


def _bones() -> dict[str, tuple[str, str]]:
    found = {"torso": ("hips", "upperChest")}
    for side in ("left", "right"):
        for start, end in (("UpperArm", "LowerArm"), ("LowerArm", "Hand"),
                           ("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot")):  # fmt: skip
            found[f"{side}{start}"] = (f"{side}{start}", f"{side}{end}")
    return found


BONES = _bones()


@dataclass(frozen=True)
class LimbErrors:
    """Of all limbs and the torso."""

    doubled: tuple[str, ...]
    """Limbs with two walls."""
    doubled_rays: float
    """Share of rays, 0..1, that meet more than one wall."""
    open_rays: float
    """Share of rays that meet none."""
    thickness_mm: float
    """Mean size of the error of the thickness."""
    thickness_bias_mm: float
    """Mean error of the thickness: above 0 where limbs came out thicker than they are."""
    thickest_mm: float
    """Greatest mean error of one limb."""


def limb_errors(mesh: Mesh, true_surface: Mesh, model: BodyModel, params: BodyParams) -> LimbErrors:
    """Of `mesh` against the true surface, both in the pose `params` of `model`, metres."""
    joints = joint_positions(model.pose(params).world_from_rest, model.rest_joints(params.betas))
    truth, made = Raycaster(true_surface), Raycaster(mesh)
    doubled, counts, off, worst = [], [], [], 0.0
    for name, (start, end) in BONES.items():
        ends = joints[model.joint_index(start)], joints[model.joint_index(end)]
        starts, ways = _rays(*ends)
        wall, reach = _walls(truth, starts, ways)
        known = np.isfinite(reach)
        if not known.any():
            continue
        crossings = [row[row < far] for row, far in zip(_crossings(made, starts, ways), reach, strict=True)]
        count = np.array([len(row) for row in crossings])[known]
        counts.append(count)
        if (count > 1).mean() > DOUBLED_SHARE:
            doubled.append(name)
        one = np.array([row[0] if len(row) == 1 else np.nan for row in crossings]) - wall
        both = (one + _opposite(one))[known]
        both = both[np.isfinite(both)] * 1000
        if len(both):
            off.append(both)
            worst = max(worst, abs(float(both.mean())))
    count, error = np.concatenate(counts), np.concatenate(off) if off else np.array([np.nan])
    return LimbErrors(
        tuple(doubled), float((count > 1).mean()), float((count == 0).mean()),
        float(np.abs(error).mean()), float(error.mean()), worst if off else np.nan,
    )  # fmt: skip


def _rays(start: F64, end: F64) -> tuple[F64, F64]:
    """Origins and unit directions (R, 3), station after station."""
    along = (end - start) / np.linalg.norm(end - start)
    first = np.cross(along, np.eye(3)[np.abs(along).argmin()])
    first /= np.linalg.norm(first)
    second = np.cross(along, first)
    turn = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    ways = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    places = np.array([start + share * (end - start) for share in STATIONS])
    return np.repeat(places, DIRECTIONS, axis=0), np.tile(ways, (len(places), 1))


def _opposite(values: F64) -> F64:
    """(R,) the values of the rays that run the other way."""
    return np.roll(values.reshape(-1, DIRECTIONS), DIRECTIONS // 2, axis=1).reshape(-1)


def _walls(truth: Raycaster, starts: F64, ways: F64) -> tuple[F64, F64]:
    """(R,) distance of the true wall, (R,) how far out a second one counts; NaN: no telling."""
    wall, reach = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    for k, row in enumerate(_crossings(truth, starts, ways)):
        if not len(row):
            continue
        gap = row[1] - row[0] if len(row) > 1 else np.inf
        if gap > CLEAR_M:
            wall[k], reach[k] = row[0], row[0] + min(BEYOND_M, gap / 2)
    return wall, reach


def _crossings(caster: Raycaster, starts: F64, ways: F64) -> list[F64]:
    """For each ray the distances, ascending, at which it goes through the surface."""
    ray, face = caster.pierced(starts, starts + FARTHEST_M * ways)
    corners = caster.mesh.vertices[caster.mesh.faces[face]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    across = np.einsum("nk,nk->n", normal, ways[ray])
    across = np.where(np.abs(across) < 1e-18, 1e-18, across)
    distance = np.einsum("nk,nk->n", normal, corners[:, 0] - starts[ray]) / across
    found = []
    for k in range(len(starts)):
        row = np.sort(distance[ray == k])
        found.append(row[np.diff(row, prepend=-np.inf) > SAME_M])
    return found
