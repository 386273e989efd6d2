"""Frames of somebody who moved, fused in one pose; how far they moved; how well frames agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.fit.sequence import SequenceFit, mean_params
from bodyscan.fit.sequence_spread import SurfaceSpread
from bodyscan.geometry.raycast import Raycaster
from bodyscan.pipeline.depth_fusion import (
    agreement_mm,
    area_m2,
    fitting_voxel_m,
    fuse_in_mean_pose,
    fuse_still,
    with_spread,
    without_strays,
)
from bodyscan.pipeline.depth_motion import motion_found
from bodyscan.reconstruct.depth.fuse import FusedSurface, FuseOptions
from bodyscan.types import BodyParams, Mesh
from reconstruct.depth_rings import body_model, frames, person, ring

COUNT, VOXEL_M = 20, 0.01


def swaying(k: int) -> BodyParams:
    """Leans forwards and back by two degrees about the ankles, twice in the capture."""
    model, params = body_model(), person()
    pose = params.pose_rotvec.copy()
    angle = np.radians(2.0) * np.sin(4 * np.pi * k / COUNT)
    hips = model.joint_index("hips")
    pose[hips, 0] += angle
    height = float(model.rest_joints(params.betas)[hips, 1]) - 0.08
    return replace(params, pose_rotvec=pose, translation=np.array([0.0, 0.0, height * np.sin(angle)]))


@pytest.fixture(scope="module")
def moving():
    poses = ring(COUNT)
    params = tuple(swaying(k) for k in range(COUNT))
    return poses, frames(poses, swaying), SequenceFit(params, mean_params(params), 0.0)


def off_mm(surface: Mesh) -> float:
    """Mean distance of the fused surface to the true skin in the mean pose."""
    model = body_model()
    skin = Raycaster(Mesh(model.pose(person()).vertices, model.faces))
    return float(skin.closest(surface.vertices)[0].mean()) * 1000


def test_frames_that_go_with_the_skin_meet_in_one_surface(moving):
    poses, seen, sequence = moving
    followed = fuse_in_mean_pose(seen, poses, sequence, body_model(), VOXEL_M, FuseOptions())
    still = fuse_still(seen, poses, VOXEL_M, FuseOptions())
    assert off_mm(followed.mesh) < 0.6
    assert off_mm(still.mesh) > 2.0
    body = agreement_mm(followed.mesh, seen, poses, sequence, body_model())
    assert body < 0.7
    assert agreement_mm(still.mesh, seen, poses) > 2 * body


def test_what_the_poses_leave_open_is_added_to_the_scatter(moving):
    poses, seen, _ = moving
    fused = fuse_still(seen, poses, VOXEL_M, FuseOptions())
    places = fused.mesh.vertices[::50]
    left = SurfaceSpread(places, fused.normals[::50].astype(float), np.full(len(places), 0.002))
    told = with_spread(fused, left)
    np.testing.assert_allclose(told.sigma_m**2 - fused.sigma_m**2, 0.002**2, rtol=1e-3)
    assert told.confidence is fused.confidence  # what was seen, was seen
    assert told.mesh is fused.mesh


def test_the_motion_is_told_as_it_was(moving):
    _, _, sequence = moving
    found = motion_found(body_model(), sequence)
    model = body_model()
    joints = model.pose(person()).joints
    head, foot = (joints[model.joint_index(name)][1] for name in ("head", "leftFoot"))
    assert found.sway_mm == pytest.approx(1000 * np.sin(np.radians(2.0)) * (head - foot), rel=0.1)
    assert found.arms_mm < 1e-6  # the arms go with the chest
    assert found.head_way_mm.shape == (COUNT, 3)
    assert np.abs(found.head_way_mm.mean(axis=0)).max() < 1e-9


def test_cameras_that_leaned_with_the_person_are_set_upright():
    """Tracking follows the person: a lean of the whole body is a lean of the world."""
    model = body_model()
    still = SequenceFit((person(),) * COUNT, person(), 0.0)
    angles = np.radians(1.0) * np.sin(2 * np.pi * np.arange(COUNT) / COUNT)
    ups = np.stack([np.zeros(COUNT), np.cos(angles), np.sin(angles)], axis=1)
    assert motion_found(model, still).sway_mm < 1e-6
    joints = model.pose(person()).joints
    rise = joints[model.joint_index("head")][1] - joints[model.joint_index("leftFoot")][1]
    assert motion_found(model, still, ups).sway_mm == pytest.approx(
        1000 * rise * np.sin(np.radians(1)), rel=0.1
    )


def test_cells_are_as_wide_as_the_points_allow(moving):
    _, seen, _ = moving
    points = sum(len(frame.points) for frame in seen)
    assert fitting_voxel_m(seen, 1.8) == pytest.approx(2 * np.sqrt(1.8 / points))
    assert fitting_voxel_m(seen * 100, 1.8) == 0.003
    assert fitting_voxel_m(seen[:1], 1.8) == 0.012


def test_a_square_metre_is_one():
    square = Mesh(
        np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float), np.array([[0, 1, 2], [0, 2, 3]])
    )
    assert area_m2(square) == pytest.approx(1.0)


def test_a_patch_of_floor_is_no_part_of_the_person_and_a_loose_finger_is():
    body = body_model().mesh(body_model().pose(person()).vertices)
    corner = np.array([[0.0, 0, 0], [0, 0, 0.02], [0.02, 0, 0]])
    floor = corner + np.array([0.35, float(body.vertices[:, 1].min()), 0.3])
    finger = corner + body.vertices[body.vertices[:, 0].argmax()]
    parts = [body.vertices, floor, finger]
    starts = np.cumsum([0, len(body.vertices), 3])
    faces = [body.faces, np.array([[0, 1, 2]]), np.array([[0, 1, 2]])]
    vertices = np.concatenate(parts)
    mesh = Mesh(
        vertices, np.concatenate([f + s for f, s in zip(faces, starts, strict=True)]).astype(np.int32)
    )
    ones = np.ones(len(vertices), np.float32)
    fused = FusedSurface(mesh, np.tile(np.float32([0, 1, 0]), (len(vertices), 1)), ones, ones)
    cleared = without_strays(fused, body)
    assert len(cleared.mesh.faces) == len(mesh.faces) - 1
    gone = set(map(tuple, vertices)) - set(map(tuple, cleared.mesh.vertices))
    assert gone == set(map(tuple, floor))
    assert len(cleared.sigma_m) == len(cleared.confidence) == len(cleared.mesh.vertices)
    assert without_strays(cleared, body).mesh.faces.shape == cleared.mesh.faces.shape
