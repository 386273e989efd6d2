"""What the poses of a swaying person leave open of the surface."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.fit.sequence import SequenceOptions
from bodyscan.fit.sequence_spread import SurfaceSpread, surface_spread
from reconstruct.depth_rings import body_model, frames, person, ring

COUNT = 12
OPTIONS = SequenceOptions(vertices=1500, points=600)


@pytest.fixture(scope="module")
def seen():
    poses = ring(COUNT)
    return poses, frames(poses, noise_m=0.001)


def spread(seen, ids=range(COUNT)) -> SurfaceSpread:
    poses, found = seen
    ids = list(ids)
    return surface_spread([found[k] for k in ids], poses[ids], body_model(), [person()] * len(ids), OPTIONS)


def test_more_frames_leave_less_open(seen):
    all_of_them, half = spread(seen), spread(seen, range(0, COUNT, 2))
    at = half.at(all_of_them.points, all_of_them.normals)
    assert np.median(all_of_them.sigma_m / at) < 0.9
    assert 0 < all_of_them.sigma_m.min() < all_of_them.sigma_m.max() < 0.03  # metres


def test_noisier_frames_leave_more_open(seen):
    poses, _ = seen
    noisy = spread((poses, frames(poses, noise_m=0.003)))
    assert np.median(noisy.sigma_m) > 1.5 * np.median(spread(seen).sigma_m)


def test_arms_are_less_certain_than_the_trunk(seen):
    found, model = spread(seen), body_model()
    posed = model.pose(person()).vertices

    def of(*regions: str) -> float:
        vertices = posed[model.region(*regions)]
        near = np.linalg.norm(found.points[:, None] - vertices[None, ::20], axis=2).min(axis=1) < 0.02
        return float(np.median(found.sigma_m[near]))

    assert of("left_lower_arm", "right_lower_arm") > 1.5 * of("torso")


def test_a_place_takes_what_is_known_of_the_skin_that_faces_its_way():
    front, back = [0.0, 0.0, 1.0], [0.0, 0.0, -1.0]
    points = np.array([[x, 0.0, z] for z in (0.01, -0.01) for x in np.linspace(0, 0.01, 4)])
    normals = np.array([front] * 4 + [back] * 4)
    known = SurfaceSpread(points, normals, np.array([0.001] * 4 + [0.004] * 4))
    at = known.at(np.array([[0.005, 0.0, 0.0], [0.005, 0.0, 0.0]]), np.array([front, back]))
    np.testing.assert_allclose(at, [0.001, 0.004])
