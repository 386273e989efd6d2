"""Wet eyes, dry cloth, skin between."""

from __future__ import annotations

import numpy as np

from bodyscan.body.painted_parts import part_of_faces
from bodyscan.texture.roughness import paint_roughness
from bodyscan.texture.texels import body_texels
from texture.scans import MODEL

TEXELS = body_texels(MODEL, 512)
PART = part_of_faces(MODEL)[TEXELS.triangle]


def _of(name: str, values: np.ndarray) -> np.ndarray:
    return values[MODEL.region(name)[MODEL.faces].all(axis=1)[TEXELS.triangle]] / 255


def test_each_part_has_its_own_roughness() -> None:
    values = paint_roughness(MODEL, TEXELS, PART)
    assert _of("torso", values).mean() == np.clip(_of("torso", values).mean(), 0.545, 0.555)
    assert _of("left_eye", values).max() < 0.1
    assert abs(_of("teeth", values).mean() - 0.2) < 0.01
    assert abs(_of("tongue", values).mean() - 0.3) < 0.01
    head = _of("head", values)
    assert (abs(head - 0.40) < 0.02).any()  # lips
    assert (head < 0.5).mean() < 0.3  # oily zone and lips are the smaller part


def test_cloth_is_rougher_and_passes_smoothly_into_skin() -> None:
    cover = np.clip((MODEL.template[:, 1] - 0.9) / 0.1, 0, 1)
    values = paint_roughness(MODEL, TEXELS, PART, cover.astype(np.float32))
    assert _of("torso", values).max() > 0.79
    assert abs(_of("left_foot", values).mean() - 0.55) < 0.01
    heights = TEXELS.interpolate(MODEL.template)[:, 1]
    band = (heights > 0.92) & (heights < 0.98) & (PART == 0)
    assert values[band].min() > 0.55 * 255
    assert values[band].max() < 0.80 * 255
