"""Depth captures of phones' apps and of DepthKit: what was written comes back, what is broken is refused."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.capture import depth_depthkit, depth_polycam, depth_record3d, depth_stray
from bodyscan.capture.depth import read_depth
from bodyscan.errors import InputError, MissingExtraError

from .phone_writers import (
    BALL,
    FINER,
    RADIUS,
    phone_frames,
    plain_lzfse,
    world_points,
    write_depthkit,
    write_polycam,
    write_record3d,
    write_stray,
)

FRAMES = phone_frames()
SCANS = Path(__file__).resolve().parents[2].parent / "shared" / "scans"
needs_lzfse = pytest.mark.skipif(find_spec("lzfse") is None, reason="needs the `record3d` extra")
JPEG_LEVELS, VIDEO_LEVELS = 8, 16
"""How far a colour value may be off after the codec."""


def expect_frames(capture, colors_off: int, times: bool = True) -> None:
    assert len(capture.frames) == len(FRAMES)
    for known, found in zip(FRAMES, capture.frames, strict=True):
        np.testing.assert_allclose(found.depth_m, known.depth_m, atol=1e-6)
        np.testing.assert_allclose(found.K, known.K, atol=1e-6)
        np.testing.assert_allclose(found.world_from_camera, known.world_from_camera, atol=1e-6)
        np.testing.assert_allclose(found.confidence, known.confidence, atol=2e-3)
        if times:
            assert found.time_s == pytest.approx(known.time_s, abs=1e-6)
        off = np.abs(found.color.astype(int) - known.color.astype(int))
        assert np.quantile(off, 0.99) <= colors_off
        distance = np.linalg.norm(world_points(found) - BALL, axis=1)
        np.testing.assert_allclose(distance, RADIUS, atol=1.5e-3)  # metres: depth is in whole millimetres
        assert found.name


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package `lzfse`, one that unpacks stored blocks, which is all that the writer writes."""
    if find_spec("lzfse") is None:
        from types import ModuleType

        module = ModuleType("lzfse")
        module.decompress, module.error = lambda data: data[8:-4], ValueError
        monkeypatch.setitem(sys.modules, "lzfse", module)


@pytest.mark.usefixtures("stored")
def test_record3d_comes_back(tmp_path):
    path = write_record3d(tmp_path / "a.r3d", FRAMES)
    capture = read_depth(path)
    assert (capture.file_format, capture.sensor, capture.up) == ("record3d", "unknown", None)
    expect_frames(capture, JPEG_LEVELS)
    assert depth_record3d.detect(path.rename(tmp_path / "a.zip"))


@needs_lzfse
def test_record3d_packed_comes_back(tmp_path):
    import lzfse

    expect_frames(read_depth(write_record3d(tmp_path / "a.r3d", FRAMES, lzfse.compress)), JPEG_LEVELS)


@needs_lzfse
@pytest.mark.parametrize("count", [10, 3000, 49152, 800_000])
def test_the_size_of_a_packed_stream_is_told_without_unpacking(count):
    import lzfse

    data = np.round(np.random.default_rng(0).random(count // 2), 2).astype(np.float16).tobytes()
    assert depth_record3d._unpacked_bytes(lzfse.compress(data), "a") == len(data)


@pytest.mark.usefixtures("stored")
def test_record3d_takes_the_intrinsics_of_each_frame(tmp_path):
    def zoom(meta):
        K = FRAMES[0].K * FINER
        meta["perFrameIntrinsicCoeffs"] = [[K[0, 0] + k, K[1, 1] + 2 * k, K[0, 2], K[1, 2]] for k in range(3)]

    frames = read_depth(write_record3d(tmp_path / "a.r3d", FRAMES, change=zoom)).frames
    for k in range(3):
        assert frames[k].K[0, 0] == pytest.approx(FRAMES[0].K[0, 0] + k / FINER)
        assert frames[k].K[1, 1] == pytest.approx(FRAMES[0].K[1, 1] + 2 * k / FINER)


@pytest.mark.usefixtures("stored")
def test_record3d_of_the_front_camera_has_no_poses_and_no_confidence(tmp_path):
    def front(meta):
        meta["poses"] = [[0, 0, 0, 1, 0, 0, 0]] * 3

    left_out = [f"rgbd/{k}.conf" for k in range(3)]
    capture = read_depth(write_record3d(tmp_path / "a.r3d", FRAMES, change=front, leave_out=left_out))
    assert all(frame.world_from_camera is None and frame.confidence is None for frame in capture.frames)
    assert any("no camera poses" in note for note in capture.notes)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda meta: meta.update(dw=63), "rgbd/0.depth holds"),
        (lambda meta: meta.update(w=-3), "must be a picture's size"),
        (lambda meta: meta.update(w=100), "fit no picture"),
        (lambda meta: meta.update(K=np.array(meta["K"]).reshape(3, 3).T.reshape(-1).tolist()), "K is not"),
        (lambda meta: meta.pop("K"), "K must be 9 numbers"),
        (lambda meta: meta["poses"].pop(), "3 frames and 2 poses"),
        (lambda meta: meta["poses"][1].__setitem__(3, 7), "pose 1: the quaternion has length"),
        (lambda meta: meta.update(dw=10**6, dh=10**6), "must be a picture's size"),
    ],
)  # fmt: skip
def test_record3d_refuses_contradictions(tmp_path, change, words):
    path = write_record3d(tmp_path / "a.r3d", FRAMES, change=change)
    with pytest.raises(InputError, match=words) as caught:
        list(read_depth(path).frames)
    assert "a.r3d" in str(caught.value)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("entry", ["../evil", "/etc/evil", "rgbd\\..\\evil", "c:/evil"])
def test_record3d_refuses_entries_that_leave_the_archive(tmp_path, entry):
    path = write_record3d(tmp_path / "a.r3d", FRAMES, add={entry: b"x"})
    with pytest.raises(InputError, match="Record3D writes none such"):
        read_depth(path)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("rgbd/1.depth", plain_lzfse(bytes(100)), r"rgbd/1\.depth holds 100 bytes"),
        ("rgbd/1.depth", b"bvx-\x00\x30\x00\x00cut", r"rgbd/1\.depth is cut off"),
        ("rgbd/1.depth", b"bvx2" + bytes(60), r"rgbd/1\.depth is no LZFSE"),
        ("rgbd/1.depth", b"plain", r"rgbd/1\.depth is (no LZFSE|cut off)"),
        ("rgbd/1.jpg", b"no picture", r"rgbd/1\.jpg is damaged"),
        ("rgbd/1.conf", plain_lzfse(b"\x07" * (64 * 48)), "confidence is 0, 1 or 2"),
        ("metadata", b"{no json", "metadata is no JSON"),
        ("metadata", b"[1]", "metadata holds no settings"),
    ],
)  # fmt: skip
def test_record3d_refuses_damaged_entries(tmp_path, name, data, words):
    path = write_record3d(tmp_path / "a.r3d", FRAMES, add={name: data})
    with pytest.raises(InputError, match=words):
        list(read_depth(path).frames)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("name", ["metadata", "rgbd/1.depth", "rgbd/2.jpg", "rgbd/0.depth"])
def test_record3d_names_what_is_missing(tmp_path, name):
    path = write_record3d(tmp_path / "a.r3d", FRAMES, leave_out=[name])
    with pytest.raises(InputError, match=f"{name} is missing|frame {name} is missing"):
        list(read_depth(path).frames)


@pytest.mark.usefixtures("stored")
def test_record3d_cut_off_is_refused(tmp_path):
    path = write_record3d(tmp_path / "a.r3d", FRAMES)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"a\.r3d is no \.r3d recording, or cut off"):
        read_depth(path)


@needs_lzfse
def test_record3d_refuses_a_bomb_before_it_goes_off(tmp_path):
    import lzfse

    path = write_record3d(tmp_path / "a.r3d", FRAMES, add={"rgbd/0.depth": lzfse.compress(bytes(8_000_000))})
    with pytest.raises(InputError, match="holds 8000000 bytes"):
        read_depth(path)


def test_record3d_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lzfse", None)
    with pytest.raises(MissingExtraError, match="record3d"):
        read_depth(write_record3d(tmp_path / "a.r3d", FRAMES))


@pytest.mark.parametrize("form", ["", "lens", "no header", "npy"])
def test_stray_comes_back(tmp_path, form):
    folder = write_stray(tmp_path / "s", FRAMES, form == "lens", form != "no header", form == "npy")
    if form == "lens":
        (folder / "camera_matrix.csv").unlink()
    capture = read_depth(folder)
    assert (capture.file_format, capture.sensor) == ("stray", "iphone-lidar")
    np.testing.assert_array_equal(capture.up, [0, 1, 0])
    expect_frames(capture, VIDEO_LEVELS, times=form != "no header")


def test_stray_without_a_video_has_no_colour(tmp_path):
    folder = write_stray(tmp_path / "s", FRAMES)
    (folder / "rgb.mp4").unlink()
    capture = depth_stray.read(folder)
    assert capture.frames[0].color is None
    assert any("no rgb.mp4" in note for note in capture.notes)


def test_stray_leaves_out_frames_without_depth_and_says_so(tmp_path):
    folder = write_stray(tmp_path / "s", FRAMES)
    (folder / "depth" / "000001.png").unlink()
    capture = read_depth(folder)
    assert [frame.name for frame in capture.frames] == ["s, frame 0", "s, frame 2"]
    assert any(note.startswith("1 of 3 frames") for note in capture.notes)
    off = np.abs(capture.frames[1].color.astype(int) - FRAMES[2].color.astype(int))
    assert np.quantile(off, 0.99) <= VIDEO_LEVELS


def _edit(path: Path, change) -> None:
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("odometry.csv", lambda t: t[: t.rindex(",")], "line 3 is cut off"),
        ("odometry.csv", lambda t: t.replace("qw", "q"), "no column"),
        ("odometry.csv", lambda t: t.replace("000001", "000000"), "tells frame 0 twice"),
        ("odometry.csv", lambda t: re.sub(r"(000001, )[^,]+", r"\1inf", t), "not finite"),
        ("odometry.csv", lambda t: "", "is empty"),
        ("camera_matrix.csv", lambda t: t[:30], "must hold 9 numbers"),
        ("camera_matrix.csv", lambda t: t.replace("0.0", "4.0", 1), "must hold fx, 0, cx"),
        ("camera_matrix.csv", lambda t: t.replace("124.8", "9124.8"), "fit no picture of"),
    ],
)  # fmt: skip
def test_stray_refuses_broken_tables(tmp_path, name, change, words):
    folder = write_stray(tmp_path / "s", FRAMES)
    _edit(folder / name, change)
    with pytest.raises(InputError, match=words):
        read_depth(folder)


def test_stray_refuses_broken_pictures(tmp_path):
    folder = write_stray(tmp_path / "s", FRAMES)
    capture = read_depth(folder)
    Image.new("L", (10, 10)).save(folder / "confidence" / "000001.png")
    with pytest.raises(InputError, match=r"frame 1: 000001\.png has 10 by 10 pixels"):
        capture.frames[1]
    depth = folder / "depth" / "000002.png"
    depth.write_bytes(depth.read_bytes()[:60])
    with pytest.raises(InputError, match="frame 2"):
        capture.frames[2]
    (folder / "rgb.mp4").write_bytes(b"no video at all")
    with pytest.raises(InputError, match=r"rgb\.mp4 is no video"):
        read_depth(folder)


def test_wrong_units_are_refused_with_the_fitting_one(tmp_path):
    with pytest.raises(InputError, match="depth_scale 1000"):
        read_depth(write_stray(tmp_path / "s", FRAMES), depth_scale=1)


@pytest.mark.parametrize("corrected", [True, False])
def test_polycam_comes_back(tmp_path, corrected):
    folder = write_polycam(tmp_path / "p", FRAMES, corrected)
    capture = read_depth(folder)
    assert (capture.file_format, capture.sensor) == ("polycam", "iphone-lidar")
    np.testing.assert_array_equal(capture.up, [0, 1, 0])
    assert any("no corrected cameras" in note for note in capture.notes) is not corrected
    expect_frames(capture, JPEG_LEVELS)
    assert depth_polycam.detect(folder / "keyframes")
    assert depth_polycam.read(folder / "keyframes").sha256 == capture.sha256


def test_polycam_leaves_out_keyframes_that_were_not_corrected(tmp_path):
    folder = write_polycam(tmp_path / "p", FRAMES)
    stems = sorted(p.stem for p in (folder / "keyframes" / "depth").iterdir())
    (folder / "keyframes" / "corrected_images" / f"{stems[1]}.jpg").unlink()
    capture = read_depth(folder)
    assert len(capture.frames) == 2
    assert any(note.startswith("1 of 3 keyframes") for note in capture.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"t_00": 3.0}, "the pose is not rigid"),
        ({"t_03": None}, "t_03 is None"),
        ({"fx": -2.0}, "fit no picture"),
        ({"width": 100}, "fit no picture"),
    ],
)  # fmt: skip
def test_polycam_refuses_broken_cameras(tmp_path, change, words):
    folder = write_polycam(tmp_path / "p", FRAMES)
    path = sorted((folder / "keyframes" / "corrected_cameras").iterdir())[1]
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=words) as caught:
        read_depth(folder)
    assert path.name in str(caught.value)


def test_polycam_refuses_pictures_of_another_shape(tmp_path):
    folder = write_polycam(tmp_path / "p", FRAMES)
    path = sorted((folder / "keyframes" / "corrected_images").iterdir())[1]
    Image.new("RGB", (100, 100)).save(path)
    with pytest.raises(InputError, match=f"keyframe {path.stem}: colour of 100 by 100"):
        read_depth(folder).frames[1]


@pytest.mark.parametrize("unit", [1000.0, 1.0])
@pytest.mark.parametrize("world_to_camera", [True, False])
@pytest.mark.parametrize("swapped", [True, False])
def test_depthkit_comes_back(tmp_path, unit, world_to_camera, swapped):
    known = FRAMES[1]
    path = write_depthkit(tmp_path / "d.png", known, unit, world_to_camera, swapped)
    for given in (path, path.with_suffix(".txt"), tmp_path):
        capture = read_depth(given)
        (found,) = capture.frames
        step = (3.4 - 1.2) / 1530  # metres a hue
        np.testing.assert_allclose(found.depth_m, known.depth_m, atol=0.51 * step)
        np.testing.assert_allclose(found.K, known.K, atol=1e-6)
        np.testing.assert_allclose(found.world_from_camera, known.world_from_camera, atol=1e-6)
        np.testing.assert_array_equal(found.color, known.color)
        np.testing.assert_array_equal(capture.up, [0, 1, 0])
        np.testing.assert_allclose(
            np.linalg.norm(world_points(found) - BALL, axis=1), RADIUS, atol=1.5e-3 + step
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda meta: meta.update(numAngles=2), "several cameras"),
        (lambda meta: meta.update(nearClip=9000.0), "positive and in order"),
        (lambda meta: meta["extrinsics"].update(e00=3.0), "not rigid"),
        (lambda meta: meta["boundsCenter"].update(x=90000.0), "of the points lie in the file's own bounds"),
        (lambda meta: meta["crop"].update(z=0), "must be positive"),
        (lambda meta: meta.pop("depthImageSize"), "depthImageSize: x is None"),
    ],
)  # fmt: skip
def test_depthkit_refuses_what_it_cannot_place(tmp_path, change, words):
    path = write_depthkit(tmp_path / "d.png", FRAMES[0], change=change)
    with pytest.raises(InputError, match=words):
        read_depth(path)


def test_depthkit_refuses_a_picture_without_depth(tmp_path):
    path = write_depthkit(tmp_path / "d.png", FRAMES[0])
    Image.new("RGB", (64, 96), (200, 190, 195)).save(path)
    with pytest.raises(InputError, match="none of its halves holds depth as hue"):
        read_depth(path)
    Image.new("RGB", (64, 95)).save(path)
    with pytest.raises(InputError, match="95 rows"):
        read_depth(path)


def test_the_digest_follows_the_bytes(tmp_path):
    first = read_depth(write_polycam(tmp_path / "a", FRAMES)).sha256
    assert read_depth(write_polycam(tmp_path / "b", FRAMES)).sha256 == first
    other = [dataclasses.replace(FRAMES[0], depth_m=FRAMES[0].depth_m * np.float32(1.01)), *FRAMES[1:]]
    assert read_depth(write_polycam(tmp_path / "c", other)).sha256 != first


@pytest.mark.skipif(not (SCANS / "rgbd_depthkit").is_dir(), reason="the real sample is not here")
def test_the_real_depthkit_person_stands_upright_in_metres():
    capture = depth_depthkit.read(SCANS / "rgbd_depthkit")
    points = world_points(capture.frames[0], np.inf)
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    assert 1.5 < (high - low)[1] < 1.9
    assert (high - low)[1] > 2 * (high - low)[0]
    assert any("nearest rotation" in note for note in capture.notes)
