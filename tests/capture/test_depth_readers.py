"""Depth captures: every format tells the same frames, and colour lands on the depth that it belongs to."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from bodyscan.capture.depth import is_depth_capture, read_depth
from bodyscan.capture.depth_color import bilinear, color_on_depth, undistorted_depth
from bodyscan.capture.depth_frames import (
    LazyFrames,
    digest_files,
    quaternion_pose,
    read_color,
    read_depth_png,
    scaled_intrinsics,
)
from bodyscan.capture.undistort import Distortion, distorted_points
from bodyscan.geometry.image_lookup import sample_image

from .depth_writers import (
    HEIGHT,
    WIDTH,
    K,
    change_json,
    known_frame,
    known_frames,
    write_cameras,
    write_color,
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
MM = 1e-3


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_tells_the_same_frames(name, tmp_path):
    known = known_frames()
    capture = read_depth(WRITERS[name](tmp_path / "in", known))
    assert capture.file_format == name
    assert capture.source == "in"
    assert len(capture.sha256) == 64
    assert len(capture.frames) == len(known)
    for frame, truth in zip(capture.frames, known, strict=True):
        np.testing.assert_allclose(frame.depth_m, truth.depth_m, rtol=0, atol=1e-6)  # metres; whole mm
        np.testing.assert_array_equal(frame.depth_m == 0, truth.depth_m == 0)
        np.testing.assert_allclose(frame.K, truth.K, rtol=0, atol=1e-6)  # pixels
        np.testing.assert_allclose(frame.world_from_camera, truth.world_from_camera, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(frame.color, truth.color)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_may_be_without_poses_and_colour(name, tmp_path):
    folder = WRITERS[name](tmp_path / "in", known_frames())
    for part in ("color", "rgb"):
        shutil.rmtree(folder / part, ignore_errors=True)
    drop = [*folder.glob("*.pose.txt"), *folder.glob("*.color.png"), folder / "rgb.txt"]
    for file in [*drop, folder / "trajectory.log", folder / "groundtruth.txt"]:
        file.unlink(missing_ok=True)
    if name == "cameras":

        def edit(document):
            for shot in document["frames"]:
                del shot["color"], shot["world_from_camera"]

        change_json(folder / "capture.json", edit)
    capture = read_depth(folder)
    assert [(f.color, f.world_from_camera) for f in capture.frames] == [(None, None)] * 3
    np.testing.assert_allclose(capture.frames[1].depth_m, known_frame(1).depth_m, atol=1e-6)


@pytest.mark.parametrize("name", WRITERS)
def test_reading_twice_gives_the_same_and_changes_nothing(name, tmp_path):
    folder = WRITERS[name](tmp_path / "in", known_frames())
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")}
    first, second = read_depth(folder), read_depth(folder)
    assert first.sha256 == second.sha256
    for a, b in zip(first.frames, second.frames, strict=True):
        np.testing.assert_array_equal(a.depth_m, b.depth_m)
        np.testing.assert_array_equal(a.color, b.color)
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")} == before


@pytest.mark.parametrize("name", WRITERS)
def test_a_changed_pixel_changes_the_digest(name, tmp_path):
    folder = WRITERS[name](tmp_path / "in", known_frames())
    before = read_depth(folder).sha256
    changed = np.array(known_frame(2).depth_m)
    changed[20, 20] += 0.001
    scale = 5000 if name == "tum" else 1000
    files = sorted([*folder.glob("depth/*.png"), *folder.glob("*.depth.png")])
    write_depth(files[-1], changed, scale)
    assert read_depth(folder).sha256 != before


@pytest.mark.parametrize("name", WRITERS)
def test_the_caller_knows_the_sensor_and_the_unit_best(name, tmp_path):
    folder = WRITERS[name](tmp_path / "in", known_frames())
    usual = 5000 if name == "tum" else 1000
    capture = read_depth(folder, sensor="kinect-v2", depth_scale=2 * usual)
    assert capture.sensor == "kinect-v2"
    np.testing.assert_allclose(capture.frames[0].depth_m, known_frame(0).depth_m / 2, atol=1e-6)


def test_several_cameras_keep_their_own_lens_and_name(tmp_path):
    other = np.array([[70.0, 0, 30], [0, 71, 23], [0, 0, 1]])
    known = [known_frame(0, "left"), known_frame(1, "right", other), known_frame(2, "left")]
    capture = read_depth(write_cameras(tmp_path, known))
    assert [frame.camera for frame in capture.frames] == ["left", "right", "left"]
    for frame, truth in zip(capture.frames, known, strict=True):
        np.testing.assert_allclose(frame.K, truth.K, atol=1e-6)
        assert frame.time_s == truth.time_s
    assert capture.sensor == "ideal"
    np.testing.assert_allclose(capture.up, [0, 1, 0])
    assert len(read_depth(tmp_path / "capture.json").frames) == 3


def test_a_fixed_camera_needs_its_pose_once_and_confidence_is_a_share(tmp_path):
    folder = write_cameras(tmp_path, known_frames())
    grey = np.full((HEIGHT, WIDTH), 51, np.uint8)

    def edit(document):
        pose = document["frames"][0]["world_from_camera"]
        document["cameras"]["only"]["world_from_camera"] = pose
        for shot in document["frames"]:
            del shot["world_from_camera"]
        document["frames"][1]["confidence"] = "trust.png"

    Image.fromarray(grey).save(folder / "trust.png")
    frames = read_depth(change_json(folder / "capture.json", edit)).frames
    np.testing.assert_allclose(frames[2].world_from_camera, known_frame(0).world_from_camera, atol=1e-6)
    np.testing.assert_allclose(frames[1].confidence, 0.2, atol=1e-6)
    assert frames[0].confidence is None


def test_a_bent_lens_is_straightened_in_depth_and_colour(tmp_path):
    lens = Distortion(k1=-0.2, k2=0.05, p1=0.002)
    columns, rows = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    # What the bent camera sees of a scene whose depth and colour are functions of the direction.
    plane = np.stack([(columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1]], axis=-1)
    straight = plane.copy()
    for _ in range(50):
        straight += plane - distorted_points(straight, lens)
    depth = (2 + 0.5 * straight[..., 0]).astype(np.float32)
    color = np.stack([128 + 150 * straight[..., 0], 128 + 150 * straight[..., 1], 0 * rows], axis=-1)
    folder = tmp_path / "in"
    write_depth(folder / "d.png", depth)
    write_color(folder / "c.png", color.round().clip(0, 255).astype(np.uint8))
    camera = {"width": WIDTH, "height": HEIGHT, "fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2], "cy": K[1, 2]}
    camera |= {"pixel_centre": 0.5, "distortion": {"k1": lens.k1, "k2": lens.k2, "p1": lens.p1}}
    document = {"format": "bodyscan-depth-capture", "version": 1, "depth_scale": 1000}
    document |= {"cameras": {"a": camera}, "frames": [{"camera": "a", "depth": "d.png", "color": "c.png"}]}
    (folder / "capture.json").write_text(json.dumps(document))
    frame = read_depth(folder).frames[0]
    inner = np.s_[4:-4, 4:-4]
    seen = frame.depth_m[inner] > 0
    assert seen.mean() > 0.95
    expected = 2 + 0.5 * plane[..., 0]
    assert np.abs(frame.depth_m - expected)[inner][seen].max() < 6 * MM  # a pixel is 8 mm of this slope
    assert np.abs(depth - expected)[inner].max() > 9 * MM  # the lens does bend
    assert np.abs(frame.color[..., 0] - (128 + 150 * plane[..., 0]))[inner].max() < 3  # grey values


def test_a_colour_camera_beside_the_depth_camera_is_brought_to_its_pixels(tmp_path):
    depth, color, color_K, color_from_depth, truth = two_cameras()
    found, seen = color_on_depth(depth, K, color, color_K, color_from_depth)
    assert np.abs(found[seen].astype(int) - truth[seen]).mean() < 6  # edges of a pixel
    assert (found[~seen & (depth > 0)] == 0).all()
    wall_red = seen & (depth > 2.5) & (found[..., 0] > 200) & (found[..., 1] < 50)
    assert wall_red.sum() == 0, "the wall behind the box must not take the box's colour"
    assert 0.8 < seen.mean() < 0.99


def two_cameras():
    """A red box before a green wall, and two cameras 8 cm apart: the second does not see all of the wall."""

    def scene(x, y):
        """Depth and colour along (x, y, 1) from a camera at `shift` metres along X."""
        box = (np.abs(x * 1.5 + shift) < 0.25) & (np.abs(y * 1.5) < 0.3)
        depth = np.where(box, 1.5, 3.0)
        green = np.stack([0 * x, 150 + 0 * x, 40 + 30 * (x * 3 + shift)], axis=-1)
        return depth.astype(np.float32), np.where(box[..., None], [230, 10, 10], green).astype(np.uint8)

    color_K = np.array([[150.0, 0, 100], [0, 150, 75], [0, 0, 1]])
    shift = 0.0
    columns, rows = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    depth, truth = scene((columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1])
    shift = 0.08
    columns, rows = np.meshgrid(np.arange(200) + 0.5, np.arange(150) + 0.5)
    _, color = scene((columns - 100) / 150, (rows - 75) / 150)
    color_from_depth = np.eye(4)
    color_from_depth[0, 3] = -shift
    return depth, color, color_K, color_from_depth, truth.astype(int)


def test_pixels_without_depth_take_the_colour_of_their_neighbours_depth_but_are_not_seen():
    depth, color, color_K, color_from_depth, truth = two_cameras()
    holed = depth.copy()
    holed[::5, ::3] = 0
    found, seen = color_on_depth(holed, K, color, color_K, color_from_depth)
    assert not seen[::5, ::3].any()
    assert np.abs(found[::5, 6::3][:, :8].astype(int) - truth[::5, 6::3][:, :8]).mean() < 6


def test_the_quick_lookup_is_the_plain_one():
    dice = np.random.default_rng(3)
    color = dice.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    at = dice.uniform(0, 1, (500, 2))
    quick = bilinear(color, (at[:, 0] * 40).astype(np.float32), (at[:, 1] * 30).astype(np.float32))
    assert np.abs(quick.astype(int) - sample_image(color, at)).max() <= 1


def test_one_camera_at_two_sizes_needs_no_depth():
    columns, rows = np.meshgrid(np.arange(2 * WIDTH) + 0.5, np.arange(2 * HEIGHT) + 0.5)
    large = np.stack([columns, rows, 0 * rows], axis=-1).astype(np.uint8)
    twice = scaled_intrinsics(K, (WIDTH, HEIGHT), (2 * WIDTH, 2 * HEIGHT))
    found, seen = color_on_depth(np.zeros((HEIGHT, WIDTH), np.float32), K, large, twice)
    assert seen.all()
    expected = 2 * (np.arange(WIDTH) + 0.5) - 0.5  # the stored values are cut, not rounded
    assert np.abs(found[5, :, 0] - expected).max() <= 1


def test_intrinsics_keep_their_rays_when_the_picture_is_resized():
    small = scaled_intrinsics(K, (WIDTH, HEIGHT), (32, 12))
    ray = np.linalg.inv(K) @ [WIDTH, HEIGHT, 1]
    np.testing.assert_allclose(small @ ray, [32, 12, 1], atol=1e-12)


def test_depth_beside_the_hole_keeps_its_value_when_a_lens_is_straightened():
    depth = np.where(np.arange(WIDTH) < 30, 1.0, 3.0)[None].repeat(HEIGHT, 0).astype(np.float32)
    straight = undistorted_depth(depth, K, Distortion(k1=0.1))
    assert set(np.unique(straight)) <= {0.0, 1.0, 3.0}, "depths of two surfaces must never be mixed"


def test_frames_are_loaded_each_time_and_slices_load_nothing():
    calls = []

    def load(k):
        calls.append(k)
        return known_frame(k)

    frames = LazyFrames([lambda k=k: load(k) for k in range(5)])
    part = frames[1::2]
    assert (len(part), calls) == (2, [])
    assert part[-1].name == "frame 3"
    assert [frame.name for frame in frames[:2]] == ["frame 0", "frame 1"]
    assert calls == [3, 0, 1]
    with pytest.raises(IndexError):
        frames[5]


def test_a_digest_knows_names_and_places(tmp_path):
    for name, data in (("a/1", b"x"), ("a/2", b"y"), ("b/1", b"x")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    files = [tmp_path / "a/1", tmp_path / "a/2"]
    assert digest_files(files, tmp_path) == digest_files(files[::-1], tmp_path)
    assert digest_files(files[:1], tmp_path) != digest_files([tmp_path / "b/1"], tmp_path)
    assert digest_files(files[:1]) == digest_files([tmp_path / "b/1"])


def test_grey_of_sixteen_bits_and_stored_turns(tmp_path):
    depth = np.array([[0, 1, 65535], [1000, 2500, 65534]], np.uint16)
    Image.fromarray(depth).save(tmp_path / "d.png")
    metres = read_depth_png(tmp_path / "d.png", 1000)
    np.testing.assert_allclose(metres, [[0, 0.001, 0], [1, 2.5, 65.534]], rtol=1e-6)
    assert metres.dtype == np.float32
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(tmp_path / "c.jpg", exif=exif)
    assert read_color(tmp_path / "c.jpg").shape == (4, 6, 3)


def test_a_quaternion_turns_as_scipy_says():
    from scipy.spatial.transform import Rotation

    for xyzw in Rotation.random(5, random_state=1).as_quat():
        pose = quaternion_pose(xyzw, [1, 2, 3], "here")
        np.testing.assert_allclose(pose[:3, :3], Rotation.from_quat(xyzw).as_matrix(), atol=1e-12)
        np.testing.assert_array_equal(pose[:3, 3], [1, 2, 3])


def test_open3d_takes_the_unit_and_the_device_from_its_recorder(tmp_path):
    folder = write_open3d(tmp_path, known_frames())
    assert any("millimetres were assumed" in note for note in read_depth(folder).notes)
    for file in (folder / "depth").iterdir():
        write_depth(file, known_frame(int(file.stem)).depth_m, 4000)
    change_json(
        folder / "camera_intrinsic.json", lambda d: d.update(depth_scale=4000, device_name="Intel D435I")
    )
    capture = read_depth(folder)
    assert (capture.sensor, capture.notes) == ("realsense-d435", ())
    np.testing.assert_allclose(capture.frames[2].depth_m, known_frame(2).depth_m, atol=1e-6)


def test_open3d_takes_fewer_poses_by_their_numbers(tmp_path):
    folder = write_open3d(tmp_path, known_frames())
    lines = (folder / "trajectory.log").read_text().splitlines()
    (folder / "trajectory.log").write_text("\n".join(lines[:5] + lines[10:]) + "\n")
    capture = read_depth(folder)
    assert [frame.name for frame in capture.frames] == ["000000.png", "000002.png"]
    np.testing.assert_allclose(
        capture.frames[1].world_from_camera, known_frame(2).world_from_camera, atol=1e-6
    )
    assert "000001.png" in capture.notes[-1]


def test_open3d_pairs_names_that_only_their_order_joins(tmp_path):
    folder = write_open3d(tmp_path, known_frames(3))
    for k, file in enumerate(sorted((folder / "color").iterdir())):
        file.rename(folder / "color" / f"{k + 8}-stamp.png")  # 10 comes after 9
    np.testing.assert_array_equal(read_depth(folder).frames[2].color, known_frame(2).color)


def test_tum_takes_associations_in_either_order(tmp_path):
    folder = write_tum(tmp_path, known_frames())
    rows = []
    for k, (depth, color) in enumerate(
        zip(
            (folder / "depth.txt").read_text().splitlines()[1:],
            (folder / "rgb.txt").read_text().splitlines()[2:],
            strict=True,
        )
    ):
        rows.append(f"{depth} {color}" if k % 2 else f"{color} {depth}")
    (folder / "associations.txt").write_text("\n".join(rows))
    (folder / "depth.txt").unlink()
    frames = read_depth(folder).frames
    np.testing.assert_array_equal(frames[1].color, known_frame(1).color)
    np.testing.assert_allclose([f.time_s for f in frames], [0, 1 / 30, 2 / 30], atol=2e-6)


def test_tum_leaves_out_what_has_no_partner_in_time(tmp_path):
    folder = write_tum(tmp_path, known_frames())
    lines = (folder / "groundtruth.txt").read_text().splitlines()
    (folder / "groundtruth.txt").write_text("\n".join(lines[:2]))
    capture = read_depth(folder)
    assert len(capture.frames) == 1
    assert "2 of 3 frames have no pose" in capture.notes[-1]


@pytest.mark.parametrize(
    ("name", "expected", "word"),
    [
        ("rgbd_freiburg3_person", (53.54, 53.92, 32.06, 24.81), "freiburg3"),
        ("mine", (52.5, 52.5, 32.0, 24.0), "default"),
    ],
)
def test_tum_without_intrinsics_says_which_it_took(name, expected, word, tmp_path):
    folder = write_tum(tmp_path / name, known_frames())
    (folder / "camera.txt").unlink()
    capture = read_depth(folder)
    found = capture.frames[0].K
    np.testing.assert_allclose([found[0, 0], found[1, 1], found[0, 2], found[1, 2]], expected, atol=1e-9)
    assert word in capture.notes[-1]


def test_seven_scenes_leaves_out_frames_whose_tracker_was_lost(tmp_path):
    folder = write_seven_scenes(tmp_path, known_frames())
    (folder / "frame-000001.pose.txt").write_text("-inf -inf -inf -inf\n" * 4)
    capture = read_depth(folder)
    assert [frame.name for frame in capture.frames] == ["frame-000000.depth.png", "frame-000002.depth.png"]
    assert "frame-000001" in capture.notes[-1]
    for k in (0, 2):
        (folder / f"frame-{k:06d}.pose.txt").write_text("nan nan nan nan\n" * 4)
    capture = read_depth(folder)
    assert [frame.world_from_camera for frame in capture.frames] == [None] * 3
    assert "lost its place in every frame" in capture.notes[-1]


def test_seven_scenes_without_a_calibration_takes_a_kinects(tmp_path):
    folder = write_seven_scenes(tmp_path, known_frames())
    (folder / "info.txt").unlink()
    capture = read_depth(folder)
    assert capture.sensor == "kinect-v1"
    np.testing.assert_allclose(capture.frames[0].K, [[58.5, 0, 32.05], [0, 58.5, 24.05], [0, 0, 1]])
    assert "nominal" in capture.notes[-1]


def test_a_folder_of_something_else_is_no_capture(tmp_path):
    assert not is_depth_capture(tmp_path)
    assert not is_depth_capture(tmp_path / "missing")
    (tmp_path / "scan.obj").write_text("v 0 0 0\n")
    assert not is_depth_capture(tmp_path)
    assert is_depth_capture(write_tum(tmp_path / "in", known_frames(1)))
