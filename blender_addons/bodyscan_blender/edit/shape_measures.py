# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The body's shape by measures that a person knows (stature, waist ...), and what its components do to them.

The tapes are those of `bodyscan.body.measurements`, laid on the person under the clothes, in the measuring
pose. How each measure changes with each component is found on the mean body, once for a model; a measure is
set by the most probable change of shape (least squares in standard deviations) that reaches it while others
stay. Nothing of it is a table of numbers: another model brings its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from bodyscan.body.measurements import DEFINITIONS, measuring_pose
from bodyscan.body.measurements_standing import Standing
from bodyscan.body.model import BodyModel, joint_positions
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.types import F64, BodyFit

from .fit_preview import detail_of

LENGTH, GIRTH, BULK = "length", "girth", "bulk"
COMPONENTS = 40
"""Leading components that a measure may change; the later ones are smaller than the tape's width."""
NAMED_COMPONENTS = 12
"""Components that have a slider of their own."""
REACHED, KEPT = 0.03, 0.3
"""Standard deviations, in the measure's unit, of what is asked for and of what is to stay."""
CLOSE = 0.05
"""Half a millimetre, or a twentieth of a litre, from what is asked for is there."""
TURNS = 3
NOTICED = {LENGTH: 1.0, GIRTH: 2.0, BULK: 2.0}
"""Change of a measure, in its unit, that is seen on a person: what components are named after."""


@dataclass(frozen=True)
class Measure:
    """One measure of the body."""

    name: str
    words: str
    kind: str
    more: str
    """What a body is called that has more of it."""
    less: str
    unit: str = "cm"


MEASURES: tuple[Measure, ...] = (
    Measure("stature", "Stature", LENGTH, "taller", "smaller"),
    Measure("inside_leg_height", "Inside leg", LENGTH, "longer legs", "shorter legs"),
    Measure("shoulder_width", "Shoulders", LENGTH, "broader shoulders", "narrower shoulders"),
    Measure("arm_length", "Arm", LENGTH, "longer arms", "shorter arms"),
    Measure("bust_girth", "Chest", GIRTH, "fuller chest", "flatter chest"),
    Measure("waist_girth", "Waist", GIRTH, "wider waist", "narrower waist"),
    Measure("hip_girth", "Hip", GIRTH, "wider hips", "narrower hips"),
    Measure("volume", "Volume", BULK, "heavier", "lighter", "litres"),
)
"""In the order in which they are shown. A litre of a body weighs about a kilogram."""
_TAPES = {definition.name: definition.measure for definition in DEFINITIONS}


@dataclass(frozen=True, eq=False)
class MeasuredShape:
    """A person that can be measured at other shapes. Pose and detail stay those that were given."""

    model: BodyModel
    pose: F64
    """(J, 3) the measuring pose."""
    detail: F64 | float
    """(V, 3) metres, added to the unposed body."""

    @cached_property
    def _rotations(self) -> F64:
        return rotvec_to_matrix(self.pose)

    def values(self, betas: F64) -> F64:
        """(S,) -> (M,) of `MEASURES`, cm and litres."""
        return self._values(betas, self.model.rest_vertices(betas) + self.detail)

    def _values(self, betas: F64, rest: F64) -> F64:
        """The same with the unposed vertices (V, 3), detail included, that were found already."""
        joints = self.model.rest_joints(betas)
        world = self.model.joint_transforms(joints, self._rotations, np.zeros(3))
        vertices = self.model.skin(rest, world)
        standing = Standing(self.model, vertices, joint_positions(world, joints))
        litres = 1e3 * _volume(vertices, self.model)
        return np.array([litres if m.kind == BULK else 100 * _TAPES[m.name](standing) for m in MEASURES])

    def reached(self, betas: F64, name: str, wanted: float, first: F64 | None = None) -> F64:
        """(S,) the shape nearest to `betas` of which the measure `name` is `wanted`.

        The others stay, but for what grows with it: limbs with the stature, girths with the volume, and the
        volume with all. `first` are the values of `betas`, where they are known.
        """
        index = next(k for k, measure in enumerate(MEASURES) if measure.name == name)
        now = self.values(betas) if first is None else first
        target = now.copy()
        target[index] = wanted
        rows = [k for k, m in enumerate(MEASURES) if k == index or _stays(m, MEASURES[index])]
        slopes = effects(self.model)[rows]
        count = slopes.shape[1]
        noise = np.diag([REACHED**2 if k == index else KEPT**2 for k in rows])
        gain = slopes.T @ np.linalg.inv(slopes @ slopes.T + noise)
        rest = self.model.rest_vertices(betas) + self.detail
        dirs = self.model.shape_dirs[:count].reshape(count, -1)
        found = np.array(betas, dtype=np.float64)
        for _ in range(TURNS):
            step = gain @ (target - now)[rows]
            found[:count] += step
            rest = rest + (step.astype(np.float32) @ dirs).reshape(-1, 3)
            now = self._values(found, rest)
            if abs(now[index] - wanted) < CLOSE:
                break
        return found


def measured_shape(model: BodyModel, fit: BodyFit) -> MeasuredShape:
    """The person under the clothes, as the fit estimates them."""
    return MeasuredShape(model, measuring_pose(model, fit.params.betas), detail_of(model, fit, "skin"))


@lru_cache(maxsize=2)
def effects(model: BodyModel) -> F64:
    """(M, C) change of each of `MEASURES` with one standard deviation of each of the leading components."""
    zero = np.zeros(model.num_components)
    mean = MeasuredShape(model, measuring_pose(model, zero), 0.0)
    count = min(COMPONENTS, model.num_body_components)
    columns = []
    for component in range(count):
        step = zero.copy()
        step[component] = 1.0
        columns.append((mean.values(step) - mean.values(-step)) / 2)
    found = np.stack(columns, axis=1)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=2)
def component_words(model: BodyModel) -> tuple[str, ...]:
    """What more of each of the first components does, in words, for example `Taller, longer legs`.

    A component that moves no measure much is named after the part of the body that it changes most.
    """
    table = effects(model)
    seen = table / np.array([NOTICED[measure.kind] for measure in MEASURES])[:, None]
    names = []
    for component in range(min(NAMED_COMPONENTS, table.shape[1])):
        words = _most_seen(seen[:, component])
        text = ", ".join(words) if words else f"shape of the {_most_changed(model, component)}"
        names.append(text.capitalize())
    return _told_apart(names)


def _most_seen(changes: F64) -> list[str]:
    """One or two words for (M,) changes, the second of another kind of measure where there is one."""
    order = [int(k) for k in np.argsort(-np.abs(changes)) if abs(changes[k]) >= 1]
    others = [k for k in order[1:] if MEASURES[k].kind != MEASURES[order[0]].kind] or order[1:]
    chosen = [*order[:1], *others[:1]]
    return [MEASURES[k].more if changes[k] > 0 else MEASURES[k].less for k in chosen]


def _told_apart(names: list[str]) -> tuple[str, ...]:
    """Names with a number behind those that come again."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(found)


def _most_changed(model: BodyModel, component: int) -> str:
    """The region whose shape one component changes most, its shift as a whole left out."""
    moved = model.shape_dirs[component].astype(np.float64)
    change = []
    for name in model.region_names:
        part = moved[model.region(name) & ~model.inner]
        change.append(np.linalg.norm(part - part.mean(axis=0), axis=1).mean() if len(part) > 50 else 0.0)
    region = model.region_names[int(np.argmax(change))]
    return region.removeprefix("left_").removeprefix("right_").replace("_", " ")


def _stays(measure: Measure, changed: Measure) -> bool:
    """Whether a measure is held while another is set: legs and arms grow with the stature, girths do not."""
    if changed.name == "stature":
        return measure.kind == GIRTH
    if measure.kind == BULK:
        return False
    return measure.kind == LENGTH or changed.kind != BULK


def _volume(vertices: F64, model: BodyModel) -> float:
    """Cubic metres inside of the body's closed surface."""
    a, b, c = (vertices[model.faces[:, k]] for k in range(3))
    return float(np.einsum("nc,nc->", a, np.cross(b, c))) / 6
