"""`without_strays`: points so far away that they cannot belong to the scene of a person.

One triangle a thousand kilometres off makes every grid and every picture of the scan empty. Measured in the
scan's own size, so that it works in any unit: twenty times the median distance from the middle is 9 to 15 m
around a person, and more where walls were scanned too; a second person in the room is not that far.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodyscan.types import Mesh

REACH = 20.0
"""How many times the median distance from the middle a point may lie away."""


def without_strays(mesh: Mesh) -> tuple[Mesh, tuple[str, ...], np.ndarray]:
    """The mesh without far points and their faces, what was done, and (V,) bool: what stayed.

    `mesh` in any unit. Vertices that no face uses are dropped from a mesh with faces, because they would
    count as surface; a cloud keeps its points.
    """
    points = mesh.vertices
    keep = np.ones(len(points), dtype=bool)
    if not mesh.is_cloud:
        keep[:] = False
        for corner in range(3):
            keep[mesh.faces[:, corner]] = True
    if not keep.any():
        return mesh, (), np.ones(len(points), bool)
    kept = slice(None) if keep.all() else keep
    # Column by column: along the first axis of (V, 3) numpy is slow.
    middle = np.array([np.median(points[kept, axis]) for axis in range(3)])
    distance = np.sqrt(sum((points[:, axis] - middle[axis]) ** 2 for axis in range(3)))
    reach = REACH * float(np.median(distance[kept]))
    far = keep & (distance > reach) if reach > 0 else np.zeros_like(keep)
    unused = int((~keep).sum())
    keep &= ~far
    if keep.all():
        return mesh, (), keep
    notes = []
    if far.any():
        notes.append(
            f"{int(far.sum())} points lay more than {reach:.3g} units from the middle, up to "
            f"{distance[far].max():.3g}, and were left out."
        )
    if unused:
        notes.append(f"{unused} of {len(points)} vertices belong to no face and were left out.")
    return _kept(mesh, keep), tuple(notes), keep


def _kept(mesh: Mesh, keep: np.ndarray) -> Mesh:
    index = np.cumsum(keep) - 1
    faces = mesh.faces
    if not mesh.is_cloud:
        faces = index[faces[keep[faces].all(axis=1)]]
    arrays = {name: getattr(mesh, name) for name in ("uvs", "colors", "normals")}
    kept = {name: None if array is None else array[keep] for name, array in arrays.items()}
    return replace(mesh, vertices=mesh.vertices[keep], faces=faces, **kept)
