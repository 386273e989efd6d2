"""Colours of a scan at the vertices of the fitted body.

Each vertex takes the colour of the closest scan surface that looks the same way; vertices without such data
(holes, soles, armpits) get colours that run smoothly between those around them on the body. What no scan
shows gets a plain natural colour: mouth and tongue a muted red, teeth and the whites of the eyes off-white,
an iris where the eyeball faces forward. Means are taken in linear light, so that borders do not darken.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.image_lookup import sample_image
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster, cloud_normals
from bodyscan.types import F64, I32, U8, Bool, ScanMesh

MAX_DISTANCE_M = 0.03
MIN_AGREEMENT = 0.3
"""Least cosine between the normals of body and scan."""
MOUTH, TONGUE, TEETH = (120, 60, 58), (158, 84, 82), (228, 220, 204)
SCLERA, IRIS, PUPIL = (232, 228, 222), (96, 74, 56), (22, 20, 20)
IRIS_RADIUS, PUPIL_RADIUS = 0.42, 0.17
"""As shares of the eyeball's radius (iris 11.7 mm, pupil 4 mm, eyeball 24 mm across)."""


def bake_vertex_colors(model: BodyModel, surface_vertices: F64, scan: ScanMesh) -> U8:
    """(V, 3) uint8 sRGB colours for `surface_vertices` (V, 3), captured pose, in the scan's world frame.

    Raises `InputError` where the scan has neither vertex colours nor a texture, or is nowhere near.
    """
    if scan.mesh.colors is None and (scan.texture is None or scan.mesh.uvs is None):
        raise InputError(
            "The scan has neither vertex colours nor a texture with uvs; leave the colours out, the twin is "
            "then of one material colour."
        )
    hidden = _hidden(model)
    colors, seen = _sample(model, surface_vertices, scan)
    seen &= ~hidden
    if not seen.any():
        raise InputError(
            f"No coloured part of the scan lies within {MAX_DISTANCE_M * 1000:.0f} mm of the fitted surface; "
            "give the scan that was fitted, in its world frame."
        )
    linear = _fill(model.faces, _to_linear(colors), seen)
    out = _to_srgb(linear)
    _paint_hidden(model, out)
    return out


def _hidden(model: BodyModel) -> Bool:
    """(V,) True where the scan's colour is not that of the vertex: inner parts, eyeballs, teeth, tongue."""
    hidden = np.array(model.inner)
    for name in ("left_eye", "right_eye", "teeth", "tongue"):
        if name in model.region_names:
            hidden |= model.region(name)
    return hidden


def _sample(model: BodyModel, vertices: F64, scan: ScanMesh) -> tuple[U8, Bool]:
    """Colours (V, 3) of the closest scan points, and where they can be taken."""
    mesh = scan.mesh
    distance, ids, nearest = Raycaster(mesh).closest(vertices)
    if mesh.is_cloud:
        assert mesh.colors is not None  # uvs and a texture without faces are refused before
        colors = mesh.colors[ids]
        own = cloud_normals(mesh.vertices)[0] if mesh.normals is None else mesh.normals
        facing, oriented = np.asarray(own, np.float64)[ids], mesh.normals is not None
    else:
        corners = mesh.faces[ids]
        shares = _barycentric(nearest, mesh.vertices[corners])
        colors = _surface_colors(scan, corners, shares)
        facing = np.einsum("nk,nkc->nc", shares, vertex_normals(mesh.vertices, mesh.faces)[corners])
        oriented = True
    normals = vertex_normals(vertices, model.faces)
    length = np.linalg.norm(facing, axis=1)
    agreement = np.einsum("nc,nc->n", normals, facing) / np.maximum(length, 1e-9)
    # A surface that touches is the right one, whichever way its faces were wound.
    agree = (agreement if oriented else np.abs(agreement)) >= MIN_AGREEMENT
    return colors, (distance <= MAX_DISTANCE_M) & (agree | (distance < 0.004))


def _surface_colors(scan: ScanMesh, corners: I32, shares: F64) -> U8:
    mesh = scan.mesh
    if scan.texture is not None and mesh.uvs is not None:
        uv = np.einsum("nk,nkc->nc", shares, mesh.uvs[corners].astype(np.float64))
        return sample_image(scan.texture.image, uv)
    assert mesh.colors is not None  # `bake_vertex_colors` looked
    return _to_srgb(np.einsum("nk,nkc->nc", shares, _to_linear(mesh.colors[corners])))


def _barycentric(points: F64, triangles: F64) -> F64:
    """(N, 3) points on triangles (N, 3, 3) -> (N, 3) weights, at least 0, summing to 1."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    normal = np.cross(b - a, c - a)
    area = np.maximum(np.einsum("nc,nc->n", normal, normal), 1e-30)
    v = np.einsum("nc,nc->n", np.cross(points - a, c - a), normal) / area
    w = np.einsum("nc,nc->n", np.cross(b - a, points - a), normal) / area
    shares = np.clip(np.stack([1 - v - w, v, w], axis=1), 0, 1)
    return shares / shares.sum(axis=1, keepdims=True)


def _fill(faces: I32, colors: F64, seen: Bool) -> F64:
    """Colours (V, 3), where not seen the harmonic function of those around, over the body's graph."""
    count = len(colors)
    links = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    graph = sparse.coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count)).tocsr()
    graph = ((graph + graph.T) > 0).astype(np.float64)
    unknown, known = np.flatnonzero(~seen), np.flatnonzero(seen)
    out = np.array(colors)
    if not len(unknown):
        return out
    mean = np.median(colors[known], axis=0)
    # A weak pull to the usual colour: loose parts without any colour of their own must not come out black.
    pull = 1e-6
    degree = np.asarray(graph.sum(axis=1)).ravel()[unknown] + pull
    matrix = sparse.csc_matrix(sparse.diags(degree) - graph[unknown][:, unknown])
    right = graph[unknown][:, known] @ colors[known] + pull * mean
    out[unknown] = np.clip(splu(matrix).solve(np.asarray(right)), 0, 1)
    return out


def _paint_hidden(model: BodyModel, colors: U8) -> None:
    """Plain natural colours for mouth, teeth, tongue and eyes; the lining of the sockets stays skin."""
    if not model.inner.any() or not {"left_eye", "right_eye", "teeth", "tongue"} <= set(model.region_names):
        return
    colors[_mouth(model)] = MOUTH
    colors[model.region("tongue")] = TONGUE
    colors[model.region("teeth")] = TEETH
    for name in ("left_eye", "right_eye"):
        eye = np.flatnonzero(model.region(name))
        points = model.template[eye].astype(np.float64)
        centre = (points.max(axis=0) + points.min(axis=0)) / 2
        radius = np.ptp(points[:, 0]) / 2
        off_axis = np.linalg.norm(points[:, :2] - centre[:2], axis=1) / radius
        front = points[:, 2] > centre[2]
        colors[eye] = SCLERA
        colors[eye[front & (off_axis < IRIS_RADIUS)]] = IRIS
        colors[eye[front & (off_axis < PUPIL_RADIUS)]] = PUPIL


def _mouth(model: BodyModel) -> Bool:
    """(V,) the lining of the mouth: inner skin of the head nearer to the teeth than to the eyes."""
    inner = model.inner & model.region("head")
    teeth = model.template[model.region("teeth")].mean(axis=0)
    eyes = [model.template[model.region(name)].mean(axis=0) for name in ("left_eye", "right_eye")]
    to_teeth = np.linalg.norm(model.template - teeth, axis=1)
    to_eyes = np.min([np.linalg.norm(model.template - eye, axis=1) for eye in eyes], axis=0)
    return inner & (to_teeth < to_eyes)


def _to_linear(srgb: U8) -> F64:
    """sRGB (IEC 61966-2-1) -> linear light 0..1."""
    value = np.asarray(srgb, np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _to_srgb(linear: F64) -> U8:
    value = np.clip(linear, 0, 1)
    encoded = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.rint(255 * encoded).astype(np.uint8)


def neutral_colors(model: BodyModel, skin: tuple[int, int, int] = (198, 158, 136)) -> U8:
    """(V, 3) uint8 sRGB: one skin colour, plain mouth and eyes. For scans without colour."""
    colors = np.tile(np.array(skin, np.uint8), (model.num_vertices, 1))
    _paint_hidden(model, colors)
    return colors
