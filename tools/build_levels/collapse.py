"""Half-edge collapse of a mesh with texture seams, for many bodies at once, the same on both sides.

Quadric error metrics (Garland and Heckbert, "Surface simplification using quadric error metrics", 1997, and
with attributes "Simplifying surfaces with color and texture using quadric error metrics", 1998): each corner
has a quadric over position and uv for each body; the cost of a collapse is the sum over bodies. A vertex goes
onto a neighbour and nowhere else, so that what remains is a subset of the vertices, with all that they carry.

A seam's vertex moves along the seam only, its two corners together; ends and junctions of seams stay. A
collapse is refused where it would change the topology (link condition), turn a triangle over in any body or
in the texture, or make a sliver.
"""

from __future__ import annotations

import heapq

import numpy as np

LEAST_COSINE = 0.35
"""Between a triangle's normal before and after one collapse, in every body."""
LEAST_SHAPE = 0.10
"""4 sqrt(3) area / sum of squared sides (1 equilateral), on the first body, unless it was worse before."""
LEAST_UV_SHARE = 0.10
"""Of the texture's area that a triangle keeps in one collapse."""


class Collapser:
    """The mesh while it is being simplified."""

    def __init__(
        self,
        bodies: np.ndarray,
        uvs: np.ndarray,
        faces: np.ndarray,
        corners: np.ndarray,
        importance: np.ndarray,
        mirror: np.ndarray,
        uv_scale_m: float,
        *,
        least_shape: float = LEAST_SHAPE,
        longest_m: float = np.inf,
    ) -> None:
        """`bodies` (B, V, 3), `uvs` (W, 2), `faces` (F, 3) vertices, `corners` (F, 3) split vertices,
        `importance` (V,), `mirror` (V,); `uv_scale_m` 0 for a mesh without texture; `least_shape` 0..1 and
        `longest_m` bound the triangles."""
        self.least_shape, self.longest_m, self.textured = least_shape, longest_m, uv_scale_m > 0
        self.bodies, self.uvs = bodies, uvs.astype(np.float64)
        self.mirror = mirror
        self.faces = [list(map(int, face)) for face in faces]
        self.corners = [list(map(int, face)) for face in corners]
        self.alive = [True] * len(self.faces)
        self.left = len(self.faces)
        self.around: list[set[int]] = [set() for _ in range(bodies.shape[1])]
        for k, face in enumerate(self.faces):
            for vertex in face:
                self.around[vertex].add(k)
        self.owner = np.zeros(len(uvs), np.int64)
        self.owner[corners.reshape(-1)] = faces.reshape(-1)
        scaled = np.broadcast_to(uv_scale_m * self.uvs, (len(bodies), *uvs.shape))
        places = np.concatenate([bodies[:, self.owner], scaled], axis=2)
        self.places = np.concatenate([places, np.ones((*places.shape[:2], 1))], axis=2)
        self.quadrics = _quadrics(self.places, corners, importance[faces].mean(axis=1))
        self.fixed = self._fixed()
        self.stamp = [0] * bodies.shape[1]
        self.refused: dict[int, set[int]] = {}
        self.heap: list[tuple[float, int, int, int, int]] = []
        self._push_all()

    def _push_all(self) -> None:
        self.heap, self.refused = [], {}
        for k, face in enumerate(self.faces):
            if self.alive[k]:
                for a, b in ((face[0], face[1]), (face[1], face[2]), (face[2], face[0])):
                    self._push(a, b)
                    self._push(b, a)

    def _edge_faces(self, u: int, v: int) -> set[int]:
        return self.around[u] & self.around[v]

    def _neighbours(self, u: int) -> set[int]:
        return {x for k in self.around[u] for x in self.faces[k]} - {u}

    def _corner(self, face: int, vertex: int) -> int:
        return self.corners[face][self.faces[face].index(vertex)]

    def _is_seam(self, u: int, v: int) -> bool:
        shared = self._edge_faces(u, v)
        return any(len({self._corner(k, x) for k in shared}) > 1 for x in (u, v))

    def _fixed(self) -> set[int]:
        """Ends and junctions of seams, and corners of borders: vertices without exactly two such edges."""
        out = set()
        for vertex in range(len(self.around)):
            ends = [x for x in self._neighbours(vertex) if self._is_seam(vertex, x)]
            border = [x for x in self._neighbours(vertex) if len(self._edge_faces(vertex, x)) != 2]
            if len(ends) not in (0, 2) or len(border) not in (0, 2) or (ends and border):
                out.add(vertex)
        return out

    def corner_map(self, u: int, v: int) -> dict[int, int] | None:
        """Where each corner of `u` goes when `u` goes onto `v`; None where a seam forbids it."""
        pairs: dict[int, int] = {}
        for k in self._edge_faces(u, v):
            a, b = self._corner(k, u), self._corner(k, v)
            if pairs.setdefault(a, b) != b:
                return None
        own = {self._corner(k, u) for k in self.around[u]}
        if set(pairs) != own or len(set(pairs.values())) != len(pairs):
            return None
        return pairs

    def _cost(self, u: int, v: int) -> float | None:
        if u in self.fixed:
            return None
        pairs = self.corner_map(u, v)
        if pairs is None:
            return None
        cost = 0.0
        for a, b in pairs.items():
            place = self.places[:, b]
            both = self.quadrics[a] + self.quadrics[b]
            cost += float(((both @ place[:, :, None])[:, :, 0] * place).sum())
        return cost

    def _push(self, u: int, v: int) -> None:
        pair = int(self.mirror[u]), int(self.mirror[v])
        if min(pair) < 0:
            pair = (u, v)
        if (pair[0] == u) != (pair[1] == v) and pair[0] == u:
            return  # a vertex on the midline stays on it
        if pair[0] == v:
            return  # nor does one side go onto the other
        cost = self._cost(u, v)
        if cost is None:
            return
        if pair != (u, v):
            other = self._cost(*pair) if self._edge_faces(*pair) else None
            if other is None:
                return
            cost += other
        # A little length breaks ties on flat places.
        cost += 1e-9 * float(np.linalg.norm(self.bodies[0, u] - self.bodies[0, v]))
        heapq.heappush(self.heap, (cost, u, v, self.stamp[u], self.stamp[v]))

    def allowed(self, u: int, v: int) -> bool:
        """True where the collapse keeps topology, orientation and shape."""
        shared = self._edge_faces(u, v)
        pairs = self.corner_map(u, v)
        if not shared or pairs is None or u in self.fixed:
            return False
        border_u = any(len(self._edge_faces(u, x)) == 1 for x in self._neighbours(u))
        if border_u and len(shared) != 1:
            return False
        if len(self._neighbours(u) & self._neighbours(v)) != len(shared):
            return False
        kept = [k for k in self.around[u] if k not in shared]
        if not kept or len(self.around[v]) + len(kept) - len(shared) < 3:
            return False
        before = np.array([self.faces[k] for k in kept])
        after = np.where(before == u, v, before)
        old, new = _normals(self.bodies, before), _normals(self.bodies, after)
        size = np.linalg.norm(old, axis=2) * np.linalg.norm(new, axis=2)
        if (np.einsum("bnk,bnk->bn", old, new) < LEAST_COSINE * size + 1e-14).any():
            return False
        shape = _shape(self.bodies[0], after)
        if (shape < np.minimum(self.least_shape, _shape(self.bodies[0], before))).any():
            return False
        if np.isfinite(self.longest_m):
            ring = list(self._neighbours(u) - {v})
            if np.linalg.norm(self.bodies[0, ring] - self.bodies[0, v], axis=1).max() > self.longest_m:
                return False
        if not self.textured:
            return True
        old_corners = np.array([self.corners[k] for k in kept])
        new_corners = np.vectorize(lambda c: pairs.get(c, c))(old_corners)
        old_area, new_area = _uv_area(self.uvs, old_corners), _uv_area(self.uvs, new_corners)
        return bool((new_area * np.sign(old_area) > LEAST_UV_SHARE * np.abs(old_area)).all())

    def collapse(self, u: int, v: int) -> None:
        """Put `u` onto `v`."""
        pairs = self.corner_map(u, v)
        assert pairs is not None
        for k in self._edge_faces(u, v):
            for x in self.faces[k]:
                self.around[x].discard(k)
            self.alive[k] = False
            self.left -= 1
        for k in self.around[u]:
            place = self.faces[k].index(u)
            self.faces[k][place] = v
            self.corners[k][place] = pairs[self.corners[k][place]]
            self.around[v].add(k)
        self.around[u] = set()
        for a, b in pairs.items():
            self.quadrics[b] += self.quadrics[a]
        self.stamp[u] += 1
        self.stamp[v] += 1

    def _renew(self, v: int) -> None:
        ring = self._neighbours(v)
        for x in ring:
            self._push(x, v)
            self._push(v, x)
            for y in self.refused.pop(x, ()):
                if y != v and self._edge_faces(x, y):
                    self._push(x, y)

    def run(self, target: int) -> float:
        """Collapse until `target` faces are left or nothing more is allowed; returns the last cost."""
        last = 0.0
        while self.left > target and self.heap:
            cost, u, v, stamp_u, stamp_v = heapq.heappop(self.heap)
            if stamp_u != self.stamp[u] or stamp_v != self.stamp[v] or not self.around[u]:
                continue
            pair = int(self.mirror[u]), int(self.mirror[v])
            if min(pair) < 0:
                pair = (u, v)
            if not self.allowed(u, v) or (pair != (u, v) and not self.allowed(*pair)):
                self.refused.setdefault(u, set()).add(v)
                continue
            self.collapse(u, v)
            self._renew(v)
            if pair != (u, v) and self.allowed(*pair):
                self.collapse(*pair)
                self._renew(pair[1])
            last = cost
        return last

    def weigh(self, factor: np.ndarray) -> None:
        """Change the importance: `factor` (V,) on distances, from now on."""
        self.quadrics *= (factor[self.owner] ** 2)[:, None, None, None]
        self._push_all()

    def drop(self, faces: np.ndarray) -> None:
        """Take whole loose parts away: `faces` (F,) True."""
        for k in np.flatnonzero(faces):
            if self.alive[k]:
                for x in self.faces[k]:
                    self.around[x].discard(int(k))
                self.alive[k] = False
                self.left -= 1

    def result(self) -> np.ndarray:
        """(G, 3) the remaining faces as split vertices."""
        return np.array([c for c, alive in zip(self.corners, self.alive, strict=True) if alive])


def _quadrics(places: np.ndarray, corners: np.ndarray, importance: np.ndarray) -> np.ndarray:
    """(W, B, 6, 6) squared distance to the planes of the triangles around, weighted by area."""
    bodies, count, width = places.shape
    out = np.zeros((count, bodies, width, width))
    size = width - 1
    for b in range(bodies):
        p, q, r = (places[b, corners[:, k], :size] for k in range(3))
        e1 = _unit(q - p)
        along = np.einsum("fk,fk->f", r - p, e1)[:, None]
        e2 = _unit(r - p - along * e1)
        a = np.eye(size) - e1[:, :, None] * e1[:, None, :] - e2[:, :, None] * e2[:, None, :]
        linear = -np.einsum("fij,fj->fi", a, p)
        whole = np.zeros((len(p), width, width))
        whole[:, :size, :size] = a
        whole[:, :size, size] = whole[:, size, :size] = linear
        whole[:, size, size] = -np.einsum("fi,fi->f", linear, p)
        area = np.linalg.norm(np.cross((q - p)[:, :3], (r - p)[:, :3]), axis=1) / 2
        whole *= (area * importance**2)[:, None, None] / 3
        for k in range(3):
            np.add.at(out[:, b], corners[:, k], whole)
    return out


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _normals(bodies: np.ndarray, faces: np.ndarray) -> np.ndarray:
    p, q, r = (bodies[:, faces[:, k]] for k in range(3))
    x, y = q - p, r - p
    return np.stack(
        [
            x[..., 1] * y[..., 2] - x[..., 2] * y[..., 1],
            x[..., 2] * y[..., 0] - x[..., 0] * y[..., 2],
            x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0],
        ],
        axis=-1,
    )


def _shape(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    p, q, r = (points[faces[:, k]] for k in range(3))
    sides = ((q - p) ** 2 + (r - q) ** 2 + (p - r) ** 2).sum(axis=1)
    area = np.linalg.norm(_normals(points[None], faces)[0], axis=1) / 2
    return 4 * np.sqrt(3) * area / np.maximum(sides, 1e-18)


def _uv_area(uvs: np.ndarray, corners: np.ndarray) -> np.ndarray:
    p, q, r = (uvs[corners[:, k]] for k in range(3))
    x, y = q - p, r - p
    return (x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0]) / 2
