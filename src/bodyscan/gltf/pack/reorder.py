"""Puts triangles and vertices into an order in which neighbours follow each other.

Sander, Nehab and Barczak, "Fast triangle reordering for vertex locality and reduced overdraw" (2007),
section 4 ("Tipsify"): fans around one vertex after the other, with a simulated cache. Compression of
triangles and of vertices both live from this; graphics processors do as well. Vertices then stand in the
order of their first use.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.gltf.pack.arrays import Arrays

CACHE = 16
"""Vertices; the codec's own lists of recent edges and vertices hold as many."""


def reorder(arrays: Arrays) -> None:
    """Reorder the triangles and vertices of every mesh of one primitive that owns its accessors, in place."""
    uses: dict[int, int] = {}
    primitives = list(arrays.primitives())
    for primitive in primitives:
        for index in {*primitive["attributes"].values(), primitive.get("indices", -1)}:
            uses[index] = uses.get(index, 0) + 1
    for mesh in arrays.document.get("meshes", []):
        # The corners of a declared manifold are named by their place: its order must stay.
        if "EXT_mesh_manifold" in mesh.get("extensions", {}):
            continue
        for primitive in mesh["primitives"]:
            if "indices" in primitive and all(
                uses[index] == 1 for index in (*primitive["attributes"].values(), primitive["indices"])
            ):
                _reorder_primitive(arrays, primitive)


def _reorder_primitive(arrays: Arrays, primitive: dict) -> None:
    indices = arrays.accessors[primitive["indices"]]
    count = len(arrays.accessors[primitive["attributes"]["POSITION"]].values)
    faces = indices.values.astype(np.int64).reshape(-1, 3)
    faces = faces[triangle_order(faces, count)]
    order = vertex_order(faces, count)
    new = np.empty(count, np.int64)
    new[order] = np.arange(count)
    indices.values = new[faces].reshape(-1, 1).astype(indices.values.dtype)
    groups = (primitive["attributes"], *primitive.get("targets", []))
    named = {index for group in groups for index in group.values()}
    for index in sorted(named):
        arrays.accessors[index].values = arrays.accessors[index].values[order]


def vertex_order(faces: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the vertices (count,) in the order in which `faces` (F, 3) first use them, unused ones last."""
    used, first = np.unique(faces.ravel(), return_index=True)
    order = used[np.argsort(first, kind="stable")]
    unused = np.ones(count, bool)
    unused[used] = False
    return np.concatenate([order, np.flatnonzero(unused)])


def triangle_order(faces: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return an order (F,) of the triangles (F, 3) over `count` vertices in which neighbours are close."""
    corners = faces.ravel()
    around = np.argsort(corners, kind="stable") // 3
    live = np.bincount(corners, minlength=count)
    begins = np.concatenate([[0], np.cumsum(live)]).tolist()
    around, live, rows = around.tolist(), live.tolist(), faces.tolist()
    stamp = [0] * count
    done = [False] * len(rows)
    order: list[int] = []
    dead_ends: list[int] = []
    time, cursor, fan = CACHE + 1, 0, 0
    while fan >= 0:
        candidates: list[int] = []
        for triangle in around[begins[fan] : begins[fan + 1]]:
            if done[triangle]:
                continue
            done[triangle] = True
            order.append(triangle)
            for vertex in rows[triangle]:
                dead_ends.append(vertex)
                candidates.append(vertex)
                live[vertex] -= 1
                if time - stamp[vertex] > CACHE:
                    stamp[vertex] = time
                    time += 1
        fan, best = -1, -1
        for vertex in candidates:
            if live[vertex] > 0:
                age = time - stamp[vertex]
                # Old but still there once its fan is drawn: the next centre.
                priority = age if age + 2 * live[vertex] <= CACHE else 0
                if priority > best:
                    fan, best = vertex, priority
        while fan < 0 and dead_ends:
            vertex = dead_ends.pop()
            fan = vertex if live[vertex] > 0 else -1
        while fan < 0 and cursor < count:
            fan = cursor if live[cursor] > 0 else -1
            cursor += 1
    return np.array(order, np.int64)
