"""One packaged body with rig, shapes and colours, sealed and bound under Anna's record; and its edits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.consent.binding import bind
from bodyscan.consent.content import BodyContent
from bodyscan.consent.keys import SigningKey
from bodyscan.consent.seal import seal
from bodyscan.types import Morph
from consent.people import NOW, STUDIO, signed


@cache
def body() -> BodyContent:
    """The packaged adult in its rest pose: four joints, one shape, colours that grow with the height."""
    model = load_body_model()
    vertices = model.pose(model.zero_params()).vertices.astype(np.float32)
    height = vertices[:, 1]
    ids = np.flatnonzero(model.region("head") & ~model.inner)[:200].astype(np.int32)
    weights = np.zeros((len(vertices), 4), np.float32)
    part = np.clip(np.floor(height / height.max() * 4), 0, 3).astype(np.uint16)
    weights[:, 0] = 1
    indices = np.zeros((len(vertices), 4), np.uint16)
    indices[:, 0] = part
    share = np.clip(height / height.max(), 0, 1)
    colors = np.stack([200 - 60 * share, 150 - 60 * share, 130 - 60 * share], axis=1)
    return BodyContent(
        positions=vertices,
        faces=model.faces,
        joint_positions=np.array([[0, 0.2, 0], [0, 0.6, 0], [0, 1.0, 0], [0, 1.4, 0]], np.float64),
        joint_indices=indices,
        joint_weights=weights,
        morphs=(Morph("jawOpen", ids, np.full((len(ids), 3), 0.01, np.float32)),),
        colors=colors.astype(np.uint8),
    )


@cache
def bound_body(key: SigningKey = STUDIO, created_at: datetime = NOW) -> str:
    """The consent text that `body` carries."""
    return bind(signed(), seal(body()), key, created_at=created_at, software="bodyscan test")


def moved(distance_m: float) -> BodyContent:
    """The body with each vertex pushed outward from the vertical axis."""
    points = np.array(body().positions)
    radial = points * [1, 0, 1]
    radial /= np.maximum(np.linalg.norm(radial, axis=1, keepdims=True), 1e-9)
    return replace(body(), positions=(points + distance_m * radial).astype(np.float32))


def simplified() -> BodyContent:
    """The body on a grid of five millimetres, as a coarse tool leaves it."""
    return replace(
        body(), positions=np.round(body().positions / 0.005).astype(np.float32) * np.float32(0.005)
    )
