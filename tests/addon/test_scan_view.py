"""What of a scan is shown: its colours and its texture at the right places, all of it or a part."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from addon.outside import outside
from addon.test_thin_mesh import tube
from bodyscan.types import Mesh, ScanMesh, Texture

scan_view, pictures = outside("scan.scan_view"), outside("scan.pictures")


def scan(n: int, **mesh: object) -> ScanMesh:
    vertices, faces = tube(n)
    return ScanMesh(Mesh(vertices, faces, **mesh), np.ones(len(vertices), np.float32))


def heights_as_colors(vertices: np.ndarray) -> np.ndarray:
    shade = (255 * vertices[:, 1] / 1.8).round().astype(np.uint8)
    return np.stack([shade, 255 - shade, shade], axis=1)


def test_a_scan_is_shown_whole_with_its_colours() -> None:
    vertices, faces = tube(20)
    view = scan_view.view_scan(scan(20, colors=heights_as_colors(vertices)))
    assert not view.is_thinned
    np.testing.assert_array_equal(view.vertices, vertices)
    np.testing.assert_array_equal(view.faces, faces)
    np.testing.assert_array_equal(view.colors, heights_as_colors(vertices))
    assert (view.num_vertices, view.num_faces, view.point_radius_m) == (len(vertices), len(faces), 0.0)


def test_a_thinned_scan_says_which_vertices_it_shows() -> None:
    vertices, faces = tube(60)
    view = scan_view.view_scan(scan(60, colors=heights_as_colors(vertices)), len(faces) // 3)
    assert view.is_thinned
    np.testing.assert_array_equal(view.vertices, vertices[view.vertex_ids])
    np.testing.assert_array_equal(view.colors, heights_as_colors(vertices)[view.vertex_ids])


def test_a_texture_is_shown_by_corner_and_a_thinned_one_as_colours() -> None:
    vertices, faces = tube(40)
    uvs = np.stack([np.full(len(vertices), 0.25), 1 - vertices[:, 1] / 1.8], axis=1).astype(np.float32)
    image = np.zeros((64, 8, 3), np.uint8)
    image[:32] = (200, 10, 30)  # origin at the top left: the upper half of the tube
    textured = ScanMesh(
        Mesh(vertices, faces, uvs), np.ones(len(vertices), np.float32), texture=Texture(image)
    )
    view = scan_view.view_scan(textured)
    np.testing.assert_array_equal(view.uvs, uvs[faces.ravel()])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(view.texture))), image)
    assert view.colors is None
    thin = scan_view.view_scan(textured, len(faces) // 3)
    assert (thin.uvs, thin.texture) == (None, None)
    is_upper = thin.vertices[:, 1] > 0.91
    assert (thin.colors[is_upper] == (200, 10, 30)).all()
    assert (thin.colors[thin.vertices[:, 1] < 0.89] == 0).all()


def test_faces_without_three_corners_are_left_out_with_their_uvs() -> None:
    vertices, faces = tube(20)
    faces = np.concatenate([faces[:5], [[3, 3, 4]], faces[5:]]).astype(np.int32)
    uvs = vertices[:, :2].astype(np.float32)
    whole = ScanMesh(
        Mesh(vertices, faces, uvs),
        np.ones(len(vertices), np.float32),
        texture=Texture(np.zeros((4, 4, 3), np.uint8)),
    )
    view = scan_view.view_scan(whole)
    assert len(view.faces) == len(faces) - 1
    np.testing.assert_array_equal(view.uvs, uvs[view.faces.ravel()])


def test_the_points_of_a_cloud_nearly_touch() -> None:
    vertices, _ = tube(100)
    cloud = ScanMesh(Mesh(vertices, np.zeros((0, 3), np.int32)), np.ones(len(vertices), np.float32))
    radius = scan_view.view_scan(cloud).point_radius_m
    assert 0.003 < 2 * radius < 0.03
    one = ScanMesh(Mesh(vertices[:1], np.zeros((0, 3), np.int32)), np.ones(1, np.float32))
    assert scan_view.view_scan(one).point_radius_m > 0


def test_pictures_come_back_as_they_were() -> None:
    rng = np.random.default_rng(0)
    for shape in ((5, 7, 3), (5, 7)):
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(pictures.png_of(pixels)))), pixels)
    assert pictures.skin_pictures(None) is None
