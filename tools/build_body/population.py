"""Random people from the full body space: what the shape components are made from and tested on.

Phenotypes (sex, age, muscle, weight, height, proportions, ancestry) are spread wide on purpose: thin and
heavy, old and young, pregnant and muscular people must all be inside the space, not only the average.
The local changes are drawn around zero, left and right alike up to a small asymmetry.
"""

from __future__ import annotations

import numpy as np
import torch
from source import FACE_LOCAL_GROUPS, Source

ASYMMETRY = 0.25
LOCAL_SD = {"adult": 0.28, "child": 0.2}
"""The changes were drawn for adults; the same centimetres are more on a child."""
AGE_RANGE = {"adult": (0.62, 1.0), "child": (0.08, 0.66)}
"""MakeHuman age: 0 baby, 1/3 child of about 10, 2/3 young adult, 1 old."""


def is_face_change(label: str) -> bool:
    name = label.removeprefix("l-").removeprefix("r-")
    return name.split("-")[0] in FACE_LOCAL_GROUPS


STATURE_M = {"adult": (1.69, 0.10, 1.35, 2.15), "child": (1.25, 0.22, 0.80, 1.75)}
"""Mean and standard deviation of four fifths of the people; the range that the last fifth covers evenly."""


def accept_by_stature(rng: np.random.Generator, statures: np.ndarray, age: str) -> np.ndarray:
    """(N,) bool: a rejection sampler that turns the drawn statures into a believable population.

    Independent local changes make far too many giants; the shape of a 2.4 m person teaches nothing.
    """
    mean, deviation, low, high = STATURE_M[age]
    normal = np.exp(-0.5 * ((statures - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
    even = ((statures > low) & (statures < high)) / (high - low)
    wanted = 0.8 * normal * (even > 0) + 0.2 * even
    counts, edges = np.histogram(statures, bins=60, density=True)
    drawn = counts[np.clip(np.digitize(statures, edges) - 1, 0, len(counts) - 1)]
    ratio = wanted / np.maximum(drawn, 1e-3)
    return rng.random(len(statures)) < ratio / np.percentile(ratio, 90)


def sample_phenotypes(rng: np.random.Generator, count: int, age: str, labels: list[str]) -> torch.Tensor:
    low, high = AGE_RANGE[age]
    columns = {
        "gender": np.where(rng.random(count) < 0.85, rng.integers(0, 2, count), rng.random(count)),
        "age": rng.uniform(low, high, count),
        "muscle": rng.beta(1.4, 1.4, count),
        "weight": rng.beta(1.2, 1.2, count),
        "height": rng.beta(1.6, 1.6, count),
        "proportions": rng.beta(1.5, 1.5, count),
        "cupsize": rng.random(count),
        "firmness": rng.random(count),
    }
    ancestry = rng.dirichlet([0.6, 0.6, 0.6], count)
    columns |= {"african": ancestry[:, 0], "asian": ancestry[:, 1], "caucasian": ancestry[:, 2]}
    return torch.as_tensor(np.stack([columns[label] for label in labels], axis=1))


def sample_local_changes(
    rng: np.random.Generator, count: int, age: str, labels: list[str], *, face: bool, body: bool
) -> torch.Tensor:
    values = np.zeros((count, len(labels)))
    common: dict[str, np.ndarray] = {}
    for column, label in enumerate(labels):
        if not (face if is_face_change(label) else body):
            continue
        draw = rng.normal(0, LOCAL_SD[age], count)
        if label[:2] in ("l-", "r-"):
            shared = common.setdefault(label[2:], draw)
            draw = shared + ASYMMETRY * rng.normal(0, LOCAL_SD[age], count)
        if label.startswith("stomach-pregnant"):
            draw = np.where(rng.random(count) < 0.12, rng.uniform(0.2, 1.0, count), 0.3 * draw)
        values[:, column] = np.clip(draw, -1, 1)
    return torch.as_tensor(values)


def sample_coefficients(
    source: Source, rng: np.random.Generator, count: int, age: str, *, face: bool, body: bool
) -> np.ndarray:
    """(count, B) float32 blend-shape coefficients of random people."""
    model = source.model
    phenotypes = sample_phenotypes(rng, count, age, model.phenotype_labels)
    if not body:
        phenotypes = phenotypes[:1].expand(count, -1)
    local = sample_local_changes(rng, count, age, model.local_change_labels, face=face, body=body)
    facial = torch.zeros(count, len(model.facial_action_labels), dtype=local.dtype)
    coefficients = [
        model._get_phenotype_blendshape_coefficients(p, q, f)
        for p, q, f in zip(
            phenotypes.to(model.dtype).split(250),
            local.to(model.dtype).split(250),
            facial.to(model.dtype).split(250),
            strict=True,
        )
    ]
    return torch.cat(coefficients).to(torch.float32).numpy()
