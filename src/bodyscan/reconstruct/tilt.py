"""Small tilts of a scan's up axis, read from the soles of the feet.

A person rests on the floor: the plane that touches the feet from below and stands highest under their
middle is the one they rested on (a linear programme). It is believed only where levelling it also makes
the body stand straighter. Bodies whose up axis is known say how exact that is: the soles' plane is off by 0
to 3.2 degrees (naked feet posed in the air are the worst), so that less than 4.5 degrees is left alone.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from bodyscan.reconstruct.landmarks import Skeleton33
from bodyscan.types import F64

FEET = ("left_heel", "right_heel", "left_foot_index", "right_foot_index")
LEAST_DEGREES, MOST_DEGREES = 4.5, 13.0
MOST_POINTS = 4000
LEANING_DEGREES, STRAIGHT_DEGREES = 16.0, 18.0
"""From where a straight body is a tilted scan, and how far legs and trunk of one may differ."""


def corrected_up(vertices: F64, skeleton: Skeleton33, up: F64) -> tuple[F64, float]:
    """The unit up axis that levels the soles, and the angle in degrees (0 where nothing is corrected).

    `vertices` (V, 3) and `skeleton` in the input's frame and unit; `up` (3,) the axis so far.
    """
    normal = up
    for _ in range(2):
        found = _supporting_plane(vertices, skeleton, normal)
        if found is None:
            return up, 0.0
        normal = found
    degrees = float(np.degrees(np.arccos(np.clip(normal @ up, -1, 1))))
    if not LEAST_DEGREES <= degrees <= MOST_DEGREES:
        return up, 0.0
    before, after = _lean(skeleton, up), _lean(skeleton, normal)
    if before is None or after is None or after > before - 0.3 * degrees:
        return up, 0.0
    return normal, degrees


def body_axis(skeleton: Skeleton33, up: F64) -> F64 | None:
    """The unit direction of legs and trunk together, where both lean alike and far from `up`; else None.

    A person who bows or leans bends between the two: then the scan's axis is right and the pose is theirs.
    """
    ankles, hips, shoulders = (skeleton.middle(part) for part in ("ankle", "hip", "shoulder"))
    legs, trunk = hips - ankles, shoulders - hips
    lengths = np.linalg.norm([legs, trunk], axis=1)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        return None
    legs, trunk = legs / lengths[0], trunk / lengths[1]
    if legs @ trunk < np.cos(np.radians(STRAIGHT_DEGREES)):
        return None
    if min(_degrees(legs, up), _degrees(trunk, up)) < LEANING_DEGREES:
        return None
    axis = shoulders - ankles
    return axis / np.linalg.norm(axis)


def _degrees(first: F64, second: F64) -> float:
    return float(np.degrees(np.arccos(np.clip(first @ second, -1, 1))))


def _supporting_plane(vertices: F64, skeleton: Skeleton33, up: F64) -> F64 | None:
    """The unit normal of the plane that both feet rest on, or None where a foot was not seen."""
    if any(skeleton.sure(name) < 0.2 for name in FEET):
        return None
    feet = np.array([skeleton[name] for name in FEET])
    height = float(np.ptp(np.percentile(vertices @ up, [0.05, 99.95])))
    side = np.cross(up, np.eye(3)[np.abs(up).argmin()])
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(up, side), up])
    local = (vertices - feet.mean(axis=0)) @ axes.T / height
    feet = (feet - feet.mean(axis=0)) @ axes.T / height
    across = np.linalg.norm(local[:, None, :2] - feet[None, :, :2], axis=2).min(axis=1)
    low = local[
        (across < 0.035) & (local[:, 2] < feet[:, 2].max() + 0.02) & (local[:, 2] > feet[:, 2].min() - 0.08)
    ]
    if len(low) < 20:
        return None
    low = low[np.argsort(low[:, 2], kind="stable")[:MOST_POINTS]]
    # Highest c with a x + b y + c below every point: the plane z = a x + b y + c touches from below.
    answer = linprog(
        [0, 0, -1],
        A_ub=np.column_stack([low[:, :2], np.ones(len(low))]),
        b_ub=low[:, 2],
        bounds=[(-0.35, 0.35), (-0.35, 0.35), (None, None)],
    )
    if not answer.success:
        return None
    normal = np.array([-answer.x[0], -answer.x[1], 1.0]) @ axes
    return normal / np.linalg.norm(normal)


def _lean(skeleton: Skeleton33, up: F64) -> float | None:
    """Degrees between `up` and the line from the ankles to the shoulders."""
    line = skeleton.middle("shoulder") - skeleton.middle("ankle")
    length = float(np.linalg.norm(line))
    if not np.isfinite(length) or length == 0:
        return None
    return float(np.degrees(np.arccos(np.clip(line @ up / length, -1, 1))))
