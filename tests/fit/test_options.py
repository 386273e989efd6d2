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


@pytest.mark.parametrize("name", ["max_surface_mean_mm", "min_explained", "min_coverage"])
@pytest.mark.parametrize("value", [float("nan"), -1.0, 1e9])
def test_the_limits_of_quality_cannot_be_switched_off(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{name} is .*possible: 0 to"):
        FitOptions(**{name: value})


def test_a_fit_without_levels_is_refused() -> None:
    with pytest.raises(InputError, match="levels is empty"):
        FitOptions(levels=())
