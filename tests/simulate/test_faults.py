"""Each fault does what its option says, on a sphere whose truth is plain."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.weld import weld
from bodyscan.simulate.faults import add_crumbs, add_noise, cut_holes, duplicate_vertices, flip_patches
from bodyscan.simulate.options import RawScanOptions
from simulate.scans import sphere

BALL = sphere()


def off_surface_mm(mesh) -> np.ndarray:
    return (np.linalg.norm(mesh.vertices, axis=1) - 0.5) * 1000


@pytest.mark.parametrize("sigma_mm", [0.5, 3.0])
def test_noise_has_the_stated_sigma(sigma_mm):
    noisy = add_noise(np.random.default_rng(1), BALL, RawScanOptions(noise_mm=sigma_mm, drift_mm=0))
    distance = off_surface_mm(noisy)
    assert abs(distance.mean()) < 0.05 * sigma_mm
    assert abs(distance.std() / sigma_mm - 1) < 0.05


def test_drift_is_slow_and_of_the_stated_size():
    drifts = [
        off_surface_mm(add_noise(np.random.default_rng(k), BALL, RawScanOptions(noise_mm=0, drift_mm=2.0)))
        for k in range(8)
    ]
    assert np.sqrt(np.mean(np.square(drifts))) == pytest.approx(2.0, rel=0.25)
    edges = BALL.faces[:, :2]
    steps = [drift[edges[:, 0]] - drift[edges[:, 1]] for drift in drifts]
    # Neighbours are 26 mm apart at most; independent noise of this size would step by 2.8 mm.
    assert np.sqrt(np.mean(np.square(steps))) < 1.0


def test_a_hole_is_where_it_was_said_and_nowhere_else():
    options = RawScanOptions(holes=("crown",), hole_radius_mm=100)
    centre = np.array([0, 0.5, 0])
    cut = cut_holes(np.random.default_rng(2), BALL, {"crown": [centre]}, options)
    before = np.linalg.norm(BALL.vertices - centre, axis=1)
    after = np.linalg.norm(cut.vertices - centre, axis=1)
    assert (before < 0.07).any()
    assert after.min() > 0.1 * 0.75
    assert (after > 0.14).sum() == (before > 0.14).sum()


def test_soles_lose_what_lies_on_the_floor():
    options = RawScanOptions(holes=("soles",))
    lifted = sphere()
    standing = type(lifted)(lifted.vertices + np.array([0, 0.5, 0]), lifted.faces, colors=lifted.colors)
    assert cut_holes(np.random.default_rng(0), standing, {}, options).vertices[:, 1].min() >= 0.008
    on_floor = RawScanOptions(holes=("soles",), floor="disc")
    assert cut_holes(np.random.default_rng(0), standing, {}, on_floor).vertices[:, 1].min() < 0.002


def test_crumbs_are_added_and_the_surface_is_kept():
    more = add_crumbs(np.random.default_rng(3), BALL, 7)
    np.testing.assert_array_equal(more.faces[: len(BALL.faces)], BALL.faces)
    np.testing.assert_array_equal(more.vertices[: len(BALL.vertices)], BALL.vertices)
    assert 7 * 5 <= len(more.vertices) - len(BALL.vertices) <= 7 * 13
    assert add_crumbs(np.random.default_rng(3), BALL, 0) is BALL


def test_flipped_patches_look_inwards_and_share_no_vertex_with_the_rest():
    flipped = flip_patches(np.random.default_rng(4), BALL, 0.25)
    centres = flipped.vertices[flipped.faces].mean(axis=1)
    areas, normals = areas_and_normals(flipped.vertices, flipped.faces)
    inward = np.einsum("fk,fk->f", normals, centres) < 0
    assert 0.15 < areas[inward].sum() / areas.sum() < 0.35
    assert not np.intersect1d(flipped.faces[inward], flipped.faces[~inward]).size


def test_all_duplicated_is_soup_on_the_same_surface():
    soup = duplicate_vertices(np.random.default_rng(5), BALL, 1.0)
    assert len(soup.vertices) == 3 * len(soup.faces) == 3 * len(BALL.faces)
    kept, _ = weld(soup.vertices, 1e-9)
    assert len(kept) == len(BALL.vertices)
    half = duplicate_vertices(np.random.default_rng(5), BALL, 0.5)
    assert len(BALL.vertices) < len(half.vertices) < len(soup.vertices)
