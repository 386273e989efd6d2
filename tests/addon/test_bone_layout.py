"""Bones as an animator wants them: along the limb, bending about X, left and right each other's mirror."""

from __future__ import annotations

import numpy as np
import pytest

from addon.outside import outside
from addon.rig_people import person
from bodyscan.errors import InputError
from bodyscan.types import Skeleton
from gltf.shapes import JOINTS, small_twin

layout_of = outside("rig.bone_layout")
MIRROR = np.array([-1.0, 1.0, 1.0])


def laid_out(twin, **changes):
    rig = twin.rig
    skeleton = changes.get("skeleton", rig.skeleton)
    vertices = changes.get("vertices", rig.mesh.vertices).astype(np.float32)
    joints = changes.get("joints", rig.joint_indices)
    return layout_of.bone_layout(skeleton, skeleton.joint_names, vertices, joints, rig.joint_weights)


def other_side(names: tuple[str, ...]) -> list[int]:
    """For each joint the joint of the other side."""
    flipped = {"left": "right", "right": "left", "": ""}
    pairs = [layout_of.side_of(name) for name in names]
    return [names.index(flipped[side] + part) for side, part in pairs]


@pytest.fixture(scope="module")
def whole():
    twin = person("a")
    return twin, laid_out(twin), twin.rig.skeleton.joint_names


def test_every_bone_begins_at_its_joint_and_points_to_the_next(whole):
    twin, layout, names = whole
    assert np.array_equal(layout.heads, twin.rig.skeleton.positions)
    for before, after in (
        ("leftUpperArm", "leftLowerArm"),
        ("leftLowerArm", "leftHand"),
        ("leftHand", "leftMiddleProximal"),
        ("rightUpperLeg", "rightLowerLeg"),
        ("rightLowerLeg", "rightFoot"),
        ("rightFoot", "rightToes"),
        ("spine", "chest"),
        ("neck", "head"),
        ("leftThumbMetacarpal", "leftThumbProximal"),
        ("rightLittleIntermediate", "rightLittleDistal"),
    ):
        assert np.array_equal(layout.tails[names.index(before)], layout.heads[names.index(after)])
        assert layout.connected[names.index(after)]
    assert not layout.connected[names.index("leftUpperLeg")]
    assert not layout.connected[names.index("leftIndexProximal")]


def test_ends_reach_as_far_as_the_skin(whole):
    twin, layout, names = whole
    points = twin.rig.mesh.vertices
    crown = points[:, 1].max()
    head = layout.tails[names.index("head")]
    assert abs(head[1] - crown) < 0.005
    for side, sign in (("left", 1), ("right", -1)):
        tip = layout.tails[names.index(f"{side}MiddleDistal")]
        hand = points[sign * points[:, 0] > 0.3]
        furthest = np.max(
            (hand - layout.heads[names.index(f"{side}Hand")])
            @ (tip - layout.heads[names.index(f"{side}MiddleDistal")])
            / np.linalg.norm(tip - layout.heads[names.index(f"{side}MiddleDistal")])
        )
        along = tip - layout.heads[names.index(f"{side}MiddleDistal")]
        reach = (tip - layout.heads[names.index(f"{side}Hand")]) @ along / np.linalg.norm(along)
        assert abs(reach - furthest) < 0.02
        toes = layout.tails[names.index(f"{side}Toes")]
        foot = points[(points[:, 1] < 0.1) & (sign * points[:, 0] > 0)]
        assert abs(toes[2] - foot[:, 2].max()) < 1e-5
    assert layout.lengths.min() >= layout_of.SHORTEST_M


def test_the_axes_are_square_and_x_is_the_axis_of_bending(whole):
    _, layout, names = whole
    along = (layout.tails - layout.heads) / layout.lengths[:, None]
    assert np.abs(np.einsum("ji,ji->j", along, layout.z_axes)).max() < 1e-9
    assert np.abs(np.linalg.norm(layout.z_axes, axis=1) - 1).max() < 1e-9

    def bends_to(name, direction):
        """A small positive turn about local X moves the bone's end to `direction`."""
        joint = names.index(name)
        return layout.z_axes[joint] @ np.array(direction) > 0.7

    for side, inward in (("left", (-1, 0, 0)), ("right", (1, 0, 0))):
        assert bends_to(f"{side}LowerArm", (0, 0, 1))
        assert bends_to(f"{side}LowerLeg", (0, 0, -1))
        assert bends_to(f"{side}Toes", (0, -1, 0))
        # In the A-pose palms look down and in.
        joint = names.index(f"{side}IndexIntermediate")
        assert layout.z_axes[joint] @ np.array(inward) > 0.3
        assert layout.z_axes[joint][1] < 0
    assert bends_to("chest", (0, 0, 1))
    assert bends_to("jaw", (0, -1, 0))


def test_mirrored_joints_give_mirrored_bones_to_the_bit(whole):
    twin, layout, names = whole
    rig, other = twin.rig, other_side(names)
    skeleton = Skeleton(names, rig.skeleton.parents, (rig.skeleton.positions * MIRROR)[other])
    mirrored = laid_out(
        twin,
        skeleton=skeleton,
        vertices=rig.mesh.vertices * MIRROR,
        joints=np.array(other, np.uint16)[rig.joint_indices],
    )
    assert np.array_equal(mirrored.tails, (layout.tails * MIRROR)[other])
    assert np.array_equal(mirrored.z_axes, (layout.z_axes * MIRROR)[other])


def test_moving_a_person_moves_the_bones_along(whole):
    twin, layout, names = whole
    rig, shift = twin.rig, np.array([0.3, 0.0, -0.2])
    skeleton = Skeleton(names, rig.skeleton.parents, rig.skeleton.positions + shift)
    moved = laid_out(twin, skeleton=skeleton, vertices=rig.mesh.vertices + shift)
    assert np.abs(moved.tails - layout.tails - shift).max() < 1e-6
    assert np.abs(moved.z_axes - layout.z_axes).max() < 1e-6


@pytest.mark.parametrize("bend_deg", [60.0, 120.0])
def test_a_bent_elbow_shows_its_own_plane(bend_deg):
    """Arms up, forearms bent upwards: the plane counts, not the T-pose."""
    twin = person("t")
    names = twin.rig.skeleton.joint_names
    joints = twin.rig.skeleton.positions.copy()
    elbow, wrist = joints[names.index("leftLowerArm")], joints[names.index("leftHand")]
    angle = np.radians(bend_deg)
    length = np.linalg.norm(wrist - elbow)
    joints[names.index("leftHand")] = elbow + length * np.array([np.cos(angle), np.sin(angle), 0])
    layout = laid_out(twin, skeleton=Skeleton(names, twin.rig.skeleton.parents, joints))
    upper, lower = (layout.z_axes[names.index(f"left{part}Arm")] for part in ("Upper", "Lower"))
    assert upper[1] > 0.99
    assert np.abs(lower[2]) < 0.05


def test_a_hair_of_hyperextension_does_not_turn_the_axis_over():
    twin = person("t")
    names = twin.rig.skeleton.joint_names
    joints = twin.rig.skeleton.positions.copy()
    joints[names.index("rightFoot")] += (0.0, 0.0, 0.05)
    layout = laid_out(twin, skeleton=Skeleton(names, twin.rig.skeleton.parents, joints))
    assert layout.z_axes[names.index("rightLowerLeg")][2] < -0.9


def test_joints_at_one_place_still_give_bones():
    twin = person("a")
    names = twin.rig.skeleton.joint_names
    joints = twin.rig.skeleton.positions.copy()
    joints[names.index("leftLowerArm")] = joints[names.index("leftUpperArm")]
    joints[names.index("neck")] = joints[names.index("head")]
    layout = laid_out(twin, skeleton=Skeleton(names, twin.rig.skeleton.parents, joints))
    assert layout.lengths.min() >= layout_of.SHORTEST_M
    assert np.isfinite(layout.z_axes).all()


def test_a_skeleton_of_seven_joints_is_laid_out_too():
    layout = laid_out(small_twin())
    assert np.array_equal(layout.tails[JOINTS.index("spine")], layout.heads[JOINTS.index("head")])
    assert layout.lengths.min() >= layout_of.SHORTEST_M


def test_joints_that_are_no_numbers_are_refused():
    twin = small_twin()
    vertices = twin.rig.mesh.vertices.copy()
    vertices[3, 1] = np.nan
    with pytest.raises(InputError, match="no finite numbers; its file is damaged"):
        laid_out(twin, vertices=vertices)


def test_groups_and_hinges_go_by_the_humanoid_names():
    groups = {name: layout_of.group_of(name) for name in person("a").rig.skeleton.joint_names}
    assert set(groups.values()) == {"Body", "Arms", "Legs", "Hands", "Face"}
    assert groups["leftThumbDistal"] == "Hands"
    assert groups["rightEye"] == "Face"
    assert groups["hips"] == "Body"
    assert layout_of.group_of("tail") == "Other"
    assert layout_of.is_hinge("leftLowerLeg")
    assert layout_of.is_hinge("rightRingDistal")
    assert not layout_of.is_hinge("leftUpperArm")
    assert not layout_of.is_hinge("leftIndexProximal")
