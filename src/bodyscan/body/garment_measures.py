"""GarmentCode's body parameters, measured on a person's own surface.

Names, units (centimetres, degrees) and definitions are those of GarmentCode's body files (Korosteleva and
others, "GarmentCodeData: a dataset of 3D made-to-measure garments with sewing patterns", ECCV 2024, and the
authors' program GarmentMeasurements); `docs/garments.md` compares them with the authors' own numbers. They
are taken on the posed body that goes with them, because GarmentCode places panels by them: `height` is that
of the mesh, not the stature. Lengths of one side and angles are the mean of both sides, since the drafted
garment is symmetric (the authors take the right side).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import ConvexHull

from bodyscan.body.garment_points import garment_points
from bodyscan.body.measurements_girths import underbust
from bodyscan.body.measurements_girths import wrist as wrist_girth
from bodyscan.body.measurements_standing import UP, Standing
from bodyscan.body.model import BodyModel
from bodyscan.geometry.section import Section, surface_path
from bodyscan.types import F64

LEVEL_WINDOW_M, LEVEL_STEP_M = 0.020, 0.005
"""Bust and hips: the greatest girth within 2 cm of their level, waist: the least, in steps of 5 mm."""
LEG_SHARE, LEG_STEP_M, LEG_REACH_M = 0.01, 0.005, 0.15
"""The thigh is measured so far below the crotch (share of the height), or at the first level down to
`LEG_REACH_M` further at which the thighs are apart."""
LEVEL_GIRTH_M = 0.002
"""Levels whose girths differ by less than this count nearly alike: a straight waist's level is its middle."""
PRINCESS_SHARE = 0.2
"""The line over the bust starts at so much of the way from the neck's side to the shoulder point."""
SIDES = ("left", "right")
LEFT = np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True)
class GarmentParameter:
    """One parameter of a GarmentCode body file."""

    name: str
    value: float
    """Centimetres, or degrees."""
    unit: str
    """`cm` or `deg`."""
    description: str


@dataclass(frozen=True, eq=False)
class GarmentSubject:
    """A posed body whose parameters are taken: legs nearly upright, arms away from the trunk."""

    body: Standing

    @cached_property
    def points(self) -> Mapping[str, F64]:
        """The points of `bodyscan.body.garment_points`, metres."""
        return garment_points(self.body.model, self.body.vertices, self.body.joints)

    @cached_property
    def bust_level(self) -> float:
        """Height of the greatest girth near the bust points, metres."""
        names = ("bust", "bust_side")
        return self._level(float(np.mean([self.points[f"{s}_{n}"][1] for n in names for s in SIDES])), 1.0)

    @cached_property
    def waist_level(self) -> float:
        """Height of the least girth near the waist, metres."""
        sides = [self.points[f"{side}_waist_side"][1] for side in SIDES]
        return self._level(float(np.mean([*sides, self.points["mid_waist_back"][1]])), -1.0)

    @cached_property
    def hip_level(self) -> float:
        """Height of the greatest girth near the buttocks' points, metres."""
        names = ("hips_side", "bum")
        return self._level(float(np.mean([self.points[f"{s}_{n}"][1] for n in names for s in SIDES])), 1.0)

    def _level(self, middle: float, sign: float) -> float:
        """The level of the greatest (`sign` 1) or least (-1) girth; it moves without a jump, as shapes do."""
        steps = np.arange(-LEVEL_WINDOW_M, LEVEL_WINDOW_M + LEVEL_STEP_M / 2, LEVEL_STEP_M)
        girths = sign * np.array([self.body.trunk_girth(middle + step) for step in steps])
        return middle + float(np.average(steps, weights=np.exp((girths - girths.max()) / LEVEL_GIRTH_M)))

    def around(self, level: float) -> Section:
        """The level section of the trunk, without the arms."""
        return self.body.cut("trunk", np.array([0.0, level, 0.0]), UP)

    def side_point(self, side: str, level: float, near: F64) -> F64:
        """(3,) the place on the trunk at `level` nearest to `near`, on that side."""
        section = self.around(level)
        corners = np.concatenate([section.starts, section.ends])
        corners = corners[corners[:, 0] * (1 if side == "left" else -1) > 0]
        return corners[np.linalg.norm(corners - near, axis=1).argmin()]

    def between_sides(self, function: Callable[[str], float]) -> float:
        """The mean of both sides."""
        return (function("left") + function("right")) / 2


def measure_garment(model: BodyModel, vertices: F64, joints: F64) -> tuple[GarmentParameter, ...]:
    """GarmentCode's 26 parameters of a posed body: vertices (V, 3), joints (J, 3), metres, +Y up, facing +Z.

    Raises `InputError` for another topology than the packaged body's, or for values that are not finite.
    """
    body = Standing(model, vertices, joints)
    # Left and right of the hips' middle: below, sides are told by the sign of x.
    middle = body.joint("hips") * [1.0, 0.0, 1.0]
    subject = GarmentSubject(Standing(model, body.vertices - middle, body.joints - middle))
    return tuple(
        GarmentParameter(d.name, round(_SCALE[d.unit] * d.measure(subject), 4), d.unit, d.description)
        for d in DEFINITIONS
    )


_SCALE = {"cm": 100.0, "deg": 180.0 / np.pi}


def _height(s: GarmentSubject) -> float:
    return float(_outer_heights(s).max() - _outer_heights(s).min())


def _outer_heights(s: GarmentSubject) -> F64:
    return s.body.vertices[~s.body.model.inner, 1]


def _head_length(s: GarmentSubject) -> float:
    return float(_outer_heights(s).max() - s.points["nape"][1])


def _neck_width(s: GarmentSubject) -> float:
    stops = [s.points["left_neck"], s.points["nape"], s.points["right_neck"]]
    return s.body.path("neck", stops).taut_length()


def _straight(first: str, second: str) -> Callable[[GarmentSubject], float]:
    return lambda s: float(np.linalg.norm(s.points[first] - s.points[second]))


def _fall(s: GarmentSubject, start: str, end: str) -> float:
    """Radians below the horizontal from one point to another, mean of both sides."""

    def one(side: str) -> float:
        way = s.points[f"{side}_{end}"] - s.points[f"{side}_{start}"]
        return float(np.arcsin(-way[1] / np.linalg.norm(way)))

    return s.between_sides(one)


def _arm_length(s: GarmentSubject) -> float:
    def one(side: str) -> float:
        ends = [s.points[f"{side}_shoulder"], s.points[f"{side}_wrist"]]
        # In the plane of the arm that holds the vertical: over its upper side, as a tape lies there.
        return s.body.path(f"{side}_arm", ends, across=UP).taut_length()

    return s.between_sides(one)


def _armscye_depth(s: GarmentSubject) -> float:
    return s.between_sides(lambda side: _straight(f"{side}_shoulder", f"{side}_underarm")(s))


def _back_part(s: GarmentSubject, level: float, sides: Mapping[str, F64]) -> float:
    """Metres around the back at `level` from side point to side point, a taut tape."""
    section = s.around(level)
    corners = np.concatenate([section.starts, section.ends])
    left, right = sides["left"], sides["right"]
    line = left - right
    share = (corners[:, 0] - right[0]) / line[0]
    behind = corners[corners[:, 2] < right[2] + share * line[2]]
    flat = np.concatenate([behind, [left, right]])[:, [0, 2]]
    # The hull's perimeter holds the straight way from side to side once, which no tape goes.
    return float(ConvexHull(flat).area - np.linalg.norm(left[[0, 2]] - right[[0, 2]]))


def _across_back(level: str, point: str) -> Callable[[GarmentSubject], float]:
    def measure(s: GarmentSubject) -> float:
        height = getattr(s, level)
        sides = {side: s.side_point(side, height, s.points[f"{side}_{point}"]) for side in SIDES}
        return _back_part(s, height, sides)

    return measure


def _hip_inclination(s: GarmentSubject) -> float:
    def one(side: str) -> float:
        hip = s.side_point(side, s.hip_level, s.points[f"{side}_hips_side"])
        waist = s.side_point(side, s.waist_level, s.points[f"{side}_waist_side"])
        outward = (hip - waist)[0] * (1 if side == "left" else -1)
        return float(np.arcsin(outward / np.linalg.norm(hip - waist)))

    return s.between_sides(one)


def _back_waist_length(s: GarmentSubject) -> float:
    waist = s.points["mid_waist_back"] * [1.0, 0.0, 1.0] + [0.0, s.waist_level, 0.0]
    return s.body.path("neck", [s.points["nape"], waist], across=np.array([0.0, 0.0, 1.0])).taut_length()


def _over_bust(s: GarmentSubject, side: str, *levels: float) -> float:
    """Metres in an upright plane from the shoulder's seam down the front to the last level, a taut tape."""
    neck, shoulder = s.points[f"{side}_neck"], s.points[f"{side}_shoulder"]
    seam = neck + PRINCESS_SHARE * (shoulder - neck)
    plane = s.body.cut("upper_body", seam, LEFT)
    corners = np.concatenate([plane.starts, plane.ends])
    front = corners[corners[:, 2] > seam[2]]
    stops = [front[np.abs(front[:, 1] - level).argmin()] for level in levels]
    return surface_path(plane, [seam, *stops]).taut_length()


def _bust_line(s: GarmentSubject) -> float:
    return s.between_sides(lambda side: _over_bust(s, side, s.bust_level))


def _waist_over_bust(s: GarmentSubject) -> float:
    return s.between_sides(lambda side: _over_bust(s, side, s.bust_level, s.waist_level))


def _leg(s: GarmentSubject) -> float:
    """The skin around a thigh just below the crotch, where the thighs are apart."""
    crotch = float(s.points["crotch"][1]) - LEG_SHARE * _height(s)
    for drop in np.arange(0.0, LEG_REACH_M, LEG_STEP_M):
        section = s.around(crotch - drop)
        loops = [section.only(k) for k in range(section.num_pieces)]
        reach = {side: [p for p in loops if _wholly_on(p, side)] for side in SIDES}
        if all(reach.values()):
            longest = {side: max(loop.length() for loop in reach[side]) for side in SIDES}
            return (longest["left"] + longest["right"]) / 2
    return s.between_sides(lambda side: s.body.leg_girth(side, crotch - LEG_REACH_M))


def _wholly_on(loop: Section, side: str) -> bool:
    sign = 1.0 if side == "left" else -1.0
    return bool(len(loop.starts)) and bool((sign * loop.starts[:, 0] > -0.01).all()) and loop.length() > 0.2


@dataclass(frozen=True)
class _Definition:
    name: str
    measure: Callable[[GarmentSubject], float]
    """Metres, or radians."""
    description: str
    unit: str = "cm"


DEFINITIONS: tuple[_Definition, ...] = (
    _Definition("height", _height, "Height of the mesh, from the soles to the top of the head, as posed."),
    _Definition("head_l", _head_length, "Height of the top of the head above the nape (seventh vertebra)."),
    _Definition("neck_w", _neck_width, "Around the back of the neck's base, from side to side by the nape."),
    _Definition(
        "shoulder_w",
        _straight("left_shoulder", "right_shoulder"),
        "Straight from shoulder to shoulder point.",
    ),
    _Definition(
        "shoulder_incl",
        lambda s: _fall(s, "neck", "shoulder"),
        "Angle below the horizontal of the line from the neck's side to the shoulder point.",
        "deg",
    ),
    _Definition(
        "arm_pose_angle",
        lambda s: _fall(s, "shoulder", "wrist"),
        "Angle below the horizontal of the line from the shoulder point to the wrist.",
        "deg",
    ),
    _Definition(
        "arm_length", _arm_length, "Over the straight arm's upper side from shoulder point to wrist."
    ),
    _Definition(
        "wrist", lambda s: s.between_sides(lambda side: wrist_girth(s.body, side)), "Around the wrist."
    ),
    _Definition("armscye_depth", _armscye_depth, "Straight from the shoulder point to the underarm."),
    _Definition(
        "bust",
        lambda s: s.body.trunk_girth(s.bust_level),
        "Greatest level girth within 2 cm of the bust points.",
    ),
    _Definition("underbust", lambda s: underbust(s.body), "Level girth below the breasts."),
    _Definition(
        "back_width", _across_back("bust_level", "bust_side"), "Over the back from side to side at the bust."
    ),
    _Definition("bust_points", _straight("left_bust", "right_bust"), "Straight between the bust points."),
    _Definition("bust_line", _bust_line, "From the shoulder's seam over the chest down to the bust's level."),
    _Definition(
        "vert_bust_line",
        lambda s: float(s.points["nape"][1] - s.bust_level),
        "Height of the nape above the bust's level.",
    ),
    _Definition(
        "waist", lambda s: s.body.trunk_girth(s.waist_level), "Least level girth within 2 cm of the waist."
    ),
    _Definition("waist_line", _back_waist_length, "Down the back from the nape to the waist's level."),
    _Definition(
        "waist_over_bust_line",
        _waist_over_bust,
        "From the shoulder's seam over the bust to the waist's level.",
    ),
    _Definition(
        "waist_back_width",
        _across_back("waist_level", "waist_side"),
        "Over the back from side to side at the waist.",
    ),
    _Definition(
        "hips",
        lambda s: s.body.trunk_girth(s.hip_level),
        "Greatest level girth within 2 cm of the buttocks' points.",
    ),
    _Definition(
        "hip_back_width",
        _across_back("hip_level", "hips_side"),
        "Over the buttocks from side to side at the hips.",
    ),
    _Definition(
        "hips_line",
        lambda s: s.waist_level - s.hip_level,
        "Height of the waist's level above the hips' level.",
    ),
    _Definition(
        "hip_inclination",
        _hip_inclination,
        "Angle to the vertical of the line from the hips' side to the waist's side.",
        "deg",
    ),
    _Definition("bum_points", _straight("left_bum", "right_bum"), "Straight between the buttocks' points."),
    _Definition(
        "crotch_hip_diff",
        lambda s: float(s.hip_level - s.points["crotch"][1]),
        "Height of the hips' level above the crotch.",
    ),
    _Definition(
        "leg_circ",
        _leg,
        "Skin around the thigh 1 % of the height below the crotch, or where the thighs part.",
    ),
)
"""All parameters of GarmentCode's body files, from head to foot."""
