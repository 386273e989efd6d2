"""Crossings: found, taken back, and not invented."""

from __future__ import annotations

import numpy as np

from bodyscan.fit.crossings import crossing_faces, take_back_crossings


def two_sheets(gap_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two parallel 10 x 10 grids of 1 m side; vertices (200, 3), faces (324, 3), upper (200,) True."""
    side = np.linspace(0, 1, 10)
    x, z = np.meshgrid(side, side, indexing="ij")
    sheet = np.stack([x.ravel(), np.zeros(100), z.ravel()], axis=1)
    quads = [
        (10 * i + j, 10 * i + j + 1, 10 * i + j + 11, 10 * i + j + 10) for i in range(9) for j in range(9)
    ]
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    # Shifted a little sideways, so that no edges coincide.
    vertices = np.concatenate([sheet, sheet + np.array([0.013, gap_m, 0.007])])
    return vertices, np.concatenate([faces, faces + 100]), np.arange(200) >= 100


def test_sheets_apart_do_not_cross() -> None:
    vertices, faces, _ = two_sheets(0.05)
    assert len(crossing_faces(vertices, faces)) == 0


def test_offsets_that_push_one_sheet_through_the_other_are_taken_back() -> None:
    vertices, faces, upper = two_sheets(0.05)
    middle = np.linalg.norm(vertices[:, [0, 2]] - 0.5, axis=1) < 0.2
    offsets = np.zeros_like(vertices)
    offsets[upper & middle, 1] = -0.08  # metres: 30 mm through the lower sheet
    assert len(crossing_faces(vertices + offsets, faces)) > 0
    kept = take_back_crossings(vertices, offsets, faces)
    assert len(crossing_faces(vertices + kept, faces)) == 0


def test_offsets_that_cross_nothing_are_kept_to_the_bit() -> None:
    vertices, faces, upper = two_sheets(0.05)
    offsets = np.zeros_like(vertices)
    offsets[upper, 1] = -0.03
    np.testing.assert_array_equal(take_back_crossings(vertices, offsets, faces), offsets)


def test_a_crossing_of_the_surface_itself_does_not_cost_its_detail() -> None:
    vertices, faces, upper = two_sheets(0.05)
    vertices[upper & (vertices[:, 0] > 0.8), 1] = -0.02
    own = crossing_faces(vertices, faces)
    assert len(own) > 0
    offsets = np.zeros_like(vertices)
    offsets[vertices[:, 0] < 0.4, 1] = 0.01  # far from the crossing
    np.testing.assert_array_equal(take_back_crossings(vertices, offsets, faces), offsets)
