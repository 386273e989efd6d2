"""Which way triangles face: agreement inside a patch, and which side of a patch is outside.

Real scans hold patches of opposite orientation, open shells and doubled layers, so the sign of one
volume for the whole mesh tells nothing. Each patch is decided by itself: rays start just off both of its
sides, and the side from which more of them leave the scan is the outside (ambient visibility, the idea
of Takayama et al., "A simple method for correcting facet orientations in polygon meshes based on ray
casting", 2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from bodyscan.geometry.cells import cell_for, cluster
from bodyscan.geometry.edges import EdgeTable, edge_table, inner_pairs
from bodyscan.geometry.near import may_be_near
from bodyscan.geometry.normals import area_vectors, areas_and_normals

Ints = NDArray[np.integer]
Floats = NDArray[np.floating]

_SAMPLES_A_PATCH = 64
_MAX_PATCH_SAMPLES = 60_000
_RAYS_A_SIDE = 4
_DENSE = 600_000
"""Faces above which rays are cast at a coarse copy: Embree takes a second and 150 MB for each million."""
_COARSE = 400_000
_EXACT_CELLS = 4.0
"""Cells around a small patch in which the copy is not coarse."""
_LARGE_PATCH = 0.02
"""Share of the area from which a patch is judged by the coarse copy alone."""


@dataclass(frozen=True)
class Orientation:
    """Which faces must be turned over."""

    flip: NDArray[np.bool_]
    """(F,) True where the face's winding is wrong."""
    patch: NDArray[np.int64]
    """(F,) number of the edge-connected patch."""
    certainty: NDArray[np.float64]
    """(P,) 0..1, how far the two sides of each patch differ in visibility; 0 where shape alone decided."""


def consistent_flips(
    faces: Ints, table: EdgeTable | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return `flip` (F,) and `patch` (F,): turning those faces makes each patch agree with itself.

    A patch is joined by edges that exactly two faces share. Of the two ways to make it agree, the one
    that turns less area of faces by count is taken. One breadth-first tree spans all patches; whether a
    face differs from its root is the parity along its branch, found by pointer jumping, so there is no
    loop a face. On a surface with one side (Moebius) the faces agree along the tree.
    """
    count = len(faces)
    if count == 0:
        return np.zeros(0, bool), np.zeros(0, np.int64)
    a, b, agree = inner_pairs(table or edge_table(faces))
    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(count, count)).tocsr()
    _, patch = connected_components(graph, directed=False)
    patch = patch.astype(np.int64)
    if agree.all():
        return np.zeros(count, bool), patch
    parity = _tree_parity(a, b, ~agree, patch, count)
    turned = np.bincount(patch, parity) > 0.5 * np.bincount(patch)
    return parity ^ turned[patch], patch


def _tree_parity(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    differ: NDArray[np.bool_],
    patch: NDArray[np.int64],
    count: int,
) -> NDArray[np.bool_]:
    _, roots = np.unique(patch, return_index=True)
    hub = count  # one extra node, linked to a face of each patch, makes one tree of all
    rows = np.concatenate([a, np.full(len(roots), hub)])
    columns = np.concatenate([b, roots])
    tree = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), shape=(count + 1, count + 1)).tocsr()
    _, parent = breadth_first_order(tree, hub, directed=False)
    parent = parent.astype(np.int64)
    parent[hub] = hub
    # Two faces that share two edges have two links: the first one stands for the pair.
    low, high = np.minimum(a, b), np.maximum(a, b)
    key = low * (count + 1) + high
    order = np.argsort(key, kind="stable")
    child = np.arange(count)
    wanted = np.minimum(child, parent[:count]) * (count + 1) + np.maximum(child, parent[:count])
    place = np.searchsorted(key[order], wanted)
    from_hub = parent[:count] == hub
    step = np.zeros(count + 1, bool)
    step[:count] = np.where(from_hub, False, differ[order[np.minimum(place, len(order) - 1)]])
    while (parent != hub).any():
        step = step ^ step[parent]
        parent = parent[parent]
    return step[:count]


def outward_orientation(
    vertices: Floats,
    faces: Ints,
    seed: int = 0,
    *,
    table: EdgeTable | None = None,
    areas: NDArray[np.float64] | None = None,
) -> Orientation:
    """Return which faces to turn so that every patch agrees with itself and faces outward.

    Where no ray leaves from either side (an eyeball's back, a body under closed clothes) the sign of the
    patch's own volume about its centre decides. `table` and `areas` (F,) may be given where they are known.
    """
    faces, vertices = np.asarray(faces), np.asarray(vertices, np.float64)
    flip, patch = consistent_flips(faces, table)
    count = int(patch.max(initial=-1)) + 1
    if count == 0:
        return Orientation(flip, patch, np.zeros(0))
    oriented = turned_faces(faces, flip)
    if areas is None:
        areas = areas_and_normals(vertices, faces)[0]
    front, back = _escapes(vertices, oriented, areas, patch, count, seed)
    total = front + back
    certainty = np.divide(np.abs(front - back), total, out=np.zeros(count), where=total > 0)
    shape_decides = (total < 0.02) | (certainty < 0.05)
    inward = back > front
    if shape_decides.any():
        asked = shape_decides[patch]
        volumes = _patch_volumes(vertices, oriented[asked], patch[asked], count)
        inward = np.where(shape_decides, volumes < 0, inward)
    certainty[shape_decides] = 0.0
    return Orientation(flip ^ inward[patch], patch, certainty)


def turned_faces(faces: Ints, flip: NDArray[np.bool_]) -> Ints:
    """`faces` (F, 3) with those of `flip` (F,) the other way round."""
    if not flip.any():
        return faces
    faces = faces.copy()
    faces[flip] = faces[flip][:, ::-1]
    return faces


def _patch_volumes(vertices: Floats, faces: Ints, patch: Ints, count: int) -> NDArray[np.float64]:
    """(P,) volume of each patch about its own centre; of an open patch, of its cone to that centre."""
    vectors = area_vectors(vertices, faces)
    area = np.linalg.norm(vectors, axis=1)
    middle = vertices[faces].mean(axis=1)
    weight = np.maximum(np.bincount(patch, area, count), 1e-300)
    centre = np.stack([np.bincount(patch, area * middle[:, k], count) / weight for k in range(3)], axis=1)
    return np.bincount(patch, np.einsum("ij,ij->i", vectors, middle - centre[patch]), count) / 3.0


def _escapes(
    vertices: NDArray[np.float64],
    faces: Ints,
    areas: NDArray[np.float64],
    patch: NDArray[np.int64],
    count: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each patch the share of rays that leave the scan from its front and from its back."""
    picked = _pick_faces(areas, patch, count)
    rng = np.random.default_rng(seed)
    origins = vertices[faces[picked]].mean(axis=1)
    _, normal = areas_and_normals(vertices, faces[picked])
    leaves = np.zeros((2, len(picked)))
    scene, start_off = _scene_and_start(vertices, faces, areas, patch)
    start = normal * start_off[patch[picked], None]
    for _ in range(_RAYS_A_SIDE):
        spread = rng.standard_normal((len(picked), 3))
        spread /= np.linalg.norm(spread, axis=1, keepdims=True)
        for side, sign in enumerate((1.0, -1.0)):
            direction = sign * normal + 0.95 * spread  # cosine-distributed about the normal
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            leaves[side] += ~_hits(scene, origins + sign * start, direction)
    tries = np.maximum(np.bincount(patch[picked], minlength=count), 1) * _RAYS_A_SIDE
    return tuple(np.bincount(patch[picked], leaves[side], count) / tries for side in (0, 1))  # type: ignore[return-value]


def _scene_and_start(
    vertices: NDArray[np.float64], faces: Ints, areas: Floats, patch: Ints
) -> tuple[Any, NDArray[np.float64]]:
    """Return what rays are cast at, and for each patch (P,) how far off its surface they start.

    A dense mesh is cast at as a coarse copy, which strays from the surface by a part of a cell: rays of large
    patches start beyond that. Around small patches the mesh stays as it is.
    """
    extent = np.array([np.ptp(vertices[:, axis]) for axis in range(3)])
    of_patch = np.bincount(patch, areas)
    start = np.full(len(of_patch), 1e-5 * (float(np.linalg.norm(extent)) or 1.0))
    if len(faces) <= _DENSE:
        return _scene(vertices, faces), start
    cell = cell_for(float(areas.sum()), _COARSE)
    large = of_patch >= _LARGE_PATCH * of_patch.sum()
    start[large] = np.maximum(start[large], cell)
    small = np.zeros(len(vertices), bool)
    small[faces[~large[patch]]] = True
    exact = may_be_near(vertices, vertices[small], _EXACT_CELLS * cell)
    kept, coarse = cluster(vertices, faces, cell, exact)
    return _scene(vertices[kept], coarse), start


def _pick_faces(areas: NDArray[np.float64], patch: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return up to a fixed number of faces of each patch, spread evenly over its area."""
    order = np.argsort(patch, kind="stable") if count > 1 else np.arange(len(patch))
    area = areas[order] + 1e-300
    total = np.bincount(patch, areas + 1e-300, count)
    ends = np.cumsum(np.bincount(patch, minlength=count))
    each = int(np.clip(_MAX_PATCH_SAMPLES // max(count, 1), 2, _SAMPLES_A_PATCH * 8))
    wanted = np.minimum(np.bincount(patch, minlength=count), each)
    before = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    sample_patch = np.repeat(np.arange(count), wanted)
    step = np.arange(int(wanted.sum())) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    at = before[sample_patch] + (step + 0.5) / wanted[sample_patch] * total[sample_patch]
    place = np.searchsorted(np.cumsum(area), at)
    low = np.concatenate([[0], ends[:-1]])[sample_patch]
    return order[np.clip(place, low, ends[sample_patch] - 1)]


def _scene(vertices: NDArray[np.float64], faces: Ints):
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    scene = EmbreeScene()
    TriangleMesh(scene, vertices.astype(np.float32), faces.astype(np.int32))
    return scene


def _hits(scene, origins: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.bool_]:
    return scene.run(origins.astype(np.float32), directions.astype(np.float32), query="OCCLUDED") >= 0
