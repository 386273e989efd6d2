"""What `read_scan` refuses, what it says, and what all formats share."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np
import pytest
import trimesh

from bodyscan.capture import EXTENSIONS, read_scan
from bodyscan.errors import InputError

from .files import CUBE_QUADS, CUBE_VERTICES, QUAD_CUBE, signed_volume

SPHERE = trimesh.creation.icosphere(subdivisions=2)


@pytest.fixture
def sphere_files(tmp_path: Path) -> dict[str, Path]:
    """The same sphere in every mesh format."""
    paths = {ext: tmp_path / f"sphere.{ext}" for ext in ("ply", "obj", "stl", "off", "glb")}
    for path in paths.values():
        SPHERE.export(str(path))
    return paths


@pytest.mark.parametrize("ext", ["ply", "obj", "stl", "off", "glb"])
def test_every_mesh_format_gives_the_same_surface(sphere_files: dict[str, Path], ext: str) -> None:
    capture = read_scan(sphere_files[ext])
    assert len(capture.mesh.faces) == len(SPHERE.faces)
    corners = np.sort(capture.mesh.vertices[capture.mesh.faces].reshape(-1, 9), axis=0)
    wanted = np.sort(SPHERE.vertices[SPHERE.faces].reshape(-1, 9), axis=0)
    np.testing.assert_allclose(corners, wanted, atol=2e-7)
    assert signed_volume(capture.mesh.vertices, capture.mesh.faces) == pytest.approx(SPHERE.volume, rel=1e-5)
    assert capture.file_format == ext
    assert capture.source == f"sphere.{ext}"
    assert capture.texture is None


def test_the_file_is_hashed_and_left_as_it_was(sphere_files: dict[str, Path]) -> None:
    path = sphere_files["ply"]
    path.chmod(0o444)
    before = path.read_bytes()
    capture = read_scan(path)
    assert capture.sha256 == hashlib.sha256(before).hexdigest()
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == sorted(p.name for p in sphere_files.values())


def test_given_unit_and_axes_are_kept(sphere_files: dict[str, Path]) -> None:
    capture = read_scan(str(sphere_files["obj"]), unit="mm", up="+z", facing="-y")
    assert (capture.unit, capture.up, capture.facing) == ("mm", "+z", "-y")
    assert read_scan(sphere_files["obj"]).unit is None


def test_an_upper_case_extension_is_known(tmp_path: Path) -> None:
    path = tmp_path / "CUBE.OBJ"
    path.write_text(QUAD_CUBE)
    assert read_scan(path).file_format == "obj"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"unit": "feet"}, "unit is 'feet'; it must be one of m, cm, mm, in"),
        ({"up": "y"}, "up is 'y'; it must be one of"),
        ({"facing": "front"}, "facing is 'front'"),
        ({"up": "+y", "facing": "-y"}, "same axis"),
    ],
)
def test_unknown_choices_are_refused(tmp_path: Path, options: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words.replace("+", r"\+")):
        read_scan(tmp_path / "a.ply", **options)


def test_missing_folder_empty_and_unknown_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_scan(tmp_path / "none.ply")
    with pytest.raises(InputError, match="is a folder"):
        read_scan(tmp_path)
    (tmp_path / "empty.stl").write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        read_scan(tmp_path / "empty.stl")
    for name in ("scan.blend", "scan"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(InputError) as caught:
            read_scan(tmp_path / name)
        assert all(ext in str(caught.value) for ext in EXTENSIONS)


def test_a_pointer_file_and_a_web_page_are_named(tmp_path: Path) -> None:
    pointer = tmp_path / "scan.ply"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
    with pytest.raises(InputError, match="git lfs pull"):
        read_scan(pointer)
    page = tmp_path / "scan.obj"
    page.write_text("<!DOCTYPE html>\n<html></html>")
    with pytest.raises(InputError, match="web page"):
        read_scan(page)


@pytest.mark.parametrize("ext", EXTENSIONS)
def test_text_that_is_no_scan_is_refused(tmp_path: Path, ext: str) -> None:
    path = tmp_path / f"poem.{ext}"
    path.write_text("Whose woods these are I think I know.\nHis house is in the village though;\n" * 20)
    with pytest.raises(InputError, match=r"poem\."):
        read_scan(path)


@pytest.mark.parametrize("ext", EXTENSIONS)
def test_random_bytes_are_refused(tmp_path: Path, ext: str) -> None:
    path = tmp_path / f"noise.{ext}"
    for seed in range(5):
        path.write_bytes(np.random.default_rng(seed).bytes(3000))
        with pytest.raises(InputError, match="noise"):
            read_scan(path)


@pytest.mark.parametrize("ext", ["ply", "stl", "off", "glb"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_a_truncated_file_is_refused(sphere_files: dict[str, Path], ext: str, share: float) -> None:
    path = sphere_files[ext]
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match="sphere"):
        read_scan(path)


def test_a_few_bad_vertices_are_dropped_with_a_note(tmp_path: Path) -> None:
    vertices = SPHERE.vertices.copy()
    vertices[5] = np.nan
    vertices[9, 1] = np.inf
    lines = [f"v {x} {y} {z}" for x, y, z in vertices] + [f"f {a} {b} {c}" for a, b, c in SPHERE.faces + 1]
    (tmp_path / "holes.obj").write_text("\n".join(lines))
    capture = read_scan(tmp_path / "holes.obj")
    touched = np.isin(SPHERE.faces, [5, 9]).any(axis=1)
    assert len(capture.mesh.vertices) == len(vertices) - 2
    assert len(capture.mesh.faces) == int((~touched).sum())
    assert any("2 of 162 vertices were dropped" in note for note in capture.notes)


def test_all_bad_vertices_are_refused(tmp_path: Path) -> None:
    (tmp_path / "nan.obj").write_text("v nan nan nan\n" * 200)
    with pytest.raises(InputError, match="all 200 positions are NaN"):
        read_scan(tmp_path / "nan.obj")


def test_a_few_points_without_faces_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dots.xyz").write_text("1 2 3\n4 5 6\n")
    with pytest.raises(InputError, match="no faces and 2 points"):
        read_scan(tmp_path / "dots.xyz")


def test_a_face_that_points_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wild.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99\n")
    with pytest.raises(InputError, match="a face names vertex 98 and there are 3"):
        read_scan(tmp_path / "wild.obj")


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("trimesh").disabled = False
    for ext in EXTENSIONS:
        path = tmp_path / f"bad.{ext}"
        path.write_bytes(b"ply\nformat ascii 1.0\nFIELDS x y z\nPOINTS 5\nDATA ascii\n1 2\n")
        with pytest.raises(InputError):
            read_scan(path)
    out, err = capfd.readouterr()
    assert out == ""
    assert err == ""


def test_quads_become_triangles_of_the_same_volume(tmp_path: Path) -> None:
    (tmp_path / "cube.obj").write_text(QUAD_CUBE)
    mesh = read_scan(tmp_path / "cube.obj").mesh
    assert len(mesh.faces) == 2 * len(CUBE_QUADS)
    np.testing.assert_array_equal(mesh.vertices, CUBE_VERTICES)
    assert signed_volume(mesh.vertices, mesh.faces) == pytest.approx(1.0)
