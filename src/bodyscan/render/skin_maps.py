"""What a twin's normal and roughness maps do to its light in a picture."""

from __future__ import annotations

import numpy as np

from bodyscan.errors import InputError
from bodyscan.geometry.tangents import vertex_tangents
from bodyscan.render.surface import Hits, corner_mean, look_up, shrunk, uvs_at
from bodyscan.types import F32, F64, I32, Mesh, SkinTextures

SKIN_ROUGHNESS = 0.55
"""Where a twin has no roughness map."""


class SkinMaps:
    """Looks up relief and roughness at the points of a mesh that were hit."""

    def __init__(self, mesh: Mesh, normals: F64, textures: SkinTextures) -> None:
        """`normals` (V, 3): the mesh's smooth vertex normals. Raises `InputError` for a mesh without uvs."""
        if mesh.uvs is None:
            raise InputError("A mesh without uvs cannot look up textures; give its uvs.")
        self._mesh = mesh
        self._relief: F32 | None = None
        self._roughness: F32 | None = None
        if textures.normal is not None:
            self._relief = textures.normal.astype(np.float32) / 127.5 - 1
            self._tangents = vertex_tangents(mesh.vertices, mesh.faces, mesh.uvs, normals).astype(np.float32)
        if textures.roughness is not None:
            self._roughness = textures.roughness[:, :, None].astype(np.float32) / 255

    def reduce(self, hits: Hits, pixel_ids: I32) -> None:
        """Shrink the maps to the picture's own fineness, against shimmer; call once with first hits."""
        if len(hits.ids) < 2:
            return
        uv = uvs_at(self._mesh, hits)
        if self._relief is not None:
            self._relief = shrunk(self._relief, uv, pixel_ids)
        if self._roughness is not None:
            self._roughness = shrunk(self._roughness, uv, pixel_ids)

    def bend(self, hits: Hits) -> F32:
        """(N, 3) unit normals with the relief in them (glTF 2.0, normal textures: green points up)."""
        if self._relief is None or not len(hits.ids):
            return hits.normals
        relief = look_up(self._relief, uvs_at(self._mesh, hits))
        tangents = corner_mean(self._mesh, self._tangents, hits)
        across = np.cross(hits.normals, tangents[:, :3]) * np.sign(tangents[:, 3:])
        bent = relief[:, :1] * tangents[:, :3] + relief[:, 1:2] * across + relief[:, 2:] * hits.normals
        length = np.linalg.norm(bent, axis=1, keepdims=True)
        return np.where(length > 1e-6, bent / np.maximum(length, 1e-6), hits.normals).astype(np.float32)

    def roughness(self, hits: Hits) -> F32:
        """(N, 1) 0..1."""
        if self._roughness is None:
            return np.full((len(hits.ids), 1), SKIN_ROUGHNESS, np.float32)
        return look_up(self._roughness, uvs_at(self._mesh, hits))
