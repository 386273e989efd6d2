"""A picture of a mesh in a photo studio, by casting rays on the CPU: no graphics driver.

Measured on 2 shared cores, 800 x 1000 px: see `docs/report.md`.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import binary_erosion

from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster, cloud_normals
from bodyscan.geometry.view import View
from bodyscan.render.color import srgb_from_linear
from bodyscan.render.light import BLOCK, LightGrid, light_grid
from bodyscan.render.options import RenderOptions
from bodyscan.render.skin_maps import SkinMaps
from bodyscan.render.studio import Studio, backdrop, shade
from bodyscan.render.surface import Albedo, Hits, seen_from, vertex_normals
from bodyscan.types import F32, F64, U8, Mesh, SkinTextures, Texture


def render_mesh(
    mesh: Mesh,
    view: View,
    options: RenderOptions | None = None,
    *,
    texture: Texture | SkinTextures | None = None,
    caster: Raycaster | None = None,
    normals: F64 | None = None,
) -> U8:
    """Return a picture (H, W, 3) uint8 sRGB of `mesh` (a mesh or a cloud) as `view` sees it.

    `texture` is looked up by the mesh's uvs; of a twin's textures, relief and roughness are drawn too.
    `caster`: one that was built for this very mesh, to save building it again for several views. `normals`
    (V, 3) unit: those to shade it with, where they are not to be its own smooth ones.
    Raises `InputError` for an empty mesh, or for a look that needs colours which the mesh lacks.
    """
    options = options or RenderOptions()
    if not len(mesh.vertices):
        raise InputError("render_mesh: the mesh is empty; there is nothing to draw.")
    if caster is not None and caster.mesh is not mesh:
        raise InputError("render_mesh: `caster` was built for another mesh; build it for this one.")
    normals = vertex_normals(mesh) if normals is None else normals
    if normals.shape != mesh.vertices.shape:
        raise InputError(f"render_mesh: the normals are {normals.shape}; the mesh has {mesh.vertices.shape}.")
    return _Painter(mesh, view, options, texture, caster or Raycaster(mesh), normals).paint()


class _Painter:
    """The steps of one picture; all state is made in `__init__` and read afterwards."""

    def __init__(
        self,
        mesh: Mesh,
        view: View,
        options: RenderOptions,
        texture: Texture | SkinTextures | None,
        caster: Raycaster,
        normals: F64,
    ) -> None:
        self.view, self.options, self.caster = view, options, caster
        self.normals = normals
        self.maps: SkinMaps | None = None
        if isinstance(texture, SkinTextures):
            if mesh.uvs is not None and options.look in ("auto", "color"):
                self.maps = SkinMaps(mesh, self.normals, texture)
            texture = Texture(texture.albedo)
        self.albedo = Albedo(mesh, texture, options.look, options.clay)
        self.studio = Studio.around(view)
        extent = mesh.vertices.max(axis=0) - mesh.vertices.min(axis=0)
        self.diagonal = max(float(np.linalg.norm(extent)), 1e-9)
        self.radius_m = options.occlusion_radius * self.diagonal
        self.lift_m = self.radius_m * 0.01
        if mesh.is_cloud:
            # A cloud's squares overlap like shingles: rays must start above the next ones.
            self.lift_m += 2.5 * float(np.median(cloud_normals(mesh.vertices)[1]))
        self.data = options.look == "data"

    def paint(self) -> U8:
        view = self.view
        pixels = _pixels_near(view, self.caster.mesh.vertices)
        hits = self._look(pixels)
        hit_pixels = pixels[hits.ids]
        flat = _flat(hit_pixels, view.width)
        self.albedo.reduce_texture(hits, flat)
        if self.maps is not None:
            self.maps.reduce(hits, flat)
        mask = np.zeros(view.width * view.height, bool)
        mask[flat] = True
        picture = backdrop(view, self.options.background)
        if self.options.ground:
            picture *= self._ground_shadow(mask.reshape(view.height, view.width))[..., None]
        if len(hits.ids):
            light = self._surface_light(hit_pixels, hits)
            colors = picture.reshape(-1, 3)
            behind = colors.copy()
            colors[flat] = self._shade(hits, hit_pixels, light)
            self._smooth_edges(colors, behind, flat, hits, light)
        return srgb_from_linear(picture, dither=True)

    def _look(self, pixels: F64) -> Hits:
        return seen_from(self.caster, self.normals, *self.view.rays(pixels))

    def _shade(self, hits: Hits, pixels: F64, light: LightGrid) -> F32:
        to_eye = self.view.eye.astype(np.float32) - hits.positions
        to_eye /= np.maximum(np.linalg.norm(to_eye, axis=1, keepdims=True), 1e-9)
        opened = light.at(pixels, hits.positions, hits.normals)
        albedo, exposure = self.albedo.at(hits), self.options.exposure
        normals = hits.normals if self.maps is None else self.maps.bend(hits)
        roughness = None if self.maps is None else self.maps.roughness(hits)
        return shade(
            self.studio,
            albedo,
            normals,
            to_eye,
            opened,
            data=self.data,
            exposure=exposure,
            roughness=roughness,
        )

    def _cast_light(
        self, cells: np.ndarray, positions: F32, normals: F32, reach: float, share: float
    ) -> LightGrid:
        shape = (-(-self.view.height // BLOCK), -(-self.view.width // BLOCK))
        return light_grid(
            self.caster,
            shape,
            cells,
            positions,
            normals,
            key_direction=self.studio.key,
            occlusion_rays=math.ceil(self.options.occlusion_rays * share),
            shadow_rays=math.ceil(self.options.shadow_rays * share),
            radius_m=self.radius_m * reach,
            lift_m=self.lift_m,
        )

    def _surface_light(self, pixels: F64, hits: Hits) -> LightGrid:
        """Light for one hit in each block of pixels: the first one there."""
        cells = (pixels[:, ::-1] // BLOCK).astype(np.int64)
        one = np.unique(cells[:, 0] * (1 << 20) + cells[:, 1], return_index=True)[1]
        return self._cast_light(cells[one], hits.positions[one], hits.normals[one], 1.0, 1.0)

    def _ground_shadow(self, covered: np.ndarray) -> F32:
        """(H, W) share of light that the floor keeps, 1 away from the person."""
        view, vertices = self.view, self.caster.mesh.vertices
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        floor = low[1] if self.options.ground_y is None else self.options.ground_y
        shadow = np.ones((view.height, view.width), np.float32)
        # Two pixels under the outline too: the smoothing of edges mixes the floor behind them in.
        inner = np.asarray(binary_erosion(covered, iterations=2, border_value=1), bool)
        eye = view.eye
        if eye[1] <= floor:
            return shadow
        reach = 2.6 * self.radius_m
        pixels = _pixels_near(view, _floor_corners(low - reach, high + reach, floor))
        flat = _flat(pixels, view.width)
        bare = ~inner.ravel()[flat]
        directions = view.rays(pixels)[1]
        down = directions[:, 1] < -1e-4
        distance = np.where(down, (floor - eye[1]) / np.where(down, directions[:, 1], -1), 0)
        points = eye + distance[:, None] * directions
        outside = np.maximum(np.maximum(low - points, points - high), 0)[:, [0, 2]]
        aside = np.linalg.norm(outside, axis=1)
        wanted = np.flatnonzero(bare & down & (aside < reach))
        if not len(wanted):
            return shadow
        cells = (pixels[wanted][:, ::-1] // BLOCK).astype(np.int64)
        one = np.unique(cells[:, 0] * (1 << 20) + cells[:, 1], return_index=True)[1]
        up = np.broadcast_to(np.array([0, 1, 0], np.float32), (len(wanted), 3))
        spots = points[wanted].astype(np.float32)
        grid = self._cast_light(cells[one], spots[one], up[one], 2.0, 0.5)
        light = grid.at(pixels[wanted], spots, up)
        kept = (0.25 + 0.75 * light[:, 0]) * (0.86 + 0.14 * light[:, 1])
        fade = np.clip(1 - aside[wanted] / reach, 0, 1)
        fade = fade * fade * (3 - 2 * fade)
        shadow.ravel()[flat[wanted]] = 1 - (1 - kept) * fade
        return shadow

    def _smooth_edges(self, colors: F32, behind: F32, flat: np.ndarray, hits: Hits, light: LightGrid) -> None:
        """Replace pixels on outlines and creases by the mean of several samples, in linear light."""
        side = self.options.edge_samples
        if side == 1:
            return
        view = self.view
        edges = _edge_pixels(view, flat, hits, self.diagonal)
        offsets = (np.arange(side) + 0.5) / side
        inside = np.stack(np.meshgrid(offsets, offsets), -1).reshape(-1, 2)
        base = np.stack([edges % view.width, edges // view.width], axis=1)
        pixels: F64 = np.asarray(base[:, None] + inside[None], np.float64).reshape(-1, 2)
        again = self._look(pixels)
        samples = np.repeat(behind[edges], side * side, axis=0)
        if len(again.ids):
            samples[again.ids] = self._shade(again, pixels[again.ids], light)
        colors[edges] = samples.reshape(len(edges), side * side, 3).mean(axis=1)


def _floor_corners(low: F64, high: F64, floor: float) -> F64:
    """(4, 3) corners of the floor between two corners of a box."""
    return np.array([[x, floor, z] for x in (low[0], high[0]) for z in (low[2], high[2])])


def _flat(pixels: F64, width: int) -> np.ndarray:
    whole = np.floor(pixels).astype(np.int64)
    return whole[:, 1] * width + whole[:, 0]


def _pixels_near(view: View, vertices: F64) -> F64:
    """Centres (N, 2) of the pixels where the mesh can be: the frame of its projected vertices."""
    depth = vertices @ view.camera_from_world[2, :3] + view.camera_from_world[2, 3]
    if depth.min() <= 1e-6:
        return view.pixel_centres()
    spots = view.project(vertices)
    low = np.clip(np.floor(spots.min(axis=0)) - 8, 0, [view.width, view.height]).astype(int)
    high = np.clip(np.ceil(spots.max(axis=0)) + 8, 0, [view.width, view.height]).astype(int)
    columns, rows = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
    return np.stack([columns, rows], -1).reshape(-1, 2)


def _edge_pixels(view: View, flat: np.ndarray, hits: Hits, diagonal: float) -> np.ndarray:
    """Flat ids of pixels whose neighbours lie on another surface, or are turned away from them."""
    shape = (view.height + 1, view.width + 1)
    depth = np.full(shape, 1e9, np.float32)
    normals = np.zeros((*shape, 3), np.float32)
    row, column = flat // view.width, flat % view.width
    depth[row, column], normals[row, column] = hits.distance, hits.normals
    edge = np.zeros(shape, bool)
    for axis in (0, 1):
        first: tuple = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
        second: tuple = (slice(1, None), slice(None)) if axis == 0 else (slice(None), slice(1, None))
        turned = np.einsum("hwk,hwk->hw", normals[first], normals[second]) < 0.86
        apart = np.abs(depth[first] - depth[second]) > diagonal * 0.01
        seen = (depth[first] < 1e8) | (depth[second] < 1e8)
        change = (turned | apart) & seen
        edge[first] |= change
        edge[second] |= change
    return np.flatnonzero(edge[: view.height, : view.width])
