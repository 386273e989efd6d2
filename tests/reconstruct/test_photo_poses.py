"""Photos go to the world frame with their scan: what a camera sees stays at its pixel."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.geometry.view import View
from bodyscan.reconstruct.photo_poses import photos_in_world
from bodyscan.types import Photo


def photo() -> Photo:
    view = View.look_at((300.0, 80, -1200), (20, 900, 30), (0, 1, 0), 500.0, 40, 60)
    return Photo(np.zeros((60, 40, 3), np.uint8), view.K, view.camera_from_world, "one.jpg")


def similarity() -> np.ndarray:
    transform = np.eye(4)
    transform[:3, :3] = 0.001 * rotvec_to_matrix(np.array([0.4, -1.2, 0.7]))
    transform[:3, 3] = [0.3, -0.2, 1.5]
    return transform


def view_of(photo: Photo) -> View:
    return View(40, 60, photo.K, photo.camera_from_world)


def test_a_point_keeps_its_pixel_and_its_distance_is_scaled():
    points = np.random.default_rng(0).normal(size=(50, 3)) * 400 + [0, 900, 0]
    transform = similarity()
    moved = photos_in_world((photo(),), transform)[0]
    world = points @ transform[:3, :3].T + transform[:3, 3]
    np.testing.assert_allclose(view_of(moved).project(world), view_of(photo()).project(points), atol=1e-6)
    eye = transform[:3, :3] @ view_of(photo()).eye + transform[:3, 3]
    np.testing.assert_allclose(view_of(moved).eye, eye, atol=1e-9)


def test_a_camera_stays_rigid_and_the_picture_is_the_same():
    moved = photos_in_world((photo(),), similarity())[0]
    rotation = moved.camera_from_world[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert moved.name == "one.jpg"
    assert moved.image.shape == (60, 40, 3)


def test_there_and_back_is_where_it_was():
    transform = similarity()
    back = photos_in_world(photos_in_world((photo(),), transform), np.linalg.inv(transform))[0]
    np.testing.assert_allclose(back.camera_from_world, photo().camera_from_world, atol=1e-9)
