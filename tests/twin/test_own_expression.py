from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.twin.face_shapes import face_shapes
from bodyscan.twin.own_expression import GROUPS, face_mask, own_expression, with_own_expressions
from twin.faces import MILLIMETRE, MODEL, dense, own, person

WORLD = MODEL.pose(MODEL.zero_params()).world_from_rest
SMILE = 0.8 * own("mouthSmileLeft") + 0.6 * own("mouthSmileRight") + 0.3 * own("cheekSquintLeft")


def test_both_halves_of_a_smile_give_the_scanned_smile():
    left, right = own_expression(MODEL, "smile", SMILE, WORLD, WORLD)
    assert (left.name, right.name) == ("mouthSmileLeft", "mouthSmileRight")
    skin = MODEL.region("head") & ~MODEL.inner & (face_mask(MODEL) == 1)
    both = dense(left) + dense(right)
    assert np.abs(both - SMILE)[skin].max() < 0.02 * MILLIMETRE
    assert np.abs(dense(left)[MODEL.template[:, 0] < -0.02]).max() < 0.01 * MILLIMETRE
    assert np.abs(dense(right)[MODEL.template[:, 0] > 0.02]).max() < 0.01 * MILLIMETRE


@pytest.mark.parametrize("name", list(GROUPS))
def test_the_shares_of_a_group_sum_to_the_whole(name):
    field = np.random.default_rng(1).normal(size=3) * 0.004 * np.ones((MODEL.num_vertices, 1))
    parts = own_expression(MODEL, name, field, WORLD, WORLD)
    whole = own_expression(MODEL, "whole", field, WORLD, WORLD)[0]
    assert tuple(part.name for part in parts) == GROUPS[name]
    assert np.abs(sum(dense(part) for part in parts) - dense(whole)).max() < 0.02 * MILLIMETRE


def test_only_the_face_moves_and_without_a_jump():
    field = np.full((MODEL.num_vertices, 3), 0.01)
    moved = np.linalg.norm(dense(own_expression(MODEL, "grimace", field, WORLD, WORLD)[0]), axis=1)
    assert moved[~MODEL.region("head", "teeth", "tongue")].max() == 0
    edges = MODEL.faces[:, [0, 1]]
    outer = ~MODEL.inner[edges].any(axis=1)
    length = np.linalg.norm(MODEL.template[edges[:, 0]] - MODEL.template[edges[:, 1]], axis=1)
    steep = np.abs(moved[edges[:, 0]] - moved[edges[:, 1]])[outer] / length[outer]
    assert steep.max() < 1.6


def test_hair_stays_still():
    cover = (MODEL.template[:, 1] > 1.60).astype(np.float64)
    field = np.full((MODEL.num_vertices, 3), 0.01)
    morph = own_expression(MODEL, "brows_up", field, WORLD, WORLD, cover=cover)[0]
    skin = ~MODEL.inner & (cover > 0.5)
    assert np.abs(dense(morph)[skin]).max() == 0


def test_it_turns_with_the_head_into_the_bind_pose():
    _, world, _ = person(2)
    turned = np.einsum(
        "vij,vj->vi", (MODEL.skin_weights @ world[:, :, :3].reshape(-1, 9)).reshape(-1, 3, 3), SMILE
    )
    one = own_expression(MODEL, "laugh", turned, world, WORLD)[0]
    other = own_expression(MODEL, "laugh", SMILE, WORLD, WORLD)[0]
    assert np.abs(dense(one) - dense(other)).max() < 0.01 * MILLIMETRE


def test_own_shapes_replace_those_of_their_name_and_new_ones_come_last():
    params, world, surface = person(3)
    morphs = face_shapes(MODEL, params, world, surface)
    mine = own_expression(MODEL, "smile", SMILE, world, world, surface)
    new = own_expression(MODEL, "sly_grin", SMILE, world, world)
    joined = with_own_expressions(morphs, [*mine, *new])
    names = [m.name for m in joined]
    assert names[:52] == [m.name for m in morphs]
    assert names[52:] == ["sly_grin"]
    assert joined[names.index("mouthSmileLeft")] is mine[0]


def test_two_scans_of_one_expression_are_refused():
    smile = own_expression(MODEL, "smile", SMILE, WORLD, WORLD)
    with pytest.raises(InputError, match="mouthSmileLeft, mouthSmileRight; give one scan"):
        with_own_expressions((), [*smile, *smile])


@pytest.mark.parametrize("name", ["", "1st", "a b", "../x"])
def test_names_that_no_engine_reads_are_refused(name):
    with pytest.raises(InputError, match="possible are a letter"):
        own_expression(MODEL, name, SMILE, WORLD, WORLD)


def test_a_displacement_of_another_model_is_refused():
    with pytest.raises(InputError, match=r"finite metres of the shape"):
        own_expression(MODEL, "smile", SMILE[:10], WORLD, WORLD)
