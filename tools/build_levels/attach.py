"""From the wrapped mean body to one for everybody: where each vertex hangs, and how far it stands off.

A vertex hangs on at most four vertices of the body with shares of at least 0 that sum to 1: the point of
their hull that is nearest on the mean body (non-negative least squares, Lawson and Hanson, "Solving least
squares problems", 1974). Between two fingers it hangs on both. It then stands off by a distance that is
chosen over made people: what stays outside counts many times what lies inside.
"""

from __future__ import annotations

import numpy as np
import open3d as o3d
from scipy import sparse
from scipy.optimize import nnls
from scipy.sparse.linalg import spsolve
from scipy.spatial import KDTree

from bodyscan.body.levels import stand_off_frames
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import Mesh

NEIGHBOURS = 60
SHARES = 4
NEARNESS = 0.15
"""How much a far vertex costs against a miss of the same length."""
OUTSIDE_COST = 25.0
FAR_M = 0.006
"""What lies deeper inside (between fingers, behind ears) counts ever less."""
SLACK_M = 0.0008
SMOOTHNESS = (0.05, 0.3, 0.3)
HOLD = (0.01, 0.4, 0.4)
"""How strongly a person's offsets are held to zero along the normal and the tangents."""
LIMIT_M = 0.02
STEPS = 24
FREE_STEPS = 5
FIRMER = 1.8


def hang(points: np.ndarray, body: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(C, 3) on the mean body (V, 3) -> vertex ids (C, 4) and shares (C, 4); `allowed` (V,)."""
    candidates = np.flatnonzero(allowed)
    distance, near = KDTree(body[candidates]).query(points, k=NEIGHBOURS)
    ids, shares = np.zeros((len(points), SHARES), int), np.zeros((len(points), SHARES))
    for k, point in enumerate(points):
        chosen = np.arange(NEIGHBOURS)
        for size in (NEIGHBOURS, SHARES):
            # Keep the largest shares and solve again for them alone.
            weight = _hull(point, body[candidates[near[k, chosen]]], distance[k, chosen])
            order = np.argsort(-weight, kind="stable")[: min(size, SHARES)]
            chosen, weight = chosen[order], weight[order]
        ids[k] = candidates[near[k, chosen]]
        shares[k] = weight / weight.sum()
    return ids, shares


def _hull(point: np.ndarray, around: np.ndarray, distance: np.ndarray) -> np.ndarray:
    rows = np.concatenate(
        [(around - point).T, np.diag(NEARNESS * distance), 10.0 * np.ones((1, len(around)))]
    )
    right = np.zeros(len(rows))
    right[-1] = 10.0
    return nnls(rows, right)[0]


def mirrored(
    points: np.ndarray, faces: np.ndarray, ids: np.ndarray, shares: np.ndarray, mirror: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The left half (x >= 0) with its image: faces, ids, shares, and (C,) the vertex of the other side.

    A vertex on the midline hangs on both sides alike.
    """
    middle = points[:, 0] == 0
    other = np.where(middle, np.arange(len(points)), 0)
    other[~middle] = len(points) + np.arange((~middle).sum())
    image = mirror[ids]
    all_faces = np.concatenate([faces, other[faces][:, ::-1]])
    all_ids = np.concatenate([np.concatenate([ids, ids], 1), np.concatenate([image, image], 1)[~middle]])
    half = np.concatenate([shares, np.zeros_like(shares)], 1)
    all_shares = np.concatenate([half, half[~middle]])
    all_ids[: len(points)][middle, SHARES:] = image[middle]
    all_shares[: len(points)][middle] = np.concatenate([shares, shares], 1)[middle] / 2
    pair = np.concatenate([other, np.flatnonzero(~middle)])
    return all_faces, all_ids, all_shares, pair


def neighbours_toward(faces: np.ndarray, base: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """(C,) the farthest neighbour of each vertex, mirrored on the other side; on the midline one there."""
    count = len(base)
    links: list[set[int]] = [set() for _ in range(count)]
    for a, b, c in faces.tolist():
        links[a] |= {b, c}
        links[b] |= {a, c}
        links[c] |= {a, b}
    out = np.full(count, -1)
    for k in range(count):
        middle = [n for n in links[k] if pair[n] == n]
        among = middle if pair[k] == k and middle else sorted(links[k])
        out[k] = max(among, key=lambda n: float(np.linalg.norm(base[n] - base[k])))
    left = np.flatnonzero(pair > np.arange(count))
    out[pair[left]] = pair[out[left]]
    return out


def offsets(
    over_body: sparse.csr_matrix,
    faces: np.ndarray,
    pair: np.ndarray,
    toward: np.ndarray,
    people: list[np.ndarray],
    checked: list[np.ndarray],
    inside_cost: np.ndarray,
    area_m2: float,
) -> np.ndarray:
    """(C, 3) metres at a surface of `area_m2`: how far each vertex stands off its place on the body.

    Damped Gauss-Newton steps with the nearest triangles held. Where the surface runs through itself on any
    of `people` or `checked`, it is made stiffer, until it does so no more. Both are bodies (V, 3);
    `inside_cost` (V,) is what it costs that a vertex lies inside, 0 for those that cloth never shows.
    """
    outer = np.flatnonzero(inside_cost)
    count = over_body.shape[0]
    smooth = _laplacian(faces, count)
    firm = np.ones(count)
    out = np.tile([0.002, 0.0, 0.0], (count, 1))
    for step in range(STEPS):
        stiff = sparse.kron(smooth.T @ sparse.diags(firm) @ smooth, sparse.diags(SMOOTHNESS))
        left = len(people) * (stiff + sparse.diags(np.outer(firm, HOLD).ravel()))
        right = np.zeros(3 * count)
        crossing = np.zeros(count, bool)
        for body in people:
            base = over_body @ body
            frames, scale = stand_off_frames(base, faces, toward, area_m2)
            surface = base + scale * (frames @ out[:, :, None])[:, :, 0]
            outside, rows = _gaps(surface, faces, body[outer], scale * frames)
            weight = np.where(
                outside > SLACK_M,
                OUTSIDE_COST,
                inside_cost[outer] / np.maximum(1, np.abs(outside) / FAR_M) ** 2,
            )
            left = left + rows.T @ sparse.diags(weight) @ rows
            right += rows.T @ (weight * (outside + rows @ out.ravel()))
        for body in checked if step >= FREE_STEPS else ():
            base = over_body @ body
            frames, scale = stand_off_frames(base, faces, toward, area_m2)
            surface = base + scale * (frames @ out[:, :, None])[:, :, 0]
            crossing[faces[crossing_faces(surface, faces)]] = True
        firm = np.where(crossing | crossing[pair], np.minimum(firm * FIRMER, 1e3), firm)
        new = spsolve(sparse.csc_matrix(left), right).reshape(count, 3)
        out = 0.5 * out + 0.5 * (new + new[pair] * [1, 1, -1]) / 2
        out = np.clip(out, -LIMIT_M, LIMIT_M)
        print(f"step {step}: {int(crossing.sum())} vertices at crossings")
    return out


def crossing_faces(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(K,) faces that cross another one."""
    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(vertices), o3d.utility.Vector3iVector(np.array(faces))
    )
    return np.unique(np.asarray(mesh.get_self_intersecting_triangles()))


def _laplacian(faces: np.ndarray, count: int) -> sparse.csr_matrix:
    a, b = faces[:, [0, 1, 1, 2, 2, 0]].ravel(), faces[:, [1, 0, 2, 1, 0, 2]].ravel()
    graph = sparse.coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count)).tocsr()
    graph.data[:] = 1
    return sparse.csr_matrix(sparse.identity(count) - sparse.diags(1 / np.diff(graph.indptr)) @ graph)


def _gaps(
    surface: np.ndarray, faces: np.ndarray, body: np.ndarray, frames: np.ndarray
) -> tuple[np.ndarray, sparse.csr_matrix]:
    """(N,) how far each body vertex lies outside, and (N, 3 C) how much less for each offset."""
    caster = Raycaster(Mesh(surface, faces))
    _, ids, nearest = caster.closest(body)
    corners = surface[faces[ids]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    outside = caster.signed_distance(body)
    away = np.sign(outside)[:, None] * (body - nearest)
    length = np.linalg.norm(away, axis=1, keepdims=True)
    away = np.where(length > 1e-5, away / np.maximum(length, 1e-12), normal)
    shares = _barycentric(nearest, corners)
    pull = shares[:, :, None] * np.einsum("nc,nkcd->nkd", away, frames[faces[ids]])
    columns = 3 * faces[ids][:, :, None] + np.arange(3)
    rows = np.repeat(np.arange(len(ids)), 9)
    matrix = sparse.csr_matrix((pull.ravel(), (rows, columns.ravel())), shape=(len(ids), 3 * len(surface)))
    return outside, matrix


def _barycentric(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    area = np.maximum(np.einsum("nc,nc->n", normal, normal), 1e-30)
    v = np.einsum("nc,nc->n", np.cross(points - a, c - a), normal) / area
    w = np.einsum("nc,nc->n", np.cross(b - a, points - a), normal) / area
    return np.clip(np.stack([1 - v - w, v, w], axis=1), 0, 1)
