"""`clean_scan`: from what a scanner wrote to the surface of one person.

Runs in metres with +Y up, after unit and axes are settled. The order matters: vertices are joined before
edges mean anything, patches face outward before a floor can be told from a sole, and floor and walls are
cut before the largest piece is taken for the person.

What is measured of a face is measured once (`facets`), in blocks that stay in the processor's cache; what was
sorted is counted or hashed (`geometry.counted_edges`, `geometry.repeats`, `geometry.cells`). Measured, CPU
seconds on a person of 2,000,000 faces: 3.4, before that 10.7; with a floor and 3,000 crumbs (2,738,000 faces)
9, before that 22.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.geometry.edges import edge_table
from bodyscan.geometry.sampling import sample_surface
from bodyscan.geometry.weld import duplicate_faces, used_vertices, weld
from bodyscan.geometry.winding import outward_orientation
from bodyscan.reconstruct.bake_vertices import bake_texture_to_vertices
from bodyscan.reconstruct.clean_cloud import clean_cloud
from bodyscan.reconstruct.clean_options import CleanOptions, CleanResult
from bodyscan.reconstruct.clean_planes import floor_faces, wall_faces
from bodyscan.reconstruct.confidence import mesh_confidence
from bodyscan.reconstruct.facets import Facets
from bodyscan.reconstruct.pieces import Pieces, person_pieces, poles
from bodyscan.reconstruct.planes import Plane
from bodyscan.types import Mesh, Texture

__all__ = ["CleanOptions", "CleanResult", "clean_scan"]

_LEAST_AREA_M2 = 1e-14
_SIZE_RANGE_M = (0.2, 100.0)


@dataclass
class _Work:
    """The mesh while it is being cleaned."""

    facets: Facets
    colors: NDArray[np.uint8] | None
    source: NDArray[np.int64]
    notes: list[str] = field(default_factory=list)
    removed: dict[str, float] = field(default_factory=dict)
    floor: Plane | None = None
    floors: list[float] = field(default_factory=list)

    def count(self, key: str, value: float) -> None:
        if value:
            self.removed[key] = self.removed.get(key, 0) + value


def clean_scan(
    mesh: Mesh, texture: Texture | None = None, options: CleanOptions | None = None
) -> CleanResult:
    """Return the person's surface, with a confidence for each vertex and what was done.

    `mesh` metres, +Y up; a point cloud where it has no faces. With `texture`, its colours are baked to
    the vertices, because vertices are joined across texture seams. Raises `InputError` where the size
    shows that the unit is not metres, or where nothing is left.
    """
    options = options or CleanOptions()
    _check_size(mesh)
    if mesh.is_cloud:
        return clean_cloud(mesh, options)
    if texture is not None:
        mesh = bake_texture_to_vertices(mesh, texture)
    work = _joined(mesh, options)
    if texture is not None:
        work.notes.insert(0, "The texture's colours were baked to the vertices.")
    _drop_bad_faces(work)
    if options.fix_orientation:
        _face_outward(work, options)
    if options.remove_floor:
        _remove_floors(work, options)
    if options.remove_walls:
        _remove_walls(work, options)
    if options.remove_pieces:
        _remove_pieces(work, options)
    return _finish(work, options)


def _check_size(mesh: Mesh) -> None:
    if len(mesh.vertices) == 0:
        raise InputError("The scan has no vertices: there is nothing to clean.")
    size = max(float(np.ptp(mesh.vertices[:, axis])) for axis in range(3))
    low, high = _SIZE_RANGE_M
    if not low <= size <= high:
        raise InputError(
            f"The scan is {size:.3g} m across; clean-up works in metres, between {low:g} and {high:g} m. "
            "Give the unit that the file is in."
        )


def _joined(mesh: Mesh, options: CleanOptions) -> _Work:
    keep, new_index = weld(mesh.vertices, options.weld_tolerance_m)
    merged = len(mesh.vertices) - len(keep)
    if not merged:
        return _Work(Facets(mesh.vertices, mesh.faces), mesh.colors, keep)
    colors = mesh.colors
    if colors is not None:
        share = np.bincount(new_index, minlength=len(keep))
        mean = [np.bincount(new_index, colors[:, k], len(keep)) / share for k in range(3)]
        colors = np.rint(np.stack(mean, axis=1)).astype(np.uint8)
    work = _Work(Facets(mesh.vertices[keep], new_index[mesh.faces]), colors, keep)
    work.count("merged_vertices", merged)
    soup = merged > 0.6 * (merged + len(keep)) and merged + len(keep) > 2.5 * len(mesh.faces)
    what = "Loose triangles were joined to a surface: " if soup else ""
    work.notes.append(f"{what}{merged} doubled vertices were merged.")
    return work


def _drop_bad_faces(work: _Work) -> None:
    # A face that names a vertex twice has no area either: its edges are parallel to the last bit.
    bad = work.facets.areas <= _LEAST_AREA_M2
    work.facets.keep(~bad)
    twice = duplicate_faces(work.facets.faces)
    work.facets.keep(~twice)
    work.count("degenerate_faces", int(bad.sum()))
    work.count("duplicate_faces", int(twice.sum()))
    if bad.any():
        work.notes.append(f"{int(bad.sum())} faces without area were removed.")
    if twice.any():
        work.notes.append(f"{int(twice.sum())} doubled faces were removed.")
    if len(work.facets) == 0:
        raise InputError("The scan's faces have no area: all its points lie on a line or in one place.")


def _face_outward(work: _Work, options: CleanOptions) -> None:
    facets = work.facets
    table = edge_table(facets.faces)
    orientation = outward_orientation(
        facets.vertices, facets.faces, options.seed, table=table, areas=facets.areas
    )
    flip = orientation.flip
    facets.turn(flip)
    facets.join_patches(orientation.patch)
    if flip.any():
        work.count("flipped_faces", int(flip.sum()))
        work.notes.append(f"{int(flip.sum())} of {len(flip)} faces were inside out and were turned over.")
    crowded = int((table.counts > 2).sum())
    if crowded:
        work.notes.append(f"{crowded} edges are shared by more than two faces; they were left as they are.")


def _keep_faces(work: _Work, keep: NDArray[np.bool_]) -> None:
    work.facets.keep(keep)
    if len(work.facets) == 0:
        raise InputError(
            "Nothing is left of the scan but floor and walls: there is no person in it. "
            "Check the up axis, or switch off remove_floor and remove_walls."
        )


def _remove_floors(work: _Work, options: CleanOptions) -> None:
    for _ in range(4):
        faces, plane = floor_faces(work.facets, options.min_floor_area_m2)
        if plane is None or not faces.any():
            return
        area = float(work.facets.areas[faces].sum())
        _keep_faces(work, ~faces)
        work.floor = plane
        work.count("floor_m2", area)
        work.floors.append(area)


def _remove_walls(work: _Work, options: CleanOptions) -> None:
    for _ in range(6):
        faces, plane = wall_faces(work.facets, options.min_wall_area_m2)
        if plane is None or not faces.any():
            return
        area = float(work.facets.areas[faces].sum())
        _keep_faces(work, ~faces)
        work.count("wall_m2", area)
        work.notes.append(f"Removed a wall of {area:.2f} m2.")


def _pieces(facets: Facets, options: CleanOptions) -> Pieces:
    """Return the mesh's pieces as points."""
    vertices, faces = facets.vertices, facets.faces
    of_vertex = np.full(len(vertices), -1, np.int64)
    for corner in range(3):
        of_vertex[faces[:, corner]] = facets.piece
    used = np.flatnonzero(of_vertex >= 0)
    points, owner = [vertices[used]], [of_vertex[used]]
    coarse = np.flatnonzero(facets.longest_edges() > 0.5 * options.link_distance_m)
    area = float(facets.areas[coarse].sum())
    if area > 0:  # between far vertices, points on the faces fill the gaps
        number = int(np.clip(area / (0.3 * options.link_distance_m) ** 2, 100, 200_000))
        extra, face, _ = sample_surface(vertices, faces[coarse], number, options.seed)
        points.append(extra)
        owner.append(facets.piece[coarse[face]])
    return Pieces(np.concatenate(points), np.concatenate(owner), _sums(facets.piece, facets.areas))


def _sums(piece: NDArray[np.int64], values: NDArray[np.floating]) -> NDArray[np.float64]:
    """(P,) the sum of the values of each piece."""
    return np.bincount(piece, values).astype(np.float64)


def _remove_pieces(work: _Work, options: CleanOptions) -> None:
    piece = work.facets.piece
    if piece.max() == 0:
        return
    pieces = _pieces(work.facets, options)
    stand = poles(pieces)
    stand[int(np.argmax(pieces.areas))] = False
    candidates = pieces
    if stand.any():
        mine = ~stand[pieces.piece]
        renumber = np.cumsum(~stand) - 1
        candidates = Pieces(pieces.points[mine], renumber[pieces.piece[mine]], pieces.areas[~stand])
        area = float(pieces.areas[stand].sum())
        work.count("pole_pieces", int(stand.sum()))
        work.notes.append(f"Removed {int(stand.sum())} stands or rods ({area:.3f} m2).")
    keep = ~stand
    keep[keep] = person_pieces(candidates, options.link_distance_m, options.max_gap_m)
    loose = ~keep & ~stand
    if loose.any():
        lost = pieces.areas[loose]
        work.count("loose_pieces", int(loose.sum()))
        work.count("loose_m2", float(lost.sum()))
        work.count("largest_loose_m2", float(lost.max()))
        work.notes.append(
            f"Removed {int(loose.sum())} loose pieces that are not near the person "
            f"({lost.sum() * 1e4:.0f} cm2, the largest {lost.max() * 1e4:.0f} cm2)."
        )
    _keep_faces(work, keep[piece])


def _finish(work: _Work, options: CleanOptions) -> CleanResult:
    facets = work.facets
    used, faces = used_vertices(facets.faces, len(facets.vertices))
    vertices = facets.vertices[used]
    area = _sums(facets.piece, facets.areas)
    of_vertex = np.empty(len(vertices))
    for corner in range(3):
        of_vertex[faces[:, corner]] = area[facets.piece]
    height = None if work.floor is None else work.floor.height(vertices)
    trust, torn = mesh_confidence(vertices, faces, options.border_fade_m, height, of_vertex)
    if torn:
        work.notes.append("The surface is torn into small pieces: borders were not taken for holes.")
    if height is not None:
        work.notes.append(_floor_note(work.floors, float(height.min()) * 1000))
    mesh = Mesh(vertices=vertices, faces=faces, colors=None if work.colors is None else work.colors[used])
    return CleanResult(mesh, trust, work.source[used], tuple(work.notes), work.removed)


def _floor_note(areas: list[float], gap_mm: float) -> str:
    what = "a floor" if len(areas) == 1 else f"{len(areas)} level surfaces under the feet, together"
    where = f"{abs(gap_mm):.0f} mm below" if gap_mm > -0.5 else f"up to {-gap_mm:.0f} mm above"
    return f"Removed {what} of {sum(areas):.2f} m2, {where} the lowest point of what is left."
