from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.twin.face_shapes import face_shapes
from bodyscan.twin.visemes import PHONEMES, VISEMES, visemes
from twin.faces import MILLIMETRE, MODEL, dense, person


@pytest.fixture(scope="module")
def spoken():
    params, world, surface = person(3)
    shapes = face_shapes(MODEL, params, world, surface)
    return {m.name: dense(m) for m in shapes}, {m.name: m for m in visemes(shapes)}


def test_there_are_the_fifteen_of_the_lip_sync_engines(spoken):
    names = ["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou"]
    assert list(VISEMES) == names == list(PHONEMES)
    assert list(spoken[1]) == [f"viseme_{name}" for name in names]


def test_weights_name_arkit_shapes_and_lie_between_0_and_1():
    for mix in VISEMES.values():
        assert set(mix) <= set(MODEL.expression_ids)
        assert all(0 < weight <= 1 for weight in mix.values())


def test_a_viseme_is_the_weighted_sum_of_its_shapes(spoken):
    shapes, composed = spoken
    for name, mix in VISEMES.items():
        wanted = sum((w * shapes[part] for part, w in mix.items()), np.zeros((MODEL.num_vertices, 3)))
        morph = composed[f"viseme_{name}"]
        assert np.abs(dense(morph) - wanted).max() < 0.01 * MILLIMETRE
        assert (np.diff(morph.vertex_ids) > 0).all()


def test_silence_is_the_face_at_rest(spoken):
    assert len(spoken[1]["viseme_sil"].vertex_ids) == 0


def test_open_vowels_open_the_jaw_most(spoken):
    chin = MODEL.template[:, 1] < MODEL.template[MODEL.region("teeth"), 1].min()
    chin &= MODEL.region("head") & (MODEL.template[:, 2] > 0.12)
    drop = {name: -dense(morph)[chin, 1].mean() for name, morph in spoken[1].items()}
    assert drop["viseme_aa"] > drop["viseme_E"] > drop["viseme_ih"] > drop["viseme_PP"]
    assert drop["viseme_oh"] > drop["viseme_ou"]


def test_no_shapes_give_no_visemes():
    assert visemes(()) == ()


def test_missing_shapes_are_named():
    params, world, _ = person(3)
    with pytest.raises(InputError, match="jawOpen are missing"):
        visemes([m for m in face_shapes(MODEL, params, world) if m.name != "jawOpen"])
