"""What a seal says of a rig, whatever its joints are called and in whatever order they stand.

Tools rename joints, reorder them and put roots above them; none of this moves a body otherwise. What does is
where the joints stand and how much each pulls at each place. So the seal holds the places of the joints that
carry weight, and at some points of the surface the mean place of the joints that pull there, weighted as they
pull, and how far they lie around it. Weights that go to another joint move the mean; weights that spread to
both sides of it widen the distance.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bodyscan.consent.content import JOINT_GRID_M, BodyContent
from bodyscan.consent.fields import StrictModel
from bodyscan.consent.fingerprint import STEP_M
from bodyscan.consent.seal.digests import Digest, used_vertices
from bodyscan.consent.seal.points import SurfacePoints, check_index, pack_rows, spread_out, unpack_rows
from bodyscan.consent.seal.report import PartReport, PartVerdict
from bodyscan.errors import InputError
from bodyscan.types import F32, F64, U16

RIG_PREFIX = "rig-sha256-v1:"
_HEADER = b"bodyscan rig v1\n"
POINTS = 208
"""Places of the surface at which the pull is told; each joint's own come first."""
EACH_JOINT = 2
JOINT_MM = 1.0
"""Largest distance up to which a joint stands where it stood, mm."""
MAX_MM, MEAN_MM = 8.0, 0.8
"""Largest and mean change of the pull up to which weights are the same ones, mm."""
CARRIES = 0.1
"""Largest weight of a joint above which it is told; packers round small weights away."""
NEAR_M = 0.02
"""Metres; joints nearer together than this are told apart little: of a far joint a weight as small as a
packer's last bit would otherwise weigh with its root."""
STEADY_M = 4e-3
"""How much the pull may change within `JITTER_M` at a point that is chosen, metres."""
_JOINT = np.dtype([("place", "<i2", 3)])
_PULL = np.dtype([("point", "<u2"), ("mean", "<i2", 3), ("around", "<i2")])
Rows = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=6_000)]


class RigSeal(StrictModel):
    """What a binding says about a body's skeleton and skin weights."""

    digest: Annotated[str, Field(pattern=f"^{RIG_PREFIX}[0-9a-f]{{64}}$")]
    """`rig_digest`."""
    joints: Rows
    """Base64 of (J, 3) int16, little-endian: joints that carry weight, tenths of a millimetre."""
    pulls: Rows
    """Base64 of rows (uint16 index of a point of the fingerprint, 3 int16 mean place of its joints, int16
    distance of the joints around it), little-endian, tenths of a millimetre."""


def seal_rig(content: BodyContent, at: SurfacePoints) -> RigSeal | None:
    """Return the seal of a rig, None where the body has none. `at`: the points of its fingerprint.

    Raises `InputError` where a joint lies further than 3.2 m from the origin.
    """
    if not content.is_skinned:
        return None
    carrying = content.joint_positions[_largest_weights(content) >= CARRIES]
    if carrying.size and np.abs(carrying).max() > 32_000 * STEP_M:
        raise InputError("a joint lies further than 3.2 m from the origin. Is the unit metres?")
    steps = np.unique(np.rint(carrying / STEP_M).astype(np.int64), axis=0)
    chosen = _chosen(content, at)
    here = at.nearest.values(pull(content))[chosen]
    return RigSeal(
        digest=rig_digest(content),
        joints=pack_rows(_JOINT, place=steps),
        pulls=pack_rows(
            _PULL,
            point=chosen,
            mean=np.rint(here[:, :3] / STEP_M),
            around=np.rint(here[:, 3] / STEP_M),
        ),
    )


def compare_rig(seal: RigSeal | None, content: BodyContent, at: SurfacePoints) -> PartReport:
    """Return how a body's rig matches a seal. `at`: the points of the sealed fingerprint on this body."""
    if seal is not None and (why := content.problems.get("rig")):
        return PartReport(PartVerdict.ALTERED, why)
    if why := content.unread.get("rig"):
        return PartReport(PartVerdict.UNREAD, why)
    if seal is None:
        if content.is_skinned:
            return PartReport(PartVerdict.ADDED, "the file has a skeleton; the bound body has none")
        return PartReport(PartVerdict.UNBOUND, "neither the file nor the binding has a skeleton")
    if not content.is_skinned:
        return PartReport(PartVerdict.MISSING, "the file has no skeleton")
    if rig_digest(content) == seal.digest:
        return PartReport(PartVerdict.EXACT, "joints and weights are those that were bound", unit="mm")
    joint_mm, joint_problem = _joints_apart(seal, content)
    rows = unpack_rows(_PULL, seal.pulls, "pulls")
    index = check_index(rows["point"], len(at.points), "pulls")
    there = at.nearest.values(pull(content))[index]
    apart = np.maximum(
        np.linalg.norm(there[:, :3] - rows["mean"] * STEP_M, axis=1),
        np.abs(there[:, 3] - rows["around"] * STEP_M),
    )
    largest, mean = (
        1000 * float(value) for value in (apart.max(initial=0.0), apart.mean() if len(apart) else 0)
    )
    moved = max(largest, joint_mm)
    if joint_problem:
        return PartReport(PartVerdict.ALTERED, joint_problem, moved, "mm")
    if largest > MAX_MM or mean > MEAN_MM:
        share = 100 * float((apart * 1000 > MAX_MM).mean())
        return PartReport(
            PartVerdict.ALTERED,
            f"the weights pull otherwise: the joints' mean place differs by up to {largest:.0f} mm "
            f"({mean:.1f} mm on average, beyond the limit at {share:.0f} % of the places)",
            moved,
            "mm",
        )
    return PartReport(
        PartVerdict.KEPT, f"the same within {moved:.1f} mm ({mean:.2f} mm on average)", moved, "mm"
    )


def pull(content: BodyContent) -> F64:
    """Return (V, 4) metres: the weighted mean place of each vertex's joints, and their distance around it.

    The distance is the root of the weighted mean square, `NEAR_M` squared added before and `NEAR_M` taken off
    after. Sums of weights between 0.9 and 1.1 count as 1, as rounding leaves them and readers mend them.
    """
    indices, stored = _influences(content)
    weights = stored.astype(np.float64)
    sums = weights.sum(axis=1, keepdims=True)
    weights = weights / np.where(np.abs(sums - 1) < 0.1, sums, 1)
    places = content.joint_positions[indices]
    mean = np.einsum("vk,vkc->vc", weights, places)
    square = np.einsum("vk,vkc,vkc->v", weights, places - mean[:, None], places - mean[:, None])
    return np.column_stack([mean, np.sqrt(np.maximum(square, 0) + NEAR_M**2) - NEAR_M])


def rig_digest(content: BodyContent) -> str:
    """Return `rig-sha256-v1:` and 64 hex digits over what each place of the surface is pulled by.

    Joints count by their place on the grid of `JOINT_GRID_M` alone, weights of zero do not count, and each
    vertex that a triangle uses is a row: its position (float32), then its joints' places and weights
    (float32), ordered by place. The set of rows is sorted and hashed. Names and order of joints, joints
    without weight, added roots, and the order, splitting and welding of vertices make no difference.
    """
    indices, stored = _influences(content)
    used = used_vertices(content.faces)
    places = np.rint(content.joint_positions / JOINT_GRID_M).astype("<i4")
    unique, rank = np.unique(places, axis=0, return_inverse=True)
    weights = stored[used] + np.float32(0)
    ranks = np.where(weights != 0, rank.reshape(-1)[indices[used]] + 1, 0)
    bits = weights.view(np.uint32).astype(np.int64)
    order = np.argsort(-(ranks.astype(np.int64) << 32) - bits, axis=1, kind="stable")
    ranks = np.take_along_axis(ranks, order, axis=1)
    weights = np.take_along_axis(weights, order, axis=1)
    width = int((ranks > 0).sum(axis=1).max(initial=0))
    table = np.concatenate([np.zeros((1, 3), np.int32), unique.astype(np.int32)])
    digest = Digest(_HEADER, width)
    columns: list[NDArray[Any]] = [content.positions[used] + np.float32(0)]
    for column in range(width):
        columns += [table[ranks[:, column]], weights[:, column : column + 1]]
    digest.add_rows(columns)
    return RIG_PREFIX + digest.hex()


def _influences(content: BodyContent) -> tuple[U16, F32]:
    if content.joint_indices is None or content.joint_weights is None:
        raise InputError("the body has no skin weights.")
    return content.joint_indices, content.joint_weights


def _largest_weights(content: BodyContent) -> F64:
    indices, weights = _influences(content)
    largest = np.zeros(len(content.joint_positions))
    np.maximum.at(largest, indices.ravel(), weights.ravel().astype(np.float64))
    return largest


def _joints_apart(seal: RigSeal, content: BodyContent) -> tuple[float, str]:
    """Return the largest distance between sealed joints and the file's, mm, and what is wrong, in words."""
    bound = unpack_rows(_JOINT, seal.joints, "joints")["place"] * STEP_M
    largest = _largest_weights(content)
    any_weight, clear = (content.joint_positions[largest > limit] for limit in (0.0, 2 * CARRIES))
    if not len(bound) or not len(any_weight):
        return 0.0, "no joint of the file carries weight" if len(bound) else ""
    from scipy.spatial import KDTree  # slow to import, and needed for packed files alone

    away = 1000 * KDTree(any_weight).query(bound)[0]
    strange = 1000 * KDTree(bound).query(clear)[0] if len(clear) else np.zeros(1)
    worst = max(float(away.max()), float(strange.max()))
    if worst <= JOINT_MM:
        return worst, ""
    off, new = int((away > JOINT_MM).sum()), int((strange > JOINT_MM).sum())
    return worst, (
        f"{off} of {len(bound)} joints are not where they were bound and {new} of the file's are where none "
        f"was, up to {worst:.1f} mm away"
    )


def _chosen(content: BodyContent, at: SurfacePoints) -> NDArray[np.int64]:
    """Ids of the points: some of each joint's own, then the rest far from each other."""
    pulls = pull(content)
    steady = at.spread(lambda place: place.values(pulls)) < STEADY_M
    indices, weights = _influences(content)
    each = np.zeros((len(indices), len(content.joint_positions)), np.float32)
    for column in range(indices.shape[1]):
        np.add.at(each, (np.arange(len(each)), indices[:, column]), weights[:, column])
    strength = np.where(steady[:, None], at.nearest.values(each), 0.0)
    best = np.argsort(-strength, axis=0, kind="stable")[:EACH_JOINT]
    first = [int(point) for point in best.ravel() if strength[point].max() > 0]
    return np.array(spread_out(at.points, steady, POINTS, first), np.int64)
