from __future__ import annotations

import pytest

from bodyscan.errors import InputError
from bodyscan.run.options import for_target, load_options

PICTURES = "[pictures]\nwidth = 200\n"


def test_the_profile_is_where_packing_begins_and_flags_win():
    options = load_options(None, {"profile": "web", "pack": {"textures": "jpeg"}})
    assert (options.pack.compress, options.pack.textures) == ("meshopt", "jpeg")
    assert options.pack.budget_bytes == 5_000_000
    assert load_options(None, {}).pack.compress == "none"


def test_the_target_says_pose_and_joints_where_nobody_did():
    vrm = load_options(None, {"gltf": {"target": "vrm"}}).pipeline.rig
    assert (vrm.pose, vrm.joints) == ("t", "full")
    told = load_options(None, {"gltf": {"target": "vrm"}, "rig": {"joints": "hands"}}).pipeline.rig
    assert (told.pose, told.joints) == ("t", "hands")
    assert load_options(None, {"gltf": {"target": "unreal"}}).pipeline.rig.pose == "a"


def test_flags_win_over_the_file_which_wins_over_defaults(tmp_path):
    file = tmp_path / "o.toml"
    file.write_text("surface = 'scan'\n[scan]\nunit = 'cm'\n[rig]\njoints = 'full'\npose = 'a'\n" + PICTURES)
    options = load_options(file, {"rig": {"pose": "t", "joints": None}, "scan": {"unit": None, "up": "+z"}})
    rig = options.pipeline.rig
    assert (options.pipeline.surface, rig.joints, rig.pose) == ("scan", "full", "t")
    assert (options.scan.unit, options.scan.up, options.scan.facing) == ("cm", "+z", None)
    assert options.pictures.width == 200
    with pytest.raises(InputError, match="colour is not a known option"):
        load_options(None, {"colour": 1})


def test_a_second_file_stands_as_its_target_wants_and_has_nothing_beside_it():
    first = load_options(None, {"rig": {"pose": "a", "joints": "hands"}, "texture": {"size": 1024}})
    vrm = for_target(first, "vrm")
    assert (vrm.gltf.target, vrm.pipeline.rig.pose, vrm.pipeline.rig.joints) == ("vrm", "t", "full")
    assert (vrm.pipeline.levels.count, vrm.pipeline.collision_body) == (0, False)
    # What the fit was made with stays, or no twin could be made of it.
    assert vrm.pipeline.texture == first.pipeline.texture
    assert for_target(first, "unity").pipeline.rig.joints == "hands"
    with pytest.raises(InputError, match="vrml"):
        for_target(first, "vrml")
