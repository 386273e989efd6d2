"""Options of depth rigs: ranges, names, and what goes together."""

from __future__ import annotations

from typing import Any

import pytest

from bodyscan.errors import InputError
from bodyscan.simulate.depth_options import RANGES, DepthRigOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seed": -1}, "seed is -1; it must be 0 or more"),
        ({"sensor": "unknown"}, "sensor is 'unknown'; possible: ideal, kinect-v1"),
        ({"rig": "drone"}, "possible: turntable, walk-around, four-poles"),
        ({"background": "beach"}, "possible: none, floor, room"),
        ({"frames": 0}, "frames is 0; possible: 1 to 2000"),
        ({"frames": 10, "rig": "four-poles"}, "give a multiple of 4"),
        ({"width": 320}, "give both or neither"),
        ({"width": 8, "height": 8}, "width is 8; possible: 32 to 2048"),
        ({"distance_m": 20.0}, "distance_m is 20.0; possible: 0.4 to 6"),
        ({"sway_mm": -1.0}, "sway_mm is -1.0; possible: 0 to 80"),
        ({"noise": float("nan")}, "noise is nan"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], message: str):
    with pytest.raises(InputError) as caught:
        DepthRigOptions(**values)
    assert message in str(caught.value)


def test_every_range_belongs_to_an_option_and_holds_its_default():
    options = DepthRigOptions()
    for name, (low, high) in RANGES.items():
        value = getattr(options, name)
        assert value is None or low <= value <= high
    assert tuple(options.as_dict()) == DepthRigOptions.field_names()
