"""Pairs at the body's vertices: skin from both sides, cloth as a wall and at its gap."""

from __future__ import annotations

import numpy as np

from bodyscan.fit.correspond import Pairs
from bodyscan.fit.gather import WALL_MARGIN_M, cloth_weights, firm_weights, gather

SIGMA = 0.003


def pairs_at(distance: np.ndarray, cover: float, corners: np.ndarray, weights: np.ndarray) -> Pairs:
    """Pairs whose body points lie at the origin, so far outside of a scan that faces +Z."""
    count = len(distance)
    targets = np.zeros((count, 3))
    targets[:, 2] = -distance
    return Pairs(
        corners, weights, np.tile([0.0, 0, 1], (count, 1)), targets, np.ones(count), np.full(count, cover)
    )


def test_skin_pulls_alike_from_both_sides() -> None:
    distance = np.array([-0.02, -0.008, -0.003, 0.003, 0.008, 0.02])
    weight, drawn = firm_weights(distance, np.zeros(6), SIGMA)
    np.testing.assert_allclose(weight, weight[::-1])
    np.testing.assert_allclose(drawn, distance)


def test_cloth_is_a_wall_that_lets_the_body_be_inside() -> None:
    distance = np.array([-0.02, -0.001, WALL_MARGIN_M, WALL_MARGIN_M + 0.01])
    weight, drawn = firm_weights(distance, np.ones(4), SIGMA)
    np.testing.assert_array_equal(weight[:3], 0)
    assert weight[3] > 0
    np.testing.assert_allclose(drawn[3], 0.01)


def test_far_outside_cloth_the_wall_still_pushes_where_skin_has_given_up() -> None:
    far = np.array([WALL_MARGIN_M + 0.03])
    assert firm_weights(far, np.ones(1), SIGMA)[0] > 100 * firm_weights(far, np.zeros(1), SIGMA)[0]


def test_cloth_where_its_gap_has_it_counts_most_and_thick_cloth_less() -> None:
    off = np.array([0.0, 0.01, 0.03])
    thin, thick = (cloth_weights(off, usual, SIGMA) for usual in (0.002, 0.020))
    assert (np.diff(thin) < 0).all()
    assert (np.diff(thick) < 0).all()
    assert thin[0] > thick[0]
    assert (
        thin[2] / thin[0] < thick[2] / thick[0]
    )  # folds of 30 mm are usual in loose cloth, and a mistake in tight cloth


def test_a_point_of_a_triangle_is_shared_out_and_its_pull_kept() -> None:
    """The sum of all pulls is that of the points: a common shift of the body sees the exact gradient."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 5, (40, 3))
    bary = rng.dirichlet(np.ones(3), 40)
    distance = rng.normal(0, 0.002, 40)
    pairs = pairs_at(distance, 0.0, corners, bary)
    firm, cloth = gather(((pairs, None),), np.zeros((5, 3)), SIGMA, None)
    assert cloth is None
    weight, _ = firm_weights(distance, np.zeros(40), SIGMA)
    np.testing.assert_allclose(firm.pulls.sum() / firm.weights.sum(), np.average(distance, weights=weight))


def test_skin_says_nothing_about_the_gap_and_cloth_does() -> None:
    distance = np.full(6, -0.012)
    corners, ones = np.zeros((6, 1), int), np.ones((6, 1))
    expected = (np.full(1, 0.012), 0.012)
    for cover in (0.0, 1.0):
        firm, cloth = gather(
            ((pairs_at(distance, cover, corners, ones), None),), np.zeros((1, 3)), SIGMA, expected
        )
        assert cloth is not None
        assert (firm.weights[0] > 0) == (cover == 0)
        assert (cloth.weights[0] > 0) == (cover == 1)
