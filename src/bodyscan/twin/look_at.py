"""Where a twin's eyes are, where they look at rest, and how far they can turn: what a look-at needs.

VRM (VRM Consortium, "VRMC_vrm-1.0", lookAt) takes a point between the eyes as an offset from the head joint
and, for each direction, a range map: so many degrees of target become so many degrees of a bone, or a
weight of an expression. The eyeballs' limits are those of comfortable gaze (Stahl, "Amplitude of human head
movements associated with horizontal saccades", 1999: eyes alone serve about 20 degrees to each side, the
head the rest; vertical limits after the same use of head and eyes), well inside of the 45 to 50 degrees
that muscles allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.twin.eyeballs import eyeball, rigid_turn
from bodyscan.twin.face_rings import SIDES, has_face
from bodyscan.types import F64

Direction = str
DIRECTIONS: tuple[Direction, ...] = ("inner", "outer", "up", "down")
SHAPE_OF = {"inner": "In", "outer": "Out", "up": "Up", "down": "Down"}
LIMITS_DEG = {"inner": 22.0, "outer": 25.0, "up": 16.0, "down": 20.0}
"""How far a bone turns an eye at most; lids do not follow a bone, so that up and down are the smaller
ones."""
TARGET_DEG = 90.0
"""Angle of the target at which an eye is turned by its limit."""


@dataclass(frozen=True)
class RangeMap:
    """VRM 1.0: a target at `input_max_deg` gives `output_scale`."""

    input_max_deg: float
    """0 to 180, degrees between the head's forward and the target."""
    output_scale: float
    """Degrees of the bone, or weight of the expression."""


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of a twin in the bind pose."""

    joint: str
    """`leftEye` or `rightEye`."""
    centre: F64
    """(3,) float64, metres, world frame of the bind pose: what the eyeball turns about."""
    gaze: F64
    """(3,) float64 unit, world frame: where the pupil looks at rest."""
    radius_m: float


@dataclass(frozen=True, eq=False)
class LookAt:
    """All that a look-at by bones or by shapes needs."""

    eyes: tuple[Eye, Eye]
    """Left, right."""
    offset_from_head: F64
    """(3,) float64, metres, world axes of the bind pose: from the head joint to the middle between the
    eyes."""
    bone_ranges: dict[str, RangeMap]
    """`horizontalInner`, `horizontalOuter`, `verticalUp`, `verticalDown` for a look-at of the type `bone`."""
    expression_ranges: dict[str, RangeMap]
    """The same for the type `expression`: a weight of 1 where the shape's own turn ends."""


def look_at(model: BodyModel, surface: F64, joints: F64, head_forward: F64 | None = None) -> LookAt:
    """The look-at of a person in the bind pose.

    `surface` (V, 3) metres on the body's topology; `joints` (J, 3) metres, all joints of the body model.
    `head_forward` (3,): where the head faces, for the gaze at rest; without it +Z. Raises `InputError` for a
    model without eyeballs or shapes, or arrays of another model.
    """
    if not has_face(model):
        raise InputError(f"The body model '{model.name}' has no eyeballs with shapes; use the packaged body.")
    if surface.shape != (model.num_vertices, 3) or joints.shape != (model.num_joints, 3):
        raise InputError(
            f"look_at: surface and joints have the shapes {surface.shape} and {joints.shape}; the body model "
            f"has ({model.num_vertices}, 3) and ({model.num_joints}, 3)."
        )
    balls = [eyeball(model, np.asarray(surface, np.float64), side) for side in SIDES]
    forward = np.array([0.0, 0.0, 1.0]) if head_forward is None else np.asarray(head_forward, np.float64)
    eyes = [
        Eye(f"{side}Eye", ball.centre, _unit(ball.gaze if head_forward is None else forward), ball.radius_m)
        for side, ball in zip(SIDES, balls, strict=True)
    ]
    middle = 0.5 * (balls[0].centre + balls[1].centre)
    turns = eye_turns_deg(model)
    names = {
        "inner": "horizontalInner",
        "outer": "horizontalOuter",
        "up": "verticalUp",
        "down": "verticalDown",
    }
    return LookAt(
        eyes=(eyes[0], eyes[1]),
        offset_from_head=middle - joints[model.joint_index("head")],
        bone_ranges={names[k]: RangeMap(TARGET_DEG, LIMITS_DEG[k]) for k in DIRECTIONS},
        expression_ranges={names[k]: RangeMap(turns[k], 1.0) for k in DIRECTIONS},
    )


def eye_turns_deg(model: BodyModel) -> dict[str, float]:
    """`inner`, `outer`, `up`, `down` -> degrees that the `eyeLook` shapes turn an eyeball at weight 1."""
    out = {}
    for direction in DIRECTIONS:
        angles = []
        for side in SIDES:
            name = f"eyeLook{SHAPE_OF[direction]}{side.capitalize()}"
            if name not in model.expression_ids:
                raise InputError(f"The body model has no shape '{name}'; a look-at by shapes needs it.")
            ids = np.flatnonzero(model.region(f"{side}_eye"))
            moved = model.template.astype(np.float64)
            moved[model.expression_ids[name]] += model.expression_deltas[name]
            turn = rigid_turn(model.template[ids].astype(np.float64), moved[ids])
            angles.append(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))
        out[direction] = float(np.mean(angles))
    return out


def _unit(vector: F64) -> F64:
    return vector / np.linalg.norm(vector)
