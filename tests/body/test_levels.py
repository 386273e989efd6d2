from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.levels import collision_topology, level_topologies
from bodyscan.errors import InputError
from bodyscan.geometry.edges import edge_table
from bodyscan.geometry.normals import area_vectors

MODEL = load_body_model("adult")
MILLIMETRE = 1e-3


def _welded_edges(k: int):
    """Edge counts of a level's skin once its seams are closed."""
    level = level_topologies(MODEL)[k]
    return edge_table(MODEL.split_source[level.split_vertices][level.faces])


def test_levels_are_coarser_and_coarser_subsets_of_the_split_vertices():
    near, far = level_topologies(MODEL)
    assert 9_500 <= len(near.faces) <= 10_500
    assert 2_800 <= len(far.faces) <= 3_200
    assert set(far.split_vertices) < set(near.split_vertices)
    for level in (near, far):
        assert (np.diff(level.split_vertices) > 0).all()
        assert set(np.unique(level.faces)) == set(range(len(level.split_vertices)))


@pytest.mark.parametrize("k", [0, 1])
def test_a_level_has_no_crack_the_skin_is_closed_once_seams_are_welded(k):
    counts = _welded_edges(k).counts
    teeth = MODEL.region("teeth")[_welded_edges(k).vertices].all(axis=1)
    assert (counts[~teeth] == 2).all()


def test_the_far_level_keeps_eyes_and_drops_teeth_and_tongue():
    far = level_topologies(MODEL)[1]
    kept = MODEL.split_source[far.split_vertices]
    assert not MODEL.region("teeth", "tongue")[kept].any()
    for eye in ("left_eye", "right_eye"):
        assert MODEL.region(eye)[kept].sum() >= 8


@pytest.mark.parametrize("k", [0, 1])
def test_no_triangle_of_a_level_is_turned_over_on_the_texture(k):
    level = level_topologies(MODEL)[k]
    corners = MODEL.split_uvs[level.split_vertices][level.faces].astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    assert (area < 0).all()  # the v axis points down, so that every triangle runs clockwise


@pytest.mark.parametrize("k", [0, 1])
def test_left_and_right_of_a_level_have_nearly_the_same_number_of_triangles(k):
    level = level_topologies(MODEL)[k]
    x = MODEL.template[MODEL.split_source[level.split_vertices]][level.faces][:, :, 0].mean(axis=1)
    left, right = int((x > 1e-4).sum()), int((x < -1e-4).sum())
    assert abs(left - right) <= 0.03 * len(level.faces)


def test_a_model_of_another_topology_has_neither_levels_nor_a_collision_body():
    small = MODEL.at_vertices(np.arange(100, dtype=np.int32))
    with pytest.raises(InputError, match="levels are known for the packaged body"):
        level_topologies(small)
    with pytest.raises(InputError, match="100 vertices; the collision body is known for the packaged body"):
        collision_topology(small)


def test_the_collision_topology_is_one_closed_ball():
    topology = collision_topology(MODEL)
    edges = edge_table(topology.faces)
    assert (edges.counts == 2).all()
    count = len(topology.offsets_m)
    assert count - len(edges.vertices) + len(topology.faces) == 2
    assert 1_800 <= len(topology.faces) <= 2_200
    # Each edge is run through once each way: the orientation is one.
    assert (np.add.reduceat(edges.half_forward.astype(int), edges.first) == 1).all()


def test_places_are_means_and_mirror_each_other():
    topology = collision_topology(MODEL)
    assert topology.over_vertices.data.min() > 0
    assert np.abs(np.asarray(topology.over_vertices.sum(axis=1)).ravel() - 1).max() < 1e-12
    assert (topology.mirror[topology.mirror] == np.arange(len(topology.mirror))).all()
    place = topology.surface(MODEL.template.astype(np.float64))
    apart = np.linalg.norm(place[topology.mirror] * [-1, 1, 1] - place, axis=1)
    assert np.percentile(apart, 95) < 1.0 * MILLIMETRE  # the mean body is not quite symmetric itself


def test_the_surface_faces_outwards_and_moves_and_scales_with_the_body():
    topology = collision_topology(MODEL)
    body = MODEL.template.astype(np.float64)
    surface = topology.surface(body)
    corners = surface[topology.faces]
    volume = np.einsum("fk,fk->", area_vectors(surface, topology.faces), corners.mean(axis=1)) / 3
    assert 0.04 < volume < 0.09  # cubic metres: a person of 40 to 90 litres
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    moved = topology.surface(1.3 * body @ turn.T + [1, 2, 3])
    assert np.abs(moved - (1.3 * surface @ turn.T + [1, 2, 3])).max() < 1e-9
