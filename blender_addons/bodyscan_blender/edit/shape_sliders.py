# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders for the shape of the fitted body: measures that a person knows, and the body's own components.

A slider holds nothing: it shows what the scene remembers of the shape, and sets it. So undo, a new fit and
the other sliders are seen in it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import bpy
import numpy as np

from bodyscan.errors import BodyscanError
from bodyscan.types import F64

from ..people import Person
from .edit_tool import EditTool
from .fit_state import adjustments, present_params, shown_fit
from .latest import Latest
from .shape_measures import (
    MEASURES,
    NAMED_COMPONENTS,
    MeasuredShape,
    component_words,
    effects,
    measured_shape,
)
from .slider_state import change, reset

USUAL, MOST = 3.0, 6.0
"""Standard deviations that a slider's ends mean, and that can be typed."""
MISSED = 0.1
"""Centimetres, or litres, from what was asked for: told to the person."""
_shapes: Latest[MeasuredShape] = Latest()
_values: Latest[F64] = Latest()
_told: set[str] = set()


def betas_of(person: Person) -> F64:
    """(S,) the shape that the scene shows. Raises `InputError` where there is no fit."""
    return present_params(person, shown_fit(person)).betas


def measures_of(person: Person) -> F64:
    """(M,) of `MEASURES` at the shape that the scene shows, cm and litres. Raises as `betas_of`."""
    betas = betas_of(person)
    shape = _shape(person)
    return _values.of((id(shape), betas.tobytes()), lambda: shape.values(betas))


def set_measure(person: Person, name: str, value: float) -> None:
    """Change the shape so that a measure has a value. Raises `InputError` where the surface cannot follow."""
    found = _shape(person).reached(betas_of(person), name, value, measures_of(person))
    change(person, betas=np.clip(found, -MOST, MOST))


def set_component(person: Person, index: int, value: float) -> None:
    """Change one component of the shape, standard deviations. Raises as `set_measure`."""
    betas = betas_of(person).copy()
    betas[index] = np.clip(value, -MOST, MOST)
    change(person, betas=betas)


def are_ready(person: Person) -> bool:
    """Whether the sliders know the body: what they do was found out once already."""
    return shown_fit(person).model.name in _told


def make_ready(person: Person) -> None:
    """Find out what the components of the person's body do; about a second, once for a model."""
    model = shown_fit(person).model
    effects(model)
    component_words(model)
    _told.add(model.name)


def names_of_components(person: Person) -> tuple[str, ...]:
    """What the sliders of the components are called."""
    return component_words(shown_fit(person).model)


def _shape(person: Person) -> MeasuredShape:
    shown = shown_fit(person)
    key = (str(person.folder), shown.result)
    return _shapes.of(key, lambda: measured_shape(shown.model, shown.fit))


def _measure_property(index: int) -> Any:
    measure = MEASURES[index]

    def get(self: Any) -> float:
        return _or_zero(lambda: float(measures_of(Person(self.id_data))[index]))

    def put(self: Any, value: float) -> None:
        _or_zero(lambda: set_measure(Person(self.id_data), measure.name, value) or 0.0)

    return bpy.props.FloatProperty(
        name=measure.words,
        description=f"{measure.words} of the person under the clothes, {measure.unit}",
        get=get,
        set=put,
        min=1.0,
        max=300.0,
        step=50,
        precision=1,
    )


def _component_property(index: int) -> Any:
    def get(self: Any) -> float:
        return _or_zero(lambda: float(betas_of(Person(self.id_data))[index]))

    def put(self: Any, value: float) -> None:
        _or_zero(lambda: set_component(Person(self.id_data), index, value) or 0.0)

    return bpy.props.FloatProperty(
        name=f"Component {index + 1}",
        description="Standard deviations from the mean person",
        get=get,
        set=put,
        soft_min=-USUAL,
        soft_max=USUAL,
        min=-MOST,
        max=MOST,
        step=10,
        precision=2,
    )


def _or_zero(function: Callable[[], float]) -> float:
    """A property cannot report: what is wrong is printed, and the panel says it in words."""
    try:
        return function()
    except BodyscanError as error:
        print(f"bodyscan: {error}")
        return 0.0


_SLIDERS = {
    **{measure.name: _measure_property(index) for index, measure in enumerate(MEASURES)},
    **{f"component_{index}": _component_property(index) for index in range(NAMED_COMPONENTS)},
}
BodyscanShape = type(
    "BodyscanShape",
    (bpy.types.PropertyGroup,),
    {"__doc__": "The sliders of a person's shape.", "__annotations__": _SLIDERS, "__module__": __name__},
)


class BODYSCAN_OT_shape_ready(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.shape_ready"
    bl_label = "Open the Sliders"
    bl_description = "Find out what the sliders do to this body; about a second, once"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}
    needs_fit = True

    def change(self, context: Any, person: Person) -> str:
        make_ready(person)
        return ""


class BODYSCAN_OT_shape_set(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.shape_set"
    bl_label = "Set a Measure"
    bl_description = "Change the shape so that one measure has a value; the others stay as far as they can"
    needs_fit = True

    measure: bpy.props.EnumProperty(
        name="Measure", items=[(m.name, m.words, f"In {m.unit}") for m in MEASURES], default="stature"
    )
    value: bpy.props.FloatProperty(name="Value", description="Centimetres, or litres", min=1.0, max=300.0)

    def change(self, context: Any, person: Person) -> str:
        set_measure(person, self.measure, self.value)
        index = next(k for k, m in enumerate(MEASURES) if m.name == self.measure)
        measure, reached = MEASURES[index], float(measures_of(person)[index])
        words = f"{measure.words} {reached:.1f} {measure.unit}"
        if abs(reached - self.value) > MISSED:
            return f"{words}: no body that is known has {self.value:.1f}."
        return f"{words}."


class BODYSCAN_OT_shape_reset(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.shape_reset"
    bl_label = "As Fitted"
    bl_description = "Take back what the sliders changed in the shape"
    needs_fit = True

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        return "" if adjustments(person)[0] is not None else "The shape is as it was fitted"

    def change(self, context: Any, person: Person) -> str:
        reset(person, pose=False)
        return ""


CLASSES = (BodyscanShape, BODYSCAN_OT_shape_ready, BODYSCAN_OT_shape_set, BODYSCAN_OT_shape_reset)


def register() -> None:
    for item in CLASSES:
        bpy.utils.register_class(item)
    bpy.types.Collection.bodyscan_shape = bpy.props.PointerProperty(type=BodyscanShape)


def unregister() -> None:
    del bpy.types.Collection.bodyscan_shape
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
