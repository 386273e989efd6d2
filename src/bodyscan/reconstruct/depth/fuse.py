"""Millions of oriented points in one pose -> one surface with its expected error.

1. Points are summed by voxel (`fuse_cells`): from there on their number does not matter.
2. A first surface by moving least squares on the voxels around (`fuse_field`), on larger voxels where the
   sensor's noise is larger than a voxel: else the slab of noise around the surface would have several skins.
3. Every voxel's points are moved onto it, but remember how far above it they were measured, and are weighed
   down when that is far beyond their noise (moving parts, flying pixels).
4. The second surface: the mean of what was remembered, over a kernel of two voxels on the surface, so that
   all points of the slab take part in the mean however thick it is.

Measured on 36 frames of a turning person with exact poses and 3 mm voxels, mean distance of the vertices to
the true surface, beside Open3D's projective volume (VoxelBlockGrid, 3 frames at least): without noise 0.04 mm
(0.29 there), Azure Kinect 0.40 (0.46), Kinect v1 1.3 (1.7), D435 1.8 (2.3); the process took up to 1.1 GB
(2.2 there).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from bodyscan.errors import InputError, StageError
from bodyscan.reconstruct.depth.fuse_cells import Cells, CellSums, merged, thickness
from bodyscan.reconstruct.depth.fuse_field import Field, make_field
from bodyscan.reconstruct.depth.fuse_mesh import zero_set
from bodyscan.types import F32, F64, U8, Bool, Mesh, frozen_array
from bodyscan.types.arrays import checked_pose, set_fields
from bodyscan.types.depth import FramePoints

BASE_SIZES = (4, 2)
"""Sizes of the voxels of the surfaces that thick layers of points are flattened on first, in voxels."""
THICK = 0.4
"""Points that scatter along the normal by more than this share of a base voxel are flattened on that base.
Then half of them lie within its kernel's standard deviation."""
STRAY = 0.2
"""Voxels off the first surface that are no stray yet, however small the noise is."""
MOST_STEPS, CLOSE = 6, 0.05
"""A field between the skins of a slab of noise is flatter than a distance: points reach the surface in steps,
until the next one would be shorter than this share of a voxel."""


@dataclass(frozen=True, eq=False)
class OrientedPoints:
    """Points of a surface in one common frame."""

    points: F32
    """(N, 3) float32, metres, world."""
    normals: F32
    """(N, 3) float32 unit, outward."""
    weights: F32
    """(N,) float32 above 0: 1 / variance (1/m2) times a trust of 0..1."""
    colors: U8 | None = None
    """(N, 3) uint8 sRGB, or None."""

    def __post_init__(self) -> None:
        count = len(self.points)
        set_fields(
            self,
            points=frozen_array("OrientedPoints.points", self.points, np.float32, (count, 3)),
            normals=frozen_array("OrientedPoints.normals", self.normals, np.float32, (count, 3)),
            weights=frozen_array("OrientedPoints.weights", self.weights, np.float32, (count,)),
        )
        if count and float(self.weights.min()) <= 0:
            raise InputError("OrientedPoints.weights must be above 0; leave points without weight out.")
        if self.colors is not None:
            set_fields(self, colors=frozen_array("OrientedPoints.colors", self.colors, np.uint8, (count, 3)))


@dataclass(frozen=True)
class FuseOptions:
    """How `fuse_points` makes one surface."""

    bridge_voxels: float = 1.0
    """How far to one side of its points the surface is still made, voxels: at 1 it grows 0.5 beyond a rim."""
    reject_sigmas: float = 4.0
    """Points this many standard deviations off the first surface lose their weight; 0 keeps all."""
    prior_m: float = 0.001
    """Detail that the second surface may add to the first, metres: less where the noise is larger."""
    loose_m2: float = 0.0004
    """Loose pieces of surface below this area are dropped, square metres."""
    good_sigma_m: float = 0.001
    """Expected error at which the confidence is one half, metres."""

    def __post_init__(self) -> None:
        if min(self.bridge_voxels, self.prior_m, self.good_sigma_m) <= 0:
            raise InputError("FuseOptions: bridge_voxels, prior_m and good_sigma_m must be above 0.")


@dataclass(frozen=True, eq=False)
class FusedSurface:
    """One surface out of many points."""

    mesh: Mesh
    """Vertices in an order that depends on the places alone; colours where the points had some."""
    normals: F32
    """(V, 3) float32 unit, outward."""
    sigma_m: F32
    """(V,) float32, metres: expected standard error of the surface along its normal."""
    confidence: F32
    """(V,) float32 0..1: 1 / (1 + (s / good_sigma_m)^2) of the points' own scatter s; more never lower it."""


class SurfaceFusion:
    """Takes oriented points piece by piece, and gives the surface of all that came so far.

    Memory does not grow with the number of points, but with the voxels that they touch.
    """

    def __init__(self, voxel_m: float, options: FuseOptions = FuseOptions()) -> None:
        if not voxel_m > 0:
            raise InputError(f"The voxels' size must be above 0 metres; it is {voxel_m}.")
        self.voxel_m, self.options = float(voxel_m), options
        self._sums = CellSums(self.voxel_m)

    def add(self, cloud: OrientedPoints) -> None:
        """Add points; all clouds or none must have colours."""
        self._sums.add(cloud.points, cloud.normals, cloud.weights, cloud.colors)

    def extract(self) -> FusedSurface:
        """The surface. Raises `StageError` where the points make none."""
        options, voxel_m = self.options, self.voxel_m
        cells = self._sums.cells()
        if not len(cells):
            raise StageError("Fusing found no points; check the masks and the sensor's range.")
        sigma = np.sqrt(cells.count / cells.weight)
        for size in BASE_SIZES:
            cells = self._flattened(cells, sigma, size)
        cells = self._settled(cells, sigma)
        field = make_field(merged(cells, voxel_m), voxel_m, options.bridge_voxels, options.prior_m)
        vertices, faces = zero_set(field, options.loose_m2)
        if not len(faces):
            raise StageError(
                f"The points make no surface at voxels of {1000 * voxel_m:.1f} mm; "
                "take larger ones or more frames."
            )
        return _with_values(vertices, faces, field, options.good_sigma_m)

    def _flattened(self, cells: Cells, sigma: F32, size: int) -> Cells:
        """Cells moved onto their surface on voxels of `size` voxels, where they lie too thick for finer ones.

        Palm and back of a hand lie within one kernel of coarse voxels: each of the six directions of the axes
        has a surface of its own, of the cells that face its side.
        """
        voxel_m = size * self.voxel_m
        limit = THICK * voxel_m
        thick = (sigma > limit) | _beside(cells, thickness(cells, 2 * voxel_m) > limit, 2 * voxel_m)
        plain = replace(cells, color=None)
        for axis in range(3):
            for sign in (-1, 1):
                facing = sign * cells.normal[:, axis]
                mine = thick & (facing >= np.abs(cells.normal).max(axis=1))
                if not mine.any():
                    continue
                side = _beside(cells, mine, 3 * voxel_m) & (facing > 0)
                base = make_field(merged(plain.taken(np.flatnonzero(side)), voxel_m), voxel_m, 2.0, np.inf)
                cells, _ = _moved(cells, base, mine)
        return cells

    def _settled(self, cells: Cells, sigma: F32) -> Cells:
        """Cells moved onto their surface on the voxels themselves, strays losing weight (Tukey 1977)."""
        base = make_field(merged(replace(cells, color=None), self.voxel_m), self.voxel_m, 2.0, np.inf)
        cells, keep = _moved(cells, base, np.ones(len(cells), bool))
        if self.options.reject_sigmas > 0:
            limit = self.options.reject_sigmas * np.sqrt(sigma**2 + (STRAY * self.voxel_m) ** 2)
            weight = cells.weight * np.maximum(1 - (cells.above / limit) ** 2, 0) ** 2
            cells, keep = replace(cells, weight=weight.astype(np.float32)), keep & (weight > 0)
        return cells.taken(np.flatnonzero(keep))


def fuse_points(
    clouds: Iterable[OrientedPoints], voxel_m: float, options: FuseOptions = FuseOptions()
) -> FusedSurface:
    """One surface through all `clouds`, with voxels of `voxel_m` metres. Errors as `SurfaceFusion`."""
    fusion = SurfaceFusion(voxel_m, options)
    for cloud in clouds:
        fusion.add(cloud)
    return fusion.extract()


def oriented_points(frame: FramePoints, world_from_camera: F64) -> OrientedPoints:
    """A frame's points in the world, weighted by trust over variance. Raises `InputError` for no rigid pose.

    The variance is that across the surface: noise along a grazing ray moves a point sideways, too.
    """
    pose = checked_pose(f"{frame.name} pose", world_from_camera)
    rotation = pose[:3, :3].T.astype(np.float32)
    return OrientedPoints(
        points=(frame.points.astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32),
        normals=frame.normals @ rotation,
        weights=point_weights(frame),
        colors=frame.colors,
    )


def point_weights(frame: FramePoints) -> F32:
    """(N,) float32, 1/m2: trust over the variance of each point."""
    weights: F32 = np.maximum(frame.trust, 1e-3) / frame.sigma_m**2
    return weights


def _beside(cells: Cells, chosen: Bool, size_m: float) -> Bool:
    """(M,) which cells lie within `size_m` of a chosen one along each axis, and some more."""
    if chosen.all() or not chosen.any():
        return chosen
    keys = np.floor(cells.place / np.float64(size_m)).astype(np.int32)
    keys -= keys.min(axis=0)
    touched = np.zeros(keys.max(axis=0) + 1, bool)
    touched[tuple(keys[chosen].T)] = True
    grown = np.asarray(ndimage.binary_dilation(touched, np.ones((3, 3, 3))), bool)
    return grown[tuple(keys.T)]


def _moved(cells: Cells, base: Field, chosen: Bool) -> tuple[Cells, Bool]:
    """The chosen cells moved along the surface's normals onto it, and (M,) which did not fail to get there.

    Who leaves the known part of the field, or comes out where the surface faces the other way, stays behind.
    """
    place, normal = cells.place.copy(), cells.normal.copy()
    above, arrived = cells.above.copy(), chosen.copy()
    moving = np.flatnonzero(chosen)
    for _ in range(MOST_STEPS):
        distance, there, seen = base.at(place[moving])
        arrived[moving[~seen]] = False
        moving, distance, there = moving[seen], distance[seen], there[seen]
        normal[moving] = there
        place[moving] -= distance[:, None] * there
        above[moving] += distance
        moving = moving[np.abs(distance) > CLOSE * base.voxel_m]
    arrived &= (normal * cells.normal).sum(axis=1) > 0
    moved = replace(
        cells,
        place=np.where(arrived[:, None], place, cells.place),
        normal=np.where(arrived[:, None], normal, cells.normal),
        gap=np.where(arrived, np.float32(0), cells.gap),
        above=np.where(arrived, above, cells.above),
    )
    return moved, arrived | ~chosen


def _with_values(vertices: F64, faces: np.ndarray, field: Field, good_sigma_m: float) -> FusedSurface:
    rows, share = field.corners(vertices)
    share = share * field.known[rows]
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
    normal = np.einsum("nkc,nk->nc", field.normal[rows], share)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    sigma = (field.sigma[rows] * share).sum(axis=1)
    colors = None
    if field.color is not None:
        colors = np.clip(np.einsum("nkc,nk->nc", field.color[rows], share) + 0.5, 0, 255).astype(np.uint8)
    return FusedSurface(
        mesh=Mesh(vertices, faces, colors=colors),
        normals=normal.astype(np.float32),
        sigma_m=sigma.astype(np.float32),
        confidence=(1 / (1 + (sigma / good_sigma_m) ** 2)).astype(np.float32),
    )
