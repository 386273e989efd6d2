"""SMPL-family files: what they pose to, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from body.smpl_files import fields
from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.body.smpl_family import model_from_fields, read_smpl_family
from bodyscan.errors import InputError
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.types import BodyParams

FLOAT32_M = 1e-5


def naive_smpl(data: dict, betas: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """The paper's equations 1 to 11, one vertex and one joint at a time."""
    shaped = data["v_template"] + data["shapedirs"] @ betas
    joints = data["J_regressor"] @ shaped
    rotations = [rotvec_to_matrix(r) for r in pose]
    feature = np.concatenate([(r - np.eye(3)).ravel() for r in rotations[1:]])
    corrected = shaped + data["posedirs"] @ feature
    parents = data["kintree_table"][0].astype(np.int64)
    world = []
    for j, rotation in enumerate(rotations):
        local = np.eye(4)
        local[:3, :3] = rotation
        local[:3, 3] = joints[j] - (joints[parents[j]] if j else 0)
        world.append(local if j == 0 else world[parents[j]] @ local)
    posed = np.zeros_like(corrected)
    for v in range(len(posed)):
        for j, matrix in enumerate(world):
            local = matrix[:3, :3] @ (corrected[v] - joints[j]) + matrix[:3, 3]
            posed[v] += data["weights"][v, j] * local
    return posed


def someone(model: BodyModel) -> BodyParams:
    rng = np.random.default_rng(4)
    pose = rng.normal(scale=0.4, size=(model.num_joints, 3))
    return BodyParams(rng.normal(size=10), pose, np.zeros(3))


@pytest.mark.parametrize(("vertices", "parents"), [(60, None), (20, (-1, 0, 1))])
@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
def test_a_file_poses_as_the_paper_says(tmp_path: Path, vertices: int, parents, suffix: str) -> None:
    data = fields(vertices) if parents is None else fields(vertices, parents)
    path = tmp_path / f"model{suffix}"
    if suffix == ".npz":
        np.savez(path, **(data | {"J_regressor": data["J_regressor"].toarray()}))
    else:
        path.write_bytes(pickle.dumps(data, protocol=2))
    model = load_body_model(path)
    params = someone(model)
    lifted = [0, data["v_template"][:, 1].min(), 0]
    expected = naive_smpl(data, params.betas, params.pose_rotvec) - lifted
    np.testing.assert_allclose(model.pose(params).vertices, expected, atol=FLOAT32_M)


def test_joints_get_humanoid_names_and_vertices_regions() -> None:
    model = model_from_fields(fields())
    assert model.joint_names[16] == "leftUpperArm"
    assert model.joint_names[5] == "rightLowerLeg"
    assert model.parents[model.joint_index("leftHand")] == model.joint_index("leftLowerArm")
    assert {"torso", "head", "left_hand", "right_foot"} <= set(model.region_names)
    assert "user's own" in model.license


@pytest.mark.parametrize(("joints", "last"), [(52, "rightThumbDistal"), (55, "rightThumbDistal")])
def test_hands_of_smplh_and_smplx_are_named(joints: int, last: str) -> None:
    parents = (-1, *range(joints - 1))
    model = model_from_fields(fields(80, parents))
    assert model.joint_names[-1] == last
    assert model.joint_names[25 if joints == 55 else 22] == "leftIndexProximal"


def test_expressions_of_smplx_follow_as_face_components() -> None:
    data = fields(40, (-1, *range(54)))
    data["shapedirs"] = np.random.default_rng(0).normal(size=(40, 3, 20))
    model = model_from_fields(data)
    assert (model.num_body_components, model.num_components) == (10, 20)


def test_star_loses_its_correctives_and_says_so() -> None:
    data = fields()
    data["posedirs"] = np.zeros((60, 3, 93))
    model = model_from_fields(data, "star")
    assert model.pose_dirs is None
    assert model.name == "star (STAR, without its pose correctives)"


def test_uvs_of_the_file_split_the_vertices_at_seams() -> None:
    data = fields()
    rng = np.random.default_rng(2)
    data |= {"vt": rng.random((50, 2)), "ft": rng.integers(50, size=(30, 3))}
    model = model_from_fields(data)
    np.testing.assert_array_equal(model.split_source[model.split_faces], model.faces)
    corner = model.split_uvs[model.split_faces]
    np.testing.assert_allclose(corner[..., 1], 1 - data["vt"][data["ft"]][..., 1], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"v_template": np.zeros((60, 2))}, r"'v_template' must hold finite numbers of the shape \(N, 3\)"),
        ({"weights": np.full((60, 24), np.nan)}, "'weights' must hold finite numbers"),
        ({"weights": np.full((60, 24), 0.5)}, "'weights' must be at least 0 and sum to 1"),
        ({"kintree_table": np.zeros((3, 24), int)}, r"'kintree_table' must have the shape \(2, J\)"),
        ({"kintree_table": np.full((2, 24), 30)}, "name an earlier joint"),
        ({"J_regressor": np.zeros((24, 61))}, r"'J_regressor' must be finite and \(24, 60\)"),
        ({"f": np.array([[0, 1, 99]])}, "'f' names vertex 99; there are 60"),
        ({"f": np.zeros((4, 3))}, "'f' must be whole numbers"),
        ({"posedirs": np.zeros((60, 3, 5))}, r"'posedirs' must have the shape \(60, 3, 207\)"),
        ({"vt": np.zeros((9, 2)), "ft": np.zeros((2, 3), int)}, "'ft' must have the shape"),
    ],
)
def test_fields_that_do_not_fit_are_named(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model_from_fields(fields() | change)


def test_files_that_are_no_body_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", v_template=np.zeros((4, 3)))
    with pytest.raises(InputError, match=r"'other.npz' is no SMPL-family file: it has no shapedirs"):
        read_smpl_family(tmp_path / "other.npz")
    (tmp_path / "body.txt").write_text("no")
    with pytest.raises(InputError, match=r"ends in '.txt'; an SMPL-family body model is a .npz or a .pkl"):
        read_smpl_family(tmp_path / "body.txt")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(InputError, match=r"'broken.npz'"):
        read_smpl_family(tmp_path / "broken.npz")


def test_pickled_objects_inside_an_npz_are_refused(tmp_path: Path) -> None:
    data = fields() | {"weights": np.array([{"a": 1}], dtype=object)}
    data["J_regressor"] = np.full((24, 60), 1 / 60)
    np.savez(tmp_path / "objects.npz", **data)
    with pytest.raises(InputError, match=r"no .npz of plain arrays.*without pickled objects"):
        read_smpl_family(tmp_path / "objects.npz")
