from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.consent.seal import PartVerdict
from bodyscan.types import Morph
from consent.bodies import VISEMES, body, morphs_with, report


def test_names_with_a_large_first_letter_are_the_same_shapes():
    renamed = tuple(replace(morph, name=morph.name[:1].upper() + morph.name[1:]) for morph in body().morphs)
    assert report(morphs=renamed).morphs.verdict is PartVerdict.EXACT


def test_rounded_displacements_are_kept():
    step = 2.0**-14
    rounded = tuple(
        replace(morph, deltas=(np.round(morph.deltas / step) * step).astype(np.float32))
        for morph in body().morphs
    )
    found = report(morphs=rounded).morphs
    assert found.verdict is PartVerdict.KEPT
    assert 0 < found.moved < 0.4


@pytest.mark.parametrize("factor", [2.0, 1.2, 0.8, -1.0])
@pytest.mark.parametrize("name", ["mouthSmileLeft", "jawOpen", "eyeBlinkRight"])
def test_a_shape_that_moves_more_or_less_is_altered(name, factor):
    found = report(morphs=morphs_with(name, lambda deltas: deltas * factor)).morphs
    assert found.verdict is PartVerdict.ALTERED
    assert found.reason.startswith(f"{name} differs by ")


def test_a_shape_left_out_is_missing_and_named():
    kept = tuple(morph for morph in body().morphs if morph.name != "mouthSmileLeft")
    found = report(morphs=kept).morphs
    assert found.verdict is PartVerdict.MISSING
    assert found.missing == ("mouthSmileLeft",)
    assert "(mouthSmileLeft); the others are the same" in found.reason


def test_visemes_that_a_target_mixes_itself_are_missing_and_no_alteration():
    kept = tuple(morph for morph in body().morphs if not morph.name.startswith("viseme"))
    found = report(morphs=kept)
    assert found.morphs.verdict is PartVerdict.MISSING
    assert len(found.morphs.missing) == VISEMES
    assert found.is_same


def test_a_file_without_shapes_misses_all():
    found = report(morphs=()).morphs
    assert found.verdict is PartVerdict.MISSING
    assert len(found.missing) == len(body().morphs)


def test_a_shape_beside_the_bound_ones_is_altered():
    extra = replace(body().morphs[0], name="slimmer")
    found = report(morphs=(*body().morphs, extra)).morphs
    assert found.verdict is PartVerdict.ALTERED
    assert "slimmer was not bound" in found.reason


def test_two_shapes_that_changed_names_are_altered():
    swap = {"mouthSmileLeft": "mouthSmileRight", "mouthSmileRight": "mouthSmileLeft"}
    swapped = tuple(replace(morph, name=swap.get(morph.name, morph.name)) for morph in body().morphs)
    assert report(morphs=swapped).morphs.verdict is PartVerdict.ALTERED


def test_a_smile_that_also_slims_the_waist_is_altered():
    smile = next(morph for morph in body().morphs if morph.name == "mouthSmileLeft")
    dense = np.zeros((len(body().positions), 3), np.float32)
    dense[smile.vertex_ids] = smile.deltas
    height = body().positions[:, 1] / body().positions[:, 1].max()
    dense[(height > 0.5) & (height < 0.7), 2] -= 0.003
    other = Morph("mouthSmileLeft", np.arange(len(dense), dtype=np.int32), dense)
    changed = tuple(other if morph.name == other.name else morph for morph in body().morphs)
    found = report(morphs=changed).morphs
    assert found.verdict is PartVerdict.ALTERED
    assert "mouthSmileLeft moves other places too" in found.reason


def test_more_than_three_changes_are_counted():
    doubled = tuple(replace(morph, deltas=morph.deltas * np.float32(2)) for morph in body().morphs)
    found = report(morphs=doubled).morphs
    assert found.verdict is PartVerdict.ALTERED
    assert "more differ" in found.reason
