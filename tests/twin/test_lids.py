from __future__ import annotations

import numpy as np
import pytest

from bodyscan.twin.eyeballs import eyeball
from bodyscan.twin.face_rings import SIDES, face_rings
from bodyscan.twin.face_shapes import transferred_shapes
from bodyscan.twin.lids import Lids
from twin.faces import MILLIMETRE, MODEL, own, person


def _lids(points: np.ndarray, side: str) -> Lids:
    opening = face_rings(MODEL).eyes[side]
    return Lids(points, MODEL.faces, opening, eyeball(MODEL, points, side), MODEL.inner)


def test_the_models_own_blink_overlaps():
    gap, overlap = _lids(MODEL.template.astype(np.float64), "left").gap_and_overlap(own("eyeBlinkLeft"))
    assert overlap > 3 * MILLIMETRE
    assert gap < 0.5 * MILLIMETRE


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_closed_lids_meet_and_lie_outside_of_the_eyeball(seed):
    points = MODEL.rest_vertices(person(seed)[0].betas)
    shapes = transferred_shapes(MODEL, points)
    for side in SIDES:
        lids = _lids(points, side)
        blink = lids.closed(shapes[f"eyeBlink{side.capitalize()}"])
        gap, overlap = lids.gap_and_overlap(blink)
        assert gap < 0.3 * MILLIMETRE
        assert overlap < 0.3 * MILLIMETRE
        clear = lids.ball.clearance((points + blink)[np.concatenate(lids.edges[:1])])
        assert clear.min() > 0.1 * MILLIMETRE
        assert np.median(clear) < 1.0 * MILLIMETRE


def test_lids_are_not_pushed_where_a_shape_does_not_move_them():
    points = MODEL.template.astype(np.float64)
    still = np.zeros_like(points)
    assert np.array_equal(_lids(points, "left").outside(still), still)


def test_a_shape_that_cuts_the_eyeball_is_brought_out():
    points = MODEL.template.astype(np.float64)
    lids = _lids(points, "left")
    into = np.zeros_like(points)
    into[lids.skin] = -0.004 * (points[lids.skin] - lids.ball.centre) / lids.ball.radius_m
    rest = lids.ball.clearance(points[lids.skin])
    after = lids.ball.clearance((points + lids.outside(into))[lids.skin])
    assert (after > np.minimum(rest, 0.0006) - 0.1 * MILLIMETRE).all()
