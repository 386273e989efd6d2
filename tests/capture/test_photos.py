"""Photos with cameras: every format tells the same, and each thing that is wrong is said in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bodyscan.capture.photos import read_photos
from bodyscan.errors import InputError

from .photo_folders import (
    FOCAL,
    HEIGHT,
    WIDTH,
    K,
    change,
    picture,
    rig,
    write_colmap_binary,
    write_colmap_text,
    write_metashape,
    write_transforms,
)

FORMATS = (write_transforms, write_colmap_text, write_colmap_binary, write_metashape)


@pytest.mark.parametrize("write", FORMATS)
def test_every_format_tells_the_same_cameras(write, tmp_path):
    photos = read_photos(write(tmp_path))
    assert [photo.name for photo in photos] == ["p0.png", "p1.png", "p2.png"]
    for k, (photo, pose) in enumerate(zip(photos, rig(), strict=True)):
        np.testing.assert_allclose(photo.camera_from_world, pose, atol=1e-9)
        np.testing.assert_allclose(photo.K, K, atol=1e-9)
        np.testing.assert_array_equal(photo.image, picture(k))
        assert photo.mask is None
        assert photo.image.dtype == np.uint8


def test_a_file_of_cameras_can_be_named_itself(tmp_path):
    write_transforms(tmp_path)
    assert len(read_photos(tmp_path / "transforms.json")) == 3


def test_a_colmap_model_can_be_named_itself(tmp_path):
    write_colmap_text(tmp_path)
    assert len(read_photos(tmp_path / "sparse" / "0")) == 3


def test_a_frame_may_have_a_lens_of_its_own(tmp_path):
    write_transforms(tmp_path)
    change(tmp_path, lambda d: d["frames"][1].update(fl_x=100.0, fl_y=110.0))
    photos = read_photos(tmp_path)
    assert (photos[1].K[0, 0], photos[1].K[1, 1]) == (100.0, 110.0)
    assert photos[0].K[0, 0] == FOCAL


def test_an_angle_stands_for_the_focal_length(tmp_path):
    write_transforms(tmp_path)

    def edit(d):
        for name in ("fl_x", "fl_y", "cx", "cy"):
            del d[name]
        d["camera_angle_x"] = 2 * np.arctan(WIDTH / 2 / 70.0)

    photo = read_photos(change(tmp_path, edit))[0]
    np.testing.assert_allclose(photo.K, [[70, 0, WIDTH / 2], [0, 70, HEIGHT / 2], [0, 0, 1]], atol=1e-9)


def test_masks_come_from_alpha_from_the_folder_and_from_the_file(tmp_path):
    write_transforms(tmp_path)
    half = np.zeros((HEIGHT, WIDTH), np.uint8)
    half[:, : WIDTH // 2] = 255
    rgba = np.dstack([picture(0), half])
    Image.fromarray(rgba).save(tmp_path / "images" / "p0.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(half).save(tmp_path / "masks" / "p1.png")
    Image.fromarray(half).save(tmp_path / "third.png")
    change(tmp_path, lambda d: d["frames"][2].update(mask_path="third.png"))
    for photo in read_photos(tmp_path):
        np.testing.assert_array_equal(photo.mask, half > 0)


@pytest.mark.parametrize(("orientation", "turns"), [(6, 1), (8, 3)])
def test_a_turned_photo_is_shown_as_its_camera_was_solved(orientation, turns, tmp_path):
    write_transforms(tmp_path)
    upright = picture(4)
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(np.rot90(upright, turns)).save(tmp_path / "images" / "p0.png", exif=exif)
    np.testing.assert_array_equal(read_photos(tmp_path)[0].image, upright)


def test_a_turned_photo_stays_as_stored_where_its_camera_was_solved_so(tmp_path):
    write_transforms(tmp_path)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(picture(4)).save(tmp_path / "images" / "p0.png", exif=exif)
    np.testing.assert_array_equal(read_photos(tmp_path)[0].image, picture(4))


def test_grey_photos_and_other_formats_are_read(tmp_path):
    write_transforms(tmp_path)
    Image.fromarray(picture(0)[..., 0]).save(tmp_path / "images" / "p0.tif")
    Image.fromarray(picture(1)).save(tmp_path / "images" / "p1.jpg", quality=95)

    def edit(d):
        d["frames"][0]["file_path"] = "images/p0.tif"
        d["frames"][1]["file_path"] = "images/p1.jpg"

    photos = read_photos(change(tmp_path, edit))
    np.testing.assert_array_equal(photos[0].image[..., 2], picture(0)[..., 0])
    assert np.abs(photos[1].image.astype(int) - picture(1)).mean() < 3


def test_a_lens_is_straightened_and_its_corners_are_masked(tmp_path):
    write_colmap_text(tmp_path, f"SIMPLE_RADIAL {WIDTH} {HEIGHT} {FOCAL} {K[0, 2]} {K[1, 2]} 0.2")
    photo = read_photos(tmp_path)[0]
    assert photo.mask is not None
    assert photo.mask[HEIGHT // 2, WIDTH // 2]
    assert not photo.mask[0, 0]


def _refusal(folder) -> str:
    with pytest.raises(InputError) as caught:
        read_photos(folder)
    return str(caught.value)


def test_an_empty_folder_is_refused(tmp_path):
    assert "holds no cameras" in _refusal(tmp_path)
    assert "no folder" in _refusal(tmp_path / "missing")


def test_a_file_without_photos_is_refused(tmp_path):
    write_transforms(tmp_path)
    assert "names no photo" in _refusal(change(tmp_path, lambda d: d.update(frames=[])))


def test_a_missing_photo_is_named(tmp_path):
    write_transforms(tmp_path)
    (tmp_path / "images" / "p1.png").unlink()
    assert "p1.png" in _refusal(tmp_path)


def test_a_photo_of_another_size_than_its_camera_is_refused(tmp_path):
    write_transforms(tmp_path)
    message = _refusal(change(tmp_path, lambda d: d.update(w=2 * WIDTH, h=2 * HEIGHT)))
    assert "p0.png is 60 by 90 pixels and its camera 120 by 180" in message


def test_a_pose_with_nan_is_refused(tmp_path):
    write_transforms(tmp_path)

    def edit(d):
        d["frames"][2]["transform_matrix"][0][3] = float("nan")

    message = _refusal(change(tmp_path, edit))
    assert "NaN" in message
    assert "p2.png" in message


def test_a_mirrored_pose_is_refused(tmp_path):
    write_transforms(tmp_path)

    def edit(d):
        for row in d["frames"][0]["transform_matrix"]:
            row[0] = -row[0]

    assert "mirrors the world" in _refusal(change(tmp_path, edit))


def test_a_scaled_pose_is_refused(tmp_path):
    write_transforms(tmp_path)

    def edit(d):
        for row in d["frames"][0]["transform_matrix"]:
            row[0] = 2 * row[0]

    assert "no rotation" in _refusal(change(tmp_path, edit))


def test_an_unknown_camera_model_is_refused_and_the_known_ones_are_named(tmp_path):
    write_colmap_text(tmp_path / "a", f"FOV {WIDTH} {HEIGHT} 80 80 30 45 0.1")
    message = _refusal(tmp_path / "a")
    assert "FOV" in message
    assert "FULL_OPENCV" in message
    write_transforms(tmp_path / "b", camera_model="OPENCV_FISHEYE")
    assert "OPENCV_FISHEYE" in _refusal(tmp_path / "b")


def test_a_coefficient_that_means_two_things_is_refused(tmp_path):
    assert "k4" in _refusal(write_transforms(tmp_path, k4=0.01))


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_binary_is_refused(name, share, tmp_path):
    path = write_colmap_binary(tmp_path) / "sparse" / "0" / name
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert f"{name} is truncated" in _refusal(tmp_path)


def test_half_of_a_model_is_refused(tmp_path):
    (write_colmap_text(tmp_path) / "sparse" / "0" / "cameras.txt").unlink()
    assert "cameras.txt is not" in _refusal(tmp_path)


def test_a_photo_outside_of_the_folder_is_not_read(tmp_path):
    Image.fromarray(picture(0)).save(tmp_path / "secret.png")
    write_transforms(tmp_path / "in")
    message = _refusal(change(tmp_path / "in", lambda d: d["frames"][0].update(file_path="../secret.png")))
    assert "outside" in message


def test_a_half_turn_that_nothing_decides_is_refused(tmp_path):
    write_transforms(tmp_path)
    exif = Image.Exif()
    exif[274] = 3
    Image.fromarray(picture(0)).save(tmp_path / "images" / "p0.png", exif=exif)
    assert "EXIF orientation 3" in _refusal(tmp_path)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    write_transforms(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "million pixels" in _refusal(tmp_path)


def test_a_file_that_is_no_photo_is_refused(tmp_path):
    write_transforms(tmp_path)
    (tmp_path / "images" / "p0.png").write_bytes(b"not a picture")
    assert "p0.png could not be read" in _refusal(tmp_path)


def test_a_mask_of_another_size_is_refused(tmp_path):
    write_transforms(tmp_path)
    (tmp_path / "masks").mkdir()
    Image.new("L", (5, 5)).save(tmp_path / "masks" / "p0.png")
    assert "5 by 5" in _refusal(tmp_path)


def test_an_xml_that_could_grow_is_refused(tmp_path):
    path = write_metashape(tmp_path) / "cameras.xml"
    path.write_text('<!DOCTYPE d [<!ENTITY a "b">]>' + path.read_text().split("?>", 1)[1])
    assert "document type" in _refusal(tmp_path)


def test_damaged_json_is_refused(tmp_path):
    (tmp_path / "transforms.json").write_text("{")
    assert "no JSON" in _refusal(tmp_path)
