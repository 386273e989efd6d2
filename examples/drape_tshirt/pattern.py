"""A T-shirt's sewing pattern from body measurements: four panels, and which edges are sewn together.

Panels are drafted in metres as they lie on the table, seen from their outside. Lengths come from a body
folder's `body.yaml` (GarmentCode's names) and `measurements.json` (ISO 8559-1 names).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq
from scipy.spatial import Delaunay

SPACING_M = 0.014
"""Wanted length of the cloth's mesh edges."""
ARMHOLE_SHARE = 1.15
"""Least length of each half of the armhole, as a share of half of the sleeve's width: else no cap fits."""


@dataclass(frozen=True)
class Ease:
    """How much wider the shirt is than the body, metres, and its style."""

    bust: float = 0.09
    waist: float = 0.09
    hips: float = 0.07
    sleeve: float = 0.075
    armhole: float = 0.025
    """Added to the armscye's depth, as GarmentCode does."""
    sleeve_length: float = 0.21
    """From the shoulder point, along the arm."""
    neck_depth_front: float = 0.095
    neck_depth_back: float = 0.022
    below_hips: float = 0.07
    """How far the hem lies below the hips' level."""


@dataclass(frozen=True)
class Panel:
    """A flat piece of cloth as a triangle mesh."""

    name: str
    points: np.ndarray
    """(N, 2) metres, seen from outside, counter-clockwise triangles."""
    triangles: np.ndarray
    """(T, 3)."""
    edges: dict[str, np.ndarray]
    """Name of an edge -> its vertices in order, both ends included."""


@dataclass(frozen=True)
class Garment:
    """Panels sewn together: seam vertices are shared, the flat shape is kept for each triangle."""

    panels: tuple[Panel, ...]
    vertex_of_point: np.ndarray
    """(P,) the sewn vertex of each point of all panels, in order."""
    triangles: np.ndarray
    """(T, 3) sewn vertices."""
    flat_points: np.ndarray
    """(P, 2) points of all panels, metres."""
    flat_triangles: np.ndarray
    """(T, 3) into `flat_points`: the rest shape of each triangle."""

    def starts(self) -> np.ndarray:
        """(len(panels) + 1,) where each panel's points begin."""
        return np.cumsum([0, *(len(panel.points) for panel in self.panels)])


def tshirt(body: dict[str, float], upper_arm_girth_m: float, ease: Ease | None = None) -> Garment:
    """Draft a T-shirt with set-in sleeves for GarmentCode's measurements (`body`, centimetres, degrees)."""
    ease = ease or Ease()
    cm = {name: value / 100 for name, value in body.items()}
    neck = np.array([cm["neck_w"] / 2, 0.0])
    tip_x = cm["shoulder_w"] / 2
    tip = np.array([tip_x, -np.tan(np.radians(body["shoulder_incl"])) * (tip_x - neck[0])])
    width = (cm["bust"] + ease.bust) / 4
    around = upper_arm_girth_m + ease.sleeve
    under = np.array([width, tip[1] - cm["armscye_depth"] - ease.armhole])
    # A broad arm needs an armhole whose seam is longer than half of the sleeve is wide.
    while _length(_armhole(under, tip)) < ARMHOLE_SHARE * around / 2:
        under[1] -= 0.005
    widest = max(cm["hips"] + ease.hips, cm["waist"] + ease.waist)
    length = cm["waist_line"] + cm["hips_line"] + ease.below_hips
    hem = np.array([max(widest / 4, width), -length])
    count_armhole = _count(_armhole(under, tip))
    torso = dict(neck=neck, tip=tip, under=under, hem=hem, count_armhole=count_armhole)
    front = _torso("front", depth=ease.neck_depth_front, **torso)
    back = _torso("back", depth=ease.neck_depth_back, **torso)
    armhole_length = _length(_armhole(under, tip))
    sleeves = [
        _sleeve(f"{side}_sleeve", around, ease.sleeve_length, armhole_length, count_armhole)
        for side in ("left", "right")
    ]
    seams = [
        ("front", "shoulder_plus", "back", "shoulder_minus"),
        ("front", "shoulder_minus", "back", "shoulder_plus"),
        ("front", "side_plus", "back", "side_minus"),
        ("front", "side_minus", "back", "side_plus"),
        ("left_sleeve", "seam_plus", "left_sleeve", "seam_minus"),
        ("right_sleeve", "seam_plus", "right_sleeve", "seam_minus"),
        # Seen from outside, the front of the left sleeve lies at its left, of the right one at its right.
        ("left_sleeve", "cap_minus", "front", "armhole_plus"),
        ("left_sleeve", "cap_plus", "back", "armhole_minus"),
        ("right_sleeve", "cap_plus", "front", "armhole_minus"),
        ("right_sleeve", "cap_minus", "back", "armhole_plus"),
    ]
    return sew((front, back, *sleeves), seams)


def sew(panels: tuple[Panel, ...], seams: list[tuple[str, str, str, str]]) -> Garment:
    """Join panels along pairs of edges, which run in opposite directions, as outlines of neighbours do."""
    names = [panel.name for panel in panels]
    starts = np.cumsum([0, *(len(panel.points) for panel in panels)])
    parent = np.arange(starts[-1])

    def root(k: int) -> int:
        while parent[k] != k:
            k = parent[k]
        return k

    for first, first_edge, second, second_edge in seams:
        a, b = names.index(first), names.index(second)
        one = panels[a].edges[first_edge] + starts[a]
        other = panels[b].edges[second_edge][::-1] + starts[b]
        for i, j in zip(one, other, strict=True):
            low, high = sorted((root(i), root(j)))
            parent[high] = low
    roots = np.array([root(k) for k in range(starts[-1])])
    vertex_of_point = np.unique(roots, return_inverse=True)[1]
    flat_triangles = np.concatenate([p.triangles + s for p, s in zip(panels, starts, strict=False)])
    return Garment(
        panels,
        vertex_of_point,
        vertex_of_point[flat_triangles],
        np.concatenate([panel.points for panel in panels]),
        flat_triangles,
    )


def _torso(name, neck, tip, under, hem, depth, count_armhole) -> Panel:
    mirror = np.array([-1.0, 1.0])
    armhole = _resample(_armhole(under, tip), count_armhole)
    bottom = np.array([0.0, -depth])
    half_neck = _bezier(
        neck, neck - np.array([0.0, 0.75 * depth]), bottom + np.array([0.6 * neck[0], 0.0]), bottom
    )
    neckline = np.concatenate([half_neck, (half_neck * mirror)[::-1][1:]])
    side = _resample(np.array([hem, under]), _count(np.array([hem, under])))
    shoulder = _resample(np.array([tip, neck]), _count(np.array([tip, neck])))
    edges = {
        "hem": np.array([hem * mirror, hem]),
        "side_plus": side,
        "armhole_plus": armhole,
        "shoulder_plus": shoulder,
        "neck": neckline,
        "shoulder_minus": (shoulder * mirror)[::-1],
        "armhole_minus": (armhole * mirror)[::-1],
        "side_minus": (side * mirror)[::-1],
    }
    return _mesh(name, edges, fixed=("side", "armhole", "shoulder"))


def _sleeve(name: str, around: float, length: float, armhole: float, count: int) -> Panel:
    """A sleeve whose cap is as long as the armhole on each side."""
    half = around / 2
    height = brentq(lambda h: _length(_cap(half, h)) - armhole, 0.2 * armhole, armhole)
    cap = _resample(_cap(half, height), count)
    mirror = np.array([-1.0, 1.0])
    low = np.array([0.93 * half, -max(length, height + 0.05)])
    seam = np.array([low, cap[0]])
    seam = _resample(seam, _count(seam))
    edges = {
        "hem": np.array([low * mirror, low]),
        "seam_plus": seam,
        "cap_plus": cap,
        "cap_minus": (cap * mirror)[::-1],
        "seam_minus": (seam * mirror)[::-1],
    }
    return _mesh(name, edges, fixed=("seam", "cap"))


def _armhole(under, tip) -> np.ndarray:
    chest = tip[0] - 0.018
    return _bezier(
        under,
        np.array([chest + 0.15 * (under[0] - chest), under[1]]),
        np.array([chest, under[1] + 0.45 * (tip[1] - under[1])]),
        tip,
    )


def _cap(half: float, height: float) -> np.ndarray:
    """From the underarm to the top."""
    u = np.linspace(1.0, 0.0, 60)
    return np.column_stack([half * u, -height * (1 - np.cos(np.pi * u)) / 2])


def _bezier(*points) -> np.ndarray:
    a, b, c, d = (np.asarray(p, float) for p in points)
    t = np.linspace(0.0, 1.0, 60)[:, None]
    return a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t**2 * (1 - t) + d * t**3


def _length(line: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def _count(line: np.ndarray) -> int:
    return max(3, round(_length(line) / SPACING_M) + 1)


def _resample(line: np.ndarray, count: int) -> np.ndarray:
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    wanted = np.linspace(0.0, along[-1], count)
    return np.column_stack([np.interp(wanted, along, line[:, k]) for k in range(2)])


def _mesh(name: str, edges: dict[str, np.ndarray], fixed: tuple[str, ...]) -> Panel:
    """Triangulate the inside of a closed outline given as consecutive edges."""
    outline, ids, start = [], {}, 0
    for edge, line in edges.items():
        line = line if edge.startswith(fixed) else _resample(line, _count(line))
        outline.append(line[:-1])
        ids[edge] = np.arange(start, start + len(line))
        start += len(line) - 1
    ids[edge][-1] = 0
    border = np.concatenate(outline)
    low, high = border.min(axis=0), border.max(axis=0)
    rows = np.arange(low[1], high[1], SPACING_M * np.sqrt(3) / 2)
    grid = np.concatenate(
        [
            np.column_stack(
                [x := np.arange(low[0] + (k % 2) * SPACING_M / 2, high[0], SPACING_M), np.full(len(x), y)]
            )
            for k, y in enumerate(rows)
        ]
    )
    near = np.min(np.linalg.norm(grid[:, None] - border[None], axis=2), axis=1) < 0.62 * SPACING_M
    points = np.concatenate([border, grid[_inside(grid, border) & ~near]])
    triangles = Delaunay(points).simplices
    triangles = triangles[_inside(points[triangles].mean(axis=1), border)]
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    triangles = np.where((area < 0)[:, None], triangles[:, ::-1], triangles)
    return Panel(name, points, triangles[np.abs(area) > 1e-9], ids)


def _inside(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """(N,) True inside of a closed outline: an odd number of its edges lies to the right."""
    inside = np.zeros(len(points), bool)
    for a, b in pairwise([*outline, outline[0]]):
        crosses = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        if a[1] != b[1]:
            x = a[0] + (points[:, 1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
            inside ^= crosses & (points[:, 0] < x)
    return inside
