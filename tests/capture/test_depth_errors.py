"""What is wrong with a depth capture is said in one sentence that names it, and nothing is left behind."""

from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.capture.depth import read_depth
from bodyscan.capture.depth_frames import parse_json, parse_numbers, quaternion_pose, rigid_pose
from bodyscan.errors import InputError

from .depth_writers import (
    HEIGHT,
    WIDTH,
    change_json,
    known_frame,
    known_frames,
    write_cameras,
    write_depth,
    write_open3d,
    write_seven_scenes,
    write_tum,
)

WRITERS = {
    "open3d": write_open3d,
    "tum": write_tum,
    "seven-scenes": write_seven_scenes,
    "cameras": write_cameras,
}


def refusal(path: Path, **options) -> str:
    """The message of the error that reading all of `path` raises; the folder must stay as it was."""
    root = path if path.is_dir() else path.parent
    before = sorted(root.rglob("*")) if root.exists() else []
    with pytest.raises(InputError) as caught:
        for _ in read_depth(path, **options).frames:
            pass
    assert (sorted(root.rglob("*")) if root.exists() else []) == before
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.endswith(".")
    return message


def depth_files(folder: Path) -> list[Path]:
    return sorted([*folder.glob("depth/*.png"), *folder.glob("*.depth.png")])


@pytest.fixture(params=WRITERS)
def folder(request, tmp_path) -> Path:
    return WRITERS[request.param](tmp_path / "in", known_frames())


def test_a_truncated_picture_names_its_frame(folder):
    file = depth_files(folder)[1]
    file.write_bytes(file.read_bytes()[:300])
    assert file.name in refusal(folder)


def test_an_empty_picture_names_its_frame(folder):
    file = depth_files(folder)[2]
    file.write_bytes(b"")
    assert file.name in refusal(folder)


def test_a_missing_depth_picture_is_named(folder):
    file = depth_files(folder)[1]
    file.unlink()
    assert file.stem.split(".depth")[0] in refusal(folder)


def test_a_missing_colour_picture_is_named(folder):
    file = next(p for p in sorted(folder.rglob("*.png")) if "color" in str(p) or "rgb" in str(p))
    file.unlink()
    assert file.stem.split(".color")[0] in refusal(folder)


def test_pictures_of_two_sizes_are_refused(folder):
    file = depth_files(folder)[1]
    write_depth(file, np.full((10, 20), 2.0))
    message = refusal(folder)
    assert file.name in message
    assert "20 by 10" in message


def test_eight_bits_are_refused(folder):
    for file in depth_files(folder):
        Image.fromarray(np.full((HEIGHT, WIDTH), 200, np.uint8)).save(file)
    message = refusal(folder)
    assert depth_files(folder)[0].name in message
    assert "16-bit" in message


def test_colour_as_depth_is_refused(folder):
    for file in depth_files(folder):
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 200, np.uint8)).save(file)
    assert "16-bit" in refusal(folder)


def test_a_picture_that_claims_to_be_huge_is_refused(folder):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60000, 60000, 16, 0, 0, 0, 0)
    file = depth_files(folder)[0]
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    message = refusal(folder)
    assert file.name in message
    assert "million pixels" in message


def test_a_wrong_unit_is_refused_and_the_fitting_one_named(folder):
    message = refusal(folder, depth_scale=1.0)
    assert "a person stands at 0.2 to 12 m" in message
    assert ("5000" if (folder / "depth.txt").is_file() else "depth_scale 1000 (millimetres)") in message
    assert "1 units a metre" in message


def test_pictures_without_any_depth_are_refused(folder):
    for file in depth_files(folder):
        write_depth(file, np.zeros((HEIGHT, WIDTH)))
    assert "holds a depth" in refusal(folder)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(scale, folder):
    assert "depth_scale" in refusal(folder, depth_scale=scale)


def test_an_unknown_sensor_is_refused_and_the_known_ones_named(folder):
    assert "azure-kinect" in refusal(folder, sensor="lidar")


def test_two_formats_in_one_folder_are_refused(folder):
    other = write_seven_scenes if not list(folder.glob("frame-*")) else write_tum
    other(folder, known_frames(1))
    message = refusal(folder)
    assert "2 formats" in message
    assert "seven-scenes" in message


def test_an_empty_folder_and_none_at_all_are_refused(tmp_path):
    assert "is empty" in refusal(tmp_path)
    assert "no file or folder" in refusal(tmp_path / "missing")
    (tmp_path / "notes.md").write_text("nothing")
    message = refusal(tmp_path)
    for name in (*WRITERS, "record3d", "polycam", "azure-kinect"):
        assert name in message


def test_a_capture_one_folder_further_down_is_pointed_at(tmp_path):
    write_tum(tmp_path / "data" / "scan7", known_frames(1))
    assert "scan7" in refusal(tmp_path / "data")


def test_a_folder_without_intrinsics_says_what_is_missing(tmp_path):
    (write_open3d(tmp_path, known_frames(1)) / "camera_intrinsic.json").unlink()
    assert "camera_intrinsic.json" in refusal(tmp_path)


POSES = {
    "open3d": ("trajectory.log", 1),
    "tum": ("groundtruth.txt", 1),
    "seven-scenes": ("frame-000001.pose.txt", 0),
}


@pytest.mark.parametrize("name", POSES)
def test_a_pose_that_is_not_rigid_is_refused(name, tmp_path):
    folder = WRITERS[name](tmp_path / "in", known_frames())
    file = folder / POSES[name][0]
    lines = file.read_text().splitlines()
    words = lines[POSES[name][1]].split()
    place = -1 if name == "tum" else 0
    words[place] = str(float(words[place]) + 0.5)
    lines[POSES[name][1]] = " ".join(words)
    file.write_text("\n".join(lines))
    message = refusal(folder)
    assert file.name in message
    assert "rigid" in message or "quaternion" in message


@pytest.mark.parametrize("name", POSES)
@pytest.mark.parametrize("text", ["one", "1 2 3"])
def test_a_pose_of_words_or_of_too_few_numbers_is_refused(name, text, tmp_path):
    folder = WRITERS[name](tmp_path / "in", known_frames())
    file = folder / POSES[name][0]
    lines = file.read_text().splitlines()
    lines[POSES[name][1]] = text
    file.write_text("\n".join(lines))
    assert file.name in refusal(folder)


def test_more_poses_than_frames_and_half_a_pose_are_refused(tmp_path):
    folder = write_open3d(tmp_path, known_frames())
    file = folder / "trajectory.log"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines + lines[:5]))
    assert "4 poses and there are 3 frames" in refusal(folder)
    file.write_text("\n".join(lines[:13]))
    assert "five a frame" in refusal(folder)


def test_intrinsics_of_other_pictures_are_refused(tmp_path):
    folder = write_open3d(tmp_path, known_frames())
    change_json(folder / "camera_intrinsic.json", lambda d: d.update(width=1280))
    assert "1280 by 48" in refusal(folder)
    change_json(folder / "camera_intrinsic.json", lambda d: d.pop("intrinsic_matrix"))
    assert "intrinsic_matrix" in refusal(folder)


def test_colour_of_another_shape_is_refused(tmp_path):
    folder = write_open3d(tmp_path, known_frames())
    for file in (folder / "color").iterdir():
        Image.fromarray(np.zeros((40, 70, 3), np.uint8)).save(file)
    assert "70 by 40" in refusal(folder)


def test_tum_lists_that_do_not_belong_together_are_refused(tmp_path):
    folder = write_tum(tmp_path, known_frames())
    text = (folder / "rgb.txt").read_text()
    (folder / "rgb.txt").write_text(text.replace("13050311", "13060311"))
    assert "within 20 ms" in refusal(folder)
    (folder / "depth.txt").write_text("1305031102.1\n")
    assert "depth.txt, line 1" in refusal(folder)


def test_tum_paths_stay_inside(tmp_path):
    folder = write_tum(tmp_path / "in", known_frames(1))
    shutil.copy(depth_files(folder)[0], tmp_path / "secret.png")
    (folder / "depth.txt").write_text("1305031102.160407 ../secret.png\n")
    assert "outside" in refusal(folder)


def test_seven_scenes_needs_all_poses_or_none(tmp_path):
    folder = write_seven_scenes(tmp_path, known_frames())
    (folder / "frame-000001.pose.txt").unlink()
    assert "frame-000001 has no pose" in refusal(folder)


def test_an_info_file_of_other_pictures_is_refused(tmp_path):
    folder = write_seven_scenes(tmp_path, known_frames())
    text = (folder / "info.txt").read_text()
    (folder / "info.txt").write_text(text.replace("m_depthWidth = 64", "m_depthWidth = 320"))
    assert "320 by 48" in refusal(folder)
    (folder / "info.txt").write_text(text.replace("m_depthShift = 1000", "m_depthShift = 0"))
    assert "m_depthShift" in refusal(folder)


def _first(document):
    return document["frames"][0]


def _camera(document):
    return document["cameras"]["only"]


MANIFESTS = {
    "unknown top key": (lambda d: d.update(depthscale=1), "depthscale"),
    "unknown frame key": (lambda d: _first(d).update(colour="x"), "colour"),
    "unknown camera key": (lambda d: _camera(d).update(k1=0.1), "k1"),
    "no version": (lambda d: d.pop("version"), "version"),
    "another version": (lambda d: d.update(version=2), "must be"),
    "another format": (lambda d: d.update(format="x"), "must be"),
    "parent folder": (lambda d: _first(d).update(depth="../in/depth/only_0.png"), "'..'"),
    "inner parent": (lambda d: _first(d).update(depth="depth/../depth/only_0.png"), "'..'"),
    "absolute": (lambda d: _first(d).update(color="/etc/hostname"), "/etc/hostname"),
    "drive": (lambda d: _first(d).update(color="C:\\x.png"), "leads out"),
    "no such camera": (lambda d: _first(d).update(camera="left"), "the cameras are only"),
    "no path": (lambda d: _first(d).update(depth=7), "7"),
    "missing file": (lambda d: _first(d).update(depth="depth/none.png"), "none.png"),
    "one pose missing": (lambda d: _first(d).update(world_from_camera=None), "frame 0"),
    "pose of three rows": (lambda d: _first(d)["world_from_camera"].pop(), "4 by 4"),
    "pose not rigid": (lambda d: _first(d)["world_from_camera"][0].__setitem__(0, 3.0), "not rigid"),
    "pose of words": (lambda d: _first(d)["world_from_camera"][0].__setitem__(0, "a"), "finite number"),
    "size": (lambda d: _camera(d).update(width=65), "65 by 48"),
    "size of nothing": (lambda d: _camera(d).update(width=0), "whole numbers"),
    "focal length": (lambda d: _camera(d).update(fx=-1), "above 0"),
    "pixel centre": (lambda d: _camera(d).update(pixel_centre=1), "pixel_centre"),
    "distortion": (lambda d: _camera(d).update(distortion={"k9": 1}), "k9"),
    "scale": (lambda d: d.update(depth_scale=0), "depth_scale"),
    "scale of words": (lambda d: d.update(depth_scale="mm"), "depth_scale"),
    "up": (lambda d: d.update(up=[0, 0, 0]), "direction"),
    "up of two": (lambda d: d.update(up=[0, 1]), "three numbers"),
    "sensor": (lambda d: d.update(sensor="lidar"), "lidar"),
    "no frames": (lambda d: d.update(frames=[]), "at least one frame"),
    "no cameras": (lambda d: d.update(cameras={}), "at least one camera"),
    "time": (lambda d: _first(d).update(time_s="now"), "time_s"),
    "a list": (lambda d: d.update(cameras=[1]), "cameras"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest_is_strict(case, tmp_path):
    edit, words = MANIFESTS[case]
    folder = change_json(write_cameras(tmp_path / "in", known_frames()) / "capture.json", edit)
    message = refusal(folder)
    assert words in message
    assert "capture.json" in message or case == "missing file"


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = write_cameras(tmp_path / "in", known_frames())
    file = depth_files(folder)[0]
    shutil.move(file, tmp_path / "secret.png")
    file.symlink_to(tmp_path / "secret.png")
    assert "outside" in refusal(folder)


@pytest.mark.parametrize("text", ["{", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 100000, ""])
def test_json_that_is_none_is_refused(text):
    with pytest.raises(InputError, match=r"capture\.json"):
        parse_json(text, "capture.json")


def test_numbers_and_poses_that_are_none_are_refused():
    with pytest.raises(InputError, match="only numbers"):
        parse_numbers("1 2 x", "here")
    with pytest.raises(InputError, match="must hold 2 numbers"):
        parse_numbers("1 2 3", "here", 2)
    mirrored = np.diag([1.0, 1.0, -1.0, 1.0])
    for matrix in (mirrored, 2 * np.eye(4), np.full((4, 4), np.nan), np.eye(3)):
        with pytest.raises(InputError, match="here"):
            rigid_pose(matrix, "here")
    with pytest.raises(InputError, match="length"):
        quaternion_pose([0, 0, 0, 0.5], [0, 0, 0], "here")
    with pytest.raises(InputError, match="here"):
        quaternion_pose([0, 0, 0, 1], [np.nan, 0, 0], "here")


def test_a_rounded_pose_is_made_rigid():
    pose = known_frame(1).world_from_camera.round(3)
    exact = rigid_pose(pose, "here")
    np.testing.assert_allclose(exact[:3, :3] @ exact[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(exact, pose, atol=2e-3)
