"""Relief and roughness of a twin's textures in pictures."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.geometry.view import View
from bodyscan.render import RenderOptions, render_mesh
from bodyscan.render.skin_maps import SkinMaps
from bodyscan.types import Mesh, SkinTextures

SIZE = 64
LIGHT = RenderOptions(occlusion_rays=0, shadow_rays=0, edge_samples=1, ground=False)


def wall() -> Mesh:
    """A square metre in the XY plane that faces +Z; u to the right, v down."""
    vertices = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    uvs = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
    return Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]], np.int32), uvs=uvs)


def textures(normal=None, roughness: int | None = None) -> SkinTextures:
    """Grey, with one normal (3,) and one roughness (0..255) all over."""
    relief = None
    if normal is not None:
        unit = np.asarray(normal, np.float64) / np.linalg.norm(normal)
        relief = np.broadcast_to(np.rint((unit + 1) * 127.5).astype(np.uint8), (SIZE, SIZE, 3))
    rough = None if roughness is None else np.full((SIZE, SIZE), roughness, np.uint8)
    return SkinTextures(np.full((SIZE, SIZE, 3), 128, np.uint8), relief, rough)


def picture(maps: SkinTextures) -> np.ndarray:
    view = View.look_at([0, 0, 2.5], [0, 0, 0], [0, 1, 0], 150, 120, 120)
    return render_mesh(wall(), view, LIGHT, texture=maps).astype(np.float64)


def middle(image: np.ndarray) -> float:
    return float(image[50:70, 50:70].mean())


def test_a_flat_map_changes_nothing_to_see():
    assert np.abs(picture(textures()) - picture(textures((0, 0, 1)))).max() <= 2  # of 255


def test_a_bump_leans_to_the_light_on_the_upper_left():
    # Red leans along +u (right), green up: the key light comes from the upper left.
    flat = middle(picture(textures((0, 0, 1))))
    assert middle(picture(textures((-0.5, 0.5, 1)))) > flat + 5
    assert middle(picture(textures((0.5, -0.5, 1)))) < flat - 5


@pytest.mark.parametrize(("normal", "world"), [((1, 0, 1), (1, 0, 1)), ((0, 1, 1), (0, 1, 1))])
def test_red_is_along_u_and_green_is_up(normal, world):
    mesh = wall()
    maps = SkinMaps(mesh, np.tile([0.0, 0.0, 1.0], (4, 1)), textures(normal))
    from bodyscan.geometry.raycast import Raycaster
    from bodyscan.render.surface import seen_from

    normals = np.tile([0.0, 0.0, 1.0], (4, 1))
    hits = seen_from(Raycaster(mesh), normals, np.array([[0.1, 0.2, 1.0]]), np.array([[0, 0, -1.0]]))
    expected = np.asarray(world) / np.linalg.norm(world)
    assert np.abs(maps.bend(hits)[0] - expected).max() < 0.01  # a step of the 8-bit map is 0.008


def test_wet_shines_where_the_light_is_mirrored():
    lean = (-0.32, 0.41, 1)  # about halfway between the camera and the key light
    assert picture(textures(lean, 60)).max() > picture(textures(lean, 230)).max() + 5


def test_a_mesh_without_uvs_is_refused():
    mesh = Mesh(wall().vertices, wall().faces)
    with pytest.raises(InputError, match="uvs"):
        SkinMaps(mesh, np.tile([0.0, 0.0, 1.0], (4, 1)), textures())
