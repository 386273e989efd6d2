from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.consent.content import BodyContent, content_of
from bodyscan.consent.seal import PartVerdict, Seal, compare_seal, seal
from bodyscan.consent.state import BindingVerdict
from bodyscan.errors import InputError
from consent.bodies import body, report, sealed
from gltf.full_size import full_size_twin


def moved(positions: np.ndarray) -> dict[str, object]:
    return {"positions": np.asarray(positions, np.float32)}


def test_the_body_itself_is_exact_in_every_part():
    found = report()
    assert found.geometry is BindingVerdict.EXACT
    assert [part.verdict for part in found.parts.values()] == [PartVerdict.EXACT] * 3
    assert found.is_same
    assert found.alterations == ()


def test_the_same_body_gives_the_same_seal_and_it_survives_json():
    assert seal(body()) == sealed()
    assert Seal.model_validate_json(sealed().model_dump_json(exclude_none=True)) == sealed()


def test_the_seal_is_as_small_as_promised():
    sizes = {name: len(getattr(sealed(), name).model_dump_json()) for name in ("rig", "morphs", "texture")}
    assert sizes["rig"] <= 4096
    assert sizes["morphs"] <= 9216
    assert sizes["texture"] <= 12288


def test_order_splits_and_unused_vertices_make_no_difference():
    whole = body()
    rng = np.random.default_rng(0)
    order = rng.permutation(len(whole.positions))
    place = np.argsort(order)
    # Every vertex twice; each triangle takes either copy. One vertex more that nothing uses.
    source = np.concatenate([order, order, order[:1]])
    copy = rng.integers(0, 2, whole.faces.shape) * len(order)
    faces = (place[whole.faces] + copy)[rng.permutation(len(whole.faces))]
    count = len(source)
    dense = {morph.name: np.zeros((len(order), 3), np.float32) for morph in whole.morphs}
    for morph in whole.morphs:
        dense[morph.name][morph.vertex_ids] = morph.deltas
    shapes = tuple(
        replace(morph, vertex_ids=np.arange(count), deltas=dense[morph.name][source])
        for morph in reversed(whole.morphs)
    )
    again = replace(
        whole,
        positions=whole.positions[source],
        faces=faces,
        joint_indices=whole.joint_indices[source],
        joint_weights=whole.joint_weights[source],
        morphs=shapes,
        uvs=whole.uvs[source],
    )
    found = compare_seal(sealed(), again)
    assert found.geometry is BindingVerdict.EXACT
    assert [part.verdict for part in found.parts.values()] == [PartVerdict.EXACT] * 3


def test_quantised_positions_are_repacked_and_the_parts_kept():
    grid = 2.0**-13
    found = report(**moved(np.round(body().positions / grid) * grid))
    assert found.geometry is BindingVerdict.REPACKED
    assert 0 < found.moved_mm < 0.3
    assert {part.verdict for part in found.parts.values()} == {PartVerdict.KEPT}
    assert found.is_same


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (100, "scaled by 100: are the units centimetres?"),
        (1000, "scaled by 1000: are the units millimetres?"),
        (0.01, "scaled by 0.01: were centimetres taken for metres?"),
        (1.1, "scaled by 1.1"),
    ],
)
def test_a_scaled_body_is_altered_and_the_unit_is_guessed(factor, words):
    found = report(**moved(body().positions * factor), joint_positions=body().joint_positions * factor)
    assert found.geometry is BindingVerdict.ALTERED
    assert found.problems[0].startswith(words)
    assert not found.is_same


def test_a_mirrored_body_is_altered_and_said_to_be_mirrored():
    lean = body().positions + [0.05, 0, 0] * (body().positions[:, 1:2] - 0.8)  # nobody is symmetric
    known = seal(replace(body(), **moved(lean)))
    mirrored = replace(body(), **moved(lean * [-1, 1, 1]), faces=body().faces[:, ::-1])
    found = compare_seal(known, mirrored)
    assert found.geometry is BindingVerdict.ALTERED
    assert found.problems[0] == "mirrored left to right"


def test_a_mirrored_symmetric_body_is_known_by_its_parts():
    found = report(
        **moved(body().positions * [-1, 1, 1]),
        faces=body().faces[:, ::-1],
        joint_positions=body().joint_positions * [-1, 1, 1],
    )
    assert found.morphs.verdict is PartVerdict.ALTERED
    assert not found.is_same


def test_a_body_turned_inside_out_is_altered():
    found = report(faces=body().faces[:, ::-1])
    assert found.geometry is BindingVerdict.ALTERED
    assert "inside out" in found.problems[-1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p[:, [0, 2, 1]] * [1, -1, 1], "turned by 90 degrees: is Z up in it?"),
        (lambda p: p + np.array([0.5, 0, 0]), "moved by 0.50 m as a whole"),
        (lambda p: p * [-1, 1, -1], "turned about: does it face -Z?"),
    ],
)
def test_a_body_that_stands_otherwise_is_altered_and_told_how(change, words):
    assert report(**moved(change(np.array(body().positions)))).problems[0] == words


def test_two_bodies_in_one_file_are_altered():
    count = len(body().positions)
    two = BodyContent(
        positions=np.concatenate([body().positions, body().positions + np.float32([1, 0, 0])]),
        faces=np.concatenate([body().faces, body().faces + count]),
    )
    found = compare_seal(sealed(), two)
    assert found.geometry is BindingVerdict.ALTERED
    assert "does the file hold a second body?" in found.problems[0]


def test_a_girth_one_per_cent_wider_is_altered():
    found = report(**moved(body().positions * [1.012, 1, 1.012]))
    assert found.geometry is BindingVerdict.ALTERED


def test_a_bare_surface_lacks_the_parts_and_a_dressed_one_adds_them():
    bare = BodyContent(positions=body().positions, faces=body().faces)
    found = compare_seal(sealed(), bare)
    assert {part.verdict for part in found.parts.values()} == {PartVerdict.MISSING}
    assert found.is_same
    known = seal(bare)
    assert (known.rig, known.morphs, known.texture) == (None, None, None)
    assert {part.verdict for part in compare_seal(known, bare).parts.values()} == {PartVerdict.UNBOUND}
    added = compare_seal(known, body())
    assert {part.verdict for part in added.parts.values()} == {PartVerdict.ADDED}
    assert not added.is_same
    assert "rig: the file has a skeleton; the bound body has none" in added.alterations


def test_what_cannot_be_read_is_said_so_and_what_is_strange_is_altered():
    found = report(albedo=None, unread={"texture": "the image is KTX2"})
    assert found.texture.verdict is PartVerdict.UNREAD
    assert str(found.texture) == "unread: the image is KTX2"
    strange = report(problems={"morphs": "the file shows the face shape jawOpen from the start"})
    assert strange.morphs.verdict is PartVerdict.ALTERED


def test_a_seal_whose_rows_name_points_that_are_not_there_is_refused():
    from bodyscan.consent.fingerprint import Fingerprint

    fewer = sealed().fingerprint.model_dump() | {"points": sealed().fingerprint.points[: 8 * 12]}
    small = sealed().model_copy(update={"fingerprint": Fingerprint(**fewer)})
    with pytest.raises(InputError, match="pulls name point"):
        compare_seal(small, replace(body(), joint_weights=body().joint_weights * np.float32(0.99)))


def test_the_content_of_a_twin_is_what_its_file_holds():
    twin = full_size_twin("a")
    content = content_of(twin.rig, twin.morphs)
    assert content.albedo is None
    assert content.colors is not None  # written where there is no image
    assert content.is_skinned
    assert np.allclose(content.joint_weights.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"faces": np.array([[0, 1, 10**6]])}, "name a vertex outside"),
        ({"joint_weights": None}, "come together"),
        ({"joint_positions": np.zeros((1, 3))}, "names joint"),
        ({"uvs": np.zeros((3, 2))}, "BodyContent.uvs must have the shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        replace(body(), **changes)


def test_a_shape_that_stands_twice_is_refused():
    with pytest.raises(InputError, match="a name stands twice"):
        replace(body(), morphs=(*body().morphs, body().morphs[0]))
