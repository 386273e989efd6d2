"""People with known truth for `benchmarks/fit.py`: nobody of whom the packaged shape space was made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.normals import vertex_normals
from bodyscan.simulate.people import plausible_betas
from bodyscan.simulate.smooth_noise import smooth_noise_vectors
from bodyscan.simulate.surface import neighbour_mean
from bodyscan.types import F64

CHILD_EVERY = 4
"""One person in so many is a child."""
BUMPS_M = 0.003
"""Standard deviation along the normal of smooth bumps that are in no component of any space."""
BUMP_WAVES_M = (0.12, 0.5)
"""Longer than a muscle, shorter than a limb."""
QUIET = (
    "head", "left_hand", "right_hand", "left_foot", "right_foot", "left_eye", "right_eye", "teeth", "tongue",
)  # fmt: skip
QUIET_SHARE = 0.25
BUMP_SEED = 4071


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody whose surface and joints are known."""

    name: str
    age: str
    """`adult` or `child`."""
    model: BodyModel
    """Our topology and skeleton with this person as its template and no shape component."""


def people_from_file(path: Path, count: int, bumps_m: float = BUMPS_M) -> list[Person]:
    """The first adults and children of a file of `make_people.py`, three adults to one child, with bumps."""
    with np.load(path, allow_pickle=False) as data:
        vertices, joints, ages = data["vertices"], data["joints"], [str(age) for age in data["age"]]
    rows = {age: [row for row, each in enumerate(ages) if each == age] for age in ("adult", "child")}
    order = []
    for place in range(len(ages)):
        wanted = "child" if place % CHILD_EVERY == CHILD_EVERY - 1 else "adult"
        source = rows[wanted] or rows["adult"] or rows["child"]
        order.append(source.pop(0))
    people = []
    for row in order[:count]:
        rng = np.random.default_rng([row, BUMP_SEED])
        rest = vertices[row].astype(np.float64)
        people.append(_person(f"held-out {row}", ages[row], rng, rest, joints[row], bumps_m))
    return people


def people_of_own_space(count: int, bumps_m: float = BUMPS_M) -> list[Person]:
    """Draws from the packaged components plus smooth bumps that no component holds."""
    people = []
    for number in range(count):
        rng = np.random.default_rng([number, BUMP_SEED])
        age = "child" if number % CHILD_EVERY == CHILD_EVERY - 1 else "adult"
        model = load_body_model(age)
        betas = plausible_betas(rng, model, spread=0.7)
        rest, joints = model.rest_vertices(betas), model.rest_joints(betas)
        people.append(_person(f"own {number}", age, rng, rest, joints, bumps_m))
    return people


def with_bumps(rng: np.random.Generator, model: BodyModel, rest: F64, size_m: float) -> F64:
    """(V, 3) metres: a smooth field moves the skin along its normal, less on head, hands and feet."""
    normals = vertex_normals(rest, model.faces).astype(np.float64)
    height = np.einsum("vc,vc->v", smooth_noise_vectors(rng, rest, BUMP_WAVES_M), normals)
    quiet = model.region(*QUIET) | model.inner
    share = np.where(quiet, QUIET_SHARE, 1.0)
    mean = neighbour_mean(model.faces, model.num_vertices)
    for _ in range(25):  # no step at the wrists
        share = 0.5 * share + 0.5 * (mean @ share)
    height *= size_m / height[~quiet].std()
    return rest + (share * height)[:, None] * normals


def _person(name: str, age: str, rng: np.random.Generator, rest: F64, joints: F64, bumps_m: float) -> Person:
    model = load_body_model(age)
    if rest.shape != model.template.shape or joints.shape != model.joint_template.shape:
        raise InputError(
            f"{name} has {rest.shape} vertices and {joints.shape} joints; the packaged body has "
            f"{model.template.shape} and {model.joint_template.shape}. Draw the people again."
        )
    own = replace(
        model,
        template=with_bumps(rng, model, rest, bumps_m).astype(np.float32),
        joint_template=joints,
        shape_dirs=np.zeros((0, *rest.shape), np.float32),
        joint_dirs=np.zeros((0, *joints.shape)),
        num_body_components=0,
    )
    return Person(name, age, own)
