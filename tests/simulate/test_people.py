"""Drawn people have the traits that were asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.errors import InputError
from bodyscan.simulate.people import plausible_betas, stature


@pytest.mark.parametrize(
    ("age", "height_m"), [("adult", 1.52), ("adult", 1.9), ("child", 1.25), ("child", 1.0)]
)
def test_the_stature_is_met_within_a_millimetre(age, height_m):
    model = load_body_model(age)
    betas = plausible_betas(np.random.default_rng(1), model, height_m=height_m)
    assert abs(stature(model, betas) - height_m) < 0.001


def test_a_heavy_person_has_more_volume_than_a_thin_one_of_the_same_stature():
    model = load_body_model("adult")
    volumes = []
    for build in ("thin", "average", "heavy"):
        betas = plausible_betas(np.random.default_rng(2), model, height_m=1.7, sex="male", build=build)
        corners = model.rest_vertices(betas)[model.faces]
        volumes.append(np.linalg.det(corners).sum() / 6)
    assert volumes[0] < 0.85 * volumes[1] < 0.85 * 0.85 * volumes[2]


def test_drawn_adults_are_of_believable_stature():
    model = load_body_model("adult")
    drawn = [stature(model, plausible_betas(np.random.default_rng(k), model)) for k in range(12)]
    assert min(drawn) > 1.5
    assert max(drawn) < 1.93


def test_no_spread_and_no_hint_about_the_face_leave_the_face_alone():
    model = load_body_model("adult")
    betas = plausible_betas(np.random.default_rng(3), model, height_m=1.7, spread=0.0)
    assert np.linalg.norm(betas[model.num_body_components :]) < 0.3 * np.linalg.norm(betas)


def test_an_unknown_build_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="build is 'huge'; possible: any, thin, average, heavy, athletic"):
        plausible_betas(np.random.default_rng(0), load_body_model("adult"), build="huge")


def test_a_model_of_another_topology_is_refused():
    model = load_body_model("adult")
    other = replace(model, region_ids=model.region_ids[:0])
    with pytest.raises(InputError, match="another topology"):
        plausible_betas(np.random.default_rng(0), other)
