"""The scan as a whole against its truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster
from bodyscan.simulate import simulate_raw_scan
from bodyscan.simulate.file_frame import draw_world_from_input
from bodyscan.simulate.options import AXES, UNITS, RawScanOptions
from bodyscan.simulate.scanner import scan_scene
from bodyscan.types import Mesh
from simulate.scans import CLEAN, MESSY, clean_scan, messy_scan

MODEL = load_body_model("adult")
VISIBLE = MODEL.faces[~MODEL.inner[MODEL.faces].all(axis=1)]


def test_a_clean_scan_lies_on_the_true_surface():
    scan = clean_scan()
    caster = Raycaster(Mesh(scan.truth.vertices, VISIBLE))
    distance_mm = caster.closest(scan.world_mesh().vertices)[0] * 1000
    # A fused surface bridges between fingers, and rounds the body's large triangles by up to 1 mm.
    assert np.median(distance_mm) < 0.3
    assert np.percentile(distance_mm, 97) < 1.0


def test_a_clean_scan_shows_most_of_the_body():
    scan = clean_scan()
    caster = Raycaster(scan.world_mesh())
    distance_mm = caster.closest(scan.truth.vertices[~MODEL.inner])[0] * 1000
    assert np.mean(distance_mm < 5) > 0.9


def test_the_surface_has_a_topology_of_its_own_and_the_asked_size():
    faces = len(clean_scan().mesh.faces)
    assert abs(faces - CLEAN.target_faces) < 0.05 * CLEAN.target_faces


def test_the_same_options_give_the_same_bytes():
    again = simulate_raw_scan(CLEAN)
    scan = clean_scan()
    assert again.mesh.vertices.tobytes() == scan.mesh.vertices.tobytes()
    assert again.mesh.faces.tobytes() == scan.mesh.faces.tobytes()
    assert again.mesh.colors.tobytes() == scan.mesh.colors.tobytes()
    assert again.truth.vertices.tobytes() == scan.truth.vertices.tobytes()


def test_clothes_and_hair_leave_the_person_as_they_are():
    np.testing.assert_array_equal(clean_scan().truth.vertices, messy_scan().truth.vertices)
    np.testing.assert_array_equal(clean_scan().truth.params.betas, messy_scan().truth.params.betas)


def test_clothes_and_hair_stand_off_the_skin_where_the_truth_says_so():
    truth = messy_scan().truth
    off_mm = np.linalg.norm(truth.outer - truth.vertices, axis=1) * 1000
    assert off_mm[truth.cover == 0].max() < 0.01
    assert np.median(off_mm[(truth.cover == 1) & MODEL.region("torso")]) > 1.0
    assert np.median(off_mm[truth.cover == 2]) > 8.0
    covered = MODEL.region("torso") & (truth.cover == 1)
    assert covered.sum() > 0.8 * MODEL.region("torso").sum()
    assert not (truth.cover[MODEL.region("left_hand", "right_foot")] != 0).any()


def test_the_truth_holds_the_parameters_and_the_extra_shape():
    truth = clean_scan().truth
    posed = MODEL.pose(truth.params)
    np.testing.assert_allclose(posed.joints, truth.joints, atol=1e-12)
    outside = ~MODEL.inner & ~MODEL.region("head", "left_hand", "right_hand", "left_foot", "right_foot")
    off_mm = np.linalg.norm(posed.vertices - truth.vertices, axis=1)[outside] * 1000
    assert np.sqrt(np.mean(off_mm**2)) == pytest.approx(CLEAN.extra_shape_mm, rel=0.05)
    assert abs(truth.vertices[~MODEL.inner, 1].min()) < 1e-9


def test_the_person_faces_z_with_the_left_hand_at_plus_x():
    scan = clean_scan()
    joints = dict(zip(scan.joint_names, scan.truth.joints, strict=True))
    assert joints["leftHand"][0] > 0.3 > -0.3 > joints["rightHand"][0]
    assert joints["leftToes"][2] > joints["leftFoot"][2] + 0.05


@pytest.mark.parametrize("unit", UNITS)
def test_file_coordinates_come_back_to_the_world(unit):
    for up in AXES:
        for facing in AXES:
            if up[1] == facing[1]:
                continue
            options = RawScanOptions(unit=unit, up=up, facing=facing, yaw_deg=25, translation_m=3)
            transform = draw_world_from_input(np.random.default_rng(6), options)
            rotation = transform[:3, :3] / UNITS[unit]
            np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
            assert np.linalg.det(rotation) == pytest.approx(1)
            sign = 1 if up[0] == "+" else -1
            assert rotation[1, "xyz".index(up[1])] == pytest.approx(sign)
            sign = 1 if facing[0] == "+" else -1
            assert sign * rotation[2, "xyz".index(facing[1])] > np.cos(np.radians(25.1))


def test_the_file_is_in_the_unit_and_axes_that_were_asked_for():
    height_in = np.ptp(messy_scan().mesh.vertices[:, 1])
    height_m = np.ptp(messy_scan().truth.outer[~MODEL.inner, 1])
    assert height_in * 0.0254 == pytest.approx(height_m, abs=0.35)  # crumbs fly up to 0.15 m around
    assert np.ptp(clean_scan().mesh.vertices[:, 2]) == pytest.approx(
        np.ptp(clean_scan().truth.outer[~MODEL.inner, 1]) * 1000, abs=15
    )


def test_the_crown_and_the_soles_are_missing_where_that_was_asked_for():
    scan = messy_scan()
    outer = scan.truth.outer[~MODEL.inner]
    crown = outer[outer[:, 1].argmax()]
    world = scan.world_mesh()
    part_of_person = np.linalg.norm((world.vertices - crown)[:, [0, 2]], axis=1) < 0.03
    near = np.linalg.norm(world.vertices - crown, axis=1) < 0.75 * MESSY.hole_radius_mm / 1000
    assert not (near & part_of_person).any()
    assert clean_scan().world_mesh().vertices[:, 1].min() < 0.008
    feet = np.linalg.norm(world.vertices[:, None, [0, 2]] - outer[[outer[:, 1].argmin()]][:, [0, 2]], axis=2)
    assert not ((feet[:, 0] < 0.02) & (np.abs(world.vertices[:, 1]) < 0.007)).any()


def test_colours_are_of_skin_and_cloth():
    scan = clean_scan()
    assert scan.mesh.colors is not None
    red, green, blue = np.median(scan.mesh.colors, axis=0)
    assert red > green > blue


@pytest.mark.slow
def test_coarse_depth_makes_a_rougher_surface():
    truth = clean_scan().truth
    caster = Raycaster(Mesh(truth.vertices, VISIBLE))
    rough = simulate_raw_scan(replace(CLEAN, depth_step_mm=4.0, num_cameras=8, target_faces=8000))
    error = caster.closest(rough.world_mesh().vertices)[0]
    assert np.median(error) > 3 * np.median(caster.closest(clean_scan().world_mesh().vertices)[0])


def test_an_empty_sight_is_refused():
    sliver = Mesh(np.array([[0, 0, 0], [0, 1e-5, 0], [1e-5, 0, 0]]), np.array([[0, 1, 2]]),
                  colors=np.zeros((3, 3), np.uint8))  # fmt: skip
    person = np.array([[-0.3, 0, -0.2], [0.3, 1.7, 0.2]])
    from bodyscan.errors import StageError

    with pytest.raises(StageError, match="saw no surface"):
        scan_scene(np.random.default_rng(0), sliver, person, replace(CLEAN, num_cameras=8, voxel_mm=20.0))


def test_errors_of_options_reach_the_caller():
    with pytest.raises(InputError, match="target_faces is 10"):
        replace(CLEAN, target_faces=10)
