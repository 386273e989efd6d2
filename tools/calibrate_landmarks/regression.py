"""From what a detector found on made people to sparse weights over the body's joints and vertices.

An affine combination of joints and of vertices around them, with a ridge towards the nearest joint: it
follows the build, which a constant offset in the bone's frame does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import F64, Mesh

RIDGE_M2 = 2e-4
"""Pull of the weights towards the nearest joint alone, for each person seen, m^2."""
HUBER_M = 0.008
RING_SIZE = 12
PRUNED = 1e-3
LEAST_SURE = 0.25
FOLDS = 8


@dataclass(frozen=True)
class JointRule:
    """Which joint a point lies near, which joints else may carry it, and how far its vertices may be."""

    nearest: str
    others: tuple[str, ...]
    radius_m: float


@dataclass(frozen=True, eq=False)
class Row:
    """One landmark: sparse weights and the standard deviation of what remains, metres on each axis."""

    vertex_ids: np.ndarray
    vertex_weights: F64
    joint_ids: np.ndarray
    joint_weights: F64
    sigma_m: float


def joint_rules() -> dict[str, JointRule]:
    """Rules of the left side; a name of the right side follows by mirroring."""
    rules = {
        "shoulder": JointRule("UpperArm", ("Shoulder", "LowerArm"), 0.13),
        "elbow": JointRule("LowerArm", ("UpperArm", "Hand"), 0.07),
        "wrist": JointRule("Hand", ("LowerArm", "MiddleProximal"), 0.05),
        "pinky": JointRule("LittleProximal", ("Hand", "LittleIntermediate"), 0.035),
        "index": JointRule("IndexProximal", ("Hand", "IndexIntermediate"), 0.035),
        "thumb": JointRule("ThumbProximal", ("Hand", "ThumbMetacarpal", "ThumbDistal"), 0.035),
        "hip": JointRule("UpperLeg", ("LowerLeg",), 0.16),
        "knee": JointRule("LowerLeg", ("UpperLeg", "Foot"), 0.09),
        "ankle": JointRule("Foot", ("LowerLeg", "Toes"), 0.06),
        "hand_0": JointRule("Hand", ("LowerArm", "MiddleProximal"), 0.04),
    }
    chains = {
        1: ("ThumbMetacarpal", "ThumbProximal", "ThumbDistal"),
        5: ("IndexProximal", "IndexIntermediate", "IndexDistal"),
        9: ("MiddleProximal", "MiddleIntermediate", "MiddleDistal"),
        13: ("RingProximal", "RingIntermediate", "RingDistal"),
        17: ("LittleProximal", "LittleIntermediate", "LittleDistal"),
    }
    for first, chain in chains.items():
        whole = ("Hand", *chain)
        for k, joint in enumerate(chain):
            others = tuple(whole[i] for i in (k, k + 2) if i < len(whole))
            rules[f"hand_{first + k}"] = JointRule(joint, others, 0.022)
        rules[f"hand_{first + 3}"] = JointRule(chain[-1], (chain[-2],), 0.035)
    return rules


def mirrored_vertices(model: BodyModel) -> np.ndarray:
    """(V,) the vertex on the other side of the body's plane of symmetry."""
    template = model.template.astype(np.float64)
    distance, partner = KDTree(template).query(template * [-1, 1, 1])
    if np.quantile(distance, 0.999) > 2e-3:
        raise SystemExit("the template is not symmetric: the mirrored vertices would be wrong")
    return np.asarray(partner)


def joint_row(
    model: BodyModel, rule: JointRule, side: str, samples: dict[str, np.ndarray], columns: dict[str, int]
) -> Row:
    """Weights of a joint-like landmark; `columns` holds the landmark's place in `found` by side.

    Both sides are regressed together: the other one is seen in a mirror.
    """
    partner = mirrored_vertices(model)
    joints = [model.joint_index(side + n) for n in (rule.nearest, *rule.others)]
    other = "right" if side == "left" else "left"
    other_joints = [model.joint_index(other + n) for n in (rule.nearest, *rule.others)]
    ring = ring_vertices(model, model.joint_template[joints[0]], rule.radius_m)
    blocks, targets, sure = [], [], []
    for js, vs, where, flip in (
        (joints, ring, columns[side], [1, 1, 1]),
        (other_joints, partner[ring], columns[other], [-1, 1, 1]),
    ):
        basis = np.concatenate([samples["joints"][:, js], samples["vertices"][:, vs]], axis=1) * flip
        blocks.append(np.moveaxis(basis, 1, 2))
        targets.append(samples["found"][:, where] * flip)
        sure.append(samples["sure"][:, where])
    basis, target, sure = np.concatenate(blocks), np.concatenate(targets), np.concatenate(sure)
    seen = np.isfinite(target).all(axis=1) & (sure > LEAST_SURE)
    basis, target, sure = basis[seen], target[seen], sure[seen]
    prior = np.zeros(basis.shape[2])
    prior[0] = 1.0
    weights = affine_ridge(basis, target, sure, prior)
    rest = held_out(basis, target, sure, prior)
    keep = np.abs(weights) > PRUNED
    keep[0] = True
    weights = np.where(keep, weights, 0)
    weights[0] += 1 - weights.sum()
    count = len(joints)
    kept = keep[count:]
    return Row(ring[kept], weights[count:][kept], np.array(joints), weights[:count], spread(rest))


def ring_vertices(model: BodyModel, centre: F64, radius: float) -> np.ndarray:
    """Well-spread vertices of the skin within a radius, by farthest-point sampling."""
    template = model.template.astype(np.float64)
    near = np.flatnonzero((np.linalg.norm(template - centre, axis=1) < radius) & ~model.inner)
    # The nearest vertices lie in the middle of the ring; the far ones show the build.
    chosen = [near[np.linalg.norm(template[near] - centre, axis=1).argmin()]]
    while len(chosen) < min(RING_SIZE, len(near)):
        away = np.linalg.norm(template[near][:, None] - template[chosen], axis=2).min(axis=1)
        chosen.append(near[away.argmax()])
    return np.array(chosen)


def affine_ridge(basis: F64, target: F64, sure: F64, prior: F64) -> F64:
    """(N, 3, K), (N, 3), (N,), (K,) -> (K,) weights that sum to 1, robust to detections far off (Huber)."""
    weights = prior
    trust = sure
    for _ in range(8):
        scaled = basis * trust[:, None, None]
        normal = np.einsum("nik,nil->kl", scaled, basis) + RIDGE_M2 * trust.sum() * np.eye(len(prior))
        right = np.einsum("nik,ni->k", scaled, target) + RIDGE_M2 * trust.sum() * prior
        ones = np.ones((len(prior), 1))
        kkt = np.block([[normal, ones], [ones.T, np.zeros((1, 1))]])
        weights = np.linalg.solve(kkt, np.append(right, 1.0))[:-1]
        length = np.linalg.norm(basis @ weights - target, axis=1)
        trust = sure * np.minimum(1.0, HUBER_M / np.maximum(length, 1e-9))
    return weights


def held_out(basis: F64, target: F64, sure: F64, prior: F64) -> F64:
    """(N, 3) residuals on people that the weights were not made from."""
    fold = np.arange(len(target)) % FOLDS
    rest = np.zeros_like(target)
    for k in range(FOLDS):
        out = fold == k
        weights = affine_ridge(basis[~out], target[~out], sure[~out], prior)
        rest[out] = basis[out] @ weights - target[out]
    return rest


def spread(rest: F64) -> float:
    """Standard deviation on each axis, without the worst 5 % (detections gone astray)."""
    square = np.sort((rest**2).sum(axis=1))
    return float(np.sqrt(square[: max(1, int(0.95 * len(square)))].mean() / 3))


def surface_row(
    model: BodyModel,
    casters: list[Raycaster],
    skin_faces: np.ndarray,
    samples: dict[str, np.ndarray],
    column: int,
) -> Row | None:
    """Weights of a point of the skin: the triangle under the middle of where it was seen."""
    template = model.template.astype(np.float64)
    found, sure = samples["found"][:, column], samples["sure"][:, column]
    seen = np.flatnonzero(np.isfinite(found).all(axis=1) & (sure > LEAST_SURE))
    if len(seen) < 8:
        return None
    spots = np.empty((len(seen), 3))
    for row, k in enumerate(seen):
        spots[row] = carried(samples["vertices"][k], template, skin_faces, casters[k], found[k])
    middle = geometric_median(spots)
    ids, weights = barycentric_of(template, skin_faces, middle)
    rest = np.einsum("k,nkc->nc", weights, samples["vertices"][seen][:, ids]) - found[seen]
    return Row(ids, weights, np.zeros(0, dtype=int), np.zeros(0), spread(rest))


def carried(vertices: F64, template: F64, faces: np.ndarray, caster: Raycaster, point: F64) -> F64:
    """The template's place (3,) of the closest point on a person's skin."""
    _, face, nearest = caster.closest(point)
    corners = faces[face[0]]
    return triangle_weights(vertices[corners], nearest[0]) @ template[corners]


def barycentric_of(vertices: F64, faces: np.ndarray, point: F64) -> tuple[np.ndarray, F64]:
    _, face, nearest = Raycaster(Mesh(vertices, faces)).closest(point)
    corners = faces[face[0]]
    return corners, triangle_weights(vertices[corners], nearest[0])


def triangle_weights(corners: F64, point: F64) -> F64:
    """(3, 3), (3,) -> (3,) barycentric weights of a point in the triangle's plane, clipped into it."""
    edges = (corners[1:] - corners[0]).T
    u, v = np.linalg.lstsq(edges, point - corners[0], rcond=None)[0]
    weights = np.clip([1 - u - v, u, v], 0, 1)
    return weights / weights.sum()


def geometric_median(points: F64) -> F64:
    """(N, 3) -> (3,) by Weiszfeld's iteration."""
    middle = np.median(points, axis=0)
    for _ in range(30):
        weight = 1 / np.maximum(np.linalg.norm(points - middle, axis=1), 1e-5)
        middle = (weight[:, None] * points).sum(axis=0) / weight.sum()
    return middle


def stacked(rows: list[Row], model: BodyModel) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Rows -> (L, V) and (L, J)."""
    over_vertices = sparse.lil_matrix((len(rows), model.num_vertices))
    over_joints = sparse.lil_matrix((len(rows), model.num_joints))
    for k, row in enumerate(rows):
        over_vertices[k, row.vertex_ids] = row.vertex_weights
        over_joints[k, row.joint_ids] = row.joint_weights
    return sparse.csr_matrix(over_vertices), sparse.csr_matrix(over_joints)
