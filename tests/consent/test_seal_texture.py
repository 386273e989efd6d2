from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.consent.content import BodyContent
from bodyscan.consent.seal import PartVerdict, compare_seal, seal
from bodyscan.consent.seal.image import area_mean
from consent.bodies import FACE, body, report, skin, stored


def edited(change) -> np.ndarray:
    image = np.array(body().albedo).astype(np.float64)
    change(image)
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(("size", "quality"), [(512, 50), (256, 75), (1024, 80)])
def test_a_skin_stored_smaller_and_lossily_is_kept(kind, size, quality):
    found = report(albedo=stored(body().albedo, kind, size, quality)).texture
    assert found.verdict is PartVerdict.KEPT
    assert found.unit == "levels"
    assert 0 < found.moved < 30


def test_the_same_pixels_are_exact():
    assert report(albedo=np.array(body().albedo)).texture.verdict is PartVerdict.EXACT


def test_the_skin_of_somebody_else_is_altered():
    found = report(albedo=skin(1))
    assert found.texture.verdict is PartVerdict.ALTERED
    assert found.geometry == "exact"
    assert not found.is_same


def test_the_face_of_somebody_else_in_the_same_skin_tone_is_altered():
    def swap(image):
        image[FACE] = skin(2)[FACE] - skin(2)[FACE].mean((0, 1)) + image[FACE].mean((0, 1))

    found = report(albedo=edited(swap)).texture
    assert found.verdict is PartVerdict.ALTERED
    assert "the lightness of the face differs by up to" in found.reason


@pytest.mark.parametrize("factor", [0.95, 1.06])
def test_a_skin_made_darker_or_lighter_is_altered(factor):
    def recolour(image):
        image *= factor

    assert report(albedo=edited(recolour)).texture.verdict is PartVerdict.ALTERED


def test_a_skin_made_warmer_is_altered():
    def warm(image):
        image += [6, 0, -6]

    found = report(albedo=edited(warm)).texture
    assert found.verdict is PartVerdict.ALTERED
    assert "the colour differs" in found.reason


def test_a_small_mark_on_the_arm_is_altered():
    def tattoo(image):
        image[80:92, 40:52] = (40, 40, 60)

    assert report(albedo=edited(tattoo)).texture.verdict is PartVerdict.ALTERED


def test_a_factor_on_the_colours_is_altered():
    assert report(tint=(0.8, 0.8, 0.8)).texture.verdict is PartVerdict.ALTERED


def test_vertex_colours_that_darken_the_skin_are_altered():
    colors = np.full((len(body().positions), 3), 200, np.uint8)
    found = report(colors=colors).texture
    assert found.verdict is PartVerdict.ALTERED
    assert "colour on the surface" in found.reason


def test_the_bound_image_looked_up_elsewhere_is_altered():
    found = report(uvs=body().uvs[:, ::-1]).texture
    assert found.verdict is PartVerdict.ALTERED
    assert found.reason.startswith("the colour on the surface")


def test_a_body_with_vertex_colours_alone_is_bound_by_them():
    shade = (body().positions[:, 1:2] * 100 + [60, 40, 20]).astype(np.uint8)
    plain = BodyContent(positions=body().positions, faces=body().faces, colors=shade)
    known = seal(plain)
    assert known.texture.picture is None
    assert compare_seal(known, plain).texture.verdict is PartVerdict.EXACT
    rounded = replace(plain, colors=(shade // 2 * 2).astype(np.uint8))
    assert compare_seal(known, rounded).texture.verdict is PartVerdict.KEPT
    darker = replace(plain, colors=(shade * 0.8).astype(np.uint8))
    assert compare_seal(known, darker).texture.verdict is PartVerdict.ALTERED
    painted = replace(plain, uvs=body().uvs, albedo=body().albedo)
    assert "the file has an image" in compare_seal(known, painted).texture.reason


def test_an_image_replaced_by_vertex_colours_is_altered():
    found = report(albedo=None, colors=np.full((len(body().positions), 3), 180, np.uint8)).texture
    assert found.verdict is PartVerdict.ALTERED
    assert "vertex colours and no image" in found.reason


@pytest.mark.parametrize(("height", "width"), [(48, 48), (50, 31), (7, 90)])
def test_area_means_keep_the_mean_and_flat_images(height, width):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    assert np.allclose(area_mean(image, 10, 16).mean((0, 1)), image.mean((0, 1)), atol=1e-3)
    assert np.allclose(area_mean(np.full((height, width, 3), 90, np.uint8), 24, 24), 90, atol=1e-3)
