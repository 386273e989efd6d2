"""Ears: found where they are, flat under hair, untouched where they are seen."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.fit.detail import foldedness
from bodyscan.fit.ears import lay_ears_flat
from bodyscan.geometry.normals import vertex_normals
from bodyscan.types import F64


@pytest.fixture(scope="module")
def body() -> tuple[BodyModel, F64, F64, F64]:
    model = load_body_model("adult")
    vertices = model.template.astype(np.float64)
    normals = vertex_normals(vertices, model.faces)
    return model, vertices, normals, foldedness(vertices, normals)


def head_pushed_out(body: tuple[BodyModel, F64, F64, F64], thickness_m: float) -> F64:
    """(V, 3) offsets of a head whose whole surface moved outwards, as under hair."""
    model, vertices, *_ = body
    head = model.region("head")
    centre = vertices[head].mean(axis=0)
    outward = vertices - centre
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    return np.where(head[:, None], thickness_m * outward, 0.0)


def test_ears_that_the_scan_shows_stay_as_they_are(body: tuple[BodyModel, F64, F64, F64]) -> None:
    model, vertices, normals, folds = body
    offsets = head_pushed_out(body, 0.002)
    np.testing.assert_array_equal(lay_ears_flat(model, vertices, offsets, normals, folds), offsets)


def test_ears_under_hair_no_longer_stand_out(body: tuple[BodyModel, F64, F64, F64]) -> None:
    model, vertices, normals, folds = body
    offsets = head_pushed_out(body, 0.02)
    flat = lay_ears_flat(model, vertices, offsets, normals, folds)
    moved = np.flatnonzero(np.linalg.norm(flat - offsets, axis=1) > 1e-9)
    assert 400 < len(moved) < 1200
    assert model.region("head")[moved].all()
    width_before = np.ptp((vertices + offsets)[moved, 0])
    width_after = np.ptp((vertices + flat)[moved, 0])
    assert width_after < width_before - 0.02  # metres: a centimetre or more on each side


def test_both_sides_are_treated_alike(body: tuple[BodyModel, F64, F64, F64]) -> None:
    model, vertices, normals, folds = body
    offsets = head_pushed_out(body, 0.02)
    flat = vertices + lay_ears_flat(model, vertices, offsets, normals, folds)
    head = model.region("head")
    assert abs(flat[head, 0].max() + flat[head, 0].min()) < 0.002  # metres
