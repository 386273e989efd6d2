"""How far each vertex can be trusted, written into a PLY file and read out of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodyscan.capture import read_scan
from bodyscan.capture.write_ply import ply_bytes
from bodyscan.errors import InputError
from bodyscan.types import Mesh

from .files import CUBE_QUADS, CUBE_VERTICES

RNG = np.random.default_rng(5)
TRUST = np.linspace(0, 1, 8, dtype=np.float32)
FACES = np.concatenate([CUBE_QUADS[:, [0, 1, 2]], CUBE_QUADS[:, [0, 2, 3]]]).astype(np.int32)


def full_mesh() -> Mesh:
    """A cube with everything that the format holds, at places that float32 has exactly."""
    normals = RNG.normal(size=(8, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    colors = RNG.integers(0, 256, (8, 3)).astype(np.uint8)
    return Mesh(CUBE_VERTICES, FACES, colors=colors, normals=normals.astype(np.float32))


def written(path: Path, *args: object, **options: object) -> Path:
    path.write_bytes(ply_bytes(*args, **options))  # type: ignore[arg-type]
    return path


def test_all_that_is_written_comes_back(tmp_path: Path) -> None:
    mesh = full_mesh()
    told = read_scan(written(tmp_path / "a.ply", mesh, confidence=TRUST, comments=["unit m", "up +y"]))
    np.testing.assert_array_equal(told.mesh.vertices, mesh.vertices)
    np.testing.assert_array_equal(told.mesh.faces, mesh.faces)
    np.testing.assert_array_equal(told.mesh.colors, mesh.colors)
    assert mesh.normals is not None
    assert told.mesh.normals is not None
    np.testing.assert_allclose(told.mesh.normals, mesh.normals, atol=1e-6)
    np.testing.assert_array_equal(told.confidence, TRUST)
    assert told.notes == ()


@pytest.mark.parametrize("left_out", ["colors", "normals", "confidence"])
def test_what_is_not_there_is_not_made_up(tmp_path: Path, left_out: str) -> None:
    mesh = full_mesh()
    if left_out != "confidence":
        mesh = replace(mesh, **{left_out: None})
    told = read_scan(
        written(tmp_path / "a.ply", mesh, confidence=None if left_out == "confidence" else TRUST)
    )
    there = {"colors": told.mesh.colors, "normals": told.mesh.normals, "confidence": told.confidence}
    assert [name for name, value in there.items() if value is None] == [left_out]


def test_the_same_mesh_gives_the_same_bytes_and_comments_are_in_the_header() -> None:
    data = ply_bytes(full_mesh(), comments=["unit m"])
    assert data.startswith(b"ply\nformat binary_little_endian 1.0\ncomment unit m\nelement vertex 8\n")
    mesh = replace(full_mesh(), normals=None)
    assert ply_bytes(mesh) == ply_bytes(mesh)


@pytest.mark.parametrize("comment", ["two\nlines", "end_header\r", "schön"])
def test_a_comment_cannot_break_the_header(comment: str) -> None:
    with pytest.raises(InputError, match="one line of ASCII"):
        ply_bytes(full_mesh(), comments=[comment])


def test_a_confidence_of_another_mesh_is_refused() -> None:
    with pytest.raises(InputError, match="confidence"):
        ply_bytes(full_mesh(), confidence=TRUST[:-1])


def ascii_ply(path: Path, values: list[float], name: str = "confidence", kind: str = "float") -> Path:
    lines = [
        "ply", "format ascii 1.0", "element vertex 8", *(f"property float {axis}" for axis in "xyz"),
        f"property {kind} {name}", f"element face {len(FACES)}", "property list uchar int vertex_indices",
        "end_header",
        *(f"{x} {y} {z} {value}" for (x, y, z), value in zip(CUBE_VERTICES, values, strict=True)),
        *(f"3 {a} {b} {c}" for a, b, c in FACES),
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ["confidence", "quality"])
def test_both_names_are_known(tmp_path: Path, name: str) -> None:
    told = read_scan(ascii_ply(tmp_path / "a.ply", TRUST.tolist(), name))
    np.testing.assert_allclose(told.confidence, TRUST, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.5] * 7 + [1.5], "do not lie between 0 and 1"),
        ([0.5] * 7 + [-0.2], "do not lie between 0 and 1"),
        ([0.5] * 7 + [float("nan")], "do not lie between 0 and 1"),
        ([0, 40, 255, 12, 7, 7, 7, 7], "do not lie between 0 and 1"),
        ([0.0] * 8, "0 everywhere"),
    ],
)
def test_what_is_no_share_is_left_out_and_said(tmp_path: Path, values: list[float], words: str) -> None:
    told = read_scan(ascii_ply(tmp_path / "a.ply", values, "quality"))
    assert told.confidence is None
    (note,) = told.notes
    assert "`quality` was left out" in note
    assert words in note


def test_a_value_that_rounding_took_over_1_is_1(tmp_path: Path) -> None:
    told = read_scan(ascii_ply(tmp_path / "a.ply", [0.5] * 7 + [1.000001]))
    assert told.confidence is not None
    assert told.confidence.max() == 1


def test_confidence_stays_with_its_vertex_where_others_are_dropped(tmp_path: Path) -> None:
    path = ascii_ply(tmp_path / "a.ply", TRUST.tolist())
    x, y, z = CUBE_VERTICES[2]
    line = f"{x} {y} {z} {TRUST.tolist()[2]}"
    path.write_text(path.read_text().replace(line, line.replace(f"{x} ", "nan ", 1), 1))
    told = read_scan(path)
    np.testing.assert_allclose(told.confidence, np.delete(TRUST, 2), atol=1e-6)
    np.testing.assert_array_equal(told.mesh.vertices, np.delete(CUBE_VERTICES, 2, axis=0))


def test_confidence_stays_with_its_vertex_where_seams_split_it(tmp_path: Path) -> None:
    lines = [
        "ply", "format ascii 1.0", "element vertex 8", *(f"property float {axis}" for axis in "xyz"),
        "property float confidence", f"element face {len(FACES)}", "property list uchar int vertex_indices",
        "property list uchar float texcoord", "end_header",
        *(f"{x} {y} {z} {value}" for (x, y, z), value in zip(CUBE_VERTICES, TRUST, strict=True)),
        *(f"3 {a} {b} {c} 6 " + " ".join(f"{v:.3f}" for v in RNG.random(6)) for a, b, c in FACES),
    ]  # fmt: skip
    (tmp_path / "a.ply").write_text("\n".join(lines) + "\n")
    told = read_scan(tmp_path / "a.ply")
    assert len(told.mesh.vertices) == 3 * len(FACES)
    place = {tuple(vertex): trust for vertex, trust in zip(CUBE_VERTICES, TRUST, strict=True)}
    wanted = [place[tuple(vertex)] for vertex in told.mesh.vertices]
    np.testing.assert_allclose(told.confidence, wanted, atol=1e-6)
