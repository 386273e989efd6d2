"""The add-on comes and goes without a trace."""

from __future__ import annotations

import pytest

from addon.conftest import InBlender

pytestmark = [pytest.mark.blender, pytest.mark.slow]


def test_it_registers_ten_times_and_leaves_nothing(in_every_blender: InBlender) -> None:
    found = in_every_blender("register", enabled=False)
    assert found["untouched"] == []
    assert "+ property Scene.bodyscan" in found["own"], "The comparison sees what is registered."
    assert found["left"] == []
    assert found["again"] == []
    assert found["after_disabling"] == []
    assert found["after_a_new_file"] == []
    assert found["after_factory_settings"] == []
    assert found["purpose"] == "make_twin"


def test_what_a_careless_addon_leaves_is_seen(in_blender: InBlender) -> None:
    found = in_blender("leave_traces", enabled=False)["found"]
    kinds = (
        "handler load_post:",
        "timer",
        "draw handler",
        "message bus owner",
        "class",
        "type BODYSCAN_OT_left",
        "operator bodyscan.left_behind",
        "property Object.left_behind",
        "drawn in VIEW3D_MT_object:",
        "manual",
        "key Blender addon, Object Mode: bodyscan.left_behind",
        "preview",
        "thread left behind",
        "child process",
        "path left behind",
    )
    assert [kind for kind in kinds if not any(line.startswith(f"+ {kind}") for line in found)] == []
