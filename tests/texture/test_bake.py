"""Scan to texture and back: colours, holes, seams, refusals."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.geometry.surface_color import image_light
from bodyscan.texture import TexelColors, TextureOptions, bake_textures, body_texels, prepare_texels
from bodyscan.texture.dilate import nearest_texels
from bodyscan.texture.mirror import mirrored_texels
from bodyscan.types import Mesh, SkinTextures, Texture
from texture.scans import MODEL, SURFACE, scan_of

SMALL = TextureOptions(size=1024)
TEXELS = body_texels(MODEL, SMALL.size)
HIDDEN = MODEL.inner | MODEL.region("left_eye", "right_eye", "teeth", "tongue")
SKIN = ~HIDDEN[MODEL.faces].any(axis=1)[TEXELS.triangle]
LIDS = np.linalg.norm(MODEL.template - MODEL.template[MODEL.region("left_eye")].mean(axis=0), axis=1) < 0.03
LIDS |= np.linalg.norm(MODEL.template - MODEL.template[MODEL.region("right_eye")].mean(axis=0), axis=1) < 0.03


def _stripes() -> np.ndarray:
    """(V, 3) skin that grows redder upwards, smoothly."""
    share = (SURFACE[:, 1] - SURFACE[:, 1].min()) / np.ptp(SURFACE[:, 1])
    return np.stack([80 + 150 * share, np.full(len(share), 120), 200 - 120 * share], axis=1).astype(np.uint8)


@lru_cache(maxsize=1)
def _baked() -> SkinTextures:
    return bake_textures(MODEL, SURFACE, scan_of(Mesh(SURFACE, MODEL.faces, colors=_stripes())), SMALL)


def _texel_colors(textures: SkinTextures) -> np.ndarray:
    return textures.albedo.reshape(-1, 3)[TEXELS.index].astype(int)


def _wanted() -> np.ndarray:
    return TEXELS.interpolate(_stripes().astype(np.float32))


def test_a_coloured_mesh_gives_its_own_colours_back() -> None:
    difference = np.abs(_texel_colors(_baked()) - _wanted()).max(axis=1)[SKIN]
    assert difference.mean() < 1  # steps of sRGB
    assert np.percentile(difference, 99) < 5
    assert _baked().seen_share > 0.95


def test_a_texture_and_a_cloud_do_too() -> None:
    height = (SURFACE[:, 1] - SURFACE[:, 1].min()) / np.ptp(SURFACE[:, 1])
    uvs = np.stack([np.full(len(height), 0.5), height], axis=1).astype(np.float32)
    ramp = np.linspace(0, 1, 256)
    row = np.stack([80 + 150 * ramp, np.full(256, 120), 200 - 120 * ramp], axis=1)
    texture = Texture(np.repeat(row[:, None], 4, axis=1).astype(np.uint8))
    baked = bake_textures(MODEL, SURFACE, scan_of(Mesh(SURFACE, MODEL.faces, uvs=uvs), texture), SMALL)
    assert np.abs(_texel_colors(baked) - _wanted())[SKIN].mean() < 2
    points = np.concatenate([SURFACE, SURFACE[MODEL.faces].mean(axis=1)])
    colors = np.concatenate([_stripes(), _stripes()[MODEL.faces].mean(axis=1).astype(np.uint8)])
    outside = np.concatenate([~HIDDEN, ~HIDDEN[MODEL.faces].any(axis=1)])
    normals = vertex_normals(SURFACE, MODEL.faces)
    mixed = normals[MODEL.faces].mean(axis=1)
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    cloud = Mesh(
        points[outside], np.zeros((0, 3), np.int32), colors=colors[outside],
        normals=np.concatenate([normals, mixed])[outside].astype(np.float32),
    )  # fmt: skip
    clouded = bake_textures(MODEL, SURFACE, scan_of(cloud), SMALL)
    assert np.abs(_texel_colors(clouded) - _wanted())[SKIN].mean() < 2
    assert clouded.normal is None


def test_holes_are_filled_like_the_skin_around_and_show_no_outline() -> None:
    centre = SURFACE[MODEL.region("torso")].mean(axis=0)
    hole = (np.linalg.norm(SURFACE - centre, axis=1) < 0.2) | (SURFACE[:, 1] < SURFACE[:, 1].min() + 0.02)
    faces = MODEL.faces[~hole[MODEL.faces].any(axis=1)]
    baked = bake_textures(MODEL, SURFACE, scan_of(Mesh(SURFACE, faces, colors=_stripes())), SMALL)
    inside = SKIN & hole[MODEL.faces].all(axis=1)[TEXELS.triangle]
    difference = np.abs(_texel_colors(baked) - _wanted()).max(axis=1)
    assert difference[inside].mean() < 12
    assert _texel_colors(baked)[SKIN].min() > 50
    steps = np.abs(np.diff(baked.albedo.astype(int), axis=1)).max(axis=2)
    both = TEXELS.image(SKIN, False)
    assert steps[both[:, 1:] & both[:, :-1] & LIDLESS[:, 1:]].max() < 12  # no edge that the skin has not


LIDLESS = ~TEXELS.image(LIDS[MODEL.faces].any(axis=1)[TEXELS.triangle], True)


def test_one_sided_marks_are_taken_from_the_other_side() -> None:
    """A dark forearm is missing on the left: the right one's colour step at the elbow comes with it."""
    arm = MODEL.region("left_lower_arm", "left_hand")
    other = MODEL.region("right_lower_arm", "right_hand")
    colors = np.full((len(SURFACE), 3), (200, 160, 140), np.uint8)
    colors[other] = (180, 140, 120)
    faces = MODEL.faces[~arm[MODEL.faces].any(axis=1)]
    baked = bake_textures(MODEL, SURFACE, scan_of(Mesh(SURFACE, faces, colors=colors)), SMALL)
    inside = SKIN & MODEL.region("left_hand")[MODEL.faces].all(axis=1)[TEXELS.triangle]
    np.testing.assert_allclose(_texel_colors(baked)[inside].mean(axis=0), (180, 140, 120), atol=6)


def test_cloth_does_not_bleed_onto_unseen_skin() -> None:
    legs = MODEL.region("left_lower_leg", "right_lower_leg", "left_upper_leg", "right_upper_leg")
    feet = MODEL.region("left_foot", "right_foot")
    colors = np.full((len(SURFACE), 3), (200, 160, 140), np.uint8)
    colors[legs] = (20, 30, 120)
    soles = feet & (SURFACE[:, 1] < SURFACE[:, 1].min() + 0.06)
    faces = MODEL.faces[~soles[MODEL.faces].any(axis=1)]
    scan = scan_of(Mesh(SURFACE, faces, colors=colors))
    cover = legs.astype(np.float32)
    baked = bake_textures(MODEL, SURFACE, scan, SMALL, clothing=cover)
    inside = SKIN & soles[MODEL.faces].all(axis=1)[TEXELS.triangle]
    assert np.abs(_texel_colors(baked)[inside] - [200, 160, 140]).mean() < 12


def test_both_sides_of_every_seam_agree() -> None:
    """Along the outlines of islands bilinear look-ups from either side give one colour."""
    edges = np.sort(MODEL.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    split = MODEL.split_faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    turned = MODEL.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    split = np.where((turned[:, 0] > turned[:, 1])[:, None], split[:, ::-1], split)
    order = np.lexsort(edges.T)
    same = (edges[order][1:] == edges[order][:-1]).all(axis=1)
    one, two = split[order][:-1][same], split[order][1:][same]
    seam = (one != two).any(axis=1) & ~HIDDEN[MODEL.split_source[one]].any(axis=1)
    assert seam.sum() > 200
    difference = []
    for share in (0.1, 0.37, 0.5, 0.81):
        starts, ends = ([MODEL.split_uvs[e[seam, k]] for e in (one, two)] for k in (0, 1))
        looks = [
            image_light(_baked().albedo, (1 - share) * start + share * end)
            for start, end in zip(starts, ends, strict=True)
        ]
        difference.append(np.abs(looks[0] - looks[1]).max(axis=1))
    assert np.mean(difference) < 0.004  # linear light: a step of sRGB
    assert np.percentile(difference, 99) < 0.02


def test_islands_are_widened_and_nothing_is_black() -> None:
    covered = TEXELS.image(np.ones(len(TEXELS), bool), False)
    assert _baked().albedo[~covered].max(axis=1).min() > 8


def test_eyes_teeth_and_tongue_are_painted() -> None:
    albedo, points = _texel_colors(_baked()), TEXELS.points(MODEL.template)
    eye = MODEL.region("left_eye")
    ball = MODEL.template[eye].astype(float)
    centre, radius = (ball.max(axis=0) + ball.min(axis=0)) / 2, np.ptp(ball[:, 0]) / 2
    mine = eye[MODEL.faces[TEXELS.triangle, 0]] & (points[:, 2] > centre[2])
    off = np.linalg.norm(points[:, :2] - centre[:2], axis=1) / radius
    assert albedo[mine & (off < 0.1)].max() < 30  # pupil
    assert albedo[mine & (off > 0.2) & (off < 0.34)].mean() < 130
    assert albedo[mine & (off > 0.45) & (off < 0.6)].mean() > 180
    assert albedo[MODEL.region("tongue")[MODEL.faces[TEXELS.triangle, 0]]].mean(axis=0).argmax() == 0
    rough = _baked().roughness
    assert rough is not None
    assert rough.reshape(-1)[TEXELS.index][mine].max() < 40


def test_colours_from_photos_go_before_the_scans_own() -> None:
    count = len(TEXELS)
    red = np.tile(linear_from_srgb(np.array([[200, 60, 60]], np.uint8)), (count, 1))
    weight = (TEXELS.points(SURFACE)[:, 1] > np.median(SURFACE[:, 1])).astype(np.float32)
    scan = scan_of(Mesh(SURFACE, MODEL.faces, colors=_stripes()))
    baked = bake_textures(MODEL, SURFACE, scan, SMALL, seen_elsewhere=TexelColors(red, weight))
    above = SKIN & (TEXELS.points(SURFACE)[:, 1] > np.median(SURFACE[:, 1]) + 0.05)
    below = SKIN & (TEXELS.points(SURFACE)[:, 1] < np.median(SURFACE[:, 1]) - 0.05)
    assert np.abs(_texel_colors(baked)[above] - [200, 60, 60]).mean() < 2
    assert np.abs(_texel_colors(baked) - _wanted())[below].mean() < 2


def test_refusals_say_what_to_do() -> None:
    plain = scan_of(Mesh(SURFACE, MODEL.faces))
    with pytest.raises(InputError, match="neither vertex colours nor a texture"):
        bake_textures(MODEL, SURFACE, plain, SMALL)
    far = scan_of(Mesh(SURFACE + 5.0, MODEL.faces, colors=_stripes()))
    with pytest.raises(InputError, match="No coloured part of the scan lies within 25 mm"):
        bake_textures(MODEL, SURFACE, far, SMALL)
    with pytest.raises(InputError, match=r"shape \(3, 3\); the body model needs"):
        bake_textures(MODEL, SURFACE[:3], plain, SMALL)
    with pytest.raises(InputError, match="clothing has the shape"):
        bake_textures(MODEL, SURFACE, plain, SMALL, clothing=np.zeros(3, np.float32))
    other = TexelColors(np.zeros((4, 3), np.float32), np.zeros(4, np.float32))
    with pytest.raises(InputError, match="are of 4 texels"):
        bake_textures(MODEL, SURFACE, plain, SMALL, seen_elsewhere=other)
    with pytest.raises(InputError, match="size is 1000; possible: 1024, 2048, 4096"):
        TextureOptions(size=1000)
    with pytest.raises(InputError, match="reach_mm is 0; possible: 2 to 100"):
        TextureOptions(reach_mm=0)


def test_what_was_prepared_is_not_worked_out_again() -> None:
    caches = (body_texels, nearest_texels, mirrored_texels)
    for cache in caches:
        cache.cache_clear()
    prepare_texels(MODEL, SMALL.size)
    before = [cache.cache_info().misses for cache in caches]
    bake_textures(MODEL, SURFACE, scan_of(Mesh(SURFACE, MODEL.faces, colors=_stripes())), SMALL)
    assert [cache.cache_info().misses for cache in caches] == before
    assert all(cache.cache_info().hits for cache in caches)
