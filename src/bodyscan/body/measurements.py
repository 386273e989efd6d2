"""Tape measurements of a person in a standard pose, in centimetres.

The person stands with the arms half raised and the legs slightly apart, as for a scan (ISO 20685-1);
levels and points sit on the body's fixed topology, so that the same place is measured on everyone. The
definitions are those of ISO 8559-1:2017 where a clause is named; a value of this module carries no claim of
conformity, which that standard ties to real subjects and a skilled measurer. See `docs/measurements.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bodyscan.body import measurements_girths as girths
from bodyscan.body import measurements_lengths as lengths
from bodyscan.body.landmarks import body_points
from bodyscan.body.measurements_standing import Standing
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.errors import InputError
from bodyscan.types import F64, BodyParams, Measurement

LEG_JOINTS = ("UpperLeg", "LowerLeg", "Foot", "Toes")


@dataclass(frozen=True)
class Definition:
    """How one measurement is taken."""

    name: str
    measure: Callable[[Standing], float]
    """Metres."""
    description: str
    iso: str = ""
    """Clause of ISO 8559-1:2017."""


def _sided(
    name: str, measure: Callable[[Standing, str], float], description: str, iso: str = ""
) -> tuple[Definition, Definition]:
    """The right side, which the standard measures, under the plain name, and the left side."""
    return (
        Definition(name, lambda body: measure(body, "right"), f"{description} Right side.", iso),
        Definition(f"{name}_left", lambda body: measure(body, "left"), f"{description} Left side."),
    )


def _height(*points: str) -> Callable[[Standing], float]:
    return lambda body: lengths.height_of(body, *points)


def _straight(first: str, second: str) -> Callable[[Standing], float]:
    return lambda body: lengths.straight(body, first, second)


DEFINITIONS: tuple[Definition, ...] = (
    Definition("stature", lengths.stature, "Floor to the highest point of the head."),
    Definition("head_girth", girths.head, "Around the head above the brows and the back of the head."),
    Definition("neck_girth", girths.neck, "Least girth of the neck, square to its axis.", "5.3.2"),
    Definition(
        "neck_base_girth",
        girths.neck_base,
        "Over the seventh neck vertebra, the sides of the neck and the notch of the breastbone.",
        "5.3.3",
    ),
    Definition("bust_girth", girths.bust, "Level around the trunk at the bust points.", "5.3.4"),
    Definition("underbust_girth", girths.underbust, "Level around the trunk below the breasts.", "5.3.8"),
    Definition(
        "waist_girth",
        girths.waist,
        "Level around the trunk midway between the lowest rib and the top of the hip bone.",
        "5.3.10",
    ),
    Definition("navel_girth", girths.navel, "Level around the trunk at the navel."),
    Definition("top_hip_girth", girths.top_hip, "Level around the trunk midway from waist to hip.", "5.3.12"),
    Definition(
        "hip_girth", girths.hip, "Level around the trunk where the buttocks stand out most.", "5.3.13"
    ),
    *_sided("upper_arm_girth", girths.upper_arm, "Around the arm midway from shoulder to elbow.", "5.3.16"),
    *_sided("elbow_girth", girths.elbow, "Around the elbow."),
    *_sided("forearm_girth", girths.forearm, "Greatest girth of the forearm."),
    *_sided("wrist_girth", girths.wrist, "Around the wrist.", "5.3.19"),
    *_sided("thigh_girth", girths.thigh, "Greatest level girth of the thigh below the crotch.", "5.3.20"),
    *_sided(
        "mid_thigh_girth", girths.mid_thigh, "Level around the thigh midway from crotch to knee.", "5.3.21"
    ),
    *_sided("knee_girth", girths.knee, "Around the knee at the middle of the kneecap."),
    *_sided("calf_girth", girths.calf, "Greatest level girth of the lower leg."),
    *_sided("ankle_girth", girths.ankle, "Least level girth of the lower leg above the ankle bones."),
    Definition("cervical_height", _height("c7"), "Floor to the seventh neck vertebra."),
    Definition("bust_height", lengths.bust_height, "Floor to the bust points."),
    Definition("waist_height", lengths.waist_height, "Floor to the waist."),
    Definition("hip_height", lengths.hip_height, "Floor to the fullest part of the buttocks."),
    Definition("inside_leg_height", _height("crotch"), "Floor to the crotch (inseam)."),
    Definition("knee_height", _height("right_knee_cap", "left_knee_cap"), "Floor to the kneecaps."),
    Definition("body_rise", lengths.body_rise, "Height of the waist above the crotch."),
    Definition(
        "total_crotch_length",
        lengths.total_crotch,
        "From the waist in front between the legs to the waist behind.",
    ),
    *_sided("outside_leg_length", lengths.outside_leg, "From the waist over the hip to the floor."),
    Definition(
        "shoulder_width",
        _straight("left_acromion", "right_acromion"),
        "Straight from shoulder to shoulder point.",
    ),
    Definition(
        "across_back_shoulder_width",
        lengths.across_back_shoulder,
        "Over the back from shoulder point to shoulder point by the seventh neck vertebra.",
        "5.4.3",
    ),
    *_sided("shoulder_length", lengths.shoulder_length, "From the side of the neck to the shoulder point."),
    Definition(
        "back_neck_to_waist_length",
        lengths.back_neck_to_waist,
        "Down the back from the seventh neck vertebra to the waist.",
        "5.4.5",
    ),
    Definition(
        "front_neck_to_waist_length",
        lengths.front_neck_to_waist,
        "Down the front from the notch of the breastbone to the waist.",
    ),
    *_sided(
        "neck_to_bust_point_length",
        lengths.neck_to_bust_point,
        "Straight from the side of the neck to the bust point.",
    ),
    Definition(
        "bust_point_width", _straight("left_nipple", "right_nipple"), "Straight between the bust points."
    ),
    *_sided("arm_length", lengths.outer_arm, "Shoulder point over the elbow to the wrist.", "5.7.8"),
    *_sided("upper_arm_length", lengths.upper_arm, "Shoulder point to the tip of the elbow."),
    *_sided("forearm_length", lengths.forearm, "Tip of the elbow to the wrist on the little finger's side."),
    *_sided(
        "back_neck_to_wrist_length",
        lengths.back_neck_to_wrist,
        "From the seventh neck vertebra over shoulder and elbow to the wrist.",
        "5.4.17",
    ),
    *_sided("hand_length", lengths.hand_length, "Wrist to the tip of the middle finger."),
    *_sided("foot_length", lengths.foot_length, "Heel to the longest toe."),
    *_sided("foot_width", lengths.foot_width, "Greatest width of the foot, level."),
)
"""All measurements, in the order in which they are given."""


def measure_person(
    model: BodyModel, params: BodyParams, surface_offsets: F64 | None = None
) -> tuple[Measurement, ...]:
    """Measure a person of shape `params.betas` in the standard pose, with a calm face.

    `surface_offsets` (V, 3), metres, is added to the unposed body: the detail of a fitted surface. Raises
    `InputError` for a body of another topology than the packaged one.
    """
    vertices, joints = standing_vertices(model, params.betas, surface_offsets)
    return measure_vertices(model, vertices, joints)


def measure_surface(model: BodyModel, params: BodyParams, surface_vertices: F64) -> tuple[Measurement, ...]:
    """Measure a fitted surface (V, 3), world frame, metres, in the pose of `params`: it is posed anew."""
    return measure_person(model, params, unposed_offsets(model, params, surface_vertices))


def unposed_offsets(model: BodyModel, params: BodyParams, surface_vertices: F64) -> F64:
    """(V, 3) metres: what a fitted surface in the pose of `params` adds to the unposed body."""
    surface = np.asarray(surface_vertices, dtype=np.float64)
    if surface.shape != (model.num_vertices, 3):
        raise InputError(
            f"The surface must have the body's {model.num_vertices} vertices; its shape is {surface.shape}."
        )
    posed = model.pose(params)
    return model.unskin(surface, posed.world_from_rest) - model.unskin(posed.vertices, posed.world_from_rest)


def standing_vertices(model: BodyModel, betas: F64, surface_offsets: F64 | None = None) -> tuple[F64, F64]:
    """(S,) -> vertices (V, 3) and joints (J, 3), metres, of the person in the measuring pose."""
    body_points(model)  # refuses a topology that cannot be measured before anything else does
    posed = model.pose(BodyParams(betas, measuring_pose(model, betas), np.zeros(3)))
    if surface_offsets is None:
        return posed.vertices, posed.joints
    offsets = np.asarray(surface_offsets, dtype=np.float64)
    if offsets.shape != posed.vertices.shape:
        raise InputError(
            f"surface_offsets must have the shape {posed.vertices.shape}; it has {offsets.shape}."
        )
    unposed = model.unskin(posed.vertices, posed.world_from_rest) + offsets
    return model.skin(unposed, posed.world_from_rest), posed.joints


def measuring_pose(model: BodyModel, betas: F64) -> F64:
    """(S,) -> (J, 3) radians: arms as in the A-pose, legs as in the T-pose (nearly upright)."""
    pose = standard_pose(model, betas, "a")
    upright = standard_pose(model, betas, "t")
    for side in ("left", "right"):
        rows = [model.joint_index(side + name) for name in LEG_JOINTS]
        pose[rows] = upright[rows]
    return pose


def measure_vertices(model: BodyModel, vertices: F64, joints: F64) -> tuple[Measurement, ...]:
    """Measure a body that stands in the measuring pose: (V, 3) vertices and (J, 3) joints, metres."""
    body = Standing(model, vertices, joints)
    return tuple(
        Measurement(d.name, round(100 * d.measure(body), 2), d.iso, d.description) for d in DEFINITIONS
    )
