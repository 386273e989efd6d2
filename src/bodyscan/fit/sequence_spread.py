"""How far the surface that was made of a swaying person's frames may be off, because their poses may be.

A frame sees little more than one side of a limb, so that its pose can move along the ray and the limb's
thickness with it: frames agree and are wrong together, which no scatter of points tells. The system that the
poses are solved from does (`sequence_surface`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.fit.sequence import (
    SequenceOptions,
    link_strength,
    mean_params,
    sequence_unknowns,
    sway_precision,
)
from bodyscan.fit.sequence_surface import surface_spread_m
from bodyscan.fit.sequence_terms import SequenceBody, frame_equations, frame_view
from bodyscan.geometry.normals import vertex_normals
from bodyscan.threads import usable_threads
from bodyscan.types import F32, F64, BodyParams, FramePoints
from bodyscan.types.depth import instants

KERNEL_M = 0.004
"""Scale of the robust kernel: as of the last step of the poses."""
SURFACE_M = 0.05
"""Standard deviation of the ways of the surface from the body, before the frames have told."""
NEIGHBOURS, STRETCH_M, BLUR_M = 4, 0.03, 0.003
"""As points take their motion from the skin: so many vertices, normals that differ by 1 count as so many
metres, and what is added to distances before their inverse squares are the shares."""


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
        tree = KDTree(np.hstack([self.points, STRETCH_M * self.normals]))
        query = np.hstack([points, STRETCH_M * normals])
        distance, ids = tree.query(query, k=NEIGHBOURS, workers=usable_threads())
        share = 1 / (distance + BLUR_M) ** 2
        return np.sqrt((share * self.sigma_m[ids] ** 2).sum(axis=1) / share.sum(axis=1))


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
    equations = []
    for members, at in zip(groups, own, strict=True):
        views = [
            frame_view(frames[k], world_from_camera[k], options.points, options.seed + k) for k in members
        ]
        equations.append(frame_equations(body, at, unknowns, views, KERNEL_M))
    # Weights are over the kernel's square; what was measured scatters less.
    scatter_m2 = sum(each.squares for each in equations) / sum(each.weight for each in equations)
    known = KERNEL_M**2 / scatter_m2
    scaled = [replace(each, hessian=known * each.hessian, weights=known * each.weights) for each in equations]
    times = [frames[members[0]].time_s for members in groups]
    precision = sway_precision(model, unknowns)
    links = precision[None] * link_strength(times)[:, None]
    sigma = surface_spread_m(scaled, precision, links, SURFACE_M, len(body.ids))
    mean = mean_params(own)
    posed = model.pose(mean).vertices
    met = np.unique(np.concatenate([each.vertices for each in equations]))  # of others nothing is known
    ids = body.ids[met]
    return SurfaceSpread(posed[ids], vertex_normals(posed, model.faces)[ids], sigma[met])
