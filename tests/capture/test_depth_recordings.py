"""Recordings of depth cameras, made after their formats' documents: each frame comes back as it went in."""

from __future__ import annotations

import contextlib
import random

import numpy as np
import pytest

from bodyscan.capture.depth import read_depth
from bodyscan.capture.depth_realsense import unpacked_lz4
from bodyscan.capture.undistort import Distortion, distorted_points
from bodyscan.errors import InputError

from .depth_writers import K, known_frames
from .recording_writers import (
    AZURE_COLOR,
    AZURE_DEPTH_LENS,
    AZURE_SIZE,
    COLOR_FROM_DEPTH,
    azure_calibration,
    lz4_frame,
    write_azure,
    write_realsense,
)

INTEGER_K = K - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
AZURE_K = np.array([[512 * 0.4924, 0, 512 * 0.5125 - 96], [0, 512 * 0.4926, 512 * 0.5037 - 90], [0, 0, 1]])
AZURE_COLOR_K = np.array(
    [[1280 * 0.4781, 0, 1280 * 0.4987], [0, 960 * 0.6374, 960 * 0.5021 - 120], [0, 0, 1]]
)


def azure_pictures(count: int = 3) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A slanted wall; its colour tells where in the colour picture it was seen."""
    columns, rows = np.meshgrid(np.arange(AZURE_SIZE[0]), np.arange(AZURE_SIZE[1]))
    depths = [(1500 + 100 * k + columns + 2 * rows).astype(np.uint16) for k in range(count)]
    for depth in depths:
        depth[:9, :7] = 0
    columns, rows = np.meshgrid(np.arange(AZURE_COLOR[0]), np.arange(AZURE_COLOR[1]))
    color = np.stack([columns / 5, rows / 3, np.full_like(rows, 90)], axis=-1).astype(np.uint8)
    return depths, [color] * count


def test_an_azure_kinect_recording_tells_its_frames(tmp_path):
    depths, colors = azure_pictures()
    capture = read_depth(write_azure(tmp_path / "a.mkv", depths, colors))
    assert (capture.file_format, capture.sensor, capture.notes) == ("azure-kinect", "azure-kinect", ())
    np.testing.assert_allclose([f.time_s for f in capture.frames], [0, 0.033, 0.066], atol=1e-6)
    for frame, depth in zip(capture.frames, depths, strict=True):
        np.testing.assert_allclose(frame.depth_m, depth / 1000, atol=1e-6)  # metres
        np.testing.assert_allclose(frame.K, AZURE_K, atol=1e-9)


def test_an_azure_kinects_colour_comes_through_the_points(tmp_path):
    depths, colors = azure_pictures(1)
    frame = read_depth(write_azure(tmp_path / "a.mkv", depths, colors)).frames[0]
    for row, column in ((100, 100), (200, 250), (60, 180)):
        point = np.linalg.inv(AZURE_K) @ [column + 0.5, row + 0.5, 1] * depths[0][row, column] / 1000
        moved = COLOR_FROM_DEPTH[:3, :3] @ point + COLOR_FROM_DEPTH[:3, 3]
        u, v, _ = AZURE_COLOR_K @ moved / moved[2]
        np.testing.assert_allclose(frame.color[row, column], [(u - 0.5) / 5, (v - 0.5) / 3, 90], atol=3)


def test_an_azure_kinects_lens_is_straightened(tmp_path):
    lens = [*AZURE_DEPTH_LENS[:4], 0.55, -0.02, -0.003, 0.89, 0.086, -0.014, 0, 0, -0.006, 0.008]
    model = Distortion(0.55, -0.02, 0.008, -0.006, -0.003, 0.89, 0.086, -0.014)
    columns, rows = np.meshgrid(np.arange(AZURE_SIZE[0]) + 0.5, np.arange(AZURE_SIZE[1]) + 0.5)
    plane = np.stack([columns - AZURE_K[0, 2], rows - AZURE_K[1, 2]], axis=-1) / np.diag(AZURE_K)[:2]
    straight = plane.copy()
    for _ in range(200):
        straight += plane - distorted_points(straight, model)
    seen = np.round(2000 + 400 * straight[..., 0]).astype(np.uint16)
    _, colors = azure_pictures(1)
    path = write_azure(tmp_path / "a.mkv", [seen], colors, azure_calibration(lens))
    depth = read_depth(path).frames[0].depth_m
    expected = 2 + 0.4 * plane[..., 0]
    assert np.abs(depth - expected)[depth > 0].max() < 2e-3  # metres; a pixel is 1.6 mm of this slope
    assert np.abs(seen / 1000 - expected).max() > 10e-3


def test_a_recording_that_was_cut_off_while_recording_has_no_sizes_and_is_read(tmp_path):
    depths, colors = azure_pictures(2)
    assert len(read_depth(write_azure(tmp_path / "a.mkv", depths, colors, unknown=True)).frames) == 2


@pytest.mark.parametrize("packing", ["none", "bz2", "lz4"])
def test_a_realsense_recording_tells_its_frames(packing, tmp_path):
    known = known_frames()
    depths = [np.round(frame.depth_m * 4000).astype(np.uint16) for frame in known]
    colors = [np.repeat(np.repeat(frame.color, 2, axis=0), 2, axis=1) for frame in known]
    color_K = np.array([[140.0, 0, 63.5], [0, 140, 47.5], [0, 0, 1]])
    path = write_realsense(
        tmp_path / "a.bag", depths, colors, INTEGER_K, color_K, metres=1 / 4000, packing=packing
    )
    capture = read_depth(path)
    assert (capture.file_format, capture.sensor, capture.notes) == ("realsense", "realsense-d435", ())
    for k, (frame, truth) in enumerate(zip(capture.frames, known, strict=True)):
        np.testing.assert_allclose(frame.depth_m, truth.depth_m, atol=1e-6)
        np.testing.assert_allclose(frame.K, K, atol=1e-9)
        assert frame.time_s == pytest.approx(k / 30, abs=1e-5)
    frame = capture.frames[1]
    row, column = 30, 40
    point = np.linalg.inv(K) @ [column + 0.5, row + 0.5, 1] * frame.depth_m[row, column]
    moved = COLOR_FROM_DEPTH[:3, :3] @ point + COLOR_FROM_DEPTH[:3, 3]
    u, v = (color_K @ moved / moved[2])[:2] + 0.5
    expected = known[1].color[int(v / 2), int(u / 2)].astype(int)
    assert np.abs(frame.color[row, column].astype(int) - expected).max() <= 4


def test_lz4_brings_back_what_was_packed():
    dice = random.Random(4)
    noise = bytes(dice.randrange(256) for _ in range(3000))
    for data in (b"", b"a" * 1000, b"abc" * 400, noise, noise + noise + b"\0" * 700, b"xy" + noise[:13]):
        assert unpacked_lz4(lz4_frame(data), len(data)) == data


def test_a_bomb_stops_when_it_has_grown_too_large():
    bomb = lz4_frame(b"\0" * 5_000_000)
    assert len(unpacked_lz4(bomb + bomb, 100)) <= 5_000_001


def _refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        for _ in read_depth(path).frames:
            pass
    return str(caught.value)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("kind", ["mkv", "bag"])
def test_a_truncated_recording_is_refused(kind, share, tmp_path):
    path = tmp_path / f"cut.{kind}"
    if kind == "mkv":
        write_azure(path, *azure_pictures())
    else:
        raw = [np.full((48, 64), 2000, np.uint16)] * 3
        write_realsense(path, raw, [np.zeros((48, 64, 3), np.uint8)] * 3, INTEGER_K, INTEGER_K)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    message = _refusal(path)
    assert f"cut.{kind}" in message
    assert "truncated" in message or "calibration.json" in message


def test_flipped_bytes_end_in_a_refusal_or_in_frames_never_in_a_crash(tmp_path):
    depths, colors = azure_pictures(1)
    raw = [np.full((48, 64), 2000, np.uint16)] * 2
    sound = {
        "a.mkv": write_azure(tmp_path / "a.mkv", depths, colors).read_bytes(),
        "a.bag": write_realsense(
            tmp_path / "a.bag",
            raw,
            [np.zeros((48, 64, 3), np.uint8)] * 2,
            INTEGER_K,
            INTEGER_K,
            packing="lz4",
        ).read_bytes(),
    }
    dice = random.Random(1)
    for name, data in sound.items():
        for _ in range(40):
            damaged = bytearray(data)
            for _ in range(3):
                damaged[dice.randrange(min(len(data), 6000))] = dice.randrange(256)
            (tmp_path / name).write_bytes(damaged)
            with contextlib.suppress(InputError):  # any other error fails the test
                frames = read_depth(tmp_path / name).frames
                assert all(frame.depth_m.shape in ((288, 320), (48, 64)) for frame in frames)


def test_a_bag_that_was_never_closed_is_refused(tmp_path):
    raw = [np.full((48, 64), 2000, np.uint16)]
    path = write_realsense(
        tmp_path / "a.bag", raw, [np.zeros((48, 64, 3), np.uint8)], INTEGER_K, INTEGER_K, closed=False
    )
    assert "rosbag reindex" in _refusal(path)


def test_a_recording_without_a_depth_mode_or_calibration_is_refused(tmp_path):
    depths, colors = azure_pictures(1)
    message = _refusal(write_azure(tmp_path / "a.mkv", depths, colors, {"CalibrationInformation": {}}))
    assert "does not describe the camera D0" in message
    calibration = azure_calibration()
    calibration["CalibrationInformation"]["Cameras"][0]["Intrinsics"]["ModelType"] = "FISHEYE"
    assert "FISHEYE" in _refusal(write_azure(tmp_path / "b.mkv", depths, colors, calibration))


def test_a_broken_colour_picture_names_its_frame(tmp_path):
    depths, colors = azure_pictures(2)
    path = write_azure(tmp_path / "a.mkv", depths, colors)
    data = bytearray(path.read_bytes())
    second = data.rfind(b"\xff\xd8\xff")
    data[second : second + 3] = b"\0\0\0"
    path.write_bytes(data)
    capture_message = _refusal(path)
    assert "a.mkv, frame 1" in capture_message
