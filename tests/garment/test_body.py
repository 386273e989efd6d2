"""The posed skin that garments are draped on."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.errors import InputError
from bodyscan.garment import GarmentBodyOptions, garment_body, pose_options
from bodyscan.rig.bind import bind_pose
from rig.people import fitted_person

MODEL = load_body_model("adult")


@cache
def fit():
    return fitted_person()


def test_the_person_stands_on_the_floor_and_faces_the_camera() -> None:
    body = garment_body(MODEL, fit())
    skin = body.closed_skin()
    assert skin.vertices[:, 1].min() == pytest.approx(0.0, abs=1e-12)
    toes, heels = (body.joints[MODEL.joint_index(name)] for name in ("leftToes", "leftFoot"))
    assert toes[2] > heels[2]
    assert body.joints[MODEL.joint_index("leftHand")][0] > 0.3


def test_at_45_degrees_it_is_the_twins_own_a_pose() -> None:
    body = garment_body(MODEL, fit(), GarmentBodyOptions(45.0, "surface"))
    twin = bind_pose(MODEL, fit(), "a")
    outer = ~MODEL.inner
    shift = body.vertices[outer] - twin.surface[outer]
    # Both put the lowest vertex on the floor; only the expression in the scan's face differs.
    below = ~MODEL.region("head", "neck", "left_eye", "right_eye", "teeth", "tongue")[outer]
    np.testing.assert_allclose(shift[below] - shift[below].mean(axis=0), 0, atol=2e-6)


def test_as_captured_it_is_the_scanned_skin_moved_as_a_whole() -> None:
    body = garment_body(MODEL, fit(), pose_options("captured"))
    assert body.pose == "captured"
    outer = ~MODEL.inner & ~MODEL.region("head", "left_eye", "right_eye", "teeth", "tongue")
    there, here = fit().skin.vertices[outer], body.vertices[outer]
    pairs = np.random.default_rng(0).integers(0, len(here), (500, 2))
    apart = [np.linalg.norm(v[pairs[:, 0]] - v[pairs[:, 1]], axis=1) for v in (there, here)]
    np.testing.assert_allclose(apart[0], apart[1], atol=1e-6)


def test_the_closed_skin_has_no_border_and_no_spare_vertex() -> None:
    skin = garment_body(MODEL, fit()).closed_skin()
    edges = np.sort(skin.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert set(np.unique(edges, axis=0, return_counts=True)[1]) == {2}
    assert len(np.unique(skin.faces)) == len(skin.vertices)


@pytest.mark.parametrize(
    ("text", "down"), [("a45", 45.0), ("a30.5", 30.5), ("t", 0.0), ("a0", 0.0), ("captured", None)]
)
def test_poses_are_named_by_the_arms_angle(text: str, down: float | None) -> None:
    options = pose_options(text)
    assert options.arm_down_deg == down
    assert pose_options(options.pose).arm_down_deg == down


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: pose_options("lotus"), "The pose 'lotus' is unknown; possible are a45"),
        (lambda: pose_options("a90"), "arm_down_deg is 90; possible are 0 to 70"),
        (lambda: GarmentBodyOptions(surface="cloth"), "surface is 'cloth'; possible: skin, surface"),
    ],
)
def test_what_is_not_possible_is_refused(ask, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask()
