"""The 52 ARKit face shapes as morphs of one person's bind-pose mesh.

The body model's shapes are displacements of its mean head. A person's head is larger or smaller, longer, with
narrower eyes or fuller lips, and has detail of its own. So each shape is carried over triangle by triangle
(`deformation_transfer`), with the local affine map from the mean head to this person's head as the change of
coordinates; eyeballs turn rigidly about their own centres; and what must touch is made to touch: lids at a
blink (`lids`), lips at a closed mouth, lips before teeth (`lips`). All of it is solved on the unposed person
and then turned with the head into the bind pose. `docs/face.md` has what was measured.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.twin.deformation_transfer import DeformationTransfer
from bodyscan.twin.eyeballs import eyeball, rigid_turn
from bodyscan.twin.face_rings import SIDES, face_rings, has_face
from bodyscan.twin.lids import Lids
from bodyscan.twin.lips import Mouth
from bodyscan.types import F64, BodyParams, Morph

NEIGHBOURHOOD_M = 0.012
"""Standard deviation of the weights of neighbours, metres on the mean head."""
NEIGHBOURS = 80
LEAST_DELTA_M = 5e-6
"""Displacements shorter than this on the finished twin are left out."""
Shapes = dict[str, F64]
"""Shape name -> (V, 3) displacement, metres."""


def face_shapes(
    model: BodyModel, params: BodyParams, world_from_rest: F64, surface: F64 | None = None
) -> tuple[Morph, ...]:
    """Return one morph for each expression of the model, on the body's topology, in the bind pose.

    `params`: the fitted person. `world_from_rest` (J, 3, 4): the bind pose, as in
    `bodyscan.rig.bind.BindPose`. `surface` (V, 3) metres: the person in the bind pose with all detail, as in
    `BindPose.surface`; without it the parametric person is taken. A model without expressions gives an empty
    tuple. An expression that the scan itself shows (`params.expression`) stays in the bind mesh; morphs come
    on top of it. Raises `InputError` where bind pose or surface belong to another model.
    """
    if world_from_rest.shape != (model.num_joints, 3, 4):
        raise InputError(
            f"face_shapes: world_from_rest has the shape {world_from_rest.shape}; the body model's bind pose "
            f"has ({model.num_joints}, 3, 4)."
        )
    if surface is not None and surface.shape != (model.num_vertices, 3):
        raise InputError(
            f"face_shapes: surface has the shape {surface.shape}; the body model has "
            f"({model.num_vertices}, 3) vertices."
        )
    if not model.expression_ids:
        return ()
    if surface is None:
        person = model.rest_vertices(params.betas)
    else:
        person = model.unskin(np.asarray(surface, np.float64), world_from_rest)
    shapes = transferred_shapes(model, person)
    if has_face(model):
        shapes = with_contacts(model, person, shapes)
    return posed_morphs(model, shapes, world_from_rest)


def posed_morphs(model: BodyModel, shapes: Shapes, world_from_rest: F64) -> tuple[Morph, ...]:
    """Shapes of the unposed person as morphs in the bind pose `world_from_rest` (J, 3, 4)."""
    turn = (model.skin_weights @ world_from_rest[:, :, :3].reshape(-1, 9)).reshape(-1, 3, 3)
    morphs = []
    for name, shape in shapes.items():
        ids = np.flatnonzero(np.abs(shape).max(axis=1) > 0.5 * LEAST_DELTA_M)
        deltas = np.einsum("kij,kj->ki", turn[ids], shape[ids])
        kept = np.linalg.norm(deltas, axis=1) > LEAST_DELTA_M
        morphs.append(Morph(name, ids[kept].astype(np.int32), deltas[kept].astype(np.float32)))
    return tuple(morphs)


def transferred_shapes(model: BodyModel, person: F64) -> Shapes:
    """The model's shapes carried to the unposed `person` (V, 3), metres; contacts are not looked at.

    Law: on the mean head these are the model's own shapes; on a scaled or stretched head they are scaled or
    stretched alike.
    """
    moved = np.unique(np.concatenate(list(model.expression_ids.values())))
    maps = np.tile(np.eye(3), (model.num_vertices, 1, 1))
    maps[moved] = local_maps(model, person, moved)
    names = list(model.expression_ids)
    own = np.zeros((model.num_vertices, 3, len(names)))
    for k, name in enumerate(names):
        own[model.expression_ids[name], :, k] = model.expression_deltas[name]
    free = np.zeros(model.num_vertices, bool)
    free[moved] = True
    if has_face(model):
        free &= face_rings(model).skin
    transfer = DeformationTransfer(model.template.astype(np.float64), person, model.faces, free, maps)
    out = transfer.transfer(own)
    loose = moved[~free[moved]]
    out[loose] = np.einsum("vij,vjn->vin", _common_maps(model, person, loose), own[loose])
    shapes = {name: np.ascontiguousarray(out[:, :, k]) for k, name in enumerate(names)}
    if has_face(model):
        for side in SIDES:
            _turn_eyeball(model, person, shapes, side)
    return shapes


def with_contacts(model: BodyModel, person: F64, shapes: Shapes) -> Shapes:
    """`shapes` of the unposed `person` (V, 3) with lids and lips that meet and run through nothing."""
    rings = face_rings(model)
    out = dict(shapes)
    for side in SIDES:
        lids = Lids(person, model.faces, rings.eyes[side], eyeball(model, person, side), model.inner)
        blink = f"eyeBlink{side.capitalize()}"
        for name, shape in out.items():
            out[name] = lids.closed(shape) if name == blink else lids.outside(shape)
    mouth = Mouth(person, model.faces, rings)
    for name, shape in out.items():
        if name != "mouthClose":
            out[name] = mouth.before_teeth(shape, tongue=name == "tongueOut")
    if {"mouthClose", "jawOpen"} <= set(out):
        out["mouthClose"] = mouth.sealed(out["mouthClose"], out["jawOpen"])
    return out


def _turn_eyeball(model: BodyModel, person: F64, shapes: Shapes, side: str) -> None:
    """Let every shape that moves an eyeball turn it rigidly about its own centre, in place."""
    ball = eyeball(model, person, side)
    ids = ball.vertices
    mean = model.template[ids].astype(np.float64)
    for name, shape in shapes.items():
        own = np.zeros((model.num_vertices, 3))
        own[model.expression_ids[name]] = model.expression_deltas[name]
        if np.abs(own[ids]).max() < LEAST_DELTA_M:
            continue
        turn = rigid_turn(mean, mean + own[ids])
        arm = person[ids] - ball.centre
        shape[ids] = arm @ turn.T - arm


def _common_maps(model: BodyModel, person: F64, loose: np.ndarray) -> F64:
    """(K, 3, 3) for teeth, tongue and eyeballs: one turn and scale each, which keeps them rigid."""
    maps = np.zeros((len(loose), 3, 3))
    regions = model.region_ids[loose] if len(model.region_ids) else np.zeros(len(loose), np.int64)
    for region in np.unique(regions):
        member = regions == region
        before = model.template[loose[member]].astype(np.float64)
        after = person[loose[member]]
        before, after = before - before.mean(axis=0), after - after.mean(axis=0)
        scale = np.sqrt((after**2).sum() / max(float((before**2).sum()), 1e-18))
        maps[member] = scale * rigid_turn(before, after)
    return maps


def local_maps(model: BodyModel, person: F64, vertices: np.ndarray) -> F64:
    """(K, 3, 3) linear maps from the mean head to the person's, around each of `vertices` (K,).

    `person` (V, 3): the unposed person. Weighted least squares over neighbours in space and not along the
    surface, so that the upper lid knows how far away the lower one is; drawn towards the head's overall scale
    where the neighbours lie in a plane.
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
