from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.convert.compare import LARGEST_MOVE_M, ReadAgain, how_far_moved
from bodyscan.errors import StageError
from bodyscan.gltf import read_glb, twin_to_glb
from gltf.shapes import JOINTS, MORPH_NAMES, small_twin

BODY = read_glb(twin_to_glb(small_twin()))
SAME = ReadAgain(
    positions=BODY.positions.astype(np.float64),
    joints=BODY.skeleton.positions,
    joint_names=JOINTS,
    shapes=MORPH_NAMES,
    triangles=len(BODY.faces),
    images=0,
)


def moved(found, *, plain_names=False):
    return how_far_moved("fbx", BODY, 0, found, plain_names=plain_names)


def test_what_is_the_same_has_not_moved():
    assert moved(SAME) == (0.0, 0.0)


def test_the_order_of_joints_and_shapes_makes_no_difference():
    turned = replace(SAME, joints=SAME.joints[::-1], joint_names=JOINTS[::-1], shapes=MORPH_NAMES[::-1])
    assert moved(turned) == (0.0, 0.0)


def test_small_moves_are_told_in_metres():
    skin, joints = SAME.positions.copy(), SAME.joints.copy()
    skin[3, 1] += 5e-5
    joints[2, 0] -= 2e-5
    assert moved(replace(SAME, positions=skin, joints=joints)) == pytest.approx((5e-5, 2e-5), rel=1e-6)


@pytest.mark.parametrize("field", ["positions", "joints"])
@pytest.mark.parametrize("far", [2 * LARGEST_MOVE_M, np.nan])
def test_what_moved_too_far_is_refused(field, far):
    array = getattr(SAME, field).copy()
    array[1, 2] += far
    found = replace(SAME, **{field: array})
    with pytest.raises(
        StageError, match=r"In the fbx as Blender wrote it .* away from where they are in the GLB"
    ):
        moved(found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"joint_names": (*JOINTS[:-1], "hand")}, "the joints"),
        ({"shapes": MORPH_NAMES[:-1]}, "the face shapes"),
        ({"triangles": 1}, rf"the number of triangles \({len(BODY.faces)} there, 1 here\)"),
        ({"positions": np.zeros((2, 3))}, r"the number of vertices \(684 there, 2 here\)"),
        ({"images": 2}, r"the number of images \(0 there, 2 here\)"),
    ],
)
def test_what_is_missing_or_too_much_is_refused_and_named(changes, words):
    with pytest.raises(StageError, match=f"not the twin of the GLB: {words}. Nothing was written"):
        moved(replace(SAME, **changes))


def test_names_are_compared_as_the_format_can_hold_them():
    skeleton = replace(BODY.skeleton, joint_names=tuple(f"mixamorig:{name}" for name in JOINTS))
    body = replace(BODY, skeleton=skeleton)
    found = replace(SAME, joint_names=tuple(f"mixamorig_{name}" for name in JOINTS))
    assert how_far_moved("usdz", body, 0, found, plain_names=True) == (0.0, 0.0)
    with pytest.raises(StageError, match="the joints"):
        how_far_moved("usdz", body, 0, found, plain_names=False)
