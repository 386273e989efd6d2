from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.render.cameras import person_view
from bodyscan.render.options import RenderOptions
from bodyscan.render.picture import render_mesh
from bodyscan.types import Mesh, Texture

from .shapes import EMPTY, ball

FAST = RenderOptions(occlusion_rays=8, shadow_rays=4)
BARE = RenderOptions(occlusion_rays=0, shadow_rays=0, ground=False, edge_samples=1)


def view_of(mesh: Mesh, side: int = 120, fill: float = 0.7) -> View:
    return person_view(mesh.vertices, "front", width=side, height=side, fill=fill)


def test_picture_does_not_depend_on_the_order_of_faces() -> None:
    mesh = ball()
    order = np.random.default_rng(0).permutation(len(mesh.faces))
    turned = np.stack([mesh.faces[order, 1], mesh.faces[order, 2], mesh.faces[order, 0]], axis=1)
    first = render_mesh(mesh, view_of(mesh), FAST).astype(int)
    second = render_mesh(replace(mesh, faces=turned), view_of(mesh), FAST).astype(int)
    assert np.abs(first - second).mean() < 0.05
    assert (np.abs(first - second) > 2).mean() < 0.002


def test_same_input_gives_the_same_picture() -> None:
    mesh = ball()
    assert (render_mesh(mesh, view_of(mesh), FAST) == render_mesh(mesh, view_of(mesh), FAST)).all()


def test_empty_mesh_is_refused() -> None:
    with pytest.raises(InputError, match="mesh is empty; there is nothing to draw"):
        render_mesh(EMPTY, view_of(ball()))


def test_ball_covers_the_share_that_it_should() -> None:
    mesh = ball()
    image = render_mesh(mesh, view_of(mesh, 200), replace(BARE, clay=(60, 60, 60)))
    covered = (image.max(axis=2) < 200).mean()
    assert covered == pytest.approx(np.pi / 4 * 0.7**2, rel=0.03)


def test_key_light_comes_from_the_upper_left() -> None:
    mesh = ball()
    image = render_mesh(mesh, view_of(mesh), BARE).astype(float).mean(axis=2)
    assert image[45, 45] > image[75, 75] + 20


def test_split_seams_do_not_show() -> None:
    mesh = ball(rings=10)
    soup = Mesh(mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(mesh.faces.size).reshape(-1, 3))
    whole = render_mesh(mesh, view_of(mesh), BARE).astype(int)
    assert np.abs(whole - render_mesh(soup, view_of(mesh), BARE).astype(int)).max() <= 2


def test_faces_seen_from_behind_are_lit_like_others() -> None:
    mesh = ball()
    inside_out = replace(mesh, faces=np.array(mesh.faces[:, ::-1]))
    difference = render_mesh(mesh, view_of(mesh), BARE).astype(int) - render_mesh(
        inside_out, view_of(mesh), BARE
    )
    assert np.abs(difference).max() <= 2


def test_occlusion_only_darkens() -> None:
    one = ball(0.3, (0, 0.3, 0))
    two = ball(0.3, (0.5, 0.3, 0.1))
    both = Mesh(
        np.concatenate([one.vertices, two.vertices]),
        np.concatenate([one.faces, two.faces + len(one.vertices)]),
    )
    open_air = render_mesh(both, view_of(both), BARE).astype(int)
    closed = render_mesh(both, view_of(both), replace(BARE, occlusion_rays=16)).astype(int)
    assert (closed <= open_air + 1).all()
    assert (open_air - closed).max() > 20


def test_floor_is_darkest_at_the_contact_and_bright_far_away() -> None:
    mesh = ball(0.2, (0, 0.2, 0))
    view = person_view(mesh.vertices, "front", width=160, height=160, fill=0.3, elevation=0.5)
    shaded = render_mesh(mesh, view, FAST).astype(int).mean(axis=2)
    bare = render_mesh(mesh, view, replace(FAST, ground=False)).astype(int).mean(axis=2)
    fall = bare - shaded
    contact = view.project([[0, 0, 0.12]])[0].astype(int)
    assert fall[contact[1] + 4, contact[0]] > 15
    assert abs(fall[:6]).max() <= 1


def test_vertex_colours_are_shown() -> None:
    mesh = ball()
    red = replace(mesh, colors=np.tile(np.array([200, 20, 20], np.uint8), (len(mesh.vertices), 1)))
    image = render_mesh(red, view_of(red), BARE)
    assert image[60, 60, 0] > 3 * image[60, 60, 1]


def test_texture_is_looked_up_from_the_top_left() -> None:
    square = Mesh(
        np.array([[-1, 0, 0], [1, 0, 0], [1, 2, 0], [-1, 2, 0]], float),
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        uvs=np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32),
    )
    image = np.zeros((64, 64, 3), np.uint8)
    image[:32, :32] = (220, 0, 0)
    image[32:, 32:] = (0, 0, 220)
    picture = render_mesh(square, view_of(square), BARE, texture=Texture(image)).astype(int)
    assert picture[35, 35, 0] > picture[35, 35, 2] + 60
    assert picture[85, 85, 2] > picture[85, 85, 0] + 60


def test_edges_are_smooth() -> None:
    # Flat light and black: everything between paper and ball comes from the outline alone.
    mesh = replace(ball(), colors=np.zeros((len(ball().vertices), 3), np.uint8))
    dark = replace(BARE, look="data")
    hard = render_mesh(mesh, view_of(mesh), dark)
    smooth = render_mesh(mesh, view_of(mesh), replace(dark, edge_samples=4))
    between = [((image > 60) & (image < 200)).any(axis=2).sum() for image in (hard, smooth)]
    assert between[0] == 0
    assert between[1] > 50


def test_a_cloud_is_drawn() -> None:
    mesh = ball()
    cloud = Mesh(mesh.vertices, np.zeros((0, 3), np.int32))
    image = render_mesh(cloud, view_of(cloud), replace(BARE, clay=(60, 60, 60)))
    assert 0.25 < (image.max(axis=2) < 200).mean() < 0.6


def test_a_camera_inside_the_mesh_still_gives_a_picture() -> None:
    mesh = ball()
    view = View.look_at([0, 0.5, 0], [0, 0.5, 1], [0, 1, 0], 60, 80, 80)
    image = render_mesh(mesh, view, replace(BARE, clay=(60, 60, 60)))
    assert (image.max(axis=2) < 200).all()


def test_a_foreign_caster_is_refused() -> None:
    mesh = ball()
    with pytest.raises(InputError, match="built for another mesh"):
        render_mesh(mesh, view_of(mesh), caster=Raycaster(ball()))


@pytest.mark.parametrize(("look", "says"), [("color", "neither"), ("data", "needs vertex colours")])
def test_looks_that_need_colours_say_so(look: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        render_mesh(ball(), view_of(ball()), RenderOptions(look=look))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"look": "wire"}, "possible are auto, clay"),
        ({"edge_samples": 9}, "1 to 4"),
        ({"exposure": 0}, "0.1 to 4"),
    ],
)
def test_options_out_of_range_are_refused(change: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        RenderOptions(**change)
