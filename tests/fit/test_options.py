"""Options refuse what is not possible, and say what is."""

from __future__ import annotations

import itertools

import pytest

from bodyscan.errors import InputError
from bodyscan.fit import FitOptions


def test_an_unknown_body_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="'alien'; possible: auto, adult, child"):
        FitOptions(body="alien")


@pytest.mark.parametrize("value", [-0.01, 0.3])
def test_the_detail_limit_has_a_range(value: float) -> None:
    with pytest.raises(InputError, match=r"detail_limit_m is .*possible: 0 to 0.2 m"):
        FitOptions(detail_limit_m=value)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_the_detail_length_has_a_range(value: float) -> None:
    with pytest.raises(InputError, match=r"detail_length_m is .*possible: 0.001 to 0.1 m"):
        FitOptions(detail_length_m=value)


def test_levels_go_from_coarse_to_fine() -> None:
    levels = FitOptions().levels
    for coarse, fine in itertools.pairwise(levels):
        assert fine.sigma_m[0] <= coarse.sigma_m[1]
        assert fine.num_betas >= coarse.num_betas
        assert fine.num_points >= coarse.num_points
        assert fine.landmark_weight <= coarse.landmark_weight
