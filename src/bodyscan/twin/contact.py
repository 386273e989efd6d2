"""How far points lie outside of a patch of surface, and which places of it they lie over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.geometry.barycentric import barycentric_shares
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import F64, I32, Mesh


@dataclass(frozen=True, eq=False)
class Over:
    """Points against the nearest places of a surface."""

    distance: F64
    """(N,) metres, negative behind the surface."""
    corners: I32
    """(N, 3) vertices of the face under each point."""
    shares: F64
    """(N, 3) barycentric weights of the nearest place."""
    normal: F64
    """(N, 3) unit normal of the surface there."""


def over_surface(points: F64, vertices: F64, faces: I32) -> Over:
    """Points (N, 3) over the surface of `faces` (F, 3) with outward normals, metres.

    The sign is that of the smooth normal, so that it is right over edges and corners of the surface too
    (Baerentzen and Aanaes, "Signed distance computation using the angle weighted pseudonormal", 2005).
    """
    used, inverse = np.unique(faces, return_inverse=True)
    own = vertices[used]
    small = inverse.reshape(-1, 3).astype(np.int32)
    _, face, nearest = Raycaster(Mesh(own, small)).closest(points)
    shares = barycentric_shares(nearest, own[small[face]])
    normals = np.einsum("nk,nkc->nc", shares, vertex_normals(own, small)[small[face]])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    gap = points - nearest
    sign = np.where(np.einsum("nc,nc->n", gap, normals) < 0, -1.0, 1.0)
    return Over(sign * np.linalg.norm(gap, axis=1), faces[face], shares, normals)
