"""OBJ: materials, textures, vertex colours, relative indices, and paths that lead elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.capture import read_scan
from bodyscan.capture.mtl import read_materials

from .files import QUAD_CUBE, signed_volume

RED, BLUE = [255, 0, 0], [0, 0, 255]


def _image(path: Path, color: list[int]) -> None:
    Image.fromarray(np.full((4, 4, 3), color, np.uint8)).save(path)


def _textured(faces: str, vt: str = "vt 0.25 0.75\n") -> str:
    vertices = "".join(line + "\n" for line in QUAD_CUBE.splitlines()[:8])
    return "mtllib cube.mtl\n" + vertices + vt + faces


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_comments_and_continuations(tmp_path: Path, ending: str) -> None:
    text = "# a cube\n" + QUAD_CUBE.replace("f 1 4 3 2", "f 1 4 \\\n 3 2 # top").replace(
        "v 1 1 0", "  v  1\t1 0"
    )
    (tmp_path / "cube.obj").write_bytes(text.replace("\n", ending).encode())
    mesh = read_scan(tmp_path / "cube.obj").mesh
    assert signed_volume(mesh.vertices, mesh.faces) == pytest.approx(1.0)


def test_relative_indices_and_mixed_corners(tmp_path: Path) -> None:
    text = QUAD_CUBE + "v 5 0 0\nv 6 0 0\nvt 0 0\nvn 0 0 1\nv 5 1 0\nf -3/-1/-1 -2//1 -1\n"
    (tmp_path / "cube.obj").write_text(text)
    mesh = read_scan(tmp_path / "cube.obj").mesh
    np.testing.assert_array_equal(mesh.faces[-1], [8, 9, 10])


def test_vertex_colours_of_floats(tmp_path: Path) -> None:
    text = "".join(f"{line} 1 0.5 0\n" if line[0] == "v" else line + "\n" for line in QUAD_CUBE.splitlines())
    (tmp_path / "cube.obj").write_text(text)
    colors = read_scan(tmp_path / "cube.obj").mesh.colors
    assert colors is not None
    np.testing.assert_array_equal(np.unique(colors, axis=0), [[255, 128, 0]])


@pytest.mark.parametrize("line", ["a.mtl skin b.MTL", "skin b.MTL", "a.mtl\nmtllib skin b.MTL"])
def test_a_line_may_name_several_libraries_and_names_may_hold_blanks(tmp_path: Path, line: str) -> None:
    _image(tmp_path / "skin.png", RED)
    (tmp_path / "a.mtl").write_text("newmtl other\nKd 1 1 1\n")
    (tmp_path / "skin b.MTL").write_text("newmtl skin\nmap_Kd skin.png\n")
    faces = "usemtl skin\nf 1/1 4/1 3/1 2/1\n"
    (tmp_path / "cube.obj").write_text(_textured(faces).replace("cube.mtl", line))
    assert read_scan(tmp_path / "cube.obj").texture is not None


def test_one_texture_is_kept_as_it_is(tmp_path: Path) -> None:
    _image(tmp_path / "my skin.png", RED)
    (tmp_path / "cube.mtl").write_text("newmtl skin\nKd 1 1 1\nmap_Kd -s 1 1 1 -o 0 0 my skin.png\n")
    (tmp_path / "cube.obj").write_text(_textured("usemtl skin\nf 1/1 4/1 3/1 2/1\nf 5/1 6/1 7/1\n"))
    capture = read_scan(tmp_path / "cube.obj")
    assert capture.texture is not None
    assert capture.texture.image.shape == (4, 4, 3)
    assert capture.mesh.uvs is not None
    np.testing.assert_allclose(
        capture.mesh.uvs, [[0.25, 0.25]] * len(capture.mesh.vertices)
    )  # v from the top
    assert capture.notes == ()


def test_two_textures_become_vertex_colours_with_a_note(tmp_path: Path) -> None:
    _image(tmp_path / "a.png", RED)
    _image(tmp_path / "b.png", BLUE)
    (tmp_path / "cube.mtl").write_text("newmtl a\nmap_Kd a.png\nnewmtl b\nmap_Kd b.png\n")
    faces = "usemtl a\nf 1/1 4/1 3/1 2/1\nusemtl b\nf 5/1 6/1 7/1 8/1\n"
    (tmp_path / "cube.obj").write_text(_textured(faces))
    capture = read_scan(tmp_path / "cube.obj")
    assert capture.texture is None
    assert capture.mesh.colors is not None
    low = capture.mesh.vertices[:, 2] == 0
    assert (capture.mesh.colors[low] == RED).all()
    assert (capture.mesh.colors[~low] == BLUE).all()
    assert any("2 materials with 2 images" in note for note in capture.notes)


def test_a_missing_library_or_image_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "cube.obj").write_text(_textured("usemtl skin\nf 1/1 4/1 3/1 2/1\n"))
    assert any("cube.mtl" in n and "not there" in n for n in read_scan(tmp_path / "cube.obj").notes)
    (tmp_path / "cube.mtl").write_text("newmtl skin\nmap_Kd gone.png\n")
    capture = read_scan(tmp_path / "cube.obj")
    assert any("gone.png" in n and "not there" in n for n in capture.notes)
    assert capture.texture is None
    assert len(capture.mesh.vertices) == 8  # without an image, seams do not split the surface


@pytest.mark.parametrize(
    "reference", ["../secret.png", "/{folder}/secret.png", "..\\secret.png", "C:\\x\\secret.png"]
)
def test_an_image_outside_the_folder_is_not_read(tmp_path: Path, reference: str) -> None:
    _image(tmp_path / "secret.png", RED)
    folder = tmp_path / "scan"
    folder.mkdir()
    named = reference.replace("/{folder}", str(tmp_path))
    (folder / "cube.mtl").write_text(f"newmtl skin\nmap_Kd {named}\n")
    (folder / "cube.obj").write_text(_textured("usemtl skin\nf 1/1 4/1 3/1 2/1\n"))
    capture = read_scan(folder / "cube.obj")
    assert capture.texture is None
    assert any("outside the scan's folder: it was ignored" in note for note in capture.notes)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    _image(tmp_path / "secret.png", RED)
    folder = tmp_path / "scan"
    folder.mkdir()
    (folder / "skin.png").symlink_to(tmp_path / "secret.png")
    notes: list[str] = []
    (folder / "cube.mtl").write_text("newmtl skin\nmap_Kd skin.png\n")
    assert read_materials(folder / "cube.obj", ["cube.mtl"], {"skin"}, notes)["skin"].texture is None
    assert "ignored" in notes[0]


def test_a_path_of_another_machine_falls_back_to_the_file_beside_the_scan(tmp_path: Path) -> None:
    _image(tmp_path / "skin.png", RED)
    (tmp_path / "cube.mtl").write_text("newmtl skin\nmap_Kd C:\\Users\\me\\skin.png\n")
    (tmp_path / "cube.obj").write_text(_textured("usemtl skin\nf 1/1 4/1 3/1 2/1\n"))
    capture = read_scan(tmp_path / "cube.obj")
    assert capture.texture is not None
    assert any("skin.png beside the scan was read" in note for note in capture.notes)
