"""Tapes around shapes whose girth is known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from bodyscan.errors import InputError
from bodyscan.geometry.section import girth_at, plane_section, surface_path

NONE = np.zeros(3)


def cylinder(radius: float = 0.3, at: float = 0.0, sides: int = 256) -> tuple[np.ndarray, np.ndarray]:
    made = trimesh.creation.cylinder(radius, 2.0, sections=sides)
    upright = made.vertices[:, [1, 2, 0]] + [at, 0, 0]
    return np.asarray(upright), np.asarray(made.faces, np.int32)


def two_cylinders() -> tuple[np.ndarray, np.ndarray]:
    (a, faces), (b, _) = cylinder(0.3, -0.5), cylinder(0.2, 0.5)
    return np.concatenate([a, b]), np.concatenate([faces, faces + len(a)])


@pytest.mark.parametrize("height", [-0.4, 0.0, 0.25])
def test_a_level_tape_around_a_cylinder_is_its_circumference(height: float) -> None:
    girth = girth_at(*cylinder(), [0, height, 0])
    assert girth == pytest.approx(2 * np.pi * 0.3, rel=1e-4)


def test_a_tilted_tape_is_longer() -> None:
    tilt = np.radians(30)
    girth = girth_at(*cylinder(), NONE, [0, np.cos(tilt), np.sin(tilt)])
    long_axis = 0.3 / np.cos(tilt)
    mean = np.pi * (3 * (0.3 + long_axis) - np.sqrt((0.9 + long_axis) * (0.3 + 3 * long_axis)))
    assert girth == pytest.approx(mean, rel=1e-4)


def test_a_taut_tape_bridges_a_hollow_and_a_loose_one_follows_it() -> None:
    vertices, faces = cylinder()
    dented = vertices.copy()
    side = (vertices[:, 2] > 0.25) & (np.abs(vertices[:, 0]) < 0.15)
    dented[side, 2] -= 0.2
    assert girth_at(dented, faces, NONE, taut=False) > 2 * np.pi * 0.3
    assert girth_at(dented, faces, NONE) < 2 * np.pi * 0.3


def test_the_nearest_piece_is_measured() -> None:
    vertices, faces = two_cylinders()
    section = plane_section(vertices, faces, NONE, [0, 1, 0])
    assert section.num_pieces == 2
    for x, radius in ((-0.5, 0.3), (0.5, 0.2)):
        assert girth_at(vertices, faces, [x, 0, 0]) == pytest.approx(2 * np.pi * radius, rel=1e-4)


def test_left_out_faces_are_not_measured() -> None:
    vertices, faces = two_cylinders()
    keep = np.arange(len(faces)) >= len(faces) // 2
    assert girth_at(vertices, faces, [-0.5, 0, 0], keep=keep) == pytest.approx(2 * np.pi * 0.2, rel=1e-4)


def test_girths_scale_and_turn_with_the_body() -> None:
    vertices, faces = cylinder()
    turn = trimesh.transformations.random_rotation_matrix(np.array([0.1, 0.5, 0.9]))[:3, :3]
    girth = girth_at(vertices, faces, [0, 0.1, 0], [0, 1, 0.2])
    moved = girth_at(2.5 * vertices @ turn.T + 7, faces, 2.5 * turn @ [0, 0.1, 0] + 7, turn @ [0, 1, 0.2])
    assert moved == pytest.approx(2.5 * girth, rel=1e-9)


def test_a_plane_through_vertices_still_gives_a_closed_loop() -> None:
    box = trimesh.creation.box((1, 1, 1)).subdivide()
    girth = girth_at(np.asarray(box.vertices), np.asarray(box.faces), NONE)
    assert girth == pytest.approx(4, abs=1e-6)


def test_a_plane_beside_the_body_meets_nothing() -> None:
    assert girth_at(*cylinder(), [0, 9, 0]) == 0
    with pytest.raises(InputError, match="does not meet the surface"):
        surface_path(plane_section(*cylinder(), [0, 9, 0], [0, 1, 0]), [NONE, NONE])


def test_a_line_over_the_skin_is_an_arc_and_takes_the_way_by_its_stops() -> None:
    section = plane_section(*cylinder(), NONE, [0, 1, 0])
    left, right, front = [0.3, 0, 0], [-0.3, 0, 0], [0, 0, 0.3]
    quarter = surface_path(section, [left, front])
    assert quarter.length() == pytest.approx(np.pi * 0.15, rel=1e-3)
    assert quarter.taut_length() == pytest.approx(quarter.length(), rel=1e-3)
    half = surface_path(section, [left, front, right])
    assert half.length() == pytest.approx(np.pi * 0.3, rel=1e-3)
    assert half.points[:, 2].min() > -1e-3
