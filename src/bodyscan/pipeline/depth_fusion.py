"""Frames of a depth capture fused: as if nobody had moved, or brought to the body's mean pose."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from bodyscan.body.model import BodyModel
from bodyscan.fit.sequence import SequenceFit
from bodyscan.fit.sequence_spread import SurfaceSpread
from bodyscan.geometry.components import face_components
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.weld import used_vertices
from bodyscan.reconstruct.depth.fuse import (
    FusedSurface,
    FuseOptions,
    OrientedPoints,
    SurfaceFusion,
    oriented_points,
    point_weights,
)
from bodyscan.reconstruct.depth.warp import Warp
from bodyscan.threads import usable_threads
from bodyscan.types import F64, FramePoints, Mesh

FAR_MM = 20.0
"""Farther points are other things (a hand that opened) and count as so far."""
JUDGED = 600
"""Points of each frame that its agreement with the surface is judged by."""
TRUSTED = 0.5
STRAY_M = 0.03
"""Loose pieces of the surface belong to the person up to so far from the body: fingers, hair, cloth."""
WORKERS = 4
FINEST_M, COARSEST_M = 0.003, 0.012
CELLS_A_POINT = 2.0
"""A cell's side over the usual distance of points: finer ones stay empty and tear the surface."""


def fuse_still(
    frames: Sequence[FramePoints], poses: F64, voxel_m: float, options: FuseOptions
) -> FusedSurface:
    """The surface of a person who is taken to stand still; `poses` (N, 4, 4) world_from_camera, metres."""
    fusion = SurfaceFusion(voxel_m, options)
    for frame, pose in zip(frames, poses, strict=True):
        fusion.add(oriented_points(frame, pose))
    return fusion.extract()


def fuse_in_mean_pose(
    frames: Sequence[FramePoints],
    poses: F64,
    sequence: SequenceFit,
    model: BodyModel,
    voxel_m: float,
    options: FuseOptions,
) -> FusedSurface:
    """The surface in the mean pose of `sequence`, whose shape `model` has."""
    warp = Warp(model, sequence.mean)
    fusion = SurfaceFusion(voxel_m, options)

    def moved(k: int) -> OrientedPoints:
        frame = frames[k]
        found = warp.frame(sequence.params[k], frame, poses[k], np.arange(len(frame.points)))
        kept = found.kept
        colors = None if frame.colors is None else frame.colors[kept]
        return OrientedPoints(found.points[kept], found.normals[kept], point_weights(frame)[kept], colors)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(WORKERS, usable_threads())) as pool:
        for start in range(0, len(frames), WORKERS):  # a few at a time: a frame's points are megabytes
            for cloud in pool.map(moved, range(start, min(start + WORKERS, len(frames)))):
                fusion.add(cloud)
    return fusion.extract()


def without_strays(fused: FusedSurface, body: Mesh) -> FusedSurface:
    """The surface without pieces that lie apart from it and from the `body` that was fitted: a patch of floor
    of a frame that shows too little floor to know it by."""
    piece = face_components(fused.mesh.faces, len(fused.mesh.vertices))
    if len(piece) == 0 or piece.max() == 0:
        return fused
    mesh = fused.mesh
    of_vertex = np.empty(len(mesh.vertices), np.int64)
    of_vertex[mesh.faces.reshape(-1)] = np.repeat(piece, 3)
    kept = np.arange(piece.max() + 1) == np.bincount(piece).argmax()
    loose = np.flatnonzero(~kept[of_vertex])
    distance, number = Raycaster(body).closest(mesh.vertices[loose])[0], of_vertex[loose]
    for k in np.unique(number):
        kept[k] = np.median(distance[number == k]) < STRAY_M
    rows, faces = used_vertices(mesh.faces[kept[piece]], len(mesh.vertices))
    colors = None if mesh.colors is None else mesh.colors[rows]
    return FusedSurface(
        Mesh(mesh.vertices[rows], faces, colors=colors),
        fused.normals[rows],
        fused.sigma_m[rows],
        fused.confidence[rows],
    )


def with_spread(fused: FusedSurface, spread: SurfaceSpread) -> FusedSurface:
    """The surface with what its poses leave open, `spread`, in the expected error beside the scatter.

    The confidence stays that of the scatter: a forearm that may lie 2 mm aside as a whole has been seen.
    """
    sigma = np.hypot(fused.sigma_m, spread.at(fused.mesh.vertices, fused.normals))
    return replace(fused, sigma_m=sigma.astype(np.float32))


def agreement_mm(
    surface: Mesh,
    frames: Sequence[FramePoints],
    poses: F64,
    sequence: SequenceFit | None = None,
    model: BodyModel | None = None,
) -> float:
    """Mean distance of points of single frames to the surface that was fused of all, mm.

    With `sequence` and its `model` the points are brought to the mean pose first. Noise is in it, the same
    for every way of alignment; what comes on top is misalignment.
    """
    warp = None if sequence is None or model is None else Warp(model, sequence.mean)
    clouds = []
    for k, (frame, pose) in enumerate(zip(frames, poses, strict=True)):
        rows = np.flatnonzero(frame.trust > TRUSTED)
        rows = rows[:: max(len(rows) // JUDGED, 1)]
        points = frame.points[rows] @ pose[:3, :3].T + pose[:3, 3]
        if warp is not None and sequence is not None:
            moved = warp(sequence.params[k], points, frame.normals[rows] @ pose[:3, :3].T)
            points = moved.points[moved.kept]
        clouds.append(np.asarray(points, np.float64))
    distances = Raycaster(surface).closest(np.concatenate(clouds))[0]
    return float(np.minimum(distances * 1000, FAR_MM).mean())


def area_m2(surface: Mesh) -> float:
    """Square metres."""
    corners = surface.vertices[surface.faces]
    doubled = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(np.linalg.norm(doubled, axis=1).sum()) / 2


def fitting_voxel_m(frames: Sequence[FramePoints], skin_m2: float) -> float:
    """The finest cell, metres, that the points of all `frames` fill on `skin_m2` square metres of skin."""
    apart = float(np.sqrt(skin_m2 / sum(len(frame.points) for frame in frames)))
    return float(np.clip(CELLS_A_POINT * apart, FINEST_M, COARSEST_M))
