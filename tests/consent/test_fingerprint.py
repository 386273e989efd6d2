"""What a packer does to a body is known again; what an editor does to it is told."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.consent import (
    BindingVerdict,
    BodyContent,
    bind,
    fingerprint,
    geometry_digest,
    seal,
    verify_bound,
    verify_surface,
)
from bodyscan.consent.fingerprint import MAX_MM, MEAN_MM, STEP_M, Fingerprint, compare
from bodyscan.consent.keys import b64url_decode
from bodyscan.consent.state import ConsentState
from bodyscan.errors import InputError
from consent.people import NOW, STUDIO, signed

STEP_MM = 1000 * STEP_M
"""Rounding of the fingerprint's points."""


@pytest.fixture(scope="module")
def body():
    model = load_body_model()
    return model.pose(model.zero_params()).vertices, model.faces, model


@pytest.fixture(scope="module")
def known(body):
    return fingerprint(body[0], body[1])


@pytest.fixture(scope="module")
def text(body):
    about = seal(BodyContent(body[0].astype(np.float32), body[1]))
    return bind(signed(), about, STUDIO, created_at=NOW, software="test")


def bumped(vertices, tip, height_m, width_m):
    """A Gaussian bump towards +Z."""
    distance = np.linalg.norm(vertices - vertices[tip], axis=1)
    return vertices + np.exp(-((distance / width_m) ** 2))[:, None] * [0, 0, height_m]


def test_the_same_surface_lies_within_the_rounding(body, known):
    deviation = compare(known, body[0], body[1])
    assert deviation.is_same
    assert deviation.max_mm <= STEP_MM
    assert abs(deviation.area_change) < 1e-4
    assert known == fingerprint(body[0], body[1])


def test_order_and_splitting_make_no_difference(body, known):
    vertices, faces, _ = body
    soup = vertices[faces].reshape(-1, 3)
    assert compare(known, soup, np.arange(len(soup)).reshape(-1, 3)).is_same
    assert compare(known, vertices[::-1], (len(vertices) - 1 - faces)[::-1]).is_same


@pytest.mark.parametrize("step_mm", [0.03, 0.1, 0.4])
def test_quantised_positions_are_the_same_surface(body, text, step_mm):
    step = step_mm / 1000
    vertices = np.round(body[0] / step) * step
    status = verify_surface(text, vertices, body[1], now=NOW)
    assert status.ok
    assert status.geometry is BindingVerdict.REPACKED
    assert status.moved_mm <= step_mm * np.sqrt(3) / 2 + STEP_MM
    assert "repacked" in status.reason


def test_the_bound_surface_itself_is_exact(body, text):
    status = verify_surface(text, body[0], body[1], now=NOW)
    assert (status.ok, status.geometry, status.moved_mm) == (True, BindingVerdict.EXACT, 0.0)
    assert verify_bound(text, geometry_digest(body[0], body[1]), now=NOW).geometry is BindingVerdict.EXACT


def test_a_wider_body_is_told_apart_with_its_distance(body, text):
    status = verify_surface(text, body[0] * [1.01, 1, 1.01], body[1], now=NOW)
    assert status.state is ConsentState.ALTERED
    assert status.geometry is BindingVerdict.ALTERED
    assert 3 < status.moved_mm < 7
    assert "mm on average) away" in status.reason


def test_a_longer_nose_is_told_apart(body, text):
    vertices, faces, model = body
    head = np.flatnonzero(model.region("head") & ~model.inner)
    tip = head[vertices[head, 2].argmax()]
    status = verify_surface(text, bumped(vertices, tip, 0.004, 0.012), faces, now=NOW)
    assert status.state is ConsentState.ALTERED


def test_a_body_that_lost_a_hand_is_told_apart(body, text):
    vertices, faces, model = body
    kept = ~model.region("left_hand")[faces].any(axis=1)
    assert verify_surface(text, vertices, faces[kept], now=NOW).state is ConsentState.ALTERED


def test_a_second_body_close_around_the_first_is_told_by_its_area(body, text):
    vertices, faces, _ = body
    both = np.concatenate([vertices, vertices * [1.02, 1, 1.02]])
    status = verify_surface(text, both, np.concatenate([faces, faces + len(vertices)]), now=NOW)
    assert status.state is ConsentState.ALTERED
    assert "its area differs by +10" in status.reason


def test_a_small_thing_beside_the_body_is_told_by_its_place(body, text):
    vertices, faces, _ = body
    # A triangle of two square centimetres, half a metre in front: no area to speak of.
    both = np.concatenate([vertices, [[0, 1, 0.6], [0.02, 1, 0.6], [0, 1.02, 0.6]]])
    extra = np.concatenate([faces, [[len(vertices), len(vertices) + 1, len(vertices) + 2]]])
    status = verify_surface(text, both, extra, now=NOW)
    assert status.state is ConsentState.ALTERED
    assert "beyond the bound body" in status.reason


def test_another_body_is_unbound_and_not_called_an_edit(body, text):
    model = body[2]
    params = model.zero_params()
    betas = np.zeros(len(params.betas))
    betas[0] = 2.5
    vertices = model.pose(replace(params, betas=betas)).vertices
    status = verify_surface(text, vertices, body[1], now=NOW)
    assert (status.state, status.geometry) == (ConsentState.UNBOUND, BindingVerdict.UNBOUND)
    assert "another body" in status.reason


def test_a_forged_fingerprint_breaks_the_signature(text, body):
    document = json.loads(text)
    payload = json.loads(b64url_decode(document["binding"]["payload"]))
    payload["seal"]["fingerprint"]["area_mm2"] *= 2
    from bodyscan.consent.keys import b64url_encode
    from bodyscan.consent.strict_json import canonical

    document["binding"]["payload"] = b64url_encode(canonical(payload))
    status = verify_surface(json.dumps(document), body[0], body[1], now=NOW)
    assert status.state is ConsentState.ALTERED


def test_the_term_and_the_clock_hold_for_packed_files_too(body, text):
    vertices = np.round(body[0] / 1e-4) * 1e-4
    late = verify_surface(text, vertices, body[1], now=NOW + timedelta(days=20_000))
    assert late.state is ConsentState.EXPIRED
    early = verify_surface(text, vertices, body[1], now=NOW - timedelta(hours=1))
    assert early.state is ConsentState.UNBOUND


def test_a_surface_in_millimetres_is_refused_with_the_unit(body):
    with pytest.raises(InputError, match=r"Is the unit metres\?"):
        fingerprint(body[0] * 1000, body[1])


@pytest.mark.parametrize("data", [b"", b"12345", b"1234567"])
def test_points_that_are_no_triples_are_refused(data):
    text = base64.b64encode(data).decode() or "AA=="
    with pytest.raises(InputError, match="fingerprint"):
        Fingerprint(points=text, area_mm2=10, reach_mm=1).positions()


def test_the_limits_are_above_what_packers_do_and_below_what_editors_do():
    # Draco and meshopt were seen to move a body by 0.06 to 0.6 mm; one per cent of a girth is 3 mm.
    assert MEAN_MM <= 0.6 <= MAX_MM < 3
