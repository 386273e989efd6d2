"""What may be asked for, and what is refused."""

from __future__ import annotations

import json

import pytest

from bodyscan.errors import InputError
from bodyscan.simulate import RawScanOptions


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"hair is 'mohawk'; possible: bald, short, bob, long"):
        RawScanOptions(hair="mohawk")


@pytest.mark.parametrize(
    ("name", "value", "range_text"),
    [("noise_mm", -1, "0 to 20"), ("skin_tone", 11, "1 to 10"), ("height_m", 3.0, "0.7 to 2.2")],
)
def test_a_number_out_of_range_is_refused_with_the_range(name, value, range_text):
    with pytest.raises(InputError, match=f"{name} is {value}; possible: {range_text}"):
        RawScanOptions(**{name: value})


def test_up_and_facing_along_one_axis_are_refused():
    with pytest.raises(InputError, match="different axes"):
        RawScanOptions(up="+z", facing="-z")


def test_an_unknown_hole_is_refused():
    with pytest.raises(InputError, match="names knees; possible: crown"):
        RawScanOptions(holes=("crown", "knees"))


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed is -1"):
        RawScanOptions(seed=-1)


@pytest.mark.parametrize("clothing", ["none", "briefs", "sports", "leggings"])
def test_children_are_simulated_clothed(clothing):
    with pytest.raises(InputError, match="children are simulated clothed"):
        RawScanOptions(age="child", clothing=clothing)


def test_options_are_plain_json():
    assert json.loads(json.dumps(RawScanOptions().as_dict()))["holes"] == ["soles"]
