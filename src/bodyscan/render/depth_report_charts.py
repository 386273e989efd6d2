"""Charts of a depth capture's report, as SVG inside the page: where the cameras stood, how the head swayed.

They show no picture of the person, only lines and an outline from above, so that they carry no mark. Colours
are those of the page's style sheet and follow its light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull

from bodyscan.types import F64, Mesh

PLAN_SIZE, PLAN_EDGE = 520, 40
"""Pixels of the plan's side, and of the room around what it shows."""
MOST_NUMBERS = 24
"""Cameras that get their number written beside them."""
JUMP_DEG = 45.0
"""Cameras farther apart around the person, one after the other, are not joined by a line."""
CHART_WIDTH, CHART_HEIGHT = 860, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 28, 40
_COLORS = ("var(--accent)", "var(--soft)", "var(--warn)")
_TEXT = 'font-size="13" fill="var(--soft)"'


def plan_svg(world_from_camera: F64, surface: Mesh, names: Sequence[str] = ()) -> str:
    """The cameras (N, 4, 4) from above, in their order, around the outline of `surface` (metres, +Y up).

    The person faces down the page (+Z), so that their left is on the right. `names` are told when a pointer
    rests on a camera.
    """
    eyes = world_from_camera[:, [0, 2], 3]
    ahead = world_from_camera[:, [0, 2], 2]
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    flat = surface.vertices[:, [0, 2]]
    outline = flat[ConvexHull(flat).vertices]
    every = np.concatenate([eyes, outline])
    low, high = every.min(axis=0), every.max(axis=0)
    scale = (PLAN_SIZE - 2 * PLAN_EDGE) / max(float((high - low).max()), 1e-6)
    shift = PLAN_SIZE / 2 - scale * (low + high) / 2

    def at(points: ArrayLike) -> F64:
        return np.asarray(points, np.float64) * scale + shift

    middle = outline.mean(axis=0)
    parts = [
        f'<polygon points="{_points(at(outline))}" fill="var(--line)" stroke="var(--soft)"/>',
        _arrow(at(middle), at(middle + np.array([0, 0.35]))),
        *(
            f'<polyline points="{_points(at(eyes[run]))}" fill="none" stroke="var(--accent)" opacity="0.45"/>'
            for run in _runs(eyes, middle)
        ),
    ]
    step = -(-len(eyes) // MOST_NUMBERS)
    for k, (eye, way) in enumerate(zip(at(eyes), ahead, strict=True)):
        side = np.array([-way[1], way[0]])
        corners = np.array([eye, eye + 11 * way + 6 * side, eye + 11 * way - 6 * side])
        fill = "var(--good)" if k == 0 else "var(--bad)" if k == len(eyes) - 1 else "var(--accent)"
        title = f"<title>{escape(names[k])}</title>" if k < len(names) else ""
        parts.append(f'<polygon points="{_points(corners)}" fill="{fill}">{title}</polygon>')
        if k % step == 0 or k == len(eyes) - 1:
            x, y = eye - 13 * way
            parts.append(f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" {_TEXT}>{k + 1}</text>')
    bar = _round_length(float((high - low).max()) / 4)
    x, y = 14, PLAN_SIZE - 12
    parts.append(
        f'<path d="M{x} {y}h{bar * scale:.1f}" stroke="var(--ink)" stroke-width="2"/>'
        f'<text x="{x}" y="{y - 6}" {_TEXT}>{bar:g} m</text>'
    )
    words = f"{len(eyes)} cameras from above, around the person, who faces down the page."
    return _svg(PLAN_SIZE, PLAN_SIZE, words, parts)


def sway_svg(head_way_mm: F64) -> str:
    """The head's way (N, 3), mm from its mean place, over the frames: sideways, up, forwards."""
    reach = _round_length(max(float(np.abs(head_way_mm).max()), 1.0))
    count = len(head_way_mm)
    width, height = CHART_WIDTH - _LEFT - _RIGHT, CHART_HEIGHT - _TOP - _BOTTOM
    x = _LEFT + width * np.arange(count) / max(count - 1, 1)

    def y(values: ArrayLike) -> F64:
        return _TOP + height * (0.5 - 0.5 * np.asarray(values, np.float64) / reach)

    parts = []
    for value in (-reach, -reach / 2, 0.0, reach / 2, reach):
        row = float(y(value))
        parts.append(
            f'<path d="M{_LEFT} {row:.1f}h{width}" stroke="var(--line)"/>'
            f'<text x="{_LEFT - 8}" y="{row + 4:.1f}" text-anchor="end" {_TEXT}>{value:+g}</text>'
        )
    for k in sorted({0, (count - 1) // 2, count - 1}):
        anchor = "start" if k == 0 else "end" if k == count - 1 else "middle"
        place = f'x="{x[k]:.1f}" y="{CHART_HEIGHT - 16}" text-anchor="{anchor}"'
        parts.append(f"<text {place} {_TEXT}>frame {k + 1}</text>")
    for axis, (name, color) in enumerate(zip(("to their left", "up", "forwards"), _COLORS, strict=True)):
        line = _points(np.stack([x, y(head_way_mm[:, axis])], axis=1))
        dash = ("", ' stroke-dasharray="3 3"', ' stroke-dasharray="9 4"')[axis]
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"{dash}/>')
        left = _LEFT + 150 * axis
        parts.append(
            f'<path d="M{left} 13h28" stroke="{color}" stroke-width="2"{dash}/>'
            f'<text x="{left + 34}" y="17" {_TEXT}>{name}, mm</text>'
        )
    far = float(np.linalg.norm(head_way_mm, axis=1).max())
    return _svg(
        CHART_WIDTH, CHART_HEIGHT, f"The head's way over {count} frames, up to {far:.0f} mm away.", parts
    )


def _svg(width: int, height: int, words: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(words)}" '
        f'style="display:block;width:100%;max-width:{width}px;height:auto">\n' + "\n".join(parts) + "\n</svg>"
    )


def _points(places: F64) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _arrow(start: F64, end: F64) -> str:
    """Where the person faces."""
    x, y = end
    return (
        f'<path d="M{start[0]:.1f} {start[1]:.1f}L{x:.1f} {y:.1f}m-5 -8l5 8l5 -8" fill="none" '
        'stroke="var(--ink)" stroke-width="2"/>'
    )


def _runs(eyes: F64, middle: F64) -> list[NDArray[np.signedinteger]]:
    """Places in `eyes` of cameras that follow one another without a jump around the person."""
    around = np.degrees(np.arctan2(*(eyes - middle).T))
    turns = np.abs((np.diff(around) + 180) % 360 - 180)
    return [
        run for run in np.split(np.arange(len(eyes)), np.flatnonzero(turns > JUMP_DEG) + 1) if len(run) > 1
    ]


def _round_length(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 ... above `value`."""
    decade = 10.0 ** np.floor(np.log10(value))
    return float(next(step * decade for step in (1, 2, 5, 10) if step * decade >= value * (1 - 1e-9)))
