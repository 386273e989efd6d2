"""A person's own expression, as scanned, as morphs of the twin.

The fit of an expression scan gives a displacement of the whole head (`bodyscan.fit.expression`). Here it is
kept to the face by a smooth mask, carried into the bind pose, and named: a name of an ARKit shape replaces
that shape; a name of a group (`smile`) is dealt out to the group's shapes by weights that sum to 1 at every
vertex, so that all of them at 1 give the scanned expression; any other name becomes a new morph.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.twin.eyeballs import eyeball
from bodyscan.twin.face_rings import SIDES, face_rings, has_face
from bodyscan.twin.face_shapes import posed_morphs
from bodyscan.twin.lids import Lids
from bodyscan.twin.lips import Mouth
from bodyscan.types import F64, Morph


def _pair(name: str) -> tuple[str, ...]:
    return f"{name}Left", f"{name}Right"


GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "smile": _pair("mouthSmile"),
        "frown": _pair("mouthFrown"),
        "dimple": _pair("mouthDimple"),
        "stretch": _pair("mouthStretch"),
        "press": _pair("mouthPress"),
        "blink": _pair("eyeBlink"),
        "squint": _pair("eyeSquint"),
        "wide": _pair("eyeWide"),
        "sneer": _pair("noseSneer"),
        "cheek_squint": _pair("cheekSquint"),
        "brows_down": _pair("browDown"),
        "brows_up": ("browInnerUp", *_pair("browOuterUp")),
        "jaw_open": ("jawOpen",),
        "jaw_forward": ("jawForward",),
        "pucker": ("mouthPucker",),
        "funnel": ("mouthFunnel",),
        "cheek_puff": ("cheekPuff",),
    }
)
"""Plain name of an expression -> the ARKit shapes that it stands for."""
MIDLINE_M = 0.014
"""Left goes over to right within so much on both sides of the middle of the face, metres on the mean body."""
INNER_BROW_M = (0.012, 0.032)
"""The brow goes over from its inner to its outer shape between these distances from the middle."""
FADE_M = 0.022
"""From the edge of the face the expression grows to full within so much, metres on the mean body."""
FACE_M = 0.0008
"""What some ARKit shape moves by more than this on the mean body is face."""
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def own_expression(
    model: BodyModel,
    name: str,
    displacement: F64,
    captured_from_rest: F64,
    world_from_rest: F64,
    surface: F64 | None = None,
    cover: F64 | None = None,
) -> tuple[Morph, ...]:
    """Morphs on the body's topology, in the bind pose, of one expression.

    `name`: an ARKit shape, one of `GROUPS`, or a new name (a letter, then letters, digits and underscores).
    `displacement` (V, 3) metres, in the captured pose, as in `ExpressionFit.displacement`.
    `captured_from_rest`, `world_from_rest` (J, 3, 4): the pose of the neutral fit and the bind pose.
    `surface` (V, 3): the person in the bind pose; with it lids are kept out of the eyeballs and lips out of
    the teeth, and lids of `blink` meet. `cover` (V,) 0..1: hair and cloth, as in `BodyFit.clothing`: they
    stay still. Raises `InputError` for a name or arrays that cannot be used, or a model without a face.
    """
    if not has_face(model):
        raise InputError(f"The body model '{model.name}' has no face shapes; use the packaged body.")
    if not NAME.fullmatch(name):
        raise InputError(
            f"The expression's name is {name!r}; possible are a letter, then "
            "letters, digits and underscores, at "
            f"most 63. Names that stand for ARKit shapes: {', '.join(GROUPS)}."
        )
    if displacement.shape != (model.num_vertices, 3) or not np.isfinite(displacement).all():
        raise InputError(
            f"The displacement of '{name}' must be finite metres of the shape "
            f"({model.num_vertices}, 3); it has "
            f"the shape {displacement.shape}."
        )
    blended = (model.skin_weights @ captured_from_rest[:, :, :3].reshape(-1, 9)).reshape(-1, 3, 3)
    rest = np.linalg.solve(blended, np.asarray(displacement, np.float64)[:, :, None])[:, :, 0]
    rest = _filled(model, rest) * face_mask(model, cover)[:, None]
    targets = GROUPS.get(name, (name,))
    if surface is not None:
        person = model.unskin(np.asarray(surface, np.float64), world_from_rest)
        rest = _settled(model, person, rest, targets)
    shares = _shares(model, targets)
    parts = {target: share[:, None] * rest for target, share in zip(targets, shares, strict=True)}
    return posed_morphs(model, parts, world_from_rest)


def with_own_expressions(morphs: Sequence[Morph], own: Sequence[Morph]) -> tuple[Morph, ...]:
    """`morphs` with those of the same name replaced by the person's `own`, new names at the end.

    Raises `InputError` where two expressions would replace the same shape.
    """
    names = [morph.name for morph in own]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"Two expression scans stand for {', '.join(twice)}; give one scan for each expression."
        )
    mine = {morph.name: morph for morph in own}
    known = {morph.name for morph in morphs}
    return (
        *(mine.get(morph.name, morph) for morph in morphs),
        *(morph for morph in own if morph.name not in known),
    )


def face_mask(model: BodyModel, cover: F64 | None = None) -> F64:
    """(V,) 0..1: 1 on the face, smoothly 0 at neck, scalp and hair; 1 inside the mouth."""
    largest = np.zeros(model.num_vertices)
    for name, ids in model.expression_ids.items():
        np.maximum.at(largest, ids, np.linalg.norm(model.expression_deltas[name], axis=1))
    face = (largest > FACE_M) & ~model.region("neck", "torso")
    if cover is not None:
        face &= np.asarray(cover) < 0.5
    rings = face_rings(model)
    skin = rings.skin
    edge = np.flatnonzero(skin & ~face & ~model.inner)
    places = model.template.astype(np.float64)
    gap, _ = KDTree(places[edge]).query(places)
    t = np.clip(gap / FADE_M, 0, 1)
    mask = t * t * (3 - 2 * t)
    mask[~face & skin & ~model.inner] = 0
    loose = np.concatenate([rings.upper_teeth, rings.lower_teeth, rings.tongue])
    mask[loose] = 1
    mask[model.region("left_eye", "right_eye", "torso")] = 0
    return mask


def _filled(model: BodyModel, rest: F64) -> F64:
    """The lining of mouth and sockets goes along with the skin at its rim (a harmonic membrane), and what the
    shapes do to it: no scanner sees it."""
    rings = face_rings(model)
    lining, rim = rings.skin & model.inner, rings.skin & ~model.inner
    links = model.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    count = model.num_vertices
    graph = sparse.coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count)).tocsr()
    graph = ((graph + graph.T) > 0).astype(np.float64)
    laplacian = sparse.csr_matrix(sparse.diags(np.asarray(graph.sum(axis=1)).ravel()) - graph)
    inside, known = np.flatnonzero(lining), np.flatnonzero(rim)
    follow = 0.02
    matrix = sparse.csc_matrix(laplacian[inside][:, inside] + follow * sparse.identity(len(inside)))
    out = rest.copy()
    out[inside] = splu(matrix).solve(follow * rest[inside] - laplacian[inside][:, known] @ rest[known])
    return out


def _settled(model: BodyModel, person: F64, shape: F64, targets: tuple[str, ...]) -> F64:
    """`shape` (V, 3) with lids and lips that run through nothing, and lids of a blink that meet."""
    rings = face_rings(model)
    out = shape
    for side in SIDES:
        lids = Lids(person, model.faces, rings.eyes[side], eyeball(model, person, side), model.inner)
        blinks = f"eyeBlink{side.capitalize()}" in targets
        out = lids.closed(out) if blinks else lids.outside(out)
    return Mouth(person, model.faces, rings).before_teeth(out)


def _shares(model: BodyModel, targets: tuple[str, ...]) -> list[F64]:
    """(V,) weights of each target, which sum to 1 at every vertex."""
    x = model.template[:, 0].astype(np.float64)
    head = model.region("head") & ~model.inner
    x = x - 0.5 * (x[head].min() + x[head].max())
    left = _ramp(x, -MIDLINE_M, MIDLINE_M)
    sides = {"Left": left, "Right": 1 - left}
    if len(targets) == 1:
        return [np.ones(len(x))]
    if len(targets) == 2:
        return [sides["Left" if target.endswith("Left") else "Right"] for target in targets]
    outer = _ramp(np.abs(x), *INNER_BROW_M)
    return [1 - outer, outer * left, outer * (1 - left)]


def _ramp(values: F64, low: float, high: float) -> F64:
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
