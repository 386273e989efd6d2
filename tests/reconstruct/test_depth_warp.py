"""Points of a person who moved land where the common pose has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodyscan.geometry.normals import vertex_normals
from bodyscan.reconstruct.depth.coverage import coverage_by_part, seen_vertices
from bodyscan.reconstruct.depth.warp import Warp
from bodyscan.types import BodyParams, Mesh
from reconstruct.depth_rings import body_model, person


def bent() -> BodyParams:
    model, params = body_model(), person()
    pose = params.pose_rotvec.copy()
    pose[model.joint_index("spine"), 0] += 0.05
    pose[model.joint_index("leftLowerArm"), 1] += 0.15
    return replace(params, pose_rotvec=pose, translation=np.array([0.02, 0.0, -0.01]))


def test_skin_goes_where_skinning_takes_it():
    model = body_model()
    there, here = model.pose(bent()).vertices, model.pose(person()).vertices
    outer = np.flatnonzero(~model.inner)
    normals = vertex_normals(there, model.faces)
    moved = Warp(model, person())(bent(), there[outer], normals[outer])
    off = np.linalg.norm(moved.points - here[outer], axis=1)
    assert moved.kept.all()
    assert off.mean() < 0.0003  # metres; neighbours' weights are mixed in
    assert np.percentile(off, 99) < 0.002
    wanted = vertex_normals(here, model.faces)[outer]
    assert np.einsum("nk,nk->n", moved.normals, wanted).mean() > 0.995


def test_cloth_goes_with_the_skin_under_it():
    model = body_model()
    posed = model.pose(bent())
    outer = np.flatnonzero(model.region("torso") & ~model.inner)
    normals = vertex_normals(posed.vertices, model.faces)[outer]
    cloth = posed.vertices[outer] + 0.02 * normals
    moved = Warp(model, person())(bent(), cloth, normals)
    here = model.pose(person()).vertices
    wanted = here[outer] + 0.02 * vertex_normals(here, model.faces)[outer]
    assert np.linalg.norm(moved.points - wanted, axis=1).mean() < 0.001  # metres


def test_what_is_far_from_the_body_is_not_moved_with_it():
    model = body_model()
    moved = Warp(model, person())(person(), np.array([[2.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]]))
    assert not moved.kept.any()


def test_nobody_moves_when_nobody_moved():
    model = body_model()
    points = model.pose(person()).vertices[:2000].astype(np.float32)
    normals = vertex_normals(points.astype(float), np.zeros((0, 3), int)) * 0 + [0, 0, 1]
    moved = Warp(model, person())(person(), points, normals)
    np.testing.assert_allclose(moved.points, points, atol=2e-6)


def test_coverage_tells_what_no_camera_saw():
    model = body_model()
    vertices = model.pose(person()).vertices
    head = model.region("head")
    faces = model.faces[~head[model.faces].any(axis=1) & ~model.inner[model.faces].any(axis=1)]
    seen = seen_vertices(model, vertices, Mesh(vertices, faces))
    shares = coverage_by_part(model, vertices, seen)
    assert shares["torso"] > 0.99
    assert shares["left_hand"] > 0.99
    assert shares["head"] < 0.15
    assert 0.85 < shares["all"] < 0.97


def test_the_far_side_of_a_thin_part_is_not_seen():
    model = body_model()
    vertices = model.pose(person()).vertices
    normals = vertex_normals(vertices, model.faces)
    front = (normals[model.faces].mean(axis=1)[:, 2] > 0.2) & ~model.inner[model.faces].any(axis=1)
    seen = seen_vertices(model, vertices, Mesh(vertices, model.faces[front]))
    hand = model.region("left_hand")
    assert seen[hand & (normals[:, 2] > 0.5)].mean() > 0.95
    assert seen[hand & (normals[:, 2] < -0.5)].mean() < 0.1
