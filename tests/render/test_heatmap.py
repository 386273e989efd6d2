from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.errors import InputError
from bodyscan.render.color import colormap, oklab_from_srgb, srgb_from_oklab
from bodyscan.render.heatmap import (
    NO_DATA,
    ColorScale,
    distance_scale,
    draw_scale,
    heat_colors,
    scale_bar_box,
    tick_text,
)

SIGNED = ColorScale(-5, 5, "mm", "scan to fit", "diverging", "inside", "outside")
RISING = ColorScale(0, 20, "mm", "distance")


@pytest.mark.parametrize("scale", [SIGNED, RISING])
def test_bar_shows_the_colours_that_the_surface_has(scale: ColorScale) -> None:
    image = draw_scale(np.full((500, 400, 3), 240, np.uint8), scale)
    left, top, right, bottom = scale_bar_box(400, 500)
    columns = np.arange(left, right)
    values = scale.low + (columns + 0.5 - left) / (right - left) * (scale.high - scale.low)
    assert (image[(top + bottom) // 2, left:right] == heat_colors(values, scale)).all()


def test_ticks_span_the_scale_and_hold_zero() -> None:
    assert SIGNED.ticks == (-5, -2.5, 0, 2.5, 5)
    assert [tick_text(t, SIGNED) for t in SIGNED.ticks] == ["-5", "-2.5", "0", "+2.5", "+5"]
    assert tick_text(20, RISING) == "20"


def test_inside_is_blue_zero_is_grey_outside_is_red() -> None:
    blue, grey, red = heat_colors([-5, 0, 5], SIGNED).astype(int)
    assert blue[2] > blue[0] + 60
    assert np.ptp(grey) <= 4
    assert red[0] > red[2] + 60


def test_values_beyond_the_scale_take_the_end_colour_and_nan_takes_none() -> None:
    colors = heat_colors([-50, -5, np.nan, 5, 50], SIGNED)
    assert (colors[0] == colors[1]).all()
    assert (colors[3] == colors[4]).all()
    assert tuple(colors[2]) == NO_DATA


def test_sequential_map_rises_in_lightness_by_even_steps() -> None:
    lab = oklab_from_srgb(colormap("sequential", np.linspace(0, 1, 33)))
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    assert (np.diff(lab[:, 0]) > 0).all()
    assert steps.max() < 1.35 * steps.min()


def test_diverging_map_is_as_light_on_both_sides() -> None:
    place = np.linspace(0, 0.5, 20)
    left = oklab_from_srgb(colormap("diverging", place))[:, 0]
    right = oklab_from_srgb(colormap("diverging", 1 - place))[:, 0]
    assert np.abs(left - right).max() < 0.06
    assert (np.diff(left) > 0).all()


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_oklab_round_trip(color: tuple[int, int, int]) -> None:
    rgb = np.array(color, np.uint8)
    assert np.abs(srgb_from_oklab(oklab_from_srgb(rgb)).astype(int) - rgb).max() <= 1


@given(st.lists(st.floats(-80, 80), min_size=1, max_size=50))
def test_distance_scale_is_round_and_holds_most_values(values: list[float]) -> None:
    scale = distance_scale(values)
    share = (np.abs(values) <= scale.high * (1 + 1e-9)).mean()
    assert scale.low == -scale.high
    assert share >= 0.95 or np.percentile(np.abs(values), 95) <= scale.high * (1 + 1e-9)
    assert f"{scale.high:e}"[0] in "125"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((5, 5, "mm", "x"), "low must lie below high"),
        ((0, 5, "mm", "x", "jet"), "possible are diverging, sequential"),
        ((0, 5, "mm", "x", "diverging"), "from -x to \\+x"),
    ],
)
def test_bad_scales_are_refused(arguments: tuple, says: str) -> None:
    with pytest.raises(InputError, match=says):
        ColorScale(*arguments)


def test_small_picture_and_unknown_map_are_refused() -> None:
    with pytest.raises(InputError, match="at least 160 x 160"):
        draw_scale(np.zeros((100, 100, 3), np.uint8), SIGNED)
    with pytest.raises(InputError, match="'jet' is unknown"):
        colormap("jet", 0.5)
