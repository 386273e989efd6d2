"""Where a scan shows cloth or hair, and where it shows skin.

With colours: the skin of this very person is known from hands and face, where nearly everybody is bare, and
every other place is compared with it in chromaticity, which shadows hardly change, and less so in lightness.
Without colours, or where hands and face do not agree, only what stands off the body beyond any misfit of the
model counts as cover. Either way neighbours speak together: a garment is no speckle. In the face, where brows
and lips have other colours than skin, cover must also stand off the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.fit.correspond import nearest_alike
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.geometry.normals import vertex_areas, vertex_normals
from bodyscan.types import F64, Bool

OFF_BODY_M = (0.010, 0.025)
"""Without colours: distances off the body between which cover goes from unlikely to sure, metres."""
OFF_HEAD_M = (0.003, 0.007)
"""The same on head and neck, where hair is told by its colour too."""
SKIN_REACH = (2.0, 3.2)
"""Standard deviations from the person's own skin colour between which cover goes from unlikely to sure."""
COLOR_FLOOR = np.array([0.045, 0.045, 0.22])
"""Least standard deviation of skin in log R/G, log B/G and log G: tan, shadows and make-up."""
AGREE = 3.0
"""Hands and face whose colours differ by more standard deviations do not both show skin."""
FACE_HALF_WIDTH_M = 0.045
SMOOTH_M = 0.03
STEPS = 12
"""Cover is averaged over so much of the body, in so many steps."""
TOUCHING_M = (0.0025, 0.007)
"""Mean gaps between body and scan from which cloth begins to hang, and surely does, metres."""
CLOTH_M = 0.002
"""Thickness of tight cloth."""
MIN_REFERENCE = 60
STRETCH_M = 0.03
"""Metres for a difference of normals of 1 when points look for their vertex."""
BARE = ("left_hand", "right_hand")
HEAD = ("head", "neck", "left_eye", "right_eye")
ARMS = ("left_upper_arm", "left_lower_arm", "right_upper_arm", "right_lower_arm")


@dataclass(frozen=True, eq=False)
class Cover:
    """What covers the person."""

    points: F64
    """(N,) 0..1 for each scan point: how likely it shows cloth or hair."""
    vertices: F64
    """(V,) 0..1 for each body vertex."""
    by_color: bool
    """Whether colours were there to judge by."""
    up: F64
    """(V,) -1..1: how far what lies over each vertex faces up (+Y), averaged over its neighbourhood."""

    @property
    def any(self) -> bool:
        """True where a part of the body that matters is covered."""
        return bool(self.vertices.max(initial=0) > 0.5)


def estimate_cover(model: BodyModel, vertices: F64, scan: ScanPoints) -> Cover:
    """Cover of a body near its place: `vertices` (V, 3) of the posed model, metres.

    Models without regions are judged by distance alone.
    """
    normals = vertex_normals(vertices, model.faces)
    seen = np.flatnonzero(~model.inner)
    nearest = seen[nearest_alike(scan, vertices[seen], normals[seen], STRETCH_M)]
    off = np.einsum("nc,nc->n", scan.points - vertices[nearest], normals[nearest])
    head, face = _named(model, HEAD)[nearest], _face(model, whole=True)[nearest]
    colored = _unlike_skin(model, nearest, scan)
    if colored is None:
        likely = np.where(head, _ramp(off, *OFF_HEAD_M), _ramp(off, *OFF_BODY_M))
    else:
        likely = np.maximum(colored, _ramp(off, *OFF_BODY_M))
        likely = np.where(face, colored * _ramp(off, *OFF_HEAD_M), likely)
    likely[_named(model, BARE)[nearest]] = 0
    weight = scan.areas * scan.confidence
    at_vertices, up = _smoothed(model, vertices, nearest, weight, likely, scan.normals[:, 1])
    at_vertices = _ramp(at_vertices, 0.3, 0.6)
    return Cover(at_vertices[nearest], at_vertices, colored is not None, up)


def arms(model: BodyModel) -> Bool:
    """(V,) True on upper and lower arms."""
    return _named(model, ARMS)


def under_hair(model: BodyModel) -> Bool:
    """(V,) True where cover is hair and no garment."""
    return _named(model, HEAD)


def under_cover(model: BodyModel, skin: F64, surface: F64, cover: Cover) -> F64:
    """(V, 3) metres: the estimated skin, where cover lies on it.

    `skin` (V, 3): the body with the detail of bare places, `surface` (V, 3): as scanned. Where the two are
    close, cloth is tight or touches: the skin lies a cloth's thickness inside the scan, whose own shape it
    has. Where they are far apart, cloth hangs, and the body's own guess is kept, as it is under hair. Never
    outside of the scan.
    """
    normals = vertex_normals(surface, model.faces)
    gap = np.einsum("vc,vc->v", surface - skin, normals)
    areas = np.maximum(vertex_areas(surface, model.faces), 1e-12)
    usual, mass = _spread(model, surface, areas * np.maximum(gap, 0), areas)
    hanging = np.where(under_hair(model), 1.0, _ramp(usual / mass, *TOUCHING_M))
    thickness = np.minimum(CLOTH_M, np.maximum(gap, 0))
    depth = (1 - hanging) * thickness + hanging * np.maximum(gap, 0)
    inside = surface - depth[:, None] * normals
    # Along the surface the scan's own detail slides as the body does.
    return skin + cover.vertices[:, None] * (inside - skin)


def _ramp(values: F64, low: float, high: float) -> F64:
    return np.clip((values - low) / (high - low), 0, 1)


def _named(model: BodyModel, names: tuple[str, ...]) -> Bool:
    known = [name for name in names if name in model.region_names]
    return model.region(*known) if known else np.zeros(model.num_vertices, dtype=bool)


def _unlike_skin(model: BodyModel, nearest: np.ndarray, scan: ScanPoints) -> F64 | None:
    """(N,) 0..1: how far the colour of each point is from the person's own skin; None where unknown."""
    if scan.colors is None or "head" not in model.region_names:
        return None
    values = color_coordinates(scan.colors)
    sure = scan.confidence > 0.5
    places = [_named(model, BARE)[nearest] & sure, _face(model)[nearest] & sure]
    references = [_typical(values[place]) for place in places if place.sum() >= MIN_REFERENCE]
    if not references:
        return None
    (middle, spread), *others = references
    for other, wide in others:
        if np.linalg.norm((other - middle) / np.maximum(spread, wide)) > AGREE:
            return None
        middle, spread = (middle + other) / 2, np.maximum(spread, wide) + 0.5 * np.abs(middle - other)
    return _ramp(np.linalg.norm((values - middle) / spread, axis=1), *SKIN_REACH)


def color_coordinates(colors: F64) -> F64:
    """(N, 3) sRGB 0..1 -> (N, 3) log R/G, log B/G, log G: the first two do not change with the light."""
    linear = np.clip(colors, 0, 1) ** 2.2 + 0.004
    logs = np.log(linear)
    return np.stack([logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1], logs[:, 1]], axis=1) / 2.2


def _typical(values: F64) -> tuple[F64, F64]:
    middle = np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(values - middle), axis=0)
    return middle, np.maximum(spread, COLOR_FLOOR)


def _face(model: BodyModel, whole: bool = False) -> Bool:
    """(V,) cheeks and nose, without brows and mouth; or the `whole` face with brows, lips and ears."""
    head = _named(model, ("head",))
    eyes = model.template[_named(model, ("left_eye", "right_eye"))]
    if not len(eyes):
        return np.zeros(model.num_vertices, dtype=bool)
    x, y, z = (model.template - eyes.mean(axis=0)).T
    if whole:
        return head & (y < 0.045) & (z > -0.10)
    return head & (np.abs(x) < FACE_HALF_WIDTH_M) & (y < -0.012) & (y > -0.05) & (z > -0.02)


def _smoothed(model: BodyModel, vertices: F64, nearest: np.ndarray, weight: F64, *values: np.ndarray) -> F64:
    """(K, V) means of K `values` (N,) around each vertex; without data what neighbours say."""
    count = model.num_vertices
    ones = np.ones(len(weight))
    mass, *totals = (
        np.bincount(nearest, weight * each, count).astype(np.float64) for each in (ones, *values)
    )
    hold = 1e-3 * vertex_areas(vertices, model.faces)
    mass, hold, *totals = _spread(model, vertices, mass, hold, *totals)
    return np.array(totals) / np.maximum(mass + hold, 1e-300)


def _spread(model: BodyModel, vertices: F64, *fields: F64) -> F64:
    """(K, V) each of K fields (V,) spread over its neighbourhood of `SMOOTH_M`."""
    step = _diffusion(model, vertices)
    spread = np.stack(fields, axis=1)
    for _ in range(STEPS):
        spread = step @ spread
    return spread.T


def _diffusion(model: BodyModel, vertices: F64) -> sparse.csr_matrix:
    """(V, V) one step of a smoothing of which `STEPS` reach `SMOOTH_M` on coarse and fine parts."""
    faces = model.faces
    row = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    column = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    length = np.linalg.norm(vertices[row] - vertices[column], axis=1)
    share = np.minimum(1.0, (0.3 * SMOOTH_M / np.maximum(length, 1e-4)) ** 2)
    count = len(vertices)
    matrix = sparse.csr_matrix((share, (row, column)), shape=(count, count))
    matrix = matrix + matrix.T
    degree = np.maximum(np.asarray(matrix.sum(axis=1)).reshape(-1), 1e-12)
    keep = 1 / (1 + degree / 3)
    return sparse.csr_matrix(sparse.diags(keep) + sparse.diags((1 - keep) / degree) @ matrix)
