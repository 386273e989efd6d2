"""The raw scan itself as a rig: weights carried over from the fitted body.

Each scan vertex takes the weights of the closest point of the fitted surface that looks the same way, if one
is near (`bodyscan.rig.match`); the others (hair, cloth that stands off, walls between fingers) get the
smoothest weights over the scan's own surface (`bodyscan.rig.inpaint`); crumbs without any trusted vertex
follow the body as one piece.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.rig.bind import BindPose, bind_pose
from bodyscan.rig.influences import four_influences
from bodyscan.rig.inpaint import inpaint, smooth
from bodyscan.rig.match import match
from bodyscan.rig.options import RigOptions
from bodyscan.rig.skeleton import reduce_joints
from bodyscan.rig.surface_graph import SurfaceGraph, surface_graph
from bodyscan.types import F64, I32, BodyFit, Bool, Mesh, Rig, ScanMesh, Skeleton

SMOOTHING_ROUNDS = 8
CRUMB_SHARE = 0.05
"""Pieces with fewer than this share of trusted nodes are crumbs and move as one."""
SURE_M = 0.010
"""Matches nearer than this are left as they are by the smoothing."""


def rig_scan(
    scan: ScanMesh,
    model: BodyModel,
    fit: BodyFit,
    options: RigOptions | None = None,
    *,
    bind: BindPose | None = None,
) -> Rig:
    """Return the scan's own mesh (V vertices, faces, uvs, colours kept) bound to the fitted skeleton.

    `scan` and `fit` share the world frame; the rig is in the twin frame, in `options.pose`. In the poses `a`
    and `t` the scan is moved by its new weights. `bind`: the result of `bind_pose` for the same fit and
    pose. Raises `InputError` where no scan vertex lies near the fitted surface.
    """
    options = options or RigOptions()
    bind = bind or bind_pose(model, fit, options.pose)
    reduced = reduce_joints(model.joint_names, model.parents, model.skin_weights, options.joints)
    weights = transfer_weights(scan.mesh, fit.surface, outer_faces(model), reduced.weights, options)
    indices, four = four_influences(weights)
    moves = bind.twin_from_captured[reduced.kept]
    blended = np.einsum("vk,vkij->vij", four.astype(np.float64), moves[indices])
    blended /= four.astype(np.float64).sum(axis=1)[:, None, None]
    vertices = np.einsum("vij,vj->vi", blended[:, :, :3], scan.mesh.vertices) + blended[:, :, 3]
    return Rig(
        mesh=Mesh(vertices, scan.mesh.faces, uvs=scan.mesh.uvs, colors=scan.mesh.colors),
        skeleton=Skeleton(reduced.joint_names, reduced.parents, bind.joints[reduced.kept]),
        joint_indices=indices,
        joint_weights=four,
    )


def transfer_weights(
    scan: Mesh, body: Mesh, body_faces: I32, body_weights: sparse.csr_matrix, options: RigOptions
) -> F64:
    """Weights (V, J) of the scan's vertices, rows summing to 1, before they are cut to four influences.

    `body` (B vertices) in the scan's place and pose, `body_faces` the part of its faces that a scanner could
    see, `body_weights` (B, J).
    """
    graph = surface_graph(scan)
    matched = match(scan, graph, body, body_faces, body_weights, options)
    known = _without_crumbs(graph, matched.trusted)
    if not known.any():
        raise InputError(
            f"No vertex of the scan lies within {options.max_distance_m * 1000:.0f} mm of the fitted surface "
            "and looks the same way; give the fit of this very scan, in its world frame."
        )
    weights, reached = inpaint(graph, matched.weights, known)
    if options.smoothing > 0:
        doubt = np.clip((matched.distance - SURE_M) / options.max_distance_m, 0, 1)
        amount = options.smoothing * np.where(known, doubt, 1.0)
        weights = smooth(graph, weights, amount, SMOOTHING_ROUNDS)
    crumbs = ~reached
    weights[crumbs] = matched.weights[_nearest_of_piece(graph, matched.distance)[crumbs]]
    return weights[graph.node]


def _without_crumbs(graph: SurfaceGraph, trusted: Bool) -> Bool:
    """(N,) the trusted nodes of pieces that have enough of them."""
    size = np.bincount(graph.component)
    share = np.bincount(graph.component, trusted) / size
    return trusted & (share >= CRUMB_SHARE)[graph.component]


def _nearest_of_piece(graph: SurfaceGraph, distance: F64) -> np.ndarray:
    """(N,) for each node, the node of its piece that lies nearest to the body."""
    order = np.lexsort((distance, graph.component))
    first = np.unique(graph.component[order], return_index=True)[1]
    return order[first][graph.component]


def outer_faces(model: BodyModel) -> I32:
    """The faces of the body that a scanner could see: without mouth, eye sockets and teeth."""
    return model.faces[~model.inner[model.faces].all(axis=1)]
