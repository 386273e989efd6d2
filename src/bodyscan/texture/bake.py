"""A scan's colour and fine relief -> the textures of a twin."""

from __future__ import annotations

import numpy as np

from bodyscan.body.hidden_parts import has_hidden_parts, hidden_vertices
from bodyscan.body.model import BodyModel
from bodyscan.body.painted_parts import paint, part_of_faces
from bodyscan.errors import InputError
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.srgb import srgb_from_linear
from bodyscan.texture.dilate import dilated, nearest_texels
from bodyscan.texture.fill import fill_skin
from bodyscan.texture.iris import FINEST_M, iris_color
from bodyscan.texture.lids import without_eye_colors
from bodyscan.texture.mirror import mirrored_texels
from bodyscan.texture.normal_map import relief
from bodyscan.texture.options import TextureOptions
from bodyscan.texture.roughness import paint_roughness
from bodyscan.texture.sample import (
    Correspondence,
    TexelColors,
    cloud_colors,
    color_spacing_m,
    find_on_mesh,
    mesh_colors,
    require_color,
    step,
)
from bodyscan.texture.texels import Texels, body_texels
from bodyscan.types import F32, F64, I32, Bool, ScanMesh, SkinTextures


def bake_textures(
    model: BodyModel,
    surface_vertices: F64,
    scan: ScanMesh,
    options: TextureOptions | None = None,
    *,
    clothing: F32 | None = None,
    noise_mm: float | None = None,
    seen_elsewhere: TexelColors | None = None,
) -> SkinTextures:
    """Albedo, normal map and roughness of the person, on the body's fixed uvs.

    `surface_vertices` (V, 3) metres: the fitted surface, captured pose, in the scan's world frame.
    `clothing` (V,) 0..1: how likely cloth or hair covers each vertex (`BodyFit.clothing`). `noise_mm`: the
    scan's noise (`FitQuality.noise_mm`), by default as its surface shows it. `seen_elsewhere`: colours of the
    texels of `body_texels(model, options.size)` that come from photos; they go before the scan's own, which
    may then be missing. Raises `InputError` where there is no colour at all, where the scan is nowhere near
    the surface, or where an array does not fit the model.
    """
    options = options or TextureOptions()
    vertices = _checked(model, surface_vertices, clothing)
    if seen_elsewhere is None:
        require_color(scan)
    texels = body_texels(model, options.size)
    part = (
        part_of_faces(model)[texels.triangle] if has_hidden_parts(model) else np.zeros(len(texels), np.int32)
    )
    outside = ~hidden_vertices(model)[model.faces].any(axis=1)[texels.triangle]
    found, colors = _scan_colors(model, texels, vertices, scan, options, outside)
    if seen_elsewhere is not None:
        colors = blended(seen_elsewhere, colors, outside)
    if not (colors.weight > 0).any():
        raise InputError(
            f"No coloured part of the scan lies within {options.reach_mm:g} mm of the fitted surface; give "
            "the scan that was fitted, in its world frame."
        )
    spacing = 0.0 if seen_elsewhere is not None else color_spacing_m(scan)
    colors = without_eye_colors(model, texels, colors, part, fine=spacing <= FINEST_M)
    cover = None if clothing is None else np.asarray(clothing, np.float32)
    light = fill_skin(model, texels, colors, grain=options.grain, cover=cover)
    notes = _paint_parts(model, texels, vertices, scan, part, light)
    normal = None
    if options.normal_map and found is not None:
        normal = relief(model, texels, vertices, scan, found, noise_mm)
        if normal is None:
            notes.append("The scan shows no relief finer than the body mesh above its noise: no normal map.")
    rough = paint_roughness(model, texels, part, cover) if options.roughness_map else None
    return SkinTextures(
        albedo=dilated(model, texels, srgb_from_linear(light)),
        normal=None if normal is None else dilated(model, texels, normal),
        roughness=None if rough is None else dilated(model, texels, rough),
        seen_share=float(np.mean(colors.weight[outside] > 0.5)),
        notes=tuple(notes),
    )


def prepare_texels(model: BodyModel, size: int) -> None:
    """Work out where the texels of a body lie, and keep it: the same for all people, and 2 s for each.

    For a process that forks one for every scan. Raises `InputError` as `body_texels`.
    """
    body_texels(model, size)
    nearest_texels(model, size)
    mirrored_texels(model, size)


def blended(first: TexelColors, second: TexelColors, outside: Bool) -> TexelColors:
    """`first` where it has weight, `second` behind it, smoothly; nothing where not `outside` (T,).

    Raises `InputError` where they are not of the same texels.
    """
    if len(first.weight) != len(second.weight):
        raise InputError(
            f"The colours seen elsewhere are of {len(first.weight)} texels, the texture has "
            f"{len(second.weight)}; take the texels of `body_texels(model, size)` with the texture's size."
        )
    share = step(0.0, 0.4, first.weight).astype(np.float32)
    behind = (1 - share) * second.weight
    total = np.maximum(share + behind, 1e-6)[:, None]
    light = (share[:, None] * first.light + behind[:, None] * second.light) / total
    weight = np.maximum(first.weight, second.weight) * outside
    return TexelColors(light.astype(np.float32), weight.astype(np.float32))


def _checked(model: BodyModel, surface_vertices: F64, clothing: F32 | None) -> F64:
    vertices = np.asarray(surface_vertices, np.float64)
    if vertices.shape != (model.num_vertices, 3):
        raise InputError(
            f"bake_textures: surface_vertices has the shape {vertices.shape}; the body model needs "
            f"({model.num_vertices}, 3)."
        )
    if clothing is not None and np.shape(clothing) != (model.num_vertices,):
        raise InputError(
            f"bake_textures: clothing has the shape {np.shape(clothing)}; give one value for each of the "
            f"{model.num_vertices} vertices."
        )
    return vertices


def _scan_colors(
    model: BodyModel, texels: Texels, vertices: F64, scan: ScanMesh, options: TextureOptions, outside: Bool
) -> tuple[Correspondence | None, TexelColors]:
    """Where a mesh shows each texel (None for clouds), and its colours; nothing where not `outside` (T,)."""
    ids = np.flatnonzero(outside)
    points = texels.interpolate(vertices, ids)
    normals = texels.interpolate(vertex_normals(vertices, model.faces), ids)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    light, weight = np.zeros((len(texels), 3), np.float32), np.zeros(len(texels), np.float32)
    reach = options.reach_mm / 1000
    if scan.mesh.is_cloud:
        if scan.mesh.colors is not None:
            own = cloud_colors(scan, points, normals, reach)
            light[ids], weight[ids] = own.light, own.weight
        return None, TexelColors(light, weight)
    there = find_on_mesh(scan, points, normals, reach)
    face_ids, shares = np.full(len(texels), -1, np.int32), np.zeros((len(texels), 3), np.float32)
    face_ids[ids], shares[ids], weight[ids] = there.face_ids, there.shares, there.weight
    found = Correspondence(face_ids, shares, weight)
    if scan.mesh.colors is None and (scan.texture is None or scan.mesh.uvs is None):
        return found, TexelColors(light, np.zeros_like(weight))
    light[ids] = mesh_colors(scan, there).light
    return found, TexelColors(light, weight)


def _paint_parts(
    model: BodyModel, texels: Texels, vertices: F64, scan: ScanMesh, part: I32, light: F32
) -> list[str]:
    """Put eyes, teeth, tongue and mouth into `light` (T, 3); says what is guessed."""
    own = np.flatnonzero(part)
    if not len(own):
        return []
    face = model.region("head")[model.faces[:, 0]][texels.triangle] & (part == 0)
    skin = np.median(light[face][::16], axis=0)
    iris, shown = iris_color(model, texels, vertices, scan, part, skin)
    places = texels.interpolate(model.template, own)
    painted = paint(model, places, part[own], iris)
    # Lips run into the mouth: the lining begins where its first whole triangles do.
    lining = (part[own] == 4).astype(np.float32)
    share = np.ones(len(own), np.float32)
    if lining.any():
        deep = texels.interpolate(hidden_vertices(model).astype(np.float32), own)
        share = np.where(lining > 0, step(0.02, 0.7, deep), 1).astype(np.float32)
    light[own] += share[:, None] * (painted - light[own])
    return [] if shown else ["The scan does not show the eyes clearly: the iris's colour is a guess."]
