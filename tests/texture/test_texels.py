"""Texels know where on the body they lie."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bodyscan.errors import InputError
from bodyscan.texture.texels import body_texels, rasterize
from texture.scans import MODEL

SIZE = 512
TEXELS = body_texels(MODEL, SIZE)


def test_the_uv_of_a_texel_is_its_centre() -> None:
    uv = TEXELS.interpolate(MODEL.split_uvs) * SIZE
    away = np.abs(uv - np.stack([TEXELS.columns, TEXELS.rows], axis=1) - 0.5).max(axis=1)
    assert np.percentile(away, 99) < 0.51  # texels; inside of triangles it is 0, on outlines half a texel
    assert (away < 1e-3).mean() > 0.93


def test_shares_are_weights() -> None:
    assert TEXELS.barycentric.min() >= 0
    np.testing.assert_allclose(TEXELS.barycentric.sum(axis=1), 1, atol=1e-5)


def test_every_texel_whose_centre_lies_in_a_triangle_is_covered_by_it() -> None:
    """The plain way, triangle by triangle, for some."""
    owner = TEXELS.image(TEXELS.triangle, -1)
    for number in range(0, len(MODEL.split_faces), 997):
        corners = MODEL.split_uvs[MODEL.split_faces[number]].astype(float) * SIZE
        low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
        for row in range(low[1], high[1]):
            for column in range(low[0], high[0]):
                if _inside(corners, np.array([column + 0.5, row + 0.5])):
                    assert owner[row, column] == number


def _inside(corners: np.ndarray, place: np.ndarray) -> bool:
    sides = []
    for k in range(3):
        along, to = corners[(k + 1) % 3] - corners[k], place - corners[k]
        sides.append(along[0] * to[1] - along[1] * to[0])
    return min(sides) > 1e-3 or max(sides) < -1e-3


def test_a_quad_has_no_gap_along_its_diagonal_and_half_a_texel_around() -> None:
    uvs = np.array([[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]])
    texels = rasterize(uvs, np.array([[0, 1, 2], [0, 2, 3]], np.int32), 100)
    image = texels.image(np.ones(len(texels), bool), False)
    assert ndimage.label(image)[1] == 1
    assert 60 * 60 <= image.sum() <= 62 * 62


def test_fields_are_looked_up_by_body_vertex_and_by_split_vertex_alike() -> None:
    body = TEXELS.interpolate(MODEL.template)
    split = TEXELS.interpolate(MODEL.template[MODEL.split_source])
    np.testing.assert_array_equal(body, split)
    np.testing.assert_array_equal(TEXELS.interpolate(MODEL.template[:, 1]), body[:, 1])
    np.testing.assert_array_equal(TEXELS.interpolate(MODEL.template, [3, 1]), body[[3, 1]])


def test_an_image_holds_values_where_texels_are() -> None:
    image = TEXELS.image(np.arange(len(TEXELS)), -1)
    np.testing.assert_array_equal(image, TEXELS.lookup())
    np.testing.assert_array_equal(image[TEXELS.rows, TEXELS.columns], np.arange(len(TEXELS)))


def test_wrong_counts_and_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="there are 7 values"):
        TEXELS.interpolate(np.zeros((7, 3)))
    with pytest.raises(InputError, match="16 to 8192 texels a side; 8 were"):
        body_texels(MODEL, 8)
