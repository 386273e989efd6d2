"""Laws of GarmentCode's parameters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import KDTree

from body.smpl_files import tiny_model
from bodyscan.body.arm_pose import arm_pose
from bodyscan.body.asset import load_body_model
from bodyscan.body.garment_measures import DEFINITIONS, measure_garment
from bodyscan.body.garment_points import NAMES, garment_points
from bodyscan.body.measurements import measure_vertices
from bodyscan.errors import InputError
from bodyscan.types import BodyParams

GARMENTCODE = [
    "arm_length", "arm_pose_angle", "armscye_depth", "back_width", "bum_points", "bust",
    "bust_line", "bust_points", "crotch_hip_diff", "head_l", "height", "hip_back_width",
    "hip_inclination", "hips", "hips_line", "leg_circ", "neck_w", "shoulder_incl", "shoulder_w",
    "underbust", "vert_bust_line", "waist", "waist_back_width", "waist_line",
    "waist_over_bust_line", "wrist",
]  # fmt: skip
"""What GarmentCode's own body files hold."""
MODEL = load_body_model("adult")


def posed(seed: int | None, down: float = 45.0) -> tuple[np.ndarray, np.ndarray]:
    betas = np.zeros(MODEL.num_components)
    if seed is not None:
        betas = 0.7 * np.random.default_rng(seed).normal(size=MODEL.num_components)
    body = MODEL.pose(BodyParams(betas, arm_pose(MODEL, betas, down), np.zeros(3)))
    return body.vertices, body.joints


def values(vertices: np.ndarray, joints: np.ndarray) -> dict[str, float]:
    return {p.name: p.value for p in measure_garment(MODEL, vertices, joints)}


def test_every_parameter_of_garmentcodes_files_is_there_and_described() -> None:
    found = measure_garment(MODEL, *posed(None))
    assert sorted(p.name for p in found) == GARMENTCODE
    assert all(p.value > 0 and p.description.endswith(".") for p in found)
    assert {p.name for p in found if p.unit == "deg"} == {
        "shoulder_incl",
        "arm_pose_angle",
        "hip_inclination",
    }
    assert len(DEFINITIONS) == 26


def test_where_the_body_stands_does_not_matter() -> None:
    vertices, joints = posed(1)
    shift = np.array([0.3, 1.0, -2.0])
    assert values(vertices + shift, joints + shift) == pytest.approx(values(vertices, joints), abs=0.01)


def test_a_mirrored_body_has_the_same_parameters() -> None:
    vertices, joints = posed(2)
    template = MODEL.template.astype(np.float64)
    mirror = np.array([-1.0, 1.0, 1.0])
    partner = KDTree(template).query(template * mirror)[1]
    names = [n.replace("left", "#").replace("right", "left").replace("#", "right") for n in MODEL.joint_names]
    other = values(vertices[partner] * mirror, joints[[MODEL.joint_index(n) for n in names]] * mirror)
    for name, value in values(vertices, joints).items():
        # Triangles' diagonals are not mirrored, and a level may fall on the next step of its search.
        assert other[name] == pytest.approx(value, abs=0.35, rel=0.005), name


def test_the_arms_angle_changes_its_own_parameter_one_to_one() -> None:
    low, high = (values(*posed(3, down)) for down in (40.0, 55.0))
    assert high["arm_pose_angle"] - low["arm_pose_angle"] == pytest.approx(15.0, abs=1.5)
    for name in ("waist", "hips", "leg_circ", "hips_line", "head_l", "height"):
        assert high[name] == pytest.approx(low[name], abs=0.05), name


@pytest.mark.parametrize("seed", [None, 4, 5])
def test_levels_and_parts_fit_together(seed: int | None) -> None:
    vertices, joints = posed(seed)
    found = values(vertices, joints)
    tape = {m.name: m.value_cm for m in measure_vertices(MODEL, vertices, joints)}
    assert found["bust"] >= tape["bust_girth"] - 1.0
    assert found["waist"] <= tape["waist_girth"] + 1.0
    assert found["hips"] >= tape["hip_girth"] - 1.0
    for whole, back in (("bust", "back_width"), ("waist", "waist_back_width"), ("hips", "hip_back_width")):
        assert 0.35 * found[whole] < found[back] < 0.65 * found[whole], back
    assert found["bust_line"] < found["waist_over_bust_line"]
    assert found["waist_line"] > found["vert_bust_line"]
    # GarmentCode finds the waist by these three; it lies above the hips and below the bust.
    waist = found["height"] - found["head_l"] - found["waist_line"]
    assert waist - found["hips_line"] > tape["inside_leg_height"]
    assert waist == pytest.approx(tape["waist_height"], abs=5.0)


def test_a_body_grown_by_a_centimetre_gains_two_pi_of_it_around() -> None:
    from bodyscan.geometry.normals import vertex_normals

    vertices, joints = posed(None)
    grown = vertices + 0.01 * vertex_normals(vertices, MODEL.faces)
    before, after = values(vertices, joints), values(grown, joints)
    for name in ("bust", "underbust", "waist", "hips"):
        assert after[name] - before[name] == pytest.approx(2 * np.pi, abs=0.8), name


def test_points_lie_on_the_skin_and_mirror_each_other() -> None:
    vertices, joints = posed(None)
    points = garment_points(MODEL, vertices, joints)
    assert set(points) == set(NAMES)
    for name, place in points.items():
        assert KDTree(vertices).query(place)[0] < 0.015, name
        if name.startswith("left_"):
            other = points[name.replace("left_", "right_")] * [-1.0, 1.0, 1.0]
            np.testing.assert_allclose(place, other, atol=0.003, err_msg=name)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: measure_garment(tiny_model(), *_empty(tiny_model())),
            "named points are known for the packaged",
        ),
        (lambda: measure_garment(MODEL, np.zeros((4, 3)), np.zeros((55, 3))), r"needs vertices of shape"),
    ],
)
def test_what_cannot_be_measured_is_refused(ask, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask()


def _empty(model) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((model.num_vertices, 3)), np.zeros((model.num_joints, 3))
