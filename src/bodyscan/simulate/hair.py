"""Hair: a cap that follows the skull, and for longer cuts a curtain that hangs over ears, neck and back."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.raycast import Raycaster
from bodyscan.simulate.smooth_noise import smooth_noise, smoothstep
from bodyscan.simulate.surface import Places
from bodyscan.types import F64, I32, Mesh

HAIR_RGB = (
    (22, 18, 16),
    (46, 32, 24),
    (84, 58, 38),
    (132, 98, 62),
    (190, 158, 108),
    (128, 66, 36),
    (150, 146, 142),
)
CAP_MM = {"bald": 0.0, "short": 9.0, "bob": 17.0, "long": 16.0}
HAIRLINE_M = np.array([
    [-0.20, -0.078], [-0.14, -0.075], [-0.105, -0.055], [-0.088, -0.020], [-0.070, -0.012],
    [-0.058, 0.002], [-0.048, 0.030], [-0.025, 0.050], [0.0, 0.066], [0.02, 0.074],
])  # fmt: skip
"""Forward and upward distance from the eyes of the hair's edge on the adult's mean head."""
COLUMNS, ROWS = 220, 200


def draw_hair_rgb(rng: np.random.Generator, tone: int) -> F64:
    """(3,) sRGB; dark skin mostly comes with dark hair."""
    count = len(HAIR_RGB) if tone <= 4 else 3 if tone <= 6 else 2
    return np.array(HAIR_RGB[int(rng.integers(count))], np.float64)


def scalp_inside(places: Places) -> F64:
    """(N,) metres inside the hairline, negative outside; ears are outside."""
    eye = places.joints["leftEye"]
    x = np.abs(places.points[:, 0])
    y, z = places.points[:, 1] - eye[1], places.points[:, 2] - eye[2]
    inside = (
        y - np.interp(z, HAIRLINE_M[:, 0], HAIRLINE_M[:, 1]) - 0.12 * np.maximum(x - 0.045, 0) * (z > -0.04)
    )
    ear = np.hypot((z + 0.079) / 0.8, (y + 0.018) / 1.4) < 0.021
    ear &= x > 0.070
    inside = np.where(ear, -0.01, inside)
    return np.where(places.head + 0.5 * (y < -0.03) > 0.5, inside, -1.0)


def cap_height(rng: np.random.Generator, places: Places, inside: F64, cut: str) -> F64:
    """(N,) metres that the hair stands off the scalp."""
    eye = places.joints["leftEye"]
    above = smoothstep(0.0, 0.09, places.points[:, 1] - eye[1])
    full = CAP_MM[cut] / 1000 * (0.55 + 0.55 * above if cut == "short" else np.ones(len(inside)))
    clumps = smooth_noise(rng, places.points, (0.012, 0.03), stretch=(0.7, 1.6, 1.6))
    fine = smooth_noise(rng, places.points, (0.005, 0.010), stretch=(0.6, 1.5, 2.0))
    bumps = 0.0011 * clumps + 0.0006 * fine
    return np.maximum(full + bumps, 0.0008) * smoothstep(0.0, 0.018 if cut == "short" else 0.012, inside)


def hair_shade(rng: np.random.Generator, points: F64, rgb: F64) -> F64:
    """(N, 3) sRGB 0..255: strands lighter and darker than `rgb`."""
    strands = smooth_noise(rng, points, (0.004, 0.012), stretch=(0.6, 3.0, 1.5))
    locks = smooth_noise(rng, points, (0.02, 0.06), stretch=(0.7, 2.5, 1.2))
    return rgb * (1 + 0.14 * strands + 0.10 * locks)[:, None] + 6


def curtain(
    rng: np.random.Generator, body: Mesh, eyes: F64, facing: F64, shoulder_y: float, cut: str, rgb: F64
) -> Mesh | None:
    """The hanging part of `bob` and `long`, or None; it takes its ground from the posed `body` with its cap.

    `eyes` (3,) the point between the eyes, `facing` (3,) horizontal unit vector, `shoulder_y` metres.
    """
    if cut not in ("bob", "long"):
        return None
    scale = (eyes[1] - shoulder_y) / 0.24
    axis = eyes - facing * 0.085 * scale
    low = shoulder_y + (0.055 if cut == "bob" else -0.17) * scale
    high = eyes[1] + 0.045 * scale
    widest = np.radians(118 if cut == "bob" else 112)
    angles = np.linspace(-widest, widest, COLUMNS)
    heights = np.linspace(high, low, ROWS)
    radius, ground = _radii(body, axis, facing, angles, heights)
    line = np.stack([angles * 0.1, 0 * angles, 0 * angles], axis=1)
    grid = np.stack(np.broadcast_arrays(angles[None] * 0.1, heights[:, None], 0.0), -1).reshape(-1, 3)
    strands = smooth_noise(rng, line, (0.004, 0.02), waves=40)
    waviness = smooth_noise(rng, grid, (0.012, 0.05), stretch=(0.5, 4.0, 1.0)).reshape(ROWS, COLUMNS)
    radius = radius + 0.0012 * strands + 0.0016 * waviness
    # The front edges and the tips close onto the skin.
    edge = smoothstep(0.0, np.radians(16), widest - np.abs(angles))[None]
    ragged = 0.012 * smooth_noise(rng, line, (0.006, 0.03))
    tips = smoothstep(0.0, 0.022, heights[:, None] - low - 0.5 * np.abs(ragged)[None])
    share = edge * tips
    radius = share * radius + (1 - share) * (np.minimum(ground, radius) - 0.004)
    side = np.cross([0.0, 1.0, 0.0], facing)
    outward = -np.cos(angles)[:, None] * facing + np.sin(angles)[:, None] * side
    points = axis * [1, 0, 1] + radius[..., None] * outward[None] + heights[:, None, None] * [0.0, 1.0, 0.0]
    points = points.reshape(-1, 3)
    colors = hair_shade(rng, grid, rgb)
    return Mesh(points, _grid_faces(ROWS, COLUMNS), colors=np.clip(colors, 0, 255).astype(np.uint8))


def _radii(body: Mesh, axis: F64, facing: F64, angles: F64, heights: F64) -> tuple[F64, F64]:
    """(R, C) radius of the hair, and of the body below it, around the head's vertical axis."""
    side = np.cross([0.0, 1.0, 0.0], facing)
    outward = -np.cos(angles)[:, None] * facing + np.sin(angles)[:, None] * side
    # Rays start near enough that an arm, lifted or hanging, does not catch them.
    start = np.where(np.abs(np.abs(angles) - np.pi / 2) < np.pi / 4, 0.16, 0.22)
    origins = np.empty((len(heights), len(angles), 3))
    origins[:] = axis * [1, 0, 1] + (start[:, None] * outward)[None]
    origins[..., 1] = heights[:, None]
    directions = np.broadcast_to(-outward, origins.shape)
    distance = Raycaster(body).cast(origins, directions).distance.reshape(len(heights), len(angles))
    ground = np.where(np.isfinite(distance), start - distance, 0.0)
    ground = np.maximum(ground, 0.0)
    radius = np.empty_like(ground)
    step = heights[0] - heights[1]
    radius[0] = ground[0] + 0.0005
    for row in range(1, len(heights)):
        above = radius[row - 1]
        grow = 0.012 * min(1.0, (heights[0] - heights[row]) / 0.05)
        radius[row] = np.clip(ground[row] + 0.002 + grow, above - 0.22 * step, above + 0.9 * step)
    kernel = np.hanning(23) / np.hanning(23).sum()
    padded = np.pad(radius, ((0, 0), (11, 11)), mode="edge")
    smooth = np.stack([np.convolve(row, kernel, mode="valid") for row in padded])
    return smooth, ground


def _grid_faces(rows: int, columns: int) -> I32:
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]).reshape(-1, 1)
    quads = first + np.array([0, columns, columns + 1, 0, columns + 1, 1])
    return quads.reshape(-1, 3).astype(np.int32)
