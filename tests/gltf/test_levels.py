from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodyscan.consent import geometry_digest
from bodyscan.consent.verify import verify_bound
from bodyscan.errors import ConsentError, InputError
from bodyscan.gltf import GltfOptions, read_consent, read_glb, twin_to_glb
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.export import export_twin, part_kinds
from bodyscan.gltf.levels import level_to_glb
from bodyscan.gltf.validate import check_glb
from bodyscan.gltf.write import write_glb
from gltf.complete import NOW, complete_small_twin, with_parts
from gltf.full_size import full_size_twin
from gltf.shapes import JOINTS, small_twin
from gltf.test_material import images

NAMES = ["twin.glb", "twin.lod1.glb", "twin.lod2.glb", "twin.collision.glb"]


@pytest.fixture(scope="module")
def twin():
    return complete_small_twin(size=1024)


def test_level_0_is_the_twin(twin):
    assert level_to_glb(twin, 0) == twin_to_glb(twin)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_level_comes_back_with_its_triangles_and_its_own_consent(twin, index):
    data = level_to_glb(twin, index)
    text, positions, faces = read_consent(data)
    assert verify_bound(text, geometry_digest(positions, faces), now=NOW).ok
    wanted = twin.rig if index == 0 else twin.levels[index - 1].rig
    body = read_glb(data)
    assert np.array_equal(body.faces, wanted.mesh.faces)
    assert body.skeleton.joint_names == JOINTS
    assert len(body.morphs) == (3 if index == 0 else 1)
    level = unpack_glb(data)[0]["nodes"][0]["extras"]["bodyscan"]["level"]
    assert level == {"index": index, "triangles": len(wanted.mesh.faces), "of": 3}


def test_the_consent_of_one_level_does_not_open_another(twin):
    text, _, _ = read_consent(level_to_glb(twin, 1))
    _, positions, faces = read_consent(level_to_glb(twin, 2))
    assert not verify_bound(text, geometry_digest(positions, faces), now=NOW).ok


def test_images_are_halved_once_a_level_down_to_512(twin):
    sizes = [len(images(level_to_glb(twin, index))["albedo"]) for index in (0, 1, 2)]
    assert sizes == [1024, 512, 512]


def test_a_level_lacks_no_shape_for_the_check(twin):
    codes = [{finding.code for finding in check_glb(level_to_glb(twin, index))} for index in (0, 1)]
    assert "MORPHS_MISSING" in codes[0]
    assert codes[1] == set()


@pytest.mark.parametrize("index", [-1, 3])
def test_a_level_that_is_not_there_is_refused(twin, index):
    with pytest.raises(InputError, match=rf"no level of detail {index}; its levels are 0 to 2"):
        level_to_glb(twin, index)


def test_a_level_without_a_bound_consent_is_refused(twin):
    bare = replace(twin, levels=(replace(twin.levels[0], consent=""),))
    with pytest.raises(ConsentError, match=r"No consent is bound to the level of detail 1: .* assemble_twin"):
        level_to_glb(bare, 1)


def test_a_level_on_another_skeleton_is_refused(twin):
    level = twin.levels[0]
    moved = replace(level.rig.skeleton, positions=level.rig.skeleton.positions + 0.01)
    other = replace(twin, levels=(replace(level, rig=replace(level.rig, skeleton=moved)),))
    with pytest.raises(InputError, match=r"level of detail 1 stands on another skeleton than the twin"):
        level_to_glb(other, 1)


def test_all_files_are_written_side_by_side(twin, tmp_path):
    written = export_twin(twin, tmp_path / "twin.glb").files
    assert [file.path.name for file in written] == NAMES
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    for file in written:
        assert file.size_bytes == file.path.stat().st_size
        text, positions, faces = read_consent(file.path)
        assert verify_bound(text, geometry_digest(positions, faces), now=NOW).ok


def test_what_each_file_is_can_be_told_before_it_is_written(twin, tmp_path):
    told = part_kinds(twin, tmp_path / "twin.glb")
    assert [place.name for place in told] == NAMES
    exported = export_twin(twin, tmp_path / "twin.glb")
    assert list(told.items()) == list(
        zip([file.path for file in exported.files], exported.kinds, strict=True)
    )
    assert part_kinds(small_twin(), "twin.glb") == {Path("twin.glb"): "twin"}


def test_a_twin_without_levels_and_collision_body_is_one_file(tmp_path):
    written = export_twin(small_twin(), tmp_path / "twin.glb").files
    assert [path.name for path in tmp_path.iterdir()] == ["twin.glb"]
    assert written[0].path.read_bytes() == twin_to_glb(small_twin())


def test_vrm_files_end_in_vrm_and_the_collision_body_is_none(tmp_path):
    full = with_parts(full_size_twin("t"))
    written = export_twin(full, tmp_path / "twin.vrm", GltfOptions(target="vrm")).files
    names = [file.path.name for file in written]
    assert names == ["twin.vrm", "twin.lod1.vrm", "twin.lod2.vrm", "twin.collision.glb"]
    used = [set(unpack_glb(file.path)[0]["extensions"]) for file in written]
    assert ["VRMC_vrm" in each for each in used] == [True, True, True, False]


@pytest.mark.parametrize("write", [write_glb, export_twin])
def test_another_suffix_than_the_targets_is_refused(write, tmp_path):
    with pytest.raises(InputError, match=r"twin\.glb does not end in \.vrm, as a file for the target vrm"):
        write(small_twin(), tmp_path / "twin.glb", GltfOptions(target="vrm"))


def refuse_the_third(monkeypatch, error):
    """Let the third file fail while it is moved into place."""
    moved, real = [], Path.replace

    def replace_(self, other):
        if str(self).endswith(".tmp"):
            moved.append(other)
            if len(moved) == 3:
                raise error
        return real(self, other)

    monkeypatch.setattr(Path, "replace", replace_)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_where_one_file_fails_none_stays(twin, tmp_path, monkeypatch, error):
    refuse_the_third(monkeypatch, error)
    with pytest.raises((InputError, KeyboardInterrupt)):
        export_twin(twin, tmp_path / "twin.glb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("links", [True, False])
def test_where_one_file_fails_older_files_are_as_they_were(twin, tmp_path, monkeypatch, links):
    for name in NAMES:
        (tmp_path / name).write_bytes(name.encode())
    if not links:

        def no_links(*_):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr("os.link", no_links)
    refuse_the_third(monkeypatch, OSError(28, "No space left on device"))
    with pytest.raises(InputError, match=r"twin\.lod2\.glb could not be written: No space left"):
        export_twin(twin, tmp_path / "twin.glb")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        name: name.encode() for name in NAMES
    }


def test_a_part_that_cannot_be_made_leaves_the_folder_alone(twin, tmp_path):
    bad = replace(twin, collision=replace(twin.collision, consent=""))
    with pytest.raises(ConsentError, match="No consent is bound to the collision body"):
        export_twin(bad, tmp_path / "twin.glb")
    assert list(tmp_path.iterdir()) == []


def test_older_files_are_replaced_and_nothing_else_is_left(twin, tmp_path):
    (tmp_path / "twin.glb").write_bytes(b"old")
    export_twin(twin, tmp_path / "twin.glb")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    assert (tmp_path / "twin.glb").read_bytes() == twin_to_glb(twin)
