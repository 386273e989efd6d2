"""The gap between skin and cloth: its scale is found, and taking it out of a step is exact."""

from __future__ import annotations

import numpy as np
import pytest

from body.smpl_files import tiny_model
from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.fit.cloth_gap import HAIR_M, GapModel, gap_model, hanging_profile
from bodyscan.fit.clothing import under_hair


@pytest.fixture(scope="module")
def model() -> BodyModel:
    return load_body_model("adult")


@pytest.fixture(scope="module")
def gaps(model: BodyModel) -> GapModel:
    return gap_model(model)


def drawn(gaps: GapModel, usual_m: float, seed: int) -> np.ndarray:
    """(K,) values as likely as any, for clothes that usually lie so far off."""
    rng = np.random.default_rng(seed)
    return gaps.guess(usual_m).values + gaps.std(usual_m) * rng.normal(size=len(gaps.hair))


def test_garments_lie_closer_to_shoulders_and_thighs_than_to_waist_and_hems(model: BodyModel) -> None:
    profile, height = hanging_profile(model), model.template[:, 1] / model.template[:, 1].max()
    trunk = model.region("torso", "left_upper_leg", "left_lower_leg")
    shoulders, waist, thighs, hems = (
        profile[trunk & (np.abs(height - at) < 0.015)].mean() for at in (0.80, 0.62, 0.42, 0.06)
    )
    assert max(shoulders, thighs) < min(waist, hems)


def test_the_field_varies_alike_everywhere_and_along_the_body_only_slowly(
    model: BodyModel, gaps: GapModel
) -> None:
    field = gaps.modes[:, 1 : gaps.hair_level]
    dressed = ~under_hair(model) & ~model.inner
    variance = np.square(field[dressed]).sum(axis=1)
    assert variance.max() < 1.001
    assert variance.min() > 0.5
    faces = model.faces[dressed[model.faces].all(axis=1)]
    apart = np.square(field[faces[:, 0]] - field[faces[:, 1]]).sum(axis=1)
    assert np.median(apart) < 0.05


def test_hair_and_garments_know_nothing_of_each_other(model: BodyModel, gaps: GapModel) -> None:
    on_head = under_hair(model)
    assert not gaps.modes[np.ix_(on_head, ~gaps.hair)].any()
    assert not gaps.modes[np.ix_(~on_head, gaps.hair)].any()
    for usual in (0.002, 0.020):
        np.testing.assert_allclose((gaps.modes @ gaps.guess(usual).values)[on_head], HAIR_M)


def test_cloth_that_faces_down_has_come_off_the_waist_and_says_nothing_elsewhere(
    model: BodyModel, gaps: GapModel
) -> None:
    height = model.template[:, 1] / model.template[:, 1].max()
    waist = model.region("torso") & (np.abs(height - 0.63) < 0.01)
    level = np.ones(model.num_vertices)
    mean = {up: gaps.of_slopes(up * level).modes[:, 0] for up in (-0.2, 0.0, 0.1, -0.9, -0.3)}
    assert (mean[-0.2][waist] > 1.5 * mean[0.0][waist]).all()
    assert (mean[0.1][waist] < 0.85 * mean[0.0][waist]).all()
    np.testing.assert_array_equal(mean[-0.9], mean[-0.3])
    elsewhere = model.region("left_upper_arm", "left_lower_leg", "head")
    np.testing.assert_array_equal(mean[-0.2][elsewhere], mean[0.1][elsewhere])


@pytest.mark.parametrize("usual_m", [0.002, 0.006, 0.018])
def test_the_scale_of_drawn_gaps_is_found(model: BodyModel, gaps: GapModel, usual_m: float) -> None:
    """Within a factor of 2.5 in the middle of many: a small scale drowns in the misfit of the body."""
    dressed = np.flatnonzero(model.region("torso", "left_upper_leg", "right_upper_leg") & ~model.inner)
    rows = gaps.modes[dressed]
    weight = 400 / len(dressed) / 0.004**2
    information = weight * rows.T @ rows
    found = [
        gaps.likeliest_scale(information, -weight * rows.T @ (rows @ drawn(gaps, usual_m, seed)))
        for seed in range(12)
    ]
    assert usual_m / 2.5 < np.exp(np.mean(np.log(found))) < 2.5 * usual_m


def test_taking_the_gap_out_of_a_step_is_the_same_as_solving_for_both(
    model: BodyModel, gaps: GapModel
) -> None:
    rng = np.random.default_rng(3)
    few = np.sort(rng.choice(np.flatnonzero(~model.inner), 900, replace=False))
    small = gaps.at_vertices(few)
    rows = rng.normal(0, 1, (len(few), 7)).astype(np.float32)
    weights = np.where(rng.random(len(few)) < 0.7, 2e4, 0.0)
    pulls = weights * rng.normal(-0.01, 0.004, len(few))
    hessian = (rows * weights[:, None]).T @ rows + 40 * np.eye(7)
    gradient = rows.T @ pulls + rng.normal(size=7)
    reduced, pulled, gap_after = small.eliminate(rows, weights, pulls, hessian, gradient)
    step = np.linalg.solve(reduced, -pulled)
    gap = gap_after(step)

    precision = np.diag(small.std(gap.usual_m) ** -2.0)
    cross = (rows * weights[:, None]).T @ small.modes
    inner = (small.modes * weights[:, None]).T @ small.modes + precision
    right = small.modes.T @ pulls - precision @ small.guess(gap.usual_m).values
    both = np.linalg.solve(np.block([[hessian, cross], [cross.T, inner]]), -np.append(gradient, right))
    np.testing.assert_allclose(step, both[:7], atol=1e-5)
    np.testing.assert_allclose(small.modes @ gap.values, small.modes @ both[7:], atol=2e-5)


def test_a_shell_of_one_thickness_moves_the_gap_and_not_the_body(model: BodyModel, gaps: GapModel) -> None:
    """A body that can only swell as a whole, bare skin on its arms that holds it, cloth 12 mm off."""
    dressed = model.region("torso", "left_upper_leg", "right_upper_leg") & ~model.inner
    rows = np.ones((model.num_vertices, 1), np.float32)
    weights = np.where(dressed, 0.1, 0.0)
    pulls = weights * -0.012
    hessian, gradient = np.array([[weights.sum() + 50.0]]), np.array([pulls.sum()])
    scale = 400 / weights.sum() / 0.004**2
    reduced, pulled, gap_after = gaps.eliminate(
        rows, scale * weights, scale * pulls, scale * hessian, scale * gradient
    )
    step = np.linalg.solve(reduced, -pulled)
    assert abs(step[0]) < 0.002
    gap = gaps.modes[dressed] @ gap_after(step).values
    assert np.abs(gap - 0.012).max() < 0.003


def test_a_users_own_small_model_has_gaps_too() -> None:
    tiny = tiny_model()
    gaps = gap_model(tiny)
    assert len(gaps.modes) == tiny.num_vertices
    assert np.isfinite(gaps.modes).all()
