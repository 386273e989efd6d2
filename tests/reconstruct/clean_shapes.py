"""A person of capsules and the things that scanners add, as plain arrays."""

from __future__ import annotations

import numpy as np

from bodyscan.types import Mesh

Pair = tuple[np.ndarray, np.ndarray]

# Start, end, radius at both ends, metres: trunk, head, arms in A-pose, legs.
_LIMBS = [
    ((0, 0.95, 0), (0, 1.38, 0), 0.14),
    ((0, 1.60, 0), (0, 1.66, 0), 0.10),
    ((0.24, 1.36, 0), (0.55, 0.95, 0), 0.045),
    ((-0.24, 1.36, 0), (-0.55, 0.95, 0), 0.045),
    ((0.10, 0.82, 0), (0.13, 0.07, 0), 0.07),
    ((-0.10, 0.82, 0), (-0.13, 0.07, 0), 0.07),
]


def capsule(start: object, end: object, radius: float, around: int = 24, along: int = 24) -> Pair:
    """A closed capsule, faces outward."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    axis = (b - a) / np.linalg.norm(b - a)
    u = np.cross(axis, [0.0, 0.0, 1.0] if abs(axis[2]) < 0.9 else [1.0, 0.0, 0.0])
    u /= np.linalg.norm(u)
    v = np.cross(axis, u)
    cap = np.linspace(0, np.pi / 2, 7)[1:-1]
    centres = np.concatenate([np.tile(a, (5, 1)), np.linspace(a, b, along), np.tile(b, (5, 1))])
    lift = np.concatenate([-np.cos(cap), np.zeros(along), np.sin(cap)]) * radius
    width = np.concatenate([np.sin(cap), np.ones(along), np.cos(cap)]) * radius
    turn = np.arange(around) / around * 2 * np.pi
    ring = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
    rings = centres[:, None] + lift[:, None, None] * axis + width[:, None, None] * ring
    rows = len(rings)
    index = np.arange(rows * around).reshape(rows, around)
    p, q = index[:-1], index[1:]
    r, s = np.roll(q, -1, 1), np.roll(p, -1, 1)
    side = np.concatenate([np.stack([p, s, r], -1).reshape(-1, 3), np.stack([p, r, q], -1).reshape(-1, 3)])
    low, high = rows * around, rows * around + 1
    first, last = index[0], index[-1]
    bottom = np.stack([np.full(around, low), np.roll(first, -1), first], 1)
    top = np.stack([np.full(around, high), last, np.roll(last, -1)], 1)
    vertices = np.concatenate([rings.reshape(-1, 3), [a - radius * axis, b + radius * axis]])
    return vertices, np.concatenate([side, bottom, top])


def together(*pairs: Pair) -> Mesh:
    """All pieces in one mesh, in order."""
    offsets = np.cumsum([0] + [len(v) for v, _ in pairs])
    return Mesh(
        vertices=np.concatenate([v for v, _ in pairs]),
        faces=np.concatenate([f + o for (_, f), o in zip(pairs, offsets, strict=False)]).astype(np.int32),
    )


def person() -> Pair:
    """A standing person of six closed capsules near each other; soles at y = 0."""
    mesh = together(*[capsule(*limb) for limb in _LIMBS])
    return np.array(mesh.vertices), np.array(mesh.faces)


def plate(width: float, height: float, count: int, noise: float = 0.0, tilt_degrees: float = 0.0) -> Pair:
    """A square level sheet at `height`, facing up."""
    line = np.linspace(-width / 2, width / 2, count)
    x, z = (a.ravel() for a in np.meshgrid(line, line, indexing="ij"))
    y = height + np.tan(np.radians(tilt_degrees)) * x + noise * np.random.default_rng(0).normal(size=x.size)
    i = np.arange(count * count).reshape(count, count)
    a, b, c, d = (part.ravel() for part in (i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]))
    return np.stack([x, y, z], 1), np.concatenate([np.stack([a, c, b], 1), np.stack([a, d, c], 1)])


def fused_post(noise: float = 0.0) -> Pair:
    """A floor that rises into a post of 0.14 m radius and 1.7 m height: one open surface, facing outward."""
    radius = np.concatenate([np.linspace(1, 0.14, 60), np.full(120, 0.14), np.linspace(0.14, 0.001, 20)])
    height = np.concatenate([np.zeros(60), np.linspace(0.005, 1.7, 120), np.full(20, 1.7)])
    turn = np.arange(96) / 96 * 2 * np.pi
    points = np.stack(
        [radius[:, None] * np.cos(turn), np.tile(height[:, None], 96), radius[:, None] * np.sin(turn)], -1
    ).reshape(-1, 3)
    points = points + noise * np.random.default_rng(0).normal(size=points.shape)
    i = np.arange(len(points)).reshape(len(radius), 96)
    p, q = i[:-1], i[1:]
    r, s = np.roll(q, -1, 1), np.roll(p, -1, 1)
    faces = np.concatenate([np.stack([p, q, r], -1).reshape(-1, 3), np.stack([p, r, s], -1).reshape(-1, 3)])
    return points, faces[:, ::-1] if _points_down(points, faces) else faces


def _points_down(points: np.ndarray, faces: np.ndarray) -> bool:
    a, b, c = points[faces[0]]
    return bool(np.cross(b - a, c - a)[1] < 0)


def same_surface(mesh: Mesh, wanted: Pair, tolerance: float) -> bool:
    """True where both hold the same triangles, facing the same way, within `tolerance` metres."""

    def corners(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
        grid = np.rint(np.asarray(vertices) / tolerance).astype(np.int64)[np.asarray(faces)]
        first = np.lexsort(grid.transpose(2, 0, 1)[::-1], axis=1)[:, 0]  # begin at the smallest corner
        order = (first[:, None] + np.arange(3)) % 3
        rows = np.take_along_axis(grid, order[..., None], axis=1).reshape(-1, 9)
        return rows[np.lexsort(rows.T[::-1])]

    return np.array_equal(corners(mesh.vertices, mesh.faces), corners(*wanted))
