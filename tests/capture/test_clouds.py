"""Point clouds: PCD and text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import open3d as o3d
import pytest

from bodyscan.capture import read_scan
from bodyscan.errors import InputError

RNG = np.random.default_rng(3)
POINTS = RNG.normal(size=(300, 3))
UNIT = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)
RGB = RNG.integers(0, 256, (300, 3))


@pytest.mark.parametrize("mode", ["ascii", "binary", "compressed"])
def test_pcd_keeps_points_colours_and_normals(tmp_path: Path, mode: str) -> None:
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(POINTS))
    cloud.colors = o3d.utility.Vector3dVector(RGB / 255)
    cloud.normals = o3d.utility.Vector3dVector(UNIT)
    path = tmp_path / "c.pcd"
    o3d.io.write_point_cloud(str(path), cloud, write_ascii=mode == "ascii", compressed=mode == "compressed")
    mesh = read_scan(path).mesh
    np.testing.assert_allclose(mesh.vertices, POINTS, atol=1e-6)
    np.testing.assert_array_equal(mesh.colors, RGB)
    np.testing.assert_allclose(mesh.normals, UNIT, atol=1e-6)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"c\.pcd"):
        read_scan(path)


def write_padded_pcd(path: Path, **changed: str) -> Path:
    """As PCL writes structs of its own: 16 bytes for a position, and a colour among unused bytes."""
    told = {
        "VERSION": "0.7", "FIELDS": "x y z _ rgb _", "SIZE": "4 4 4 1 4 1", "TYPE": "F F F U F U",
        "COUNT": "1 1 1 4 1 12", "WIDTH": "300", "HEIGHT": "1", "POINTS": "300", "DATA": "binary",
    } | changed  # fmt: skip
    table = np.zeros(300, [("p", "<f4", 3), ("a", "u1", 4), ("c", "<u4"), ("b", "u1", 12)])
    table["p"] = POINTS
    table["c"] = RGB @ [65536, 256, 1]
    head = "".join(f"{word} {value}\n" for word, value in told.items())
    path.write_bytes(f"# .PCD v.7\n{head}".encode() + table.tobytes())
    return path


def test_padding_in_a_pcd_is_passed_over(tmp_path: Path) -> None:
    mesh = read_scan(write_padded_pcd(tmp_path / "c.pcd")).mesh
    np.testing.assert_allclose(mesh.vertices, POINTS, atol=1e-6)
    np.testing.assert_array_equal(mesh.colors, RGB)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"FIELDS": "x y z _ x _"}, "contradicts itself"),
        ({"SIZE": "4 4 4 1 4 3"}, "contradicts itself"),
        ({"SIZE": "4 4 4 1 4"}, "contradicts itself"),
        ({"TYPE": "F F F U F Q"}, "contradicts itself"),
        ({"COUNT": "1 1 1 4 1 0"}, "contradicts itself"),
        ({"COUNT": "1 1 1 4 1 99999"}, "contradicts itself"),
        ({"WIDTH": "299"}, "contradicts itself"),
        ({"WIDTH": "301", "POINTS": "301"}, "is truncated: it has 9600 of 9632 bytes"),
        ({"POINTS": "many"}, "contradicts itself"),
        ({"DATA": "binary_compressed"}, "its points fill"),
        ({"DATA": "morse"}, "lacks FIELDS, POINTS or DATA"),
        ({"FIELDS": "x y w _ rgb _"}, "has no positions"),
    ],
)
def test_a_pcd_whose_header_lies_is_refused(tmp_path: Path, changed: dict, words: str) -> None:
    # Open3D reads past the end of its memory on some of these.
    with pytest.raises(InputError, match=words):
        read_scan(write_padded_pcd(tmp_path / "c.pcd", **changed))


def test_a_header_names_the_columns(tmp_path: Path) -> None:
    table = np.hstack([RGB, POINTS[:, [2, 1, 0]], UNIT])
    np.savetxt(
        tmp_path / "c.csv", table, delimiter=",", header="R,G,B,Z,Y,X,nx,ny,nz", comments="", fmt="%.8f"
    )
    mesh = read_scan(tmp_path / "c.csv").mesh
    np.testing.assert_allclose(mesh.vertices, POINTS, atol=1e-7)
    np.testing.assert_array_equal(mesh.colors, RGB)
    np.testing.assert_allclose(mesh.normals, UNIT, atol=1e-6)


@pytest.mark.parametrize("separator", [" ", "\t", ";", ", "])
def test_columns_are_told_apart_by_their_values(tmp_path: Path, separator: str) -> None:
    table = np.hstack([POINTS, RGB, UNIT])
    np.savetxt(tmp_path / "c.txt", table, delimiter=separator, fmt="%.8f")
    capture = read_scan(tmp_path / "c.txt")
    np.testing.assert_allclose(capture.mesh.vertices, POINTS, atol=1e-7)
    np.testing.assert_array_equal(capture.mesh.colors, RGB)
    np.testing.assert_allclose(capture.mesh.normals, UNIT, atol=1e-6)
    assert any("read as normals" in note for note in capture.notes)
    assert any("read as red, green, blue" in note for note in capture.notes)


def test_decimal_commas_and_a_count_line(tmp_path: Path) -> None:
    text = "300\n" + "\n".join(";".join(f"{v:.6f}".replace(".", ",") for v in p) for p in POINTS)
    (tmp_path / "c.xyz").write_text(text)
    np.testing.assert_allclose(read_scan(tmp_path / "c.xyz").mesh.vertices, POINTS, atol=1e-6)


def test_two_columns_are_no_cloud(tmp_path: Path) -> None:
    (tmp_path / "c.xyz").write_text("1 2\n" * 200)
    with pytest.raises(InputError, match="a line has 2 numbers; x, y and z are needed"):
        read_scan(tmp_path / "c.xyz")


def test_an_off_with_colours_and_mixed_polygons(tmp_path: Path) -> None:
    text = "COFF\n4 2 0\n0 0 0 255 0 0 255\n1 0 0 255 0 0 255\n1 1 0 255 0 0 255\n0 1 0 255 0 0 255\n"
    (tmp_path / "q.off").write_text(text + "4 0 1 2 3\n3 0 1 2\n")
    mesh = read_scan(tmp_path / "q.off").mesh
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3], [0, 1, 2]])
    np.testing.assert_array_equal(np.unique(mesh.colors, axis=0), [[255, 0, 0]])
    (tmp_path / "q.off").write_text(text + "4 0 1 2 3 9 9 9\n3 0 1 2\n")  # a colour on one face only
    assert len(read_scan(tmp_path / "q.off").mesh.faces) == 3
