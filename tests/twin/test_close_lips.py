from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bodyscan.twin.close_lips import close_lips
from bodyscan.twin.face_rings import face_rings
from bodyscan.twin.face_shapes import transferred_shapes
from bodyscan.twin.lips import Mouth
from twin.faces import MILLIMETRE, MODEL, person


@pytest.mark.parametrize("seed", [3, 6, 8])
def test_lips_of_a_closed_mouth_meet(seed):
    _, world, surface = person(seed)
    settled, report = close_lips(MODEL, surface, world)
    assert report.action in ("closed", "kept")
    assert report.gap_after_mm < 0.3
    assert report.overlap_after_mm < 0.3
    moved = np.linalg.norm(settled - surface, axis=1)
    mouth = face_rings(MODEL).mouth
    inside = np.concatenate([face_rings(MODEL).tongue, np.flatnonzero(MODEL.region("teeth"))])
    assert np.isin(np.flatnonzero(moved > 1e-6), np.concatenate([mouth.patch, inside])).all()
    assert f"{report.gap_after_mm:.2f}" in report.text or report.action == "kept"


def test_closing_closed_lips_again_does_nothing():
    _, world, surface = person(3)
    once, _ = close_lips(MODEL, surface, world)
    again, report = close_lips(MODEL, once, world)
    assert report.action == "kept"
    assert np.abs(again - once).max() < 0.01 * MILLIMETRE


def test_a_mouth_that_was_scanned_open_is_left_open():
    params, world, _ = person(3)
    opened = MODEL.pose(dataclasses.replace(params, expression={"jawOpen": 0.5})).vertices
    settled, report = close_lips(MODEL, opened, world)
    assert report.action == "left open"
    assert report.gap_mm > 5
    assert "scanned open" in report.text
    skin = ~MODEL.region("teeth", "tongue")
    assert np.abs(settled - opened)[skin].max() < 0.01 * MILLIMETRE


@pytest.mark.parametrize("seed", [3, 6])
def test_mouth_close_shuts_the_open_jaw(seed):
    _, world, surface = person(seed)
    points = MODEL.unskin(close_lips(MODEL, surface, world)[0], world)
    mouth = Mouth(points, MODEL.faces, face_rings(MODEL))
    shapes = transferred_shapes(MODEL, points)
    jaw = mouth.before_teeth(shapes["jawOpen"])
    assert mouth.contact(points + jaw).gap_m > 5 * MILLIMETRE
    shut = mouth.contact(points + jaw + mouth.sealed(shapes["mouthClose"], jaw))
    assert shut.gap_m < 0.3 * MILLIMETRE
    assert shut.overlap_m < 0.3 * MILLIMETRE


def test_no_shape_takes_lips_through_teeth():
    _, world, surface = person(6)
    points = MODEL.unskin(close_lips(MODEL, surface, world)[0], world)
    mouth = Mouth(points, MODEL.faces, face_rings(MODEL))
    shapes = transferred_shapes(MODEL, points)
    names = ("mouthSmileLeft", "jawOpen", "mouthFunnel", "mouthPucker", "jawForward", "mouthRollUpper")
    assert max(mouth.depth_in_teeth(shapes[name]) for name in names) > 0.5 * MILLIMETRE
    assert max(mouth.depth_in_teeth(mouth.before_teeth(shapes[name])) for name in names) < 0.2 * MILLIMETRE


def test_a_model_without_a_face_is_left_as_it_is():
    plain = dataclasses.replace(MODEL, expression_ids={}, expression_deltas={})
    _, world, surface = person(3)
    same, report = close_lips(plain, surface, world)
    assert same is surface
    assert report.action == "none"
