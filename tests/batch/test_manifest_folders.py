"""Manifests: a folder of captures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bodyscan.batch.manifest import read_manifest
from bodyscan.errors import InputError


@pytest.mark.slow
def test_the_samples_are_six_people(sample_scans):
    found = read_manifest(sample_scans)
    assert [(row.id, Path(row.capture).name) for row in found.rows] == [
        ("child", "child.glb"),
        ("heavy", "heavy.ply"),
        ("man", "man.ply"),
        ("thin", "thin.stl"),
        ("turntable", "turntable"),
        ("woman", "woman.obj"),
    ]
    for row in found.rows:
        assert Path(row.consent) == sample_scans.absolute() / f"{row.id}.consent.json"
        assert Path(row.consent).is_file()
    assert found.notes == ()


def test_a_folder_holds_captures_and_much_that_is_none(tmp_path, sample_scans):
    captures = ["b.PLY", "a b.xyz", "c.gltf", "r.r3d", "m.mkv", "n.bag", "o.off", "p.pcd"]
    others = [
        ".hidden.ply",
        "c.bin",
        "b.mtl",
        "b.png",
        "b.npz",
        "notes.txt",
        "list.csv",
        "key.jwk",
        "b.consent.json",
    ]
    for name in (*captures, *others):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "keys").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.glb").write_bytes(b"")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "said.1").mkdir()
    (tmp_path / "said.1.consent.json").write_bytes(b"")
    shutil.copytree(sample_scans / "turntable", tmp_path / "frames.2")
    found = read_manifest(tmp_path)
    assert sorted(Path(row.capture).name for row in found.rows) == sorted((*captures, "said.1", "frames.2"))
    assert [Path(row.capture).name for row in found.rows] == sorted((*captures, "said.1", "frames.2"))
    assert {row.id for row in found.rows} == {"b", "a-b", "c", "r", "m", "n", "o", "p", "said.1", "frames.2"}
    consents = {row.id: row.consent for row in found.rows}
    assert consents.pop("b") == str(tmp_path / "b.consent.json")
    assert consents.pop("said.1") == str(tmp_path / "said.1.consent.json")
    assert set(consents.values()) == {""}


def test_options_lie_beside_the_capture(tmp_path):
    (tmp_path / "a.ply").write_bytes(b"")
    (tmp_path / "a.toml").write_text('profile = "web"\n[rig]\npose = "t"\n')
    (row,) = read_manifest(tmp_path).rows
    assert row.options == {"profile": "web", "rig": {"pose": "t"}}
    (tmp_path / "a.toml").write_text("profile =")
    with pytest.raises(InputError, match=r"a.toml is no TOML file"):
        read_manifest(tmp_path)


def test_a_consent_without_a_capture_is_said(tmp_path):
    for name in ("a.ply", "a.consent.json", "b.consent.json"):
        (tmp_path / name).write_bytes(b"")
    assert read_manifest(tmp_path).notes == (
        "b.consent.json has no capture beside it: no twin is made for it.",
    )


def test_two_captures_of_one_name_are_refused(tmp_path):
    for name in ("Anna.ply", "anna.obj"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError) as caught:
        read_manifest(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: anna.obj would have the id 'anna', which is that of Anna.ply already (capitals do not "
        "count). Rename one, or write a manifest with a column id."
    )


def test_a_capture_with_a_devices_name_is_refused(tmp_path):
    (tmp_path / "aux.ply").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"the id 'aux' of aux.ply is a device's name .*Rename it, or write a manif"
    ):
        read_manifest(tmp_path)


def test_a_folder_without_captures_is_refused(tmp_path, sample_scans):
    with pytest.raises(
        InputError, match=r"holds no capture: no file that ends in \.ply, .*Give another folder, or a"
    ):
        read_manifest(tmp_path)
    with pytest.raises(
        InputError, match=r"turntable is one capture. Give the folder that holds it and others"
    ):
        read_manifest(sample_scans / "turntable")
