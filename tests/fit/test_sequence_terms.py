"""What one picture asks of the body."""

from __future__ import annotations

import numpy as np

from bodyscan.fit.sequence import SequenceOptions, frame_views, picture_equations, sequence_unknowns
from bodyscan.fit.sequence_terms import LEAST_FACING, SequenceBody
from bodyscan.geometry.normals import vertex_normals
from reconstruct.depth_rings import body_model, frames, person, ring


def test_what_a_camera_sees_too_flatly_asks_nothing():
    model, params, poses = body_model(), person(), ring(4)
    views = frame_views(frames(poses, noise_m=0.002), poses, SequenceOptions(points=3000))
    body = SequenceBody.of(model, params.betas, 3000)
    unknowns = sequence_unknowns(model, 0)
    vertices = model.pose(params).vertices[body.ids]
    normals = vertex_normals(model.pose(params).vertices, model.faces)[body.ids]
    for each, pose in zip(picture_equations(body, [params] * 4, views, unknowns, 0.01), poses, strict=True):
        ways = vertices[each.vertices] - pose[:3, 3]
        facing = -np.einsum("nk,nk->n", ways, normals[each.vertices]) / np.linalg.norm(ways, axis=1)
        # The ray is the point's, not the vertex's, and skinning turns normals a little otherwise than faces.
        assert facing.min() > LEAST_FACING - 0.02
        assert len(facing) > 300
        assert (facing < LEAST_FACING + 0.1).any(), "all that faces enough takes part"
