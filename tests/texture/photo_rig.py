"""A ball with a known colour at every point, and photos of it: what the tests of photo textures share."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np

from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.geometry.view import View
from bodyscan.texture.texels import Texels, rasterize
from bodyscan.types import Mesh, Photo, ScanMesh

RADIUS_M, SIZE_PX, FOCAL_PX, DISTANCE_M = 0.2, 160, 300.0, 0.9
BACKGROUND = (255, 0, 255)
"""Nothing on the ball looks like it: one texel of it would be seen."""


@cache
def ball(rows: int = 40) -> Mesh:
    """A sphere with uvs, cut open along one meridian."""
    v, u = np.mgrid[0 : rows + 1, 0 : 2 * rows + 1]
    polar, turn = np.pi * v / rows, np.pi * u / rows
    points = np.stack([np.sin(polar) * np.sin(turn), np.cos(polar), np.sin(polar) * np.cos(turn)], -1)
    wide = 2 * rows + 1
    a = (v[:-1, :-1] * wide + u[:-1, :-1]).reshape(-1)
    faces = np.concatenate([np.stack([a, a + wide, a + wide + 1], 1), np.stack([a, a + wide + 1, a + 1], 1)])
    uvs = np.stack([u / (2 * rows), v / rows], -1).reshape(-1, 2)
    solid = faces[_area(points.reshape(-1, 3), faces) > 1e-9]
    return Mesh(points.reshape(-1, 3) * RADIUS_M, solid.astype(np.int32), uvs=uvs.astype(np.float32))


def _area(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (points[faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1)


@cache
def ball_texels(size: int = 128) -> Texels:
    return rasterize(ball().uvs, ball().faces, size)


def ball_model() -> SimpleNamespace:
    """All that baking asks of a body model."""
    return SimpleNamespace(faces=ball().faces)


def true_srgb(points: np.ndarray) -> np.ndarray:
    """(N, 3) metres -> (N, 3) sRGB 0..255, waves of 6 cm."""
    waves = np.sin(points * 100 + [0.0, 1.0, 2.0])
    return 120 + 45 * waves


def views(count: int = 10, tilt: float = 0.5) -> list[View]:
    """Cameras around the ball, in turn from above and from below."""
    found = []
    for k in range(count):
        turn, up = 2 * np.pi * k / count, tilt if k % 2 else -tilt
        eye = DISTANCE_M * np.array([np.cos(up) * np.sin(turn), np.sin(up), np.cos(up) * np.cos(turn)])
        found.append(View.look_at(eye, (0, 0, 0), (0, 1, 0), FOCAL_PX, SIZE_PX, SIZE_PX))
    return found


def shoot(view: View, mesh: Mesh | None = None, color=true_srgb, gain=(1.0, 1.0, 1.0), **more) -> Photo:
    """A photo of `mesh` (the ball), 3 by 3 rays a pixel, its linear light times `gain`."""
    caster = Raycaster(ball() if mesh is None else mesh)
    fine = View(view.width * 3, view.height * 3, np.diag([3.0, 3.0, 1.0]) @ view.K, view.camera_from_world)
    seen = caster.look(fine)
    light = np.tile(linear_from_srgb(np.array(BACKGROUND, np.float64)), (fine.width * fine.height, 1))
    points = caster.positions(seen.face_ids, seen.barycentric)
    light[seen.pixels] = linear_from_srgb(color(points)) * np.asarray(gain)
    light = light.reshape(view.height, 3, view.width, 3, 3).mean(axis=(1, 3))
    encoded = np.where(
        light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    )
    image = np.clip(np.rint(encoded * 255), 0, 255).astype(np.uint8)
    return Photo(image, view.K, view.camera_from_world, **more)


def scan_with(photos, mesh: Mesh | None = None) -> ScanMesh:
    """The ball as a scan that has `photos`."""
    mesh = ball() if mesh is None else mesh
    return ScanMesh(mesh, np.ones(len(mesh.vertices), np.float32), photos=tuple(photos))
