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

from bodyscan.body.hidden_parts import OWN_PARTS, has_hidden_parts, hidden_vertices, mouth_lining
from bodyscan.body.model import BodyModel
from bodyscan.body.painted_parts import paint
from bodyscan.errors import InputError
from bodyscan.geometry.barycentric import barycentric_shares
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster, cloud_normals
from bodyscan.geometry.srgb import linear_from_srgb, srgb_from_linear
from bodyscan.geometry.surface_color import has_color, surface_light
from bodyscan.types import F32, F64, I32, U8, Bool, ScanMesh

MAX_DISTANCE_M = 0.03
MIN_AGREEMENT = 0.3
"""Least cosine between the normals of body and scan."""
IRIS = (96, 74, 56)


def bake_vertex_colors(model: BodyModel, surface_vertices: F64, scan: ScanMesh) -> U8:
    """(V, 3) uint8 sRGB colours for `surface_vertices` (V, 3), captured pose, in the scan's world frame.

    Raises `InputError` where the scan has neither vertex colours nor a texture, or is nowhere near.
    """
    if not has_color(scan.mesh, scan.texture):
        raise InputError(
            "The scan has neither vertex colours nor a texture with uvs; leave the colours out, the twin is "
            "then of one material colour."
        )
    hidden = hidden_vertices(model)
    colors, seen = _sample(model, surface_vertices, scan)
    seen &= ~hidden
    if not seen.any():
        raise InputError(
            f"No coloured part of the scan lies within {MAX_DISTANCE_M * 1000:.0f} mm of the fitted surface; "
            "give the scan that was fitted, in its world frame."
        )
    linear = _fill(model.faces, colors.astype(np.float64), seen)
    out = srgb_from_linear(linear)
    _paint_hidden(model, out)
    return out


def _sample(model: BodyModel, vertices: F64, scan: ScanMesh) -> tuple[F32, Bool]:
    """Linear light (V, 3) of the closest scan points, and where they can be taken."""
    mesh = scan.mesh
    distance, ids, nearest = Raycaster(mesh).closest(vertices)
    if mesh.is_cloud:
        assert mesh.colors is not None  # uvs and a texture without faces are refused before
        colors = linear_from_srgb(mesh.colors[ids])
        own = cloud_normals(mesh.vertices)[0] if mesh.normals is None else mesh.normals
        facing, oriented = np.asarray(own, np.float64)[ids], mesh.normals is not None
    else:
        corners = mesh.faces[ids]
        shares = barycentric_shares(nearest, mesh.vertices[corners])
        colors = surface_light(mesh, scan.texture, ids, shares)
        facing = np.einsum("nk,nkc->nc", shares, vertex_normals(mesh.vertices, mesh.faces)[corners])
        oriented = True
    normals = vertex_normals(vertices, model.faces)
    length = np.linalg.norm(facing, axis=1)
    agreement = np.einsum("nc,nc->n", normals, facing) / np.maximum(length, 1e-9)
    # A surface that touches is the right one, whichever way its faces were wound.
    agree = (agreement if oriented else np.abs(agreement)) >= MIN_AGREEMENT
    return colors, (distance <= MAX_DISTANCE_M) & (agree | (distance < 0.004))


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
    if not has_hidden_parts(model):
        return
    part = np.zeros(model.num_vertices, np.int32)
    part[mouth_lining(model)] = 4
    for name, number in zip(OWN_PARTS, (1, 1, 2, 3), strict=True):
        part[model.region(name)] = number
    painted = paint(model, model.template, part, IRIS, fine=False)
    colors[part > 0] = srgb_from_linear(painted[part > 0])


def neutral_colors(model: BodyModel, skin: tuple[int, int, int] = (198, 158, 136)) -> U8:
    """(V, 3) uint8 sRGB: one skin colour, plain mouth and eyes. For scans without colour."""
    colors = np.tile(np.array(skin, np.uint8), (model.num_vertices, 1))
    _paint_hidden(model, colors)
    return colors
