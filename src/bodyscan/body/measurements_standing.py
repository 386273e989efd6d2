"""A person standing to be measured, and the tapes that go around the body's parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from bodyscan.body.landmarks import body_points
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.section import Section, SurfacePath, plane_section, surface_path
from bodyscan.types import F64, I32

SEARCH_STEPS = 13
"""Levels tried in a search window; over 3 % of the stature they lie 4 mm apart."""
UP = np.array([0.0, 1.0, 0.0])
ARM = ("upper_arm", "lower_arm", "hand")
LEG = ("upper_leg", "lower_leg", "foot")


@dataclass(frozen=True, eq=False)
class Standing:
    """A body of the packaged topology in the measuring pose. Metres, +Y up, facing +Z."""

    model: BodyModel
    vertices: F64
    """(V, 3)."""
    joints: F64
    """(J, 3)."""

    def __post_init__(self) -> None:
        for name, rows in (("vertices", self.model.num_vertices), ("joints", self.model.num_joints)):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.shape != (rows, 3) or not np.isfinite(value).all():
                raise InputError(
                    f"To be measured, the body needs {name} of shape ({rows}, 3), all finite; "
                    f"it was given {value.shape}."
                )
            object.__setattr__(self, name, value)

    @cached_property
    def points(self) -> Mapping[str, F64]:
        """Named points of the anatomy."""
        table = body_points(self.model)
        return dict(zip(table.names, table.positions(self.vertices, self.joints), strict=True))

    @cached_property
    def floor(self) -> float:
        """Height of the soles."""
        return float(self.vertices[:, 1].min())

    @cached_property
    def stature(self) -> float:
        """From the soles to the highest point of the head, metres."""
        return float(self.vertices[self.model.region("head"), 1].max()) - self.floor

    def joint(self, name: str) -> F64:
        """The place of a joint, (3,) metres."""
        return self.joints[self.model.joint_index(name)]

    def level(self, *names: str) -> float:
        """Mean height of named points."""
        return float(np.mean([self.points[name][1] for name in names]))

    def between(self, *names: str) -> F64:
        """The middle of named points."""
        return np.mean([self.points[name] for name in names], axis=0)

    def cut(self, part: str, origin: F64, normal: F64) -> Section:
        """Section of one of the parts of `part_mesh`."""
        ids, faces = part_mesh(self.model, part)
        return plane_section(self.vertices[ids], faces, origin, normal)

    def trunk_girth(self, height: float) -> float:
        """A level tape around the trunk; the arms are not in it."""
        return self.cut("trunk", np.array([0.0, height, 0.0]), UP).hull_length()

    def leg_girth(self, side: str, height: float) -> float:
        """A level tape around a leg."""
        axis = self._leg_axis(side, height)
        part = "trunk" if height > self.joint(f"{side}LowerLeg")[1] else f"{side}_leg"
        return self.cut(part, axis, UP).nearest(axis).hull_length()

    def across_girth(self, part: str, origin: F64, axis: F64) -> float:
        """A tape around a part at `origin`, square to `axis`."""
        return self.cut(part, origin, axis).nearest(origin).hull_length()

    def path(self, part: str, stops: list[F64], across: F64 | None = None) -> SurfacePath:
        """A line over a part from stop to stop, in the plane of the first, middle and last stop.

        With `across` (3,) the plane holds the first and the last stop and that direction.
        """
        direction = stops[-1] - stops[0]
        other = stops[len(stops) // 2] - stops[0] if across is None else across
        return surface_path(self.cut(part, stops[0], np.cross(direction, other)), stops)

    def _leg_axis(self, side: str, height: float) -> F64:
        hip, knee, ankle = (self.joint(f"{side}{name}") for name in ("UpperLeg", "LowerLeg", "Foot"))
        upper, lower = (hip, knee) if height > knee[1] else (knee, ankle)
        return upper + (height - upper[1]) / (lower[1] - upper[1]) * (lower - upper)


def searched(
    girth: Callable[[float], float], low: float, high: float, choose: Callable[[list[float]], float]
) -> float:
    """The least (`min`) or greatest (`max`) girth over levels from `low` to `high`.

    It changes without a jump as the body's shape changes, which the level itself does not.
    """
    return choose([girth(float(level)) for level in np.linspace(low, high, SEARCH_STEPS)])


@lru_cache(maxsize=64)
def part_mesh(model: BodyModel, part: str) -> tuple[I32, I32]:
    """Vertex ids (V',) of a part of the body's outer skin, and its faces (F', 3) into them."""
    regions = {
        "trunk": ("torso", "left_upper_leg", "right_upper_leg"),
        "head": ("head", "neck"),
        "neck": ("head", "neck", "torso"),
        "upper_body": ("torso", "neck", "head", "left_upper_arm", "right_upper_arm"),
    }
    for side in ("left", "right"):
        regions[f"{side}_arm"] = tuple(f"{side}_{name}" for name in ARM)
        regions[f"{side}_leg"] = tuple(f"{side}_{name}" for name in LEG)
    inside = model.region(*regions[part]) & ~model.inner
    faces = np.asarray(model.faces)
    faces = faces[inside[faces].all(axis=1)]
    ids, compact = np.unique(faces, return_inverse=True)
    return ids.astype(np.int32), compact.reshape(-1, 3).astype(np.int32)
