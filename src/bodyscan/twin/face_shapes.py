"""The 52 ARKit face shapes as morphs of one person's bind-pose mesh.

The body model's shapes are displacements of its mean head. A person's head is larger or smaller, longer, with
narrower eyes or fuller lips; the displacement must follow, or lids do not meet and lips cross. Each vertex
takes its displacement through the affine map from the mean head to this person's head that fits its
neighbourhood best (a local version of deformation transfer, Sumner and Popovic, "Deformation transfer for
triangle meshes", 2004: neighbours in space and not along the surface, so that the upper lid knows how far
away the lower one is). It is then turned with the head into the bind pose.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.types import F64, BodyParams, Morph

NEIGHBOURHOOD_M = 0.012
"""Standard deviation of the weights of neighbours, metres on the mean head."""
NEIGHBOURS = 80
LEAST_DELTA_M = 5e-6
"""Displacements shorter than this on the finished twin are left out."""


def face_shapes(model: BodyModel, params: BodyParams, world_from_rest: F64) -> tuple[Morph, ...]:
    """Return one morph for each expression of the model, on the body's topology, in the bind pose.

    `params`: the fitted person. `world_from_rest` (J, 3, 4): the bind pose, as in
    `bodyscan.rig.bind.BindPose`. A model without expressions gives an empty tuple. An expression that the
    scan itself shows (`params.expression`) stays in the bind mesh; morphs come on top of it.
    """
    if world_from_rest.shape != (model.num_joints, 3, 4):
        raise InputError(
            f"face_shapes: world_from_rest has the shape {world_from_rest.shape}; the body model's bind pose "
            f"has ({model.num_joints}, 3, 4)."
        )
    if not model.expression_ids:
        return ()
    moved = np.unique(np.concatenate(list(model.expression_ids.values())))
    place = np.full(model.num_vertices, -1, np.int64)
    place[moved] = np.arange(len(moved))
    person = model.rest_vertices(params.betas)
    maps = local_maps(model, person, moved)
    blended = (model.skin_weights[moved] @ world_from_rest[:, :, :3].reshape(-1, 9)).reshape(-1, 3, 3)
    maps = blended @ maps
    morphs = []
    for name, ids in model.expression_ids.items():
        deltas = np.einsum("kij,kj->ki", maps[place[ids]], model.expression_deltas[name].astype(np.float64))
        order = np.argsort(ids, kind="stable")
        kept = order[np.linalg.norm(deltas[order], axis=1) > LEAST_DELTA_M]
        morphs.append(Morph(name, ids[kept], deltas[kept].astype(np.float32)))
    return tuple(morphs)


def local_maps(model: BodyModel, person: F64, vertices: np.ndarray) -> F64:
    """(K, 3, 3) linear maps from the mean head to the person's, around each of `vertices` (K,).

    `person` (V, 3): the unposed person. Weighted least squares, drawn towards the head's overall scale where
    the neighbours lie in a plane.
    """
    template = model.template.astype(np.float64)
    tree = KDTree(template[vertices])
    distance, near = tree.query(template[vertices], k=min(NEIGHBOURS, len(vertices)))
    weight = np.exp(-0.5 * (distance / NEIGHBOURHOOD_M) ** 2)
    weight /= weight.sum(axis=1, keepdims=True)
    source, target = template[vertices][near], person[vertices][near]
    source = source - (weight[:, :, None] * source).sum(axis=1, keepdims=True)
    target = target - (weight[:, :, None] * target).sum(axis=1, keepdims=True)
    spread = np.einsum("kn,kni,knj->kij", weight, source, source)
    cross = np.einsum("kn,kni,knj->kij", weight, target, source)
    scale = head_scale(model, person, vertices)
    pull = 0.05 * np.trace(spread, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    return np.linalg.solve(spread + pull, (cross + scale * pull).transpose(0, 2, 1)).transpose(0, 2, 1)


def head_scale(model: BodyModel, person: F64, vertices: np.ndarray) -> float:
    """How much larger the person's face is than the mean face: the ratio of their spreads."""
    sizes = [
        np.sqrt(np.var(np.asarray(points, np.float64)[vertices], axis=0).sum())
        for points in (model.template, person)
    ]
    return float(sizes[1] / sizes[0])
