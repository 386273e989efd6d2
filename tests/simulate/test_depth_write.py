"""Folders of simulated depth pictures read back, with their truth, and appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.capture import depth_cameras, depth_open3d
from bodyscan.errors import InputError
from bodyscan.simulate.write_depth import check_depth_format, depth_scale, write_depth
from bodyscan.types import BodyParams, DepthCapture

from .depth_captures import capture


def read(folder: Path) -> DepthCapture:
    (reader,) = [each for each in (depth_cameras, depth_open3d) if each.detect(folder)]
    return reader.read(folder)


@pytest.mark.parametrize(
    ("rig", "sensor", "file_format"),
    [
        ("turntable", "azure-kinect", "open3d"),
        ("turntable", "ideal", "cameras"),
        ("four-poles", "realsense-d435", None),
        ("walk-around", "iphone-lidar", None),
    ],
)
def test_a_folder_reads_back_as_the_frames_that_were_written(rig, sensor, file_format, tmp_path):
    sim = capture(rig=rig, sensor=sensor, frames=4, pose_noise_mm=20, background="floor", width=80, height=72)
    written = write_depth(sim, tmp_path / "capture", file_format=file_format)
    assert sorted(file.path for file in written) == sorted(p for p in (tmp_path / "capture").rglob("*.*"))
    assert all(file.path.stat().st_size == file.size_bytes for file in written)
    found = read(tmp_path / "capture")
    assert found.file_format == (file_format or "cameras")
    assert found.sensor == sim.rig.sensor or (file_format == "open3d" and found.sensor == "azure-kinect")
    assert len(found.frames) == 4
    for one, truth in zip(found.frames, sim.frames, strict=True):
        assert np.abs(one.depth_m - truth.depth_m).max() <= 0.51 / depth_scale(sensor)
        np.testing.assert_array_equal(one.depth_m > 0, truth.depth_m > 0)
        np.testing.assert_allclose(one.K, truth.K, atol=1e-9)
        assert one.world_from_camera is not None
        assert truth.world_from_camera is not None
        np.testing.assert_allclose(one.world_from_camera, truth.world_from_camera, atol=1e-8)
        assert one.color is not None
        assert truth.color is not None
        seen = truth.depth_m > 0
        assert np.abs(one.color.astype(int) - truth.color)[seen].mean() < 8  # of 255: JPEG
        if file_format != "open3d":
            assert one.time_s == pytest.approx(truth.time_s, abs=1e-6)
            assert one.camera == truth.camera
        if truth.confidence is not None:
            assert one.confidence is not None
            assert np.abs(one.confidence - truth.confidence).max() < 0.003  # 127.5 of 255 is no whole number


def test_without_poses_none_are_written(tmp_path):
    for file_format in ("open3d", "cameras"):
        sim = capture(give_poses=False, frames=2)
        write_depth(sim, tmp_path / file_format, file_format=file_format)
        found = read(tmp_path / file_format)
        assert found.up is None
        assert found.frames[0].world_from_camera is None


def test_the_truth_file_holds_every_frames_body(tmp_path):
    sim = capture(frames=4, sway_mm=20, breath_mm=4, seed=3)
    write_depth(sim, tmp_path / "capture", tmp_path / "truth.npz")
    with np.load(tmp_path / "truth.npz", allow_pickle=False) as truth:
        found = {name: truth[name] for name in truth.files}
    info = json.loads(str(found["info"]))
    assert info["rig"]["sway_mm"] == 20
    assert info["model"] == sim.truth.model_name
    np.testing.assert_array_equal(found["world_from_camera"], sim.truth.world_from_camera)
    np.testing.assert_allclose(found["vertices"], sim.truth.skin(), atol=1e-6)
    model = load_body_model("adult")
    params = BodyParams(found["betas"], found["frame_pose_rotvec"][2], found["frame_translation"][2])
    for name, expected in (("rest", sim.truth.skin(2)), ("rest_outer", sim.truth.outer(2))):
        rest = found[name] + found["breath_m"][2] * found["breath_field"]
        skin = model.skin(rest, model.pose(params).world_from_rest)
        np.testing.assert_allclose(skin, expected, atol=2e-6)


def test_files_are_the_same_each_time(tmp_path):
    digests = []
    for name in ("a", "b"):
        sim = capture(sensor="kinect-v2", frames=2)
        files = write_depth(sim, tmp_path / name, tmp_path / f"{name}.npz")
        digests.append([hashlib.sha256(file.path.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1]


def test_a_capture_that_breaks_off_leaves_nothing(tmp_path):
    sim = capture(frames=4)

    class Broken(list):
        def __iter__(self):
            yield sim.frames[0]
            raise KeyboardInterrupt

    broken = replace(sim, frames=Broken())
    with pytest.raises(KeyboardInterrupt):
        write_depth(broken, tmp_path / "capture", tmp_path / "truth.npz")
    assert not list(tmp_path.iterdir())


def test_a_truth_that_cannot_be_written_takes_the_capture_with_it(tmp_path):
    (tmp_path / "truth.npz").mkdir()
    with pytest.raises(InputError):
        write_depth(capture(frames=1), tmp_path / "capture", tmp_path / "truth.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["truth.npz"]


def test_what_cannot_be_written_is_refused_first(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("x")
    sim = capture(frames=1)
    with pytest.raises(InputError, match="not empty; give a new folder"):
        write_depth(sim, tmp_path / "full")
    with pytest.raises(InputError, match="does not exist; make it first"):
        write_depth(sim, tmp_path / "nowhere" / "capture")
    with pytest.raises(InputError, match=r"the truth is written as \.npz"):
        write_depth(sim, tmp_path / "capture", tmp_path / "truth.json")
    with pytest.raises(InputError, match="'tum'; possible: open3d, cameras"):
        write_depth(sim, tmp_path / "capture", file_format="tum")
    with pytest.raises(InputError, match="Several cameras cannot be written as open3d"):
        check_depth_format("open3d", capture(rig="four-poles", frames=4).rig)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "capture").mkdir()
    write_depth(capture(frames=1), tmp_path / "capture")
    assert len(read(tmp_path / "capture").frames) == 1
