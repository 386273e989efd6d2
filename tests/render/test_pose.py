from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bodyscan.errors import InputError
from bodyscan.render.pose import pose_rig, posed_joints, skinning_matrices
from bodyscan.render.poses import POSES, aim_bones, named_pose
from bodyscan.types import Rig, Skeleton

from .shapes import all_morphs, soft, stick_person


def naive_pose(rig: Rig, rotations: dict[str, np.ndarray]) -> np.ndarray:
    """One vertex and one joint at a time, with 4 by 4 matrices."""
    skeleton = rig.skeleton
    world: list[np.ndarray] = []
    for j, name in enumerate(skeleton.joint_names):
        parent = int(skeleton.parents[j])
        local = np.eye(4)
        local[:3, :3] = Rotation.from_rotvec(rotations.get(name, np.zeros(3))).as_matrix()
        origin = skeleton.positions[parent] if parent >= 0 else np.zeros(3)
        local[:3, 3] = skeleton.positions[j] - origin
        world.append(local if parent < 0 else world[parent] @ local)
    out = []
    for v, vertex in enumerate(rig.mesh.vertices):
        total = np.zeros(3)
        weight_sum = 0.0
        for j, weight in zip(rig.joint_indices[v], rig.joint_weights[v], strict=True):
            bind = np.eye(4)
            bind[:3, 3] = -skeleton.positions[j]
            total += float(weight) * (world[j] @ bind @ np.append(vertex, 1))[:3]
            weight_sum += float(weight)
        out.append(total / weight_sum)
    return np.array(out)


def some_rotations(rig: Rig) -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    return {name: random.normal(0, 0.6, 3) for name in rig.skeleton.joint_names[::2]}


def test_identity_returns_the_bind_pose() -> None:
    rig = soft(stick_person())
    assert pose_rig(rig).vertices == pytest.approx(rig.mesh.vertices, abs=1e-12)


def test_fast_version_agrees_with_the_naive_loop() -> None:
    rig = soft(stick_person())
    rotations = some_rotations(rig)
    assert pose_rig(rig, rotations).vertices == pytest.approx(naive_pose(rig, rotations), abs=1e-9)


def test_turning_one_arm_leaves_the_rest_untouched() -> None:
    rig = stick_person()
    moved = pose_rig(rig, {"leftUpperArm": [0.3, 0.2, 0.9]}).vertices
    shift = np.linalg.norm(moved - rig.mesh.vertices, axis=1)
    arm = [rig.skeleton.joint_names.index(n) for n in ("leftUpperArm", "leftLowerArm", "leftHand")]
    is_arm = np.isin(rig.joint_indices[:, 0], arm)
    assert shift[~is_arm].max() == pytest.approx(0, abs=1e-12)
    assert shift[is_arm].max() > 0.1


def test_root_rotation_is_rigid() -> None:
    rig = soft(stick_person())
    rotvec = np.array([0.4, -0.8, 0.2])
    pivot = rig.skeleton.positions[0]
    expected = Rotation.from_rotvec(rotvec).apply(rig.mesh.vertices - pivot) + pivot
    assert pose_rig(rig, {"hips": rotvec}).vertices == pytest.approx(expected, abs=1e-9)


def test_bones_keep_their_length() -> None:
    rig = stick_person()
    joints = posed_joints(rig.skeleton, some_rotations(rig))
    for j, parent in enumerate(rig.skeleton.parents):
        if parent >= 0:
            before = np.linalg.norm(rig.skeleton.positions[j] - rig.skeleton.positions[parent])
            assert np.linalg.norm(joints[j] - joints[parent]) == pytest.approx(before, abs=1e-12)


def test_morphs_are_added_before_skinning() -> None:
    rig = stick_person()
    morphs = all_morphs(rig, ("jawOpen",))
    turn = {"head": np.array([0, np.pi / 2, 0])}
    plain = pose_rig(rig, turn).vertices
    open_ = pose_rig(rig, turn, morphs=morphs, weights={"jawOpen": 0.5}).vertices
    shift = open_[morphs[0].vertex_ids] - plain[morphs[0].vertex_ids]
    assert shift == pytest.approx(np.tile([0.01, 0, 0], (len(shift), 1)), abs=1e-6)


@pytest.mark.parametrize("name", list(POSES))
def test_named_poses_point_bones_where_they_say(name: str) -> None:
    skeleton = stick_person().skeleton
    joints = posed_joints(skeleton, named_pose(skeleton, name))
    index = skeleton.joint_names.index
    ends = {
        "UpperArm": "LowerArm",
        "LowerArm": "Hand",
        "UpperLeg": "LowerLeg",
        "LowerLeg": "Foot",
        "Foot": "Toes",
    }
    for bone, direction in POSES[name].items():
        side = "left" if bone.startswith("left") else "right"
        start, end = index(bone), index(side + ends[bone.removeprefix(side)])
        now = joints[end] - joints[start]
        bound = skeleton.positions[end] - skeleton.positions[start]
        wanted = np.array(direction) if np.any(direction) else bound
        cosine = now @ wanted / np.linalg.norm(now) / np.linalg.norm(wanted)
        assert cosine == pytest.approx(1, abs=1e-9), bone


def test_aiming_the_opposite_way_works() -> None:
    skeleton = stick_person().skeleton
    bound = skeleton.positions[4] - skeleton.positions[3]
    joints = posed_joints(skeleton, aim_bones(skeleton, {"leftUpperArm": -bound}))
    assert joints[4] - joints[3] == pytest.approx(-bound, abs=1e-9)


def test_unknown_names_list_the_known_ones() -> None:
    rig = stick_person()
    with pytest.raises(InputError, match=r"joint 'tail' is unknown; there are hips, spine"):
        pose_rig(rig, {"tail": [0, 0, 0]})
    with pytest.raises(InputError, match=r"morph 'wink' is unknown; there are jawOpen"):
        pose_rig(rig, morphs=all_morphs(rig, ("jawOpen",)), weights={"wink": 1})
    with pytest.raises(InputError, match=r"pose 'fly' is unknown; possible are captured"):
        named_pose(rig.skeleton, "fly")


def test_a_skeleton_without_the_bones_is_refused() -> None:
    bare = Skeleton(("hips",), np.array([-1], np.int32), np.zeros((1, 3)))
    with pytest.raises(InputError, match="no bone 'leftUpperArm'"):
        named_pose(bare, "t")


def test_a_rotation_that_is_no_vector_is_refused() -> None:
    with pytest.raises(InputError, match="three finite numbers"):
        skinning_matrices(stick_person().skeleton, {"hips": [0, np.nan, 0]})
