"""Believable people: shape coefficients that follow hints about stature, build and sex.

The model's components are a Gaussian, and the hints (a stature, a girth, ...) are close to linear in
them. So a person with given traits is drawn from the Gaussian conditioned on those traits: the traits
fix as many directions as there are traits, and everything else keeps its own, reduced, spread. The
gradients of the traits are closed-form; none is fitted.
"""

from __future__ import annotations

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.normals import area_vectors
from bodyscan.types import F64

BUST = ("z", 0.70, 0.735, 0.05, 0.11)
WAIST = (0.62, 0.67)
UNDERBUST = ("z", 0.66, 0.685, 0.04, 0.11)
METRIC_TRAITS = ("height", "bust")
TRAITS = ("height", "fat", "bust", "shoulders", "waist", "hips")
BUILDS: dict[str, dict[str, float]] = {
    "thin": {"fat": -2.1},
    "average": {"fat": 0.0},
    "heavy": {"fat": 3.5},
    "athletic": {"fat": 0.1, "waist": -0.7, "shoulders": 0.8},
}
SEXES: dict[str, dict[str, float]] = {
    "female": {"bust": 0.024, "shoulders": -0.4, "hips": 0.4},
    "male": {"bust": -0.004, "shoulders": 0.7, "hips": -0.5},
}
"""Traits in standard deviations of the model's population; `bust` in metres before the underbust."""
CHILD_BUST_M = -0.004
STATURE_M = {"female": (1.65, 0.06), "male": (1.78, 0.065), "child": (1.25, 0.08)}
"""Mean and standard deviation that a stature is drawn from."""
FACE_SPREAD = 0.9
"""Faces may differ more than bodies before they look odd."""


def plausible_betas(
    rng: np.random.Generator,
    model: BodyModel,
    *,
    height_m: float | None = None,
    sex: str = "any",
    build: str = "any",
    spread: float = 0.4,
) -> F64:
    """(S,) coefficients of a believable person.

    `height_m` is met within 1 mm (None: drawn); `sex` is `female`, `male` or `any`, `build` one of `BUILDS`
    or `any`; `spread` 0..1 scales what these leave open. Raises `InputError` for an unknown name, or a
    model whose topology is not the packaged one.
    """
    sex, build = _drawn(rng, sex, SEXES, "sex"), _drawn(rng, build, BUILDS, "build")
    child = model.name.endswith("(child)")
    mean, deviation = STATURE_M["child" if child else sex]
    drawn_height = float(np.clip(rng.normal(mean, deviation), mean - 2 * deviation, mean + 2 * deviation))
    height = drawn_height if height_m is None else height_m
    wanted = {"fat": 0.0, **(SEXES[sex] if not child else {"bust": CHILD_BUST_M}), **BUILDS[build]}
    gradients = trait_gradients(model)
    free = rng.normal(size=model.num_components) * spread
    free[model.num_body_components :] *= FACE_SPREAD
    names = ["height", *wanted]
    rows = np.stack([gradients[name] for name in names])
    scales = [1.0 if name in METRIC_TRAITS else float(np.linalg.norm(gradients[name])) for name in wanted]
    targets = np.array([0.0, *wanted.values()]) * [1.0, *scales]
    if "bust" in wanted:
        targets[names.index("bust")] -= _bust_m(model)
    targets[0] = height - stature(model, np.zeros(model.num_components))
    betas = free + _least(rows, targets - rows @ free)
    for _ in range(4):  # the crown and the lowest point change hands: stature is not quite linear
        betas += _least(rows, np.array([height - stature(model, betas), *np.zeros(len(wanted))]))
    return betas


def stature(model: BodyModel, betas: F64) -> float:
    """Height of the unposed body, metres."""
    heights = model.rest_vertices(betas)[_outer(model), 1]
    return float(np.ptp(heights))


def trait_gradients(model: BodyModel) -> dict[str, F64]:
    """For each of `TRAITS` the derivative (S,) by the coefficients, at the mean person.

    `height` and `bust` (how far it stands out before the underbust) in metres; `fat` (volume at a given
    stature), `shoulders`, `waist` and `hips` up to scale. The last three do not move when only stature or
    `fat` change.
    """
    dirs, outer = model.shape_dirs.astype(np.float64), _outer(model)
    template = model.template.astype(np.float64)
    where = np.flatnonzero(outer)
    top, low = where[template[outer, 1].argmax()], where[template[outer, 1].argmin()]
    height = dirs[:, top, 1] - dirs[:, low, 1]
    # The derivative of a closed surface's volume is the flow through its vertices' area vectors.
    flow = np.zeros_like(template)
    vectors = area_vectors(template, model.faces) / 3
    for corner in range(3):
        np.add.at(flow, model.faces[:, corner], vectors)
    volume = np.einsum("svk,vk->s", dirs, flow)
    joint = model.joint_dirs[:, :, 0]
    left, right = model.joint_index("leftUpperArm"), model.joint_index("rightUpperArm")
    raw = {
        "bust": _girdle(model, dirs, *BUST) - _girdle(model, dirs, *UNDERBUST),
        "shoulders": joint[:, left] - joint[:, right],
        "waist": _girdle(model, dirs, "x", *WAIST, 0.0, 1.0) + _girdle(model, dirs, "z", *WAIST, 0.0, 0.1),
        "hips": _girdle(model, dirs, "x", 0.48, 0.54, 0.0, 1.0),
    }
    fat = _without(volume, [height])
    result = {"height": height, "fat": fat}
    for name, gradient in raw.items():
        result[name] = gradient if name in METRIC_TRAITS else _without(gradient, [height, fat])
    return result


def _bust_m(model: BodyModel) -> float:
    """How far the mean person's bust stands out before the underbust, metres."""
    depth = model.template[None].astype(np.float64)
    return float((_girdle(model, depth, *BUST) - _girdle(model, depth, *UNDERBUST))[0])


def _girdle(
    model: BodyModel, dirs: F64, axis: str, low: float, high: float, inside: float, outside: float
) -> F64:
    """(S,) mean outward movement of the torso between two shares of the height: `x` sideways, `z` forwards.

    The shares, and the distances |x| in metres from the middle, are those of the adult's mean body: the
    topology is one for all ages.
    """
    template = reference_template(model)
    share = template[:, 1] / template[:, 1].max()
    torso = model.region("torso", "left_upper_leg", "right_upper_leg") & (share > low) & (share < high)
    torso &= (np.abs(template[:, 0]) >= inside) & (np.abs(template[:, 0]) <= outside)
    if axis == "z":
        picked = torso & (template[:, 2] > 0.08)
        return dirs[:, picked, 2].mean(axis=1)
    picked = torso & (np.abs(template[:, 0]) > 0.11)
    return (dirs[:, picked, 0] * np.sign(template[picked, 0])).mean(axis=1)


def reference_template(model: BodyModel) -> F64:
    """(V, 3) metres: the adult's mean body, on which places are named for every age.

    Raises `InputError` for a model of another topology: nobody has named its places.
    """
    adult = load_body_model("adult")
    if model.num_vertices != adult.num_vertices or not len(model.region_ids):
        raise InputError(
            f"The body model '{model.name}' has another topology than the packaged one; "
            "scans are simulated with the packaged adult or child body."
        )
    return adult.template.astype(np.float64)


def _outer(model: BodyModel) -> np.ndarray:
    return ~model.inner


def _without(gradient: F64, others: list[F64]) -> F64:
    """The part of `gradient` that is orthogonal to the others."""
    basis = np.linalg.qr(np.stack(others, axis=1))[0]
    return gradient - basis @ (basis.T @ gradient)


def _least(rows: F64, values: F64) -> F64:
    """The smallest change of the coefficients that changes the traits by `values`."""
    return rows.T @ np.linalg.solve(rows @ rows.T, values)


def _drawn(rng: np.random.Generator, value: str, known: dict, name: str) -> str:
    names = list(known)
    choice = names[int(rng.integers(len(names)))]
    if value == "any":
        return choice
    if value not in known:
        raise InputError(f"plausible_betas: {name} is {value!r}; possible: any, {', '.join(names)}.")
    return value
