"""The texture's layout: islands apart from each other, eyes large enough."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bodyscan.body.asset import AGES, load_body_model
from bodyscan.body.uv_layout import enlarge_small_islands, uv_islands
from bodyscan.texture.texels import body_texels

SIZE = 1024
MARGIN_TEXELS = 4


@pytest.mark.parametrize("age", AGES)
def test_small_islands_lie_four_texels_from_all_others_at_1024(age: str) -> None:
    model = load_body_model(age)
    texels = body_texels(model, SIZE)
    island = uv_islands(model.split_faces, len(model.split_uvs))[model.split_faces[:, 0]]
    image = texels.image(island[texels.triangle], -1)
    small = model.region("left_eye", "right_eye", "teeth", "tongue")[model.faces[:, 0]]
    for number in np.unique(island[small]):
        away = ndimage.distance_transform_edt(image != number)
        others = (image >= 0) & (image != number)
        assert away[others].min() > MARGIN_TEXELS


def test_no_two_triangles_share_a_texel_centre() -> None:
    model = load_body_model("adult")
    corners = model.split_uvs[model.split_faces].astype(np.float64)
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2
    covered = len(body_texels(model, SIZE)) / SIZE**2
    # The rasteriser grows the outlines by half a texel: a little more than the sum of the areas, never less.
    assert area <= covered < area + 0.012


def test_an_iris_is_sixty_texels_across_at_2048() -> None:
    model = load_body_model("adult")
    texels = body_texels(model, 2048)
    points = texels.points(model.template)
    for name in ("left_eye", "right_eye"):
        ball = model.template[model.region(name)].astype(np.float64)
        centre, radius = (ball.max(axis=0) + ball.min(axis=0)) / 2, np.ptp(ball[:, 0]) / 2
        mine = model.region(name)[model.faces[texels.triangle, 0]]
        off_axis = np.linalg.norm(points[:, :2] - centre[:2], axis=1) / radius
        iris = mine & (points[:, 2] > centre[2]) & (off_axis < 0.46)
        assert np.ptp(texels.columns[iris]) >= 60
        assert np.ptp(texels.rows[iris]) >= 60


def test_the_skin_stays_where_it_was_and_islands_keep_their_proportions() -> None:
    model = load_body_model("adult")
    again = enlarge_small_islands(
        model.split_uvs, model.split_faces, model.split_source, model.template, model.region_ids,
        model.region_names,
    )  # fmt: skip
    np.testing.assert_allclose(again, model.split_uvs, atol=1e-6)  # already in place: moving is idempotent
    unmoved = enlarge_small_islands(
        model.split_uvs * 0.5, model.split_faces, model.split_source, model.template, model.region_ids, ("a",)
    )
    np.testing.assert_array_equal(unmoved, model.split_uvs * np.float32(0.5))
