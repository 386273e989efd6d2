"""The pose prior: a Gaussian about the reference pose, and hinges that only push back."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.fit.prior import HYPEREXTENSION_RAD, PosePrior, build_pose_prior

STEP_RAD = 1e-5


def prior_of(age: str = "adult", pose: str = "a") -> PosePrior:
    model = load_body_model(age)
    betas = np.zeros(model.num_components)
    return build_pose_prior(model, model.rest_joints(betas), standard_pose(model, betas, pose))


def gradient_of(prior: PosePrior, pose: np.ndarray) -> np.ndarray:
    count = 3 * len(pose)
    gradient = np.zeros(count)
    prior.add_to(np.zeros((count, count)), gradient, pose, np.arange(len(pose)), 0)
    return gradient.reshape(pose.shape)


def test_the_cost_is_lowest_at_the_reference_pose() -> None:
    prior = prior_of()
    rng = np.random.default_rng(0)
    lowest = prior.cost(prior.mean)
    assert lowest == pytest.approx(0.0, abs=1e-9)
    for _ in range(10):
        assert prior.cost(prior.mean + 0.05 * rng.normal(size=prior.mean.shape)) > lowest


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_the_derivative_of_the_cost(seed: int) -> None:
    prior = prior_of()
    rng = np.random.default_rng(seed)
    pose = prior.mean + 0.5 * rng.normal(size=prior.mean.shape)
    gradient = gradient_of(prior, pose)
    for _ in range(10):
        direction = rng.normal(size=pose.shape)
        ahead = prior.cost(pose + STEP_RAD * direction) - prior.cost(pose - STEP_RAD * direction)
        assert ahead / (2 * STEP_RAD) == pytest.approx(float((gradient * direction).sum()), rel=1e-5)


def test_the_hessian_is_the_derivative_of_the_gradient() -> None:
    prior = prior_of()
    rng = np.random.default_rng(7)
    pose = prior.mean + 0.3 * rng.normal(size=prior.mean.shape)
    count = pose.size
    hessian = np.zeros((count, count))
    prior.add_to(hessian, np.zeros(count), pose, np.arange(len(pose)), 0)
    direction = rng.normal(size=pose.shape)
    ahead = gradient_of(prior, pose + STEP_RAD * direction) - gradient_of(prior, pose - STEP_RAD * direction)
    np.testing.assert_allclose(
        ahead.reshape(-1) / (2 * STEP_RAD), hessian @ direction.reshape(-1), rtol=1e-4, atol=1e-4
    )


def test_elbows_and_knees_are_hinges_and_nothing_else() -> None:
    model = load_body_model("adult")
    names = {model.joint_names[hinge.joint] for hinge in prior_of().hinges}
    assert names == {"leftLowerArm", "rightLowerArm", "leftLowerLeg", "rightLowerLeg"}


@pytest.mark.parametrize("age", ["adult", "child"])
@pytest.mark.parametrize("index", range(4))
def test_a_hinge_pushes_forwards_when_bent_backwards_and_is_silent_otherwise(age: str, index: int) -> None:
    prior = prior_of(age)
    hinge = prior.hinges[index]
    only_limits = PosePrior(prior.mean, np.zeros_like(prior.precision), (hinge,))

    def push(bend_rad: float) -> float:
        pose = prior.mean.copy()
        pose[hinge.joint] += hinge.axis * (bend_rad - prior.bend(hinge, prior.mean))
        assert prior.bend(hinge, pose) == pytest.approx(bend_rad)
        return -float(gradient_of(only_limits, pose)[hinge.joint] @ hinge.axis)

    assert push(-HYPEREXTENSION_RAD - 0.2) > push(-HYPEREXTENSION_RAD - 0.1) > 0
    for allowed in (-HYPEREXTENSION_RAD + 1e-6, 0.0, 0.5, 2.0):
        assert push(allowed) == 0


@pytest.mark.parametrize("side", ["left", "right"])
def test_bending_a_hinge_further_brings_hand_forwards_and_foot_backwards(side: str) -> None:
    """The sign of the axis: flexed elbows bring the hands forwards, flexed knees the feet backwards."""
    from bodyscan.types import BodyParams

    model = load_body_model("adult")
    betas = np.zeros(model.num_components)
    mean = standard_pose(model, betas, "relaxed")
    prior = build_pose_prior(model, model.rest_joints(betas), mean)
    for part, end, sign in (("LowerArm", "Hand", 1.0), ("LowerLeg", "Foot", -1.0)):
        j = model.joint_index(side + part)
        hinge = next(h for h in prior.hinges if h.joint == j)
        bent = mean.copy()
        bent[j] += 0.6 * hinge.axis
        before, after = (
            model.pose(BodyParams(betas, pose, np.zeros(3))).joints[model.joint_index(side + end), 2]
            for pose in (mean, bent)
        )
        assert sign * (after - before) > 0.03, f"{side}{part}"


def test_a_prior_over_some_joints_touches_only_their_columns() -> None:
    prior = prior_of()
    joints = np.array([2, 5])
    hessian, gradient = np.zeros((12, 12)), np.zeros(12)
    prior.add_to(hessian, gradient, prior.mean + 0.2, joints, 4)
    assert np.abs(gradient[4:10]).min() > 0
    assert not gradient[:4].any()
    assert not gradient[10:].any()
    assert not hessian[:4].any()
    assert not hessian[10:].any()
    np.testing.assert_allclose(hessian[4:7, 4:7], prior.precision[2])
