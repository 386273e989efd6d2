"""A coloured surface's light at points on it: from its texture or from its vertices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.types import F32, I32, Mesh, Texture

BLOCK = 1 << 19
"""Points that are looked at together: what bounds the memory."""


def has_color(mesh: Mesh, texture: Texture | None) -> bool:
    """True where the mesh has vertex colours, or uvs and a texture."""
    return mesh.colors is not None or (texture is not None and mesh.uvs is not None)


def surface_light(mesh: Mesh, texture: Texture | None, face_ids: I32, shares: NDArray[np.floating]) -> F32:
    """(N, 3) float32 linear light at points of faces (N,) with barycentric `shares` (N, 3).

    The texture where mesh and texture fit each other, else the vertex colours; both are mixed in linear
    light. Raises `InputError` where the mesh has neither.
    """
    if not has_color(mesh, texture):
        raise InputError("The mesh has neither vertex colours nor a texture with uvs.")
    out = np.empty((len(face_ids), 3), np.float32)
    for start in range(0, len(face_ids), BLOCK):
        part = slice(start, start + BLOCK)
        corners, share = mesh.faces[face_ids[part]], np.asarray(shares[part], np.float32)
        if texture is not None and mesh.uvs is not None:
            uvs = np.einsum("nk,nkc->nc", share, mesh.uvs[corners])
            out[part] = image_light(texture.image, uvs)
        else:
            assert mesh.colors is not None
            out[part] = np.einsum("nk,nkc->nc", share, linear_from_srgb(mesh.colors[corners]))
    return out


def image_light(image: NDArray[np.uint8], uvs: NDArray[np.floating]) -> F32:
    """(N, 3) float32 linear light of an sRGB `image` (H, W, 3) at `uvs` (N, 2), bilinear.

    Origin at the top left, texel centres at half texels, repeating outside of 0..1, as in `image_lookup`.
    """
    height, width = image.shape[:2]
    uv = np.where(np.isfinite(uvs), uvs, 0.0)
    uv = np.where((uv < 0) | (uv > 1), uv - np.floor(uv), uv)
    x = np.clip(uv[:, 0] * width - 0.5, 0, width - 1)
    y = np.clip(uv[:, 1] * height - 0.5, 0, height - 1)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = (x - left)[:, None].astype(np.float32), (y - top)[:, None].astype(np.float32)
    light = [linear_from_srgb(image[row, column]) for row in (top, bottom) for column in (left, right)]
    upper, lower = light[0] + fx * (light[1] - light[0]), light[2] + fx * (light[3] - light[2])
    return upper + fy * (lower - upper)
