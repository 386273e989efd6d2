"""The faces of a scan with what clean-up asks of them at every step: measured once, carried along."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.geometry.components import link_components
from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.winding import turned_faces
from bodyscan.reconstruct.planes import Surface

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

CHUNK = 1 << 15
"""Faces that are measured together: few enough that what is between stays in the processor's cache."""


class Facets:
    """Faces of one surface: areas, normals, centres and connected pieces. `keep` and `turn` change it."""

    def __init__(self, vertices: F64, faces: NDArray[np.integer]) -> None:
        """`vertices` (V, 3) metres, `faces` (F, 3)."""
        self.vertices = vertices
        self.faces: NDArray[np.int32] = np.asarray(faces, np.int32)
        self.areas: F64 = np.empty(len(faces))
        """(F,) square metres."""
        self.normals: F64 = np.empty((len(faces), 3))
        """(F, 3) unit, zero for faces without area."""
        self.centres: F64 = np.empty((len(faces), 3))
        """(F, 3) metres."""
        self._piece: NDArray[np.int64] | None = None
        for start in range(0, len(faces), CHUNK):
            self._measure(slice(start, start + CHUNK))

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def surface(self) -> Surface:
        """The faces as small pieces of surface."""
        return Surface(self.centres, self.areas, self.normals)

    @property
    def piece(self) -> NDArray[np.int64]:
        """(F,) number of the piece that each face belongs to: faces joined by common vertices."""
        if self._piece is None:
            a, b, c = self.faces.T
            links = np.concatenate([a, b]), np.concatenate([b, c])
            label = link_components(*links, len(self.vertices))
            # Vertices without faces are components too: those that faces use are numbered without gaps.
            used = np.zeros(int(label.max(initial=-1)) + 1, bool)
            used[label[a]] = True
            self._piece = (np.cumsum(used) - 1)[label[a]]
        return self._piece

    def keep(self, mask: Bools) -> None:
        """Leave only the faces of `mask` (F,)."""
        if mask.all():
            return
        self.faces, self.areas = self.faces[mask], self.areas[mask]
        self.normals, self.centres = self.normals[mask], self.centres[mask]
        self._piece = None

    def turn(self, flip: Bools) -> None:
        """Turn the faces of `flip` (F,) the other way round."""
        if flip.any():
            self.faces = np.asarray(turned_faces(self.faces, flip), np.int32)
            self._measure(np.flatnonzero(flip))

    def join_patches(self, patch: NDArray[np.int64]) -> None:
        """Know the pieces from patches (F,) whose faces are joined by edges: they only touch in vertices."""
        count = int(patch.max()) + 1
        owner = np.zeros(len(self.vertices), np.int64)
        for corner in range(3):
            owner[self.faces[:, corner]] = patch
        links = []
        for corner in range(3):
            other = owner[self.faces[:, corner]]
            meet = other != patch
            links.append(np.stack([patch[meet], other[meet]]))
        a, b = np.concatenate(links, axis=1)
        self._piece = link_components(a, b, count)[patch] if count > 1 else np.zeros(len(patch), np.int64)

    def longest_edges(self) -> F64:
        """(F,) metres."""
        squared = np.zeros(len(self))
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            a, b, c = (self.vertices[self.faces[part, corner]] for corner in range(3))
            for edge in (b - a, c - b, a - c):
                squared[part] = np.maximum(squared[part], np.einsum("ij,ij->i", edge, edge))
        return np.sqrt(squared)

    def _measure(self, part: slice | NDArray[np.int64]) -> None:
        faces = self.faces[part]
        self.areas[part], self.normals[part] = areas_and_normals(self.vertices, faces)
        a, b, c = (self.vertices[faces[:, corner]] for corner in range(3))
        self.centres[part] = (a + b + c) / 3
