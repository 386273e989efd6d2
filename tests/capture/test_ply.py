"""PLY in all its spellings."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.capture import read_scan
from bodyscan.errors import InputError

from .files import CUBE_QUADS, CUBE_VERTICES, signed_volume

# A cube of four quads and four triangles, so that lists differ in length.
MIXED = [list(q) for q in CUBE_QUADS[:4]] + [
    [a, b, c] for q in CUBE_QUADS[4:] for a, b, c in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))
]


def _header(
    encoding: str, vertex: str, faces: int, face: str = "property list uchar int vertex_indices"
) -> str:
    return (
        f"ply\nformat {encoding} 1.0\ncomment made by a test\nelement vertex 8\n{vertex}\n"
        f"element face {faces}\n{face}\nend_header\n"
    )


XYZ = "property float x\nproperty float y\nproperty float z"


@pytest.mark.parametrize("order", ["<", ">"])
def test_binary_with_polygons_of_different_size(tmp_path: Path, order: str) -> None:
    name = "binary_little_endian" if order == "<" else "binary_big_endian"
    body = CUBE_VERTICES.astype(order + "f4").tobytes()
    for face in MIXED:
        body += struct.pack(f"{order}B{len(face)}i", len(face), *face)
    path = tmp_path / "cube.ply"
    path.write_bytes(_header(name, XYZ, len(MIXED)).encode() + body)
    mesh = read_scan(path).mesh
    assert len(mesh.faces) == 12
    assert signed_volume(mesh.vertices, mesh.faces) == pytest.approx(1.0)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match="truncated: it ends before its 8 face records"):
        read_scan(path)


def test_ascii_with_polygons_of_different_size_and_colours(tmp_path: Path) -> None:
    vertex = XYZ + "\nproperty uchar red\nproperty uchar green\nproperty uchar blue"
    lines = [f"{x} {y} {z} {i} 20 255" for i, (x, y, z) in enumerate(CUBE_VERTICES)]
    lines += [f"{len(f)} " + " ".join(map(str, f)) for f in MIXED]
    path = tmp_path / "cube.ply"
    path.write_text(_header("ascii", vertex, len(MIXED)) + "\n".join(lines) + "\n")
    mesh = read_scan(path).mesh
    assert signed_volume(mesh.vertices, mesh.faces) == pytest.approx(1.0)
    assert mesh.colors is not None
    np.testing.assert_array_equal(mesh.colors, [[i, 20, 255] for i in range(8)])
    path.write_text("\n".join(path.read_text().splitlines()[:-2]))
    with pytest.raises(InputError, match="truncated"):
        read_scan(path)


@pytest.mark.parametrize(
    ("kind", "dtype", "value"),
    [("float", "<f4", 0.5), ("ushort", "<u2", 128 * 257), ("uchar", "u1", 128), ("double", "<f8", 128 / 255)],
)
def test_colours_of_every_type_become_bytes(tmp_path: Path, kind: str, dtype: str, value: float) -> None:
    vertex = XYZ + "".join(f"\nproperty {kind} {c}" for c in ("red", "green", "blue"))
    table = np.zeros(8, [("p", "<f4", 3), ("c", dtype, 3)])
    table["p"], table["c"] = CUBE_VERTICES, value
    faces = b"".join(struct.pack("<B4i", 4, *q) for q in CUBE_QUADS)
    path = tmp_path / "cube.ply"
    path.write_bytes(_header("binary_little_endian", vertex, 6).encode() + table.tobytes() + faces)
    colors = read_scan(path).mesh.colors
    assert colors is not None
    assert (colors == 128).all()


def _cube(more: str = "") -> str:
    points = "".join(" ".join(map(str, point)) + "\n" for point in CUBE_VERTICES)
    return points + "".join(f"4 {' '.join(map(str, quad))}{more}\n" for quad in CUBE_QUADS)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_an_image_is_found_by_its_name_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    Image.fromarray(np.full((4, 4, 3), 200, np.uint8)).save(tmp_path / "Zoë.png")
    head = _header(
        "ascii", XYZ, 6, "property list uchar int vertex_indices\nproperty list uchar float texcoord"
    ).replace("comment made by a test", "comment TextureFile Zoë.png")
    (tmp_path / "a.ply").write_bytes((head + _cube(" 8 0 0 1 0 1 1 0 1")).encode(encoding))
    assert read_scan(tmp_path / "a.ply").texture is not None


@pytest.mark.parametrize("comment", ["TextureFile", "TextureFile ", "TextureFile  \t"])
def test_a_comment_that_names_no_image_refuses_nothing(tmp_path: Path, comment: str) -> None:
    head = _header("ascii", XYZ, 6, "property list uchar int vertex_indices")
    head = head.replace("comment made by a test", f"comment {comment}")
    (tmp_path / "a.ply").write_text(head + _cube())
    assert read_scan(tmp_path / "a.ply").texture is None


def test_corner_texture_coordinates_split_vertices_and_find_their_image(tmp_path: Path) -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2] = [255, 0, 0]  # the image's upper half
    Image.fromarray(image).save(tmp_path / "skin.png")
    header = _header(
        "ascii", XYZ, 6, "property list uchar int vertex_indices\nproperty list uchar float texcoord"
    ).replace("comment made by a test", "comment TextureFile skin.png")
    lines = [" ".join(map(str, p)) for p in CUBE_VERTICES]
    for i, quad in enumerate(CUBE_QUADS):
        v = 0.9 if i == 0 else 0.1  # PLY counts v upward: 0.9 lies in the upper half
        lines.append("4 " + " ".join(map(str, quad)) + " 8 " + " ".join(f"0.5 {v}" for _ in range(4)))
    path = tmp_path / "cube.ply"
    path.write_text(header + "\n".join(lines) + "\n")
    capture = read_scan(path)
    assert capture.texture is not None
    assert capture.mesh.uvs is not None
    np.testing.assert_array_equal(capture.texture.image, image)
    first = capture.mesh.uvs[capture.mesh.faces[:2].reshape(-1)]
    np.testing.assert_allclose(first[:, 1], 0.1, atol=1e-6)
    assert len(capture.mesh.vertices) == 12  # 4 corners of the first face are split from the other 8
    assert signed_volume(capture.mesh.vertices, capture.mesh.faces) == pytest.approx(1.0)


def test_a_cloud_keeps_its_normals(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 3))
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    header = "ply\nformat binary_little_endian 1.0\nelement vertex 500\n" + "".join(
        f"property double {n}\n" for n in ("x", "y", "z", "nx", "ny", "nz")
    )
    path = tmp_path / "cloud.ply"
    path.write_bytes((header + "end_header\n").encode() + np.hstack([unit, unit * 3]).tobytes())
    mesh = read_scan(path).mesh
    assert mesh.is_cloud
    assert mesh.normals is not None
    np.testing.assert_allclose(mesh.normals, unit, atol=1e-6)


def test_a_ply_without_positions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.ply"
    path.write_text("ply\nformat ascii 1.0\nelement vertex 2\nproperty float a\nend_header\n1\n2\n")
    with pytest.raises(InputError, match="properties x, y, z are missing"):
        read_scan(path)
