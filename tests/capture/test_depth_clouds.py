"""Organised clouds give back the depth picture and the camera that they were made with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bodyscan.capture import depth_clouds
from bodyscan.capture.depth import is_depth_capture, read_depth
from bodyscan.errors import InputError

from .phone_writers import grid_points, phone_frames, world_points, write_pcd, write_ply_grid

FRAMES = phone_frames()
FRAME = FRAMES[0]
POINTS = grid_points(FRAME)
PEOPLE = Path(__file__).resolve().parents[2].parent / "shared" / "scans" / "clouds_pcl_people"


def expect_frame(found, known, colored: bool = True) -> None:
    np.testing.assert_allclose(found.depth_m, known.depth_m, atol=1e-6)
    np.testing.assert_allclose(found.K, known.K, atol=1e-3)  # pixels: the file holds 32-bit points
    if colored:
        seen = known.depth_m > 0
        np.testing.assert_array_equal(found.color[seen], known.color[seen])


@pytest.mark.parametrize("encoding", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize("field", ["rgb", "rgba"])
def test_pcd_comes_back(tmp_path, encoding, field):
    path = write_pcd(tmp_path / "a.pcd", POINTS, FRAME.color, encoding, field=field)
    capture = read_depth(path)
    assert (capture.file_format, capture.sensor, len(capture.frames)) == ("clouds", "unknown", 1)
    expect_frame(capture.frames[0], FRAME)


@pytest.mark.parametrize("encoding", ["ascii", "little", "big"])
@pytest.mark.parametrize("stanford", [True, False])
def test_ply_comes_back(tmp_path, encoding, stanford):
    capture = read_depth(write_ply_grid(tmp_path / "a.ply", POINTS, FRAME.color, encoding, stanford))
    expect_frame(capture.frames[0], FRAME)


def test_clouds_without_colour_have_none(tmp_path):
    assert read_depth(write_pcd(tmp_path / "a.pcd", POINTS)).frames[0].color is None


def test_millimetres_and_opengl_axes_are_told_from_the_points(tmp_path):
    capture = read_depth(write_pcd(tmp_path / "a.pcd", POINTS * [1000, -1000, -1000], FRAME.color))
    expect_frame(capture.frames[0], FRAME)
    assert any("millimetres" in note for note in capture.notes)
    assert any("OpenGL" in note for note in capture.notes)


def test_a_folder_holds_the_frames_of_one_camera(tmp_path):
    for k, frame in zip((2, 10, 11), FRAMES, strict=True):
        write_pcd(tmp_path / f"f{k}.pcd", grid_points(frame), frame.color)
    capture = read_depth(tmp_path)
    assert [frame.name for frame in capture.frames] == ["f2.pcd", "f10.pcd", "f11.pcd"]
    for found, known in zip(capture.frames, FRAMES, strict=True):
        expect_frame(found, known)
        assert found.world_from_camera is None


def test_viewpoints_that_differ_are_poses(tmp_path):
    for k, frame in enumerate(FRAMES):
        pose = frame.world_from_camera
        x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat()
        line = " ".join(repr(float(v)) for v in (*pose[:3, 3], w, x, y, z))
        write_pcd(tmp_path / f"{k}.pcd", grid_points(frame), frame.color, viewpoint=line)
    for found, known in zip(read_depth(tmp_path).frames, FRAMES, strict=True):
        np.testing.assert_allclose(found.world_from_camera, known.world_from_camera, atol=1e-6)
        np.testing.assert_allclose(world_points(found), world_points(known), atol=1e-4)  # metres


def test_one_turn_for_all_is_no_pose(tmp_path):
    for k, frame in enumerate(FRAMES):
        write_pcd(tmp_path / f"{k}.pcd", grid_points(frame), viewpoint="0 0 0 0 1 0 0")
    assert all(frame.world_from_camera is None for frame in read_depth(tmp_path).frames)


def _turned() -> np.ndarray:
    return POINTS @ Rotation.from_rotvec([0, 0.3, 0]).as_matrix().T


def _fisheye() -> np.ndarray:
    radius = np.hypot(POINTS[..., 0], POINTS[..., 1]) / POINTS[..., 2]
    return POINTS * np.stack([1 + radius**2, 1 + radius**2, np.ones_like(radius)], axis=-1)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (_turned(), "no depth picture of a pinhole"),
        (_fisheye(), "no depth picture of a pinhole"),
        (POINTS * [-1, 1, 1], "mirrored"),
        (POINTS - [0, 0, 2.0], "lie behind the camera"),
        (np.where(np.arange(64)[:, None] < 1, POINTS, np.nan), "too few points"),
        (np.full_like(POINTS, np.nan), "too few points"),
        (POINTS / 100, "the median depth is"),
    ],
)  # fmt: skip
def test_what_no_pinhole_saw_is_refused(tmp_path, points, words):
    path = write_pcd(tmp_path / "a.pcd", points)
    with pytest.raises(InputError, match=words) as caught:
        read_depth(path)
    assert "a.pcd" in str(caught.value)


def test_a_frame_of_another_camera_or_size_is_named(tmp_path):
    write_pcd(tmp_path / "0.pcd", POINTS)
    write_pcd(tmp_path / "1.pcd", POINTS * [1.2, 1.2, 1])
    with pytest.raises(InputError, match=r"1\.pcd is no depth picture of a pinhole camera, or of another"):
        list(read_depth(tmp_path).frames)
    write_pcd(tmp_path / "1.pcd", POINTS[:, :60])
    with pytest.raises(InputError, match=r"1\.pcd has 60 by 48 points, 0\.pcd 64 by 48"):
        read_depth(tmp_path)
    write_pcd(tmp_path / "1.pcd", POINTS.reshape(1, -1, 3))
    with pytest.raises(InputError, match=r"1\.pcd has no rows and columns"):
        read_depth(tmp_path)


@pytest.mark.parametrize("encoding", ["ascii", "binary", "binary_compressed"])
def test_a_cut_off_pcd_is_refused(tmp_path, encoding):
    path = write_pcd(tmp_path / "a.pcd", POINTS, encoding=encoding)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(InputError, match=r"a\.pcd"):
        read_depth(path)


@pytest.mark.parametrize("encoding", ["ascii", "little"])
def test_a_cut_off_ply_is_refused(tmp_path, encoding):
    path = write_ply_grid(tmp_path / "a.ply", POINTS, FRAME.color, encoding)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(InputError, match=r"a\.ply is truncated"):
        read_depth(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("num_cols 64", "num_cols 63", "the range grid must have 3024 cells"),
        ("num_cols 64", "num_cols 6400000", "no depth camera has so many"),
        ("property float x", "property float q", "positions"),
        ("property float x", "property flown x", "no PLY file that can be read"),
    ],
)
def test_headers_that_lie_are_refused(tmp_path, old, new, words):
    path = write_ply_grid(tmp_path / "a.ply", POINTS, FRAME.color)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=words):
        read_depth(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"TYPE F F F", b"T,PE F F F"),
        (b"COUNT 1 1 1", b"COUNT 1 1"),
        (b"SIZE 4 4 4", b"SIZE 4 4 9"),
        (b"POINTS 3072", b"POINTS 3073"),
        (b"HEIGHT 48", b"HEIGHT 48\nHEIGHT 48"),
    ],
)
@pytest.mark.parametrize("encoding", ["ascii", "binary", "binary_compressed"])
def test_pcd_headers_that_contradict_themselves_are_refused(tmp_path, old, new, encoding):
    path = write_pcd(tmp_path / "a.pcd", POINTS, encoding=encoding)  # Open3D crashes on some of these
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(InputError, match="header is damaged or contradicts itself"):
        read_depth(path)


def test_clouds_without_rows_and_columns_are_no_depth_capture(tmp_path):
    path = write_pcd(tmp_path / "a.pcd", POINTS.reshape(1, -1, 3))
    assert not is_depth_capture(path)
    assert not is_depth_capture(tmp_path)
    with pytest.raises(InputError, match="is no organised cloud"):
        depth_clouds.read(path)


@pytest.mark.skipif(not PEOPLE.is_dir(), reason="the real clouds are not here")
@pytest.mark.parametrize(("name", "centre"), [("", (320.0, 240.0)), ("frames", (320.5, 240.5))])
def test_real_kinect_clouds_give_their_camera(name, centre):
    capture = read_depth(PEOPLE / name)
    assert capture.sensor == "kinect-v1"
    for frame in capture.frames:
        assert frame.depth_m.shape == (480, 640)
        np.testing.assert_allclose(frame.K[[0, 1], [0, 1]], 525, atol=1e-3)
        np.testing.assert_allclose(frame.K[:2, 2], centre, atol=1e-3)
        assert 0.5 < np.median(frame.depth_m[frame.depth_m > 0]) < 4  # metres
