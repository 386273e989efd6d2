from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.twin.look_at import LIMITS_DEG, eye_turns_deg, look_at
from twin.faces import MILLIMETRE, MODEL, person


def test_eyes_lie_at_their_joints_and_look_forward():
    params, _, surface = person(2)
    joints = MODEL.pose(params).joints
    found = look_at(MODEL, surface, joints)
    for eye in found.eyes:
        assert np.linalg.norm(eye.centre - joints[MODEL.joint_index(eye.joint)]) < 3 * MILLIMETRE
        assert 10 * MILLIMETRE < eye.radius_m < 20 * MILLIMETRE
        assert np.linalg.norm(eye.gaze) == pytest.approx(1)
        assert eye.gaze[2] > 0.9
    assert found.eyes[0].centre[0] > found.eyes[1].centre[0]
    middle = 0.5 * (found.eyes[0].centre + found.eyes[1].centre)
    assert np.allclose(joints[MODEL.joint_index("head")] + found.offset_from_head, middle)


def test_ranges_end_where_the_shapes_end():
    params, _, surface = person(2)
    found = look_at(MODEL, surface, MODEL.pose(params).joints)
    turns = eye_turns_deg(MODEL)
    assert found.expression_ranges["horizontalInner"].input_max_deg == pytest.approx(turns["inner"])
    assert all(range_.output_scale == 1 for range_ in found.expression_ranges.values())
    assert found.bone_ranges["verticalUp"].output_scale == LIMITS_DEG["up"]
    assert all(8 < turn < 30 for turn in turns.values())


def test_a_model_without_eyes_is_refused():
    plain = dataclasses.replace(MODEL, expression_ids={}, expression_deltas={})
    with pytest.raises(InputError, match="no eyeballs with shapes"):
        look_at(plain, np.zeros((plain.num_vertices, 3)), np.zeros((plain.num_joints, 3)))


def test_arrays_of_another_model_are_refused():
    with pytest.raises(InputError, match=r"surface and joints have the shapes \(10, 3\)"):
        look_at(MODEL, np.zeros((10, 3)), np.zeros((MODEL.num_joints, 3)))
