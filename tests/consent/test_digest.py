from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.digest import geometry_digest
from bodyscan.errors import InputError


def bumpy_ball(rows: int = 6, columns: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """A closed, body-sized surface without symmetry. Vertices (V, 3) metres, faces (F, 3)."""
    rng = np.random.default_rng(5)
    up = np.linspace(0.2, np.pi - 0.2, rows)
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    a, b = np.meshgrid(up, around, indexing="ij")
    ball = np.stack([np.sin(a) * np.cos(b), np.cos(a), np.sin(a) * np.sin(b)], axis=-1)
    vertices = ball.reshape(-1, 3) * rng.uniform(0.7, 0.9, (rows * columns, 1))
    faces = []
    for row in range(rows - 1):
        for column in range(columns):
            p, q = row * columns + column, row * columns + (column + 1) % columns
            faces += [(p, q, p + columns), (q, q + columns, p + columns)]
    return vertices, np.array(faces)


def plain_digest(positions: np.ndarray, faces: np.ndarray) -> str:
    """The definition, word by word, as the oracle of the fast one."""

    def bits(point: np.ndarray) -> tuple[int, ...]:
        return tuple(
            int.from_bytes((value + np.float32(0)).astype("<f4").tobytes(), "little") for value in point
        )

    triangles = set()
    for face in faces:
        corners = [bits(positions[index].astype(np.float32)) for index in face]
        if len(set(corners)) == 3:
            first = corners.index(min(corners))
            triangles.add(tuple(corners[first:] + corners[:first]))
    data = b"bodyscan oriented triangle set v1\n" + len(triangles).to_bytes(8, "little")
    for triangle in sorted(triangles):
        data += b"".join(value.to_bytes(4, "little") for corner in triangle for value in corner)
    return "tri-sha256-v1:" + hashlib.sha256(data).hexdigest()


VERTICES, FACES = bumpy_ball()
DIGEST = geometry_digest(VERTICES, FACES)


def test_the_fast_digest_is_the_plain_one() -> None:
    assert plain_digest(VERTICES, FACES) == DIGEST


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_repacking_makes_no_difference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(VERTICES))
    positions, faces = VERTICES[order], np.argsort(order)[FACES]
    faces = faces[rng.permutation(len(faces))]
    turns = rng.integers(0, 3, len(faces))
    faces = np.take_along_axis(faces, (turns[:, None] + np.arange(3)) % 3, axis=1)
    # Split some corners off into vertices of their own, as UV seams do.
    split = rng.random(faces.shape) < 0.3
    positions = np.concatenate([positions, positions[faces[split]]])
    faces = faces.copy()
    faces[split] = np.arange(len(order), len(positions))
    assert geometry_digest(positions, faces) == DIGEST


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_fast_and_plain_agree_on_anything(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positions = rng.integers(-2, 3, (9, 3)) * np.array([0.5, -0.0, 1e-3])
    faces = rng.integers(0, 9, (25, 3))
    if not any(len({tuple(positions[i] + 0.0) for i in face}) == 3 for face in faces):
        return
    assert geometry_digest(positions, faces) == plain_digest(positions, faces)


def test_a_soup_of_triangles_is_the_same_surface() -> None:
    soup = VERTICES[FACES].reshape(-1, 3)
    assert geometry_digest(soup, np.arange(len(soup)).reshape(-1, 3)) == DIGEST


@given(st.integers(0, len(VERTICES) - 1), st.integers(0, 2), st.sampled_from([-1e-4, 1e-4]))
@settings(max_examples=30, deadline=None)
def test_moving_a_vertex_by_a_tenth_of_a_millimetre_changes_it(vertex: int, axis: int, step_m: float) -> None:
    moved = VERTICES.copy()
    moved[vertex, axis] += step_m
    assert geometry_digest(moved, FACES) != DIGEST


def test_a_flipped_triangle_changes_it() -> None:
    flipped = FACES.copy()
    flipped[7] = flipped[7][::-1]
    assert geometry_digest(VERTICES, flipped) != DIGEST
    assert geometry_digest(VERTICES, FACES[:, ::-1]) != DIGEST


def test_a_missing_or_an_added_triangle_changes_it() -> None:
    assert geometry_digest(VERTICES, FACES[1:]) != DIGEST
    assert geometry_digest(VERTICES, np.vstack([FACES, [0, 20, 40]])) != DIGEST


def test_what_no_eye_sees_makes_no_difference() -> None:
    unused = np.vstack([VERTICES, [9.0, 9.0, 9.0]])
    degenerate = np.vstack([FACES, FACES[3], [4, 4, 5], [6, 6, 6]])
    assert geometry_digest(unused, degenerate) == DIGEST
    assert geometry_digest(VERTICES.astype(np.float32), FACES.astype(np.uint16)) == DIGEST


def test_minus_zero_is_zero() -> None:
    positions = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    negative = positions * [1, 1, -1.0]
    assert np.signbit(negative[:, 2]).all()
    assert geometry_digest(negative, [[0, 1, 2]]) == geometry_digest(positions, [[0, 1, 2]])


@pytest.mark.parametrize(
    ("positions", "faces", "said"),
    [
        (np.zeros((4, 2)), [[0, 1, 2]], "positions must have the shape"),
        ([[0.0, 0, np.nan]] * 3, [[0, 1, 2]], "NaN, infinite or too large"),
        ([[0.0, 0, 1e39]] * 3, [[0, 1, 2]], "NaN, infinite or too large"),
        (VERTICES, [[0, 1]], r"faces must be \(F, 3\) integers"),
        (VERTICES, [[0.0, 1.0, 2.0]], r"faces must be \(F, 3\) integers"),
        (VERTICES, [[0, 1, 999]], r"outside 0\.\.53"),
        (VERTICES, [[0, 1, -1]], r"outside 0\.\.53"),
        (VERTICES, np.zeros((0, 3), int), "nothing to bind"),
        (VERTICES, [[1, 1, 2]], "nothing to bind"),
        (np.zeros((0, 3)), np.zeros((0, 3), int), "nothing to bind"),
    ],
)
def test_what_is_no_surface_is_refused(positions: object, faces: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        geometry_digest(positions, faces)  # type: ignore[arg-type]
