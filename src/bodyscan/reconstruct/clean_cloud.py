"""Clean-up of point clouds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.geometry.cells import cell_ids
from bodyscan.geometry.cloud import cloud_normals, neighbours, orient_normals, outlier_points, visible_votes
from bodyscan.geometry.weld import weld
from bodyscan.reconstruct.clean_options import CleanOptions, CleanResult
from bodyscan.reconstruct.clean_planes import band
from bodyscan.reconstruct.pieces import Pieces, person_pieces
from bodyscan.reconstruct.planes import Plane, Surface, find_floor, find_wall
from bodyscan.types import Mesh

F64 = NDArray[np.float64]

_NEIGHBOURS = 12
_CELL_M = 0.01
_LEAST_POINTS = 50


def clean_cloud(mesh: Mesh, options: CleanOptions) -> CleanResult:
    """Return a cloud without outliers, floor, walls and loose pieces, with outward normals.

    `mesh` metres, +Y up, no faces. Raises `InputError` where fewer than 50 points are left.
    """
    notes: list[str] = []
    removed: dict[str, float] = {}
    source, _ = weld(mesh.vertices, options.weld_tolerance_m)
    _count(removed, "merged_vertices", len(mesh.vertices) - len(source))
    if removed:
        notes.append(f"{len(mesh.vertices) - len(source)} doubled points were merged.")
    points = mesh.vertices[source]
    _require(points)
    distance, index = neighbours(points, _NEIGHBOURS)
    stray = outlier_points(distance, index)
    if stray.any():
        _count(removed, "outlier_points", int(stray.sum()))
        notes.append(f"{int(stray.sum())} stray points were removed.")
        source, points = source[~stray], points[~stray]
        _require(points)
        distance, index = neighbours(points, _NEIGHBOURS)
    given = mesh.normals is not None
    normals = (
        cloud_normals(points, index) if mesh.normals is None else mesh.normals[source].astype(np.float64)
    )
    keep, floor = _without_planes(points, normals, options, notes, removed)
    keep &= _person(points, keep, float(np.median(distance[:, 0])), options, notes, removed)
    _require(points[keep])
    points, source, normals = points[keep], source[keep], normals[keep]
    distance, index = neighbours(points, _NEIGHBOURS)
    spacing = float(np.median(distance[:, 0]))
    if not given:
        normals = orient_normals(points, normals, index, spacing)
    elif options.fix_orientation and visible_votes(points, normals, spacing).sum() < 0:
        normals = -normals
        notes.append("The cloud's normals pointed inward and were turned over.")
    trust = np.clip(1.5 * np.median(distance[:, -1]) / np.maximum(distance[:, -1], 1e-12), 0.3, 1.0)
    if floor is not None:
        trust[floor.height(points) < 0.02] *= 0.5
        low = float(floor.height(points).min()) * 1000
        notes.append(f"The floor was cut {max(low, 0):.0f} mm below the lowest point that is left.")
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    missing = length[:, 0] < 0.5
    if missing.any():
        normals[missing] = orient_normals(points, cloud_normals(points, index), index, spacing)[missing]
    clean = Mesh(
        vertices=points,
        faces=np.zeros((0, 3), np.int32),
        colors=None if mesh.colors is None else mesh.colors[source],
        normals=normals.astype(np.float32),
    )
    return CleanResult(clean, trust.astype(np.float32), source, tuple(notes), removed)


def _require(points: F64) -> None:
    if len(points) < _LEAST_POINTS:
        raise InputError(
            f"{len(points)} points are left of the cloud after clean-up: that is no person. "
            "Check the unit, or switch off the removal of floor, walls or pieces."
        )


def _count(removed: dict[str, float], key: str, value: float) -> None:
    if value:
        removed[key] = removed.get(key, 0) + value


def _cloud_surface(points: F64, normals: F64) -> Surface:
    """One piece of 1 cm2 for each occupied cell of 1 cm: a cloud has no areas of its own."""
    first, _ = cell_ids(points, _CELL_M)
    return Surface(points[first], np.full(len(first), _CELL_M**2), normals[first])


def _without_planes(
    points: F64, normals: F64, options: CleanOptions, notes: list[str], removed: dict[str, float]
) -> tuple[NDArray[np.bool_], Plane | None]:
    keep = np.ones(len(points), bool)
    floor = None
    for _ in range(3):
        if not options.remove_floor or keep.sum() < _LEAST_POINTS:
            break
        plane = find_floor(_cloud_surface(points[keep], normals[keep]), options.min_floor_area_m2)
        if plane is None:
            break
        floor = plane
        keep &= plane.height(points) > band(plane)
        _count(removed, "floor_m2", plane.area)
        notes.append(f"A floor of {plane.area:.2f} m2 and what lay under it was removed.")
    for _ in range(6):
        if not options.remove_walls or keep.sum() < _LEAST_POINTS:
            break
        wall = find_wall(_cloud_surface(points[keep], normals[keep]), options.min_wall_area_m2)
        if wall is None:
            break
        keep &= ~((np.abs(wall.height(points)) < 1.5 * band(wall)) & (np.abs(normals @ wall.normal) > 0.7))
        _count(removed, "wall_m2", wall.area)
        notes.append(f"A wall of {wall.area:.2f} m2 was removed.")
    return keep, floor


def _person(
    points: F64,
    keep: NDArray[np.bool_],
    spacing: float,
    options: CleanOptions,
    notes: list[str],
    removed: dict[str, float],
) -> NDArray[np.bool_]:
    """(N,) True for the points of the largest group and of what is near it."""
    out = np.ones(len(points), bool)
    if not options.remove_pieces or keep.sum() < _LEAST_POINTS:
        return out
    link = max(options.link_distance_m, 3 * spacing)
    mine = points[keep]
    first, cell = cell_ids(mine, link)
    # Each cell is a piece; its area is the number of 1 cm cells that it touches.
    small, _ = cell_ids(mine, _CELL_M)
    areas = np.bincount(cell[small], minlength=len(first)) * _CELL_M**2
    good = person_pieces(Pieces(mine, cell.astype(np.int64), areas), link, options.max_gap_m)
    out[np.flatnonzero(keep)[~good[cell]]] = False
    lost = int((~good[cell]).sum())
    if lost:
        area = float(areas[~good].sum())
        _count(removed, "loose_m2", area)
        _count(removed, "loose_points", lost)
        notes.append(f"{lost} points that are not near the person were removed ({area:.3f} m2).")
    return out
