"""How far the surface that was made of a swaying person's frames may be off, because their poses may be.

A frame sees little more than one side of a limb, so that its pose can move along the ray and the limb's
thickness with it: frames agree and are wrong together, which no scatter of points tells. The system that the
poses are solved from does (`sequence_surface`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.fit.sequence import (
    POSE_LEVELS,
    SURFACE_LEVELS,
    SequenceOptions,
    frame_views,
    mean_params,
    picture_equations,
    sequence_unknowns,
    sway_prior,
)
from bodyscan.fit.sequence_surface import surface_spread_m
from bodyscan.fit.sequence_terms import SequenceBody
from bodyscan.geometry.facing import facing_neighbours
from bodyscan.geometry.normals import vertex_normals
from bodyscan.types import F32, F64, BodyParams, FramePoints
from bodyscan.types.depth import instants

KERNEL_M = POSE_LEVELS[-1].sigma_m[1]
SURFACE_M = SURFACE_LEVELS[-1].surface_m
"""Of the last steps that poses and surface are found by."""


@dataclass(frozen=True, eq=False)
class SurfaceSpread:
    """The uncertainty at some places of the body, in its mean pose."""

    points: F64
    """(K, 3) metres, world."""
    normals: F64
    """(K, 3) unit, outward."""
    sigma_m: F64
    """(K,) metres: standard deviation along the normal."""

    def at(self, points: F64, normals: F64 | F32) -> F64:
        """(N,) metres at surface points (N, 3) that face `normals` (N, 3): of the nearest places that do."""
        ids, share, _ = facing_neighbours(self.points, self.normals, points, normals)
        return np.sqrt((share * self.sigma_m[ids] ** 2).sum(axis=1))


def surface_spread(
    frames: Sequence[FramePoints],
    world_from_camera: F64,
    model: BodyModel,
    params: Sequence[BodyParams],
    options: SequenceOptions,
) -> SurfaceSpread:
    """The uncertainty of the surface that `frames` make together, `model` standing at `params` in each.

    `world_from_camera` (N, 4, 4) metres. `model` has the person's own surface for its template.
    """
    groups = instants(frames)
    own = [params[members[0]] for members in groups]
    body = SequenceBody.of(model, own[0].betas, options.vertices, options.seed)
    unknowns = sequence_unknowns(model, 0)
    views = frame_views(frames, world_from_camera, options)
    equations = picture_equations(body, own, views, unknowns, KERNEL_M)
    # Weights are over the kernel's square; what was measured scatters less.
    scatter_m2 = sum(each.squares for each in equations) / sum(each.weight for each in equations)
    known = KERNEL_M**2 / scatter_m2
    scaled = [replace(each, hessian=known * each.hessian, weights=known * each.weights) for each in equations]
    precision, links = sway_prior(model, unknowns, [frames[members[0]].time_s for members in groups])
    sigma = surface_spread_m(scaled, precision, links, SURFACE_M, len(body.ids))
    mean = mean_params(own)
    posed = model.pose(mean).vertices
    met = np.unique(np.concatenate([each.vertices for each in equations]))  # of others nothing is known
    ids = body.ids[met]
    return SurfaceSpread(posed[ids], vertex_normals(posed, model.faces)[ids], sigma[met])
