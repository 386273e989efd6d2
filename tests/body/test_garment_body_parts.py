"""Parts of the body for cloth simulators."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.body_parts import BODY_PARTS, body_parts, skin_faces, skin_vertices
from bodyscan.errors import InputError


def test_every_vertex_is_in_exactly_one_part() -> None:
    model = load_body_model("adult")
    parts = body_parts(model)
    assert tuple(parts) == BODY_PARTS
    together = np.concatenate(list(parts.values()))
    np.testing.assert_array_equal(np.sort(together), np.arange(model.num_vertices))


def test_limbs_lie_on_their_side_and_mirror_each_other() -> None:
    model = load_body_model("adult")
    parts = body_parts(model)
    for limb in ("arm", "leg"):
        left, right = (model.template[parts[f"{side}_{limb}"]] for side in ("left", "right"))
        assert len(left) == len(right)
        assert left[:, 0].min() > -0.01
        assert right[:, 0].max() < 0.01
    assert model.template[parts["left_leg"], 1].max() < model.template[parts["left_arm"], 1].max()


def test_what_no_cloth_touches_is_apart() -> None:
    model = load_body_model("adult")
    hidden = np.isin(np.arange(model.num_vertices), body_parts(model)["face_internal"])
    assert hidden[model.inner].all()
    assert hidden[model.region("left_eye", "right_eye", "teeth", "tongue")].all()
    assert not hidden[model.region("torso", "left_hand", "right_foot")].any()


def test_the_skin_is_closed_and_keeps_its_vertices_numbers() -> None:
    model = load_body_model("adult")
    faces = skin_faces(model)
    edges = Counter(tuple(edge) for edge in faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist())
    # Closed and oriented: every directed edge once, and its opposite once.
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    assert set(np.unique(faces)) == set(np.flatnonzero(skin_vertices(model)))
    corners = model.template[faces].astype(np.float64)
    assert np.einsum("fk,fk->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) > 0


def test_a_model_without_regions_is_refused() -> None:
    with pytest.raises(InputError, match="does not say which vertex belongs to which part"):
        body_parts(replace(load_body_model("adult"), region_names=(), region_ids=np.zeros(0, np.int32)))
