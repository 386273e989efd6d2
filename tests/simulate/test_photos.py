"""Simulated photos: they show the true colour at the right pixel, and a folder of them reads back."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bodyscan.capture.photos import read_photos
from bodyscan.errors import InputError
from bodyscan.reconstruct.photo_poses import photos_in_world
from bodyscan.simulate.file_frame import draw_world_from_input
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.photo_looks import Looks, srgb_from_linear_float
from bodyscan.simulate.photo_options import PhotoRigOptions
from bodyscan.simulate.photos import PhotoScene, camera_gains, dressed_person, photo_views, take_photos
from bodyscan.simulate.write_photos import write_photos
from bodyscan.types import Mesh

from .scans import CLEAN, clean_scan, sphere

RIG = PhotoRigOptions(num_cameras=5, rings=2, width=60, height=90, noise=0.0, samples=1)


@pytest.fixture(scope="module")
def scene():
    plain = sphere(0.5, 40)
    colors = np.clip(128 + 200 * plain.vertices, 0, 255).astype(np.uint8)
    mesh = Mesh(plain.vertices + np.array([0.0, 1.0, 0.0]), plain.faces, colors=colors)
    return PhotoScene(SimpleNamespace(person=mesh), Looks(mesh, 3, 0.5))


@pytest.fixture(scope="module")
def photos(scene):
    return list(take_photos(scene, RIG))


def test_cameras_stand_around_and_see_the_whole_person(scene):
    found = photo_views(scene.scene.person, PhotoRigOptions(num_cameras=24))
    assert len(found) == 24
    for view in found:
        pixels = view.project(scene.scene.person.vertices)
        assert pixels.min() > 0
        assert (pixels.max(axis=0) < [view.width, view.height]).all()
    assert np.linalg.norm(np.mean([view.eye - [0, 1, 0] for view in found], axis=0) * [1, 0, 1]) < 0.1


def test_a_pixel_shows_the_true_colour_of_its_point(scene, photos):
    photo = photos[0]
    pixels = photo.view.pixel_centres()[photo.mask.reshape(-1)]
    origins, directions = photo.view.rays(pixels)
    points = origins + directions * scene.looks.caster.cast(origins, directions).distance[:, None]
    truth = srgb_from_linear_float(scene.color_at(points))
    shown = photo.image[photo.mask]
    assert len(points) > 500
    assert np.abs(shown - truth).max() < 1.0  # of 255; rounding is 0.5


def test_the_same_options_give_the_same_pictures(scene, photos):
    again = list(take_photos(scene, RIG))
    for one, other in zip(photos, again, strict=True):
        np.testing.assert_array_equal(one.image, other.image)


def test_exposures_differ_and_their_mean_is_one(scene, photos):
    options = replace(RIG, exposure_sd=0.3, tint_sd=0.05)
    gains = camera_gains(options)
    np.testing.assert_allclose(np.log(gains).mean(axis=0), 0, atol=1e-12)
    assert np.log(gains).std() > 0.1
    brighter = next(take_photos(scene, options))
    dark = int(gains[0].mean() < 1)
    difference = brighter.image.astype(int) - photos[0].image
    assert np.sign(difference[photos[0].mask].mean()) == (-1 if dark else 1)


def test_a_highlight_moves_with_the_camera(scene, photos):
    glossy = list(take_photos(scene, replace(RIG, gloss=0.5)))
    added = [one.image.astype(int) - other.image for one, other in zip(glossy, photos, strict=True)]
    assert max(each.max() for each in added) > 30
    assert min(each.min() for each in added) >= 0


def test_a_lens_is_taken_out_by_the_reader(scene, tmp_path):
    pinhole = replace(RIG, num_cameras=1, width=200, height=300)
    bent = replace(pinhole, k1=-0.2)
    straight, curved = next(take_photos(scene, pinhole)), next(take_photos(scene, bent))
    write_photos([curved], tmp_path / "photos", bent)
    (read,) = read_photos(tmp_path / "photos")
    seen = np.ones(straight.mask.shape, bool) if read.mask is None else read.mask
    apart = np.abs(read.image.astype(int) - straight.image)[seen].mean()
    assert apart < 0.6 * np.abs(curved.image.astype(int) - straight.image)[seen].mean()


def test_a_written_folder_reads_back_in_the_scans_own_unit(scene, photos, tmp_path):
    options = RawScanOptions(unit="mm", up="+z", facing="-y", translation_m=2.0)
    world_from_input = draw_world_from_input(np.random.default_rng(1), options)
    write_photos(photos, tmp_path / "photos", RIG, world_from_input, masks=True)
    read = photos_in_world(read_photos(tmp_path / "photos"), world_from_input)
    for photo, truth in zip(read, photos, strict=True):
        np.testing.assert_array_equal(photo.image, truth.image)
        np.testing.assert_array_equal(photo.mask, truth.mask)
        np.testing.assert_allclose(photo.K, truth.view.K, atol=1e-9)
        np.testing.assert_allclose(photo.camera_from_world, truth.view.camera_from_world, atol=1e-9)


def test_a_folder_that_is_not_empty_is_refused(photos, tmp_path):
    (tmp_path / "a").write_text("something")
    with pytest.raises(InputError, match="not empty"):
        write_photos(photos, tmp_path, RIG)


def test_an_option_out_of_its_range_is_refused():
    with pytest.raises(InputError, match="num_cameras is 0; possible: 1 to 400"):
        PhotoRigOptions(num_cameras=0)


@pytest.mark.slow
def test_the_person_before_the_cameras_is_the_one_who_was_scanned():
    np.testing.assert_array_equal(dressed_person(CLEAN).outer, clean_scan().truth.outer)
