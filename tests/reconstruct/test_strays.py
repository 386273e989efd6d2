"""Points that are too far away to belong to the scene."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from bodyscan.reconstruct.strays import without_strays
from bodyscan.types import Mesh

BALL = trimesh.creation.icosphere(3, 0.5)
NO_FACES = np.zeros((0, 3), np.int32)


def ball(*more: tuple[float, float, float], unit: float = 1.0, faces: bool = True) -> Mesh:
    count = len(BALL.vertices)
    vertices = np.vstack([BALL.vertices, *[np.array([point]) for point in more]]) * unit
    hung = [[0, 1, count + index] for index in range(len(more))]
    return Mesh(vertices, np.vstack([BALL.faces, *hung]) if faces else NO_FACES)


@pytest.mark.parametrize("unit", [1.0, 1000.0, 0.01])
@pytest.mark.parametrize("faces", [True, False], ids=["mesh", "cloud"])
def test_a_point_far_away_goes_with_its_faces_in_any_unit(unit, faces):
    kept, notes, _ = without_strays(ball((1e6, 0, 0), unit=unit, faces=faces))
    assert len(kept.vertices) == len(BALL.vertices)
    assert len(kept.faces) == (len(BALL.faces) if faces else 0)
    assert "1 points lay more than" in notes[0]


def test_somebody_across_the_room_is_no_stray():
    mesh = ball((4.0, 0, 0), (0, 0, -6.0))
    kept, notes, _ = without_strays(mesh)
    assert kept is mesh
    assert notes == ()


def test_vertices_of_no_face_are_left_out_of_a_mesh():
    kept, notes, _ = without_strays(Mesh(np.vstack([BALL.vertices, [[1e30, 0, 0]]]), BALL.faces))
    assert len(kept.vertices) == len(BALL.vertices)
    assert np.array_equal(kept.faces, BALL.faces)
    assert "1 of 643 vertices belong to no face" in notes[0]


def test_colours_and_normals_stay_with_their_points():
    mesh = ball((1e6, 0, 0), faces=False)
    normals = np.tile(np.array([[0, 0, 1]], np.float32), (len(mesh.vertices), 1))
    colors = np.arange(3 * len(mesh.vertices), dtype=np.int64).reshape(-1, 3).astype(np.uint8)
    kept, _, _ = without_strays(Mesh(mesh.vertices, mesh.faces, colors=colors, normals=normals))
    assert kept.colors is not None
    assert kept.normals is not None
    assert np.array_equal(kept.colors, colors[:-1])
    assert len(kept.normals) == len(kept.vertices)


def test_points_in_one_place_and_an_empty_mesh_are_left_alone():
    for mesh in (Mesh(np.ones((9, 3)), NO_FACES), Mesh(np.zeros((0, 3)), NO_FACES)):
        assert without_strays(mesh)[:2] == (mesh, ())
