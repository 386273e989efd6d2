# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fitted person at other parameters: the body re-posed and re-shaped, with the scan's detail carried along.

What the fit added to the parametric body lies in the unposed body, where shape and pose do not matter; so it
follows a slider, and at the fit's own parameters the surface is the fit's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bodyscan.body.measurements import unposed_offsets
from bodyscan.body.model import BodyModel, joint_positions
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.types import F64, BodyFit, BodyParams

SURFACES = ("surface", "body", "skin")
"""The person as scanned; the parametric body; the person as estimated under the clothes."""


@dataclass(frozen=True, eq=False)
class PreviewedBody:
    """The person at other parameters. V vertices, J joints, metres, world frame."""

    vertices: F64
    """(V, 3) of the surface that was asked for."""
    body_vertices: F64
    """(V, 3) of the parametric body."""
    joints: F64
    """(J, 3)."""


def preview(model: BodyModel, fit: BodyFit, params: BodyParams, surface: str = "surface") -> PreviewedBody:
    """The fit's `surface`, `body` or `skin` at `params`."""
    joints = model.rest_joints(params.betas)
    rotations = rotvec_to_matrix(params.pose_rotvec)
    rest = model.corrected_rest(params.betas, params.expression, rotations)
    world = model.joint_transforms(joints, rotations, params.translation)
    body = model.skin(rest, world)
    vertices = body if surface == "body" else model.skin(rest + detail_of(model, fit, surface), world)
    return PreviewedBody(vertices, body, joint_positions(world, joints))


@lru_cache(maxsize=4)
def detail_of(model: BodyModel, fit: BodyFit, surface: str) -> F64:
    """(V, 3) metres: what `surface` or `skin` of a fit adds to the unposed body."""
    if surface not in ("surface", "skin"):
        raise ValueError(f"'{surface}' has no detail of its own; possible: surface, skin.")
    return np.asarray(unposed_offsets(model, fit.params, getattr(fit, surface).vertices))
