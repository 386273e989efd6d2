"""Poses, surface and range error solved together: as the whole system, with nothing eliminated."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.fit.sequence_surface import DAMPING, HELD, CurveHold, surface_spread_m, surface_step
from bodyscan.fit.sequence_terms import Bends, FrameEquations

INSTANTS, POSES, VERTICES, CURVE, SURFACE_M = 4, 3, 7, 2, 0.05
SIZE = INSTANTS * POSES
rng = np.random.default_rng(3)


class Pairs:
    """Random pairs of one picture, and what they ask for."""

    def __init__(self) -> None:
        count = 20
        self.vertex = rng.integers(0, VERTICES, count)
        self.of_vertex = rng.normal(size=(VERTICES, POSES)).astype(np.float32)
        self.weight, self.residual = rng.uniform(100, 300, count), rng.normal(size=count)
        self.bend = rng.normal(size=(count, CURVE))
        met = np.unique(self.vertex)
        pick = (self.vertex[:, None] == met[None]).astype(float).T
        rows, heavy = self.of_vertex[met], self.bend * self.weight[:, None]
        weights, pulls = pick @ self.weight, pick @ (self.weight * self.residual)
        bends = Bends(pick @ heavy, heavy.T @ self.bend, heavy.T @ self.residual)
        hessian = (rows * weights[:, None]).T.astype(np.float64) @ rows
        self.equations = FrameEquations(hessian, rows.T @ pulls, 0, 0, met, rows, weights, pulls, bends)

    def rows(self, instant: int) -> np.ndarray:
        """(N, SIZE + CURVE + VERTICES) of the residuals over all unknowns."""
        out = np.zeros((len(self.vertex), SIZE + CURVE + VERTICES))
        out[:, POSES * instant : POSES * instant + POSES] = self.of_vertex[self.vertex]
        out[:, SIZE : SIZE + CURVE] = self.bend
        out[np.arange(len(out)), SIZE + CURVE + self.vertex] = -1
        return out


@pytest.fixture(scope="module")
def problem():
    precision, links = rng.uniform(20, 60, POSES), rng.uniform(5, 20, (INSTANTS - 1, POSES))
    return [Pairs() for _ in range(INSTANTS)], precision, links, rng.normal(size=(INSTANTS, POSES))


def whole(problem, damping: float) -> tuple[np.ndarray, np.ndarray]:
    """Hessian and gradient of poses, coefficients and ways, without what holds the coefficients."""
    pictures, precision, links, values = problem
    hessian = np.zeros((SIZE + CURVE + VERTICES,) * 2)
    gradient = np.zeros(len(hessian))
    for k, pairs in enumerate(pictures):
        rows = pairs.rows(k)
        hessian += (rows * pairs.weight[:, None]).T @ rows
        gradient += rows.T @ (pairs.weight * pairs.residual)
        here = slice(POSES * k, POSES * k + POSES)
        hessian[here, here] += np.diag(precision + damping * np.diag(pairs.equations.hessian))
        gradient[here] += precision * (values[k] - values.mean(axis=0))
    for k, link in enumerate(links):
        change = np.zeros((POSES, len(hessian)))
        change[:, POSES * k : POSES * k + 2 * POSES] = np.hstack([-np.eye(POSES), np.eye(POSES)])
        hessian += change.T @ np.diag(link) @ change
        gradient += change.T @ (link * (values[k + 1] - values[k]))
    ways = np.arange(SIZE + CURVE, len(hessian))
    hessian[ways, ways] += 1 / SURFACE_M**2
    return hessian, gradient


def test_the_step_is_that_of_the_whole_system(problem):
    pictures, precision, links, values = problem
    hold = CurveHold(np.array([0.3, -0.2]), np.array([[40.0, 5.0], [5.0, 30.0]]))
    hessian, gradient = whole(problem, DAMPING)
    curve = slice(SIZE, SIZE + CURVE)
    hessian[curve, curve] += hold.pull
    gradient[curve] += hold.pull @ hold.values_m
    want = -np.linalg.solve(hessian, gradient)
    equations = [pairs.equations for pairs in pictures]
    step, bend = surface_step(equations, values, precision, links, SURFACE_M, VERTICES, hold)
    np.testing.assert_allclose(np.concatenate(step), want[:SIZE], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(bend, want[curve], rtol=1e-3, atol=1e-5)


def test_without_a_range_error_the_poses_take_the_step_alone(problem):
    pictures, precision, links, values = problem
    hessian, gradient = whole(problem, DAMPING)
    kept = np.r_[0:SIZE, SIZE + CURVE : len(hessian)]
    want = -np.linalg.solve(hessian[np.ix_(kept, kept)], gradient[kept])
    equations = [pairs.equations for pairs in pictures]
    step, bend = surface_step(equations, values, precision, links, SURFACE_M, VERTICES)
    np.testing.assert_allclose(np.concatenate(step), want[:SIZE], rtol=1e-3, atol=1e-5)
    assert bend.shape == (0,)


def test_the_spread_is_the_whole_system_inverted(problem):
    pictures, precision, links, _ = problem
    hessian, _ = whole(problem, 0.0)
    kept = np.r_[0:SIZE, SIZE + CURVE : len(hessian)]
    hessian = hessian[np.ix_(kept, kept)]
    ways = np.arange(SIZE, len(hessian))
    own = 1 / hessian[ways, ways]
    poses = hessian[:SIZE, :SIZE] - hessian[:SIZE, SIZE:] @ np.diag(own) @ hessian[SIZE:, :SIZE]
    mean = np.tile(np.eye(POSES), INSTANTS)
    hessian[:SIZE, :SIZE] += HELD * np.diag(poses).max() / INSTANTS * mean.T @ mean
    shared = np.diag(np.linalg.inv(hessian))[SIZE:] - own
    equations = [pairs.equations for pairs in pictures]
    found = surface_spread_m(equations, precision, links, SURFACE_M, VERTICES)
    np.testing.assert_allclose(found**2, shared, rtol=1e-3)
