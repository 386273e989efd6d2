from __future__ import annotations

import pytest

from bodyscan.errors import InputError
from bodyscan.render.expressions import EXPRESSIONS, morph_weights

ALL = sorted({part for parts in EXPRESSIONS.values() for part in parts})


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_named_expression_at_half_strength_is_half_of_each_part(name):
    assert morph_weights({name: 0.5}, ALL) == {
        part: pytest.approx(0.5 * weight) for part, weight in EXPRESSIONS[name].items()
    }


def test_a_face_shape_may_be_asked_for_by_its_own_name_in_either_spelling():
    assert morph_weights({"jawOpen": 0.3}, ["jawOpen"]) == {"jawOpen": 0.3}
    assert morph_weights({"jawOpen": 0.3}, ["JawOpen"]) == {"JawOpen": 0.3}
    assert morph_weights({"JawOpen": 0.3}, ["jawOpen"]) == {"jawOpen": 0.3}


def test_parts_that_meet_in_one_shape_add_up_to_no_more_than_one():
    weights = morph_weights({"open_mouth": 1.0, "surprise": 1.0, "jawOpen": 0.9}, ALL)
    assert weights["jawOpen"] == 1.0


def test_no_expression_is_no_weight():
    assert morph_weights({}, ALL) == {}


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_strength_outside_of_the_range_is_refused(strength):
    with pytest.raises(InputError, match=r"smile has the strength .*; possible is 0 to 1"):
        morph_weights({"smile": strength}, ALL)


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(
        InputError, match=r"no expression and no face shape frown; possible are smile.*jawOpen"
    ):
        morph_weights({"frown": 1}, ["jawOpen"])


def test_a_part_that_the_twin_lacks_is_named():
    with pytest.raises(InputError, match=r"no face shape mouthSmileLeft, which the expression smile needs"):
        morph_weights({"smile": 1}, ["jawOpen"])


def test_a_twin_without_face_shapes_says_so():
    with pytest.raises(InputError, match="The twin has no face shapes"):
        morph_weights({"smile": 1}, [])
