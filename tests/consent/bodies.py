"""Bodies as arrays for the tests of the seal: the packaged body with a painted skin."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from bodyscan.consent.content import BodyContent, content_of
from bodyscan.consent.seal import Seal, SealReport, compare_seal, seal
from bodyscan.types import Morph, SkinTextures
from gltf.full_size import full_size_twin

FACE = (slice(205, 320), slice(395, 510))
"""Where the face lies in a skin of 512 pixels a side."""
VISEMES = 3


@cache
def body() -> BodyContent:
    """The mean person, A pose, 52 face shapes and some visemes, a skin of 512 pixels."""
    twin = full_size_twin("a")
    visemes = tuple(replace(morph, name=f"viseme_{i}") for i, morph in enumerate(twin.morphs[:VISEMES]))
    return content_of(twin.rig, (*twin.morphs, *visemes), SkinTextures(skin(0)))


@cache
def sealed() -> Seal:
    """The seal of `body`."""
    return seal(body())


def report(**changes: Any) -> SealReport:
    """Compare `body` with fields changed with its seal."""
    return compare_seal(sealed(), replace(body(), **changes))


@cache
def skin(person: int, size: int = 512) -> np.ndarray:
    """Return (size, size, 3) uint8: one tone with blotches, and a face of its own for each person."""
    rng = np.random.default_rng(person)
    rows, columns = np.mgrid[:size, :size] / size * 512
    image = np.tile(np.array([196.0, 150.0, 126.0]), (size, size, 1))
    for row, column, radius, depth in zip(
        rng.uniform(0, 512, 60),
        rng.uniform(0, 512, 60),
        rng.uniform(8, 40, 60),
        rng.normal(0, 12, 60),
        strict=True,
    ):
        near = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * radius**2))
        image += (depth * near)[..., None]
    for _ in range(12):  # brows, eyes, lips, moles
        row, column = rng.uniform(225, 300), rng.uniform(410, 495)
        tall, wide = rng.uniform(2, 6), rng.uniform(4, 12)
        near = np.exp(-(((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2))
        image -= near[..., None] * np.array([70.0, 80.0, 75.0])
    return np.clip(image, 0, 255).astype(np.uint8)


def stored(image: np.ndarray, kind: str, size: int, quality: int) -> np.ndarray:
    """Return the image resized, stored lossily as `kind` and read again."""
    file = io.BytesIO()
    small = Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS)
    small.save(file, kind, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def morphs_with(name: str, change: Any) -> tuple[Morph, ...]:
    """Return the body's shapes with the displacements of one changed by a function."""
    return tuple(
        replace(morph, deltas=change(np.array(morph.deltas)).astype(np.float32))
        if morph.name == name
        else morph
        for morph in body().morphs
    )
