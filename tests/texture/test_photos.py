"""Colour from photos: known colours come back, and what is not the skin's does not get onto it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.texture.photo_options import PhotoBakeOptions
from bodyscan.texture.photos import bake_photos, mixed
from bodyscan.types import Mesh, Photo

from .photo_rig import (
    SIZE_PX,
    ball,
    ball_model,
    ball_texels,
    scan_with,
    shoot,
    true_srgb,
    views,
)

OPTIONS = PhotoBakeOptions(level=False)


def bake(photos, options=OPTIONS, mesh=None):
    return bake_photos(ball_model(), ball_texels(), ball().vertices, scan_with(photos, mesh), options)


def texel_points():
    return ball_texels().points(ball().vertices).astype(np.float64)


def error(colors, where=None):
    """(K,) largest difference of a channel, sRGB values, of the seen texels."""
    chosen = colors.seen if where is None else colors.seen & where
    return np.abs(colors.srgb - true_srgb(texel_points()))[chosen].max(axis=1)


@pytest.fixture(scope="module")
def plain():
    return [shoot(view) for view in views()]


def test_known_colours_come_back(plain):
    colors = bake(plain)
    assert colors.seen.mean() > 0.97
    assert error(colors).mean() < 2.5  # of 255
    assert np.percentile(error(colors), 95) < 9.0


def test_no_background_gets_onto_the_edge(plain):
    colors = bake(plain[:2])  # each sees the ball's edge all around, nobody sees it better
    magenta = colors.srgb[:, [0, 2]].min(axis=1) - colors.srgb[:, 1]
    truth = true_srgb(texel_points())
    assert (magenta - (truth[:, [0, 2]].min(axis=1) - truth[:, 1]))[colors.seen].max() < 25.0  # of 255


def test_what_no_photo_sees_has_no_weight(plain):
    colors = bake(plain[:1])
    eye = views()[0].eye
    away = texel_points() @ eye < 0
    assert not colors.seen[away].any()
    assert (colors.srgb[away] == 0).all()
    assert (colors.weight[away] == 0).all()


def test_what_stands_before_a_texel_hides_it():
    view = views()[0]
    post = Mesh(ball().vertices * 0.2 + 0.6 * view.eye, ball().faces)
    both = Mesh(
        np.concatenate([ball().vertices, post.vertices]),
        np.concatenate([ball().faces, post.faces + len(ball().vertices)]),
    )

    def color(points):
        on_post = np.linalg.norm(points - 0.6 * view.eye, axis=1) < 0.1
        return np.where(on_post[:, None], [10.0, 250.0, 10.0], true_srgb(points))

    colors = bake([shoot(view, both, color)], mesh=both)
    behind = texel_points() @ view.eye / np.linalg.norm(view.eye) > 0.198
    assert not colors.seen[behind].any()
    assert colors.seen.mean() > 0.15
    assert np.percentile(error(colors), 99) < 25.0  # none is the post's green


def test_a_highlight_that_one_photo_shows_is_left_out():
    many = [shoot(view) for view in views(20)]  # a point must be seen by three, or nobody is outvoted
    glossy = many[0].image.copy()
    glossy[60:100, 60:100] = 235
    photos = [replace(many[0], image=glossy), *many[1:]]
    deaf = replace(OPTIONS, disagreement=255.0)
    wrong, wrong_deaf = ((error(bake(photos, each)) > 30).mean() for each in (OPTIONS, deaf))
    assert wrong < 0.002
    assert wrong_deaf > 5 * wrong


def test_a_blown_photo_counts_less(plain):
    blown = shoot(views()[0], gain=(20.0, 20.0, 20.0))
    two = bake([blown, shoot(views(20)[1])])
    both = bake([shoot(views()[0])]).seen & bake([shoot(views(20)[1])]).seen
    assert np.median(error(two, both)) < 15.0  # the mean of both would be 60 off


def test_masked_pixels_are_not_used(plain):
    mask = np.zeros((SIZE_PX, SIZE_PX), bool)
    mask[:, : SIZE_PX // 2] = True
    spoiled = plain[0].image.copy()
    spoiled[:, SIZE_PX // 2 :] = 0
    colors = bake([replace(plain[0], image=spoiled, mask=mask)])
    assert 0.1 < colors.seen.mean() < 0.35
    assert np.percentile(error(colors), 99) < 9.0


def test_the_colours_do_not_depend_on_where_the_person_stands(plain):
    turn, shift = rotvec_to_matrix(np.array([0.3, 1.1, -0.4])), np.array([3.0, -1.0, 2.0])
    moved = []
    for photo in plain:
        pose = np.eye(4)
        pose[:3, :3] = photo.camera_from_world[:3, :3] @ turn.T
        pose[:3, 3] = photo.camera_from_world[:3, 3] - pose[:3, :3] @ shift
        moved.append(replace(photo, camera_from_world=pose))
    vertices = ball().vertices @ turn.T + shift
    scan = scan_with(moved, Mesh(vertices, ball().faces))
    there = bake_photos(ball_model(), ball_texels(), vertices, scan, OPTIONS)
    here = bake(plain)
    both = here.seen & there.seen
    assert both.mean() > 0.95
    assert np.percentile(np.abs(there.srgb - here.srgb)[both], 99) < 1.5  # of 255


def test_exposures_are_found_within_two_percent_and_do_not_show():
    gains = np.exp(np.random.default_rng(3).normal(size=(10, 3)) * 0.25)
    gains /= np.exp(np.log(gains).mean(axis=0))
    alike = bake([shoot(view) for view in views()], PhotoBakeOptions())
    levelled = bake([shoot(v, gain=g) for v, g in zip(views(), gains, strict=True)], PhotoBakeOptions())
    np.testing.assert_allclose(levelled.gains, gains, rtol=0.02)
    np.testing.assert_allclose(alike.gains, 1, rtol=0.02)
    both = alike.seen & levelled.seen
    apart = np.abs(alike.srgb - levelled.srgb)[both]
    assert apart.mean() < 1.0  # of 255
    assert np.percentile(apart, 99) < 5.0
    assert any("darker than the others" in note for note in levelled.notes)
    assert alike.notes == ()


def test_without_levelling_the_exposures_show():
    photos = [shoot(v, gain=(0.6, 0.6, 0.6) if k % 2 else (1.5, 1.5, 1.5)) for k, v in enumerate(views())]
    assert error(bake(photos)).mean() > 3 * error(bake(photos, PhotoBakeOptions())).mean()


def test_a_cloud_is_textured_by_the_fitted_surface(plain):
    points = ball().vertices
    colors = bake(plain, mesh=Mesh(points, np.zeros((0, 3), np.int32)))
    assert error(colors).mean() < 2.5


def test_the_linear_colours_are_the_same_light(plain):
    colors = bake(plain[:2])
    assert colors.colors.light.dtype == np.float32
    np.testing.assert_array_equal(colors.colors.weight, colors.weight)
    assert colors.colors.light.max() <= 1.0


def test_a_photo_that_shows_nothing_is_told(plain):
    away = plain[1].camera_from_world.copy()
    away[0, 3] += 5.0
    colors = bake([plain[0], replace(plain[1], camera_from_world=away, name="far.jpg")])
    assert any("far.jpg" in note for note in colors.notes)


def test_a_photo_finer_than_the_texels_is_not_aliased():
    fine = views()[0]
    K = fine.K * [[6.0], [6.0], [1.0]]
    rng = np.random.default_rng(1)
    noise = np.clip(rng.normal(128, 60, (6 * SIZE_PX, 6 * SIZE_PX, 3)), 0, 255).astype(np.uint8)
    colors = bake([Photo(noise, K, fine.camera_from_world)])
    sure = colors.weight > 0.6
    assert colors.srgb[sure].std() < 30.0  # sharp pixels would have 60


def test_no_photos_and_no_sight_are_refused(plain):
    with pytest.raises(InputError, match="has no photos"):
        bake([])
    behind = plain[0].camera_from_world @ np.diag([1.0, 1, 1, 1])
    behind[2, 3] -= 5.0
    with pytest.raises(InputError, match="not in the scan's frame"):
        bake([replace(plain[0], camera_from_world=behind)])


def test_an_option_out_of_its_range_is_refused():
    with pytest.raises(InputError, match=r"views is 0; possible: 1 to 16"):
        PhotoBakeOptions(views=0)


def test_one_view_is_taken_as_it_is_and_equal_views_are_their_mean():
    base = np.array([[[100.0, 50, 20]], [[110.0, 50, 20]]], np.float16)
    detail = np.array([[[4.0, 0, 0]], [[-4.0, 0, 0]]], np.float16)
    alone = mixed(np.array([[1.0], [0.0]], np.float32), base, detail, OPTIONS)
    np.testing.assert_allclose(alone, [[104, 50, 20]], atol=0.1)
    together = mixed(np.ones((2, 1), np.float32), base, detail, OPTIONS)
    np.testing.assert_allclose(together, [[105, 50, 20]], atol=0.1)
