"""The rings of vertices around mouth and eyes, and which of them belong to the upper and the lower side.

The model's face is built of rings around each opening: the rim where the skin turns inwards, then one ring
after the other outwards over lid or lip. They are found once a model from its faces alone: the rim is where
vertices that a scanner sees border on those that it does not see (`BodyModel.inner`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.components import link_components
from bodyscan.types import F64, I32, Bool

SIDES = ("left", "right")
REGIONS = ("head", "left_eye", "right_eye", "teeth", "tongue")
EYE_REACH_M, MOUTH_REACH_M = 0.035, 0.062
"""How far from the middle of an eye, or from the upper front teeth, skin goes along, on the mean body."""
RIM_REACH_M = 0.035
"""How far from there the rim of the opening lies at most."""
LID_RINGS = (1, 2, 3)
"""Rings outside of the rim that are the edge of a lid: from the eyeball to the lashes."""
LIP_RINGS_OUT, LIP_RINGS_IN = 3, 4
"""Rings outside and inside of the rim that are lips."""


@dataclass(frozen=True, eq=False)
class Opening:
    """An eye or the mouth."""

    rings: tuple[I32, ...]
    """Rings of vertex indices, `rings[0]` the rim, then outwards."""
    inward: tuple[I32, ...]
    """Rings going inwards from the rim, which is not among them."""
    upper: Bool
    """(V,) True for vertices around the opening that belong to its upper side."""
    lower: Bool
    """(V,) the same of the lower side; neither holds the corners."""
    corners: tuple[int, int]
    """The two vertices of `rings[1]` at the ends, the one with the smaller X first."""
    patch: I32
    """Skin around the opening that a correction may move, ascending."""


@dataclass(frozen=True, eq=False)
class FaceRings:
    """The openings of a model's face."""

    skin: Bool
    """(V,) the one connected skin with its lining, without eyeballs, teeth and tongue."""
    eyes: dict[str, Opening]
    """`left` and `right`, the person's own."""
    mouth: Opening
    upper_teeth: I32
    lower_teeth: I32
    tongue: I32


def has_face(model: BodyModel) -> bool:
    """True where the model has the parts that the contact of lids and lips is solved with."""
    return bool(model.expression_ids) and set(REGIONS) <= set(model.region_names)


@lru_cache(maxsize=4)
def face_rings(model: BodyModel) -> FaceRings:
    """The rings of `model`'s face; `InputError` for a model without eyeballs, teeth or shapes."""
    if not has_face(model):
        raise InputError(
            f"The body model '{model.name}' has no face shapes with eyeballs and "
            "teeth; use the packaged body."
        )
    labels = link_components(
        model.faces[:, [0, 1]].reshape(-1), model.faces[:, [1, 2]].reshape(-1), model.num_vertices
    )
    skin = labels == np.bincount(labels).argmax()
    places = model.template.astype(np.float64)
    links = _links(model, skin)
    eyes = {}
    for side in SIDES:
        ball = places[model.region(f"{side}_eye")]
        centre = 0.5 * (ball.min(axis=0) + ball.max(axis=0))
        eyes[side] = _opening(model, links, skin, centre, EYE_REACH_M, f"eyeBlink{side.capitalize()}", 4, 2)
    upper, lower = _teeth(model, labels)
    front = places[upper][places[upper, 2].argmax()]
    mouth = _opening(model, links, skin, front, MOUTH_REACH_M, "jawOpen", LIP_RINGS_OUT + 2, LIP_RINGS_IN)
    tongue = np.flatnonzero(model.region("tongue")).astype(np.int32)
    return FaceRings(skin, eyes, mouth, upper, lower, tongue)


def _links(model: BodyModel, skin: Bool) -> sparse.csr_matrix:
    faces = model.faces[skin[model.faces].all(axis=1)]
    row = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    length = np.linalg.norm(model.template[row[:, 0]] - model.template[row[:, 1]], axis=1)
    count = model.num_vertices
    one = sparse.csr_matrix((np.maximum(length, 1e-6), (row[:, 0], row[:, 1])), shape=(count, count))
    return sparse.csr_matrix(one.maximum(one.T))


def _teeth(model: BodyModel, labels: np.ndarray) -> tuple[I32, I32]:
    teeth = np.flatnonzero(model.region("teeth"))
    rows = [teeth[labels[teeth] == label] for label in np.unique(labels[teeth])]
    rows.sort(key=lambda row: -float(model.template[row, 1].mean()))
    return rows[0].astype(np.int32), rows[-1].astype(np.int32)


def _opening(
    model: BodyModel, links: sparse.csr_matrix, skin: Bool, centre: F64, reach: float, mover: str,
    outward: int, inward: int,
) -> Opening:  # fmt: skip
    places = model.template.astype(np.float64)
    near = skin & (np.linalg.norm(places - centre, axis=1) < reach)
    touches_inner = (links @ (near & model.inner)) > 0
    rim = near & ~model.inner & touches_inner & (np.linalg.norm(places - centre, axis=1) < RIM_REACH_M)
    rings = [np.flatnonzero(rim).astype(np.int32)]
    rings += _next_rings(links, rim, near & ~model.inner, outward)
    inner = _next_rings(links, rim, near & model.inner, inward)
    first = rings[1]
    ends = int(first[places[first, 0].argmin()]), int(first[places[first, 0].argmax()])
    chain = _arcs(links, first, ends)
    moved = np.zeros(model.num_vertices)
    moved[model.expression_ids[mover]] = np.linalg.norm(model.expression_deltas[mover], axis=1)
    height = [float(places[arc, 1].mean()) for arc in chain]
    # An open jaw carries the lower lip, a blink the upper lid; where both tell nothing, the height does.
    drop = [float(moved[arc].mean()) for arc in chain]
    upper_first = (drop[0] < drop[1]) == (mover == "jawOpen") if drop[0] != drop[1] else height[0] > height[1]
    upper_arc, lower_arc = chain if upper_first else chain[::-1]
    seeds = np.concatenate([upper_arc, lower_arc])
    _, _, source = dijkstra(
        links, directed=False, indices=seeds, min_only=True, limit=reach, return_predecessors=True
    )
    upper = np.isin(source, upper_arc) & near
    lower = np.isin(source, lower_arc) & near
    return Opening(tuple(rings), tuple(inner), upper, lower, ends, np.flatnonzero(near).astype(np.int32))


def _next_rings(links: sparse.csr_matrix, rim: Bool, room: Bool, count: int) -> list[I32]:
    seen, rings, last = rim.copy(), [], rim
    for _ in range(count):
        last = ((links @ last) > 0) & room & ~seen
        seen |= last
        rings.append(np.flatnonzero(last).astype(np.int32))
    return rings


def _arcs(links: sparse.csr_matrix, ring: I32, ends: tuple[int, int]) -> list[np.ndarray]:
    """The two arcs of a ring between its `ends`, without them."""
    rest = ring[~np.isin(ring, ends)]
    graph = links[rest][:, rest].tocoo()
    labels = link_components(
        np.concatenate([graph.row, np.arange(len(rest))]),
        np.concatenate([graph.col, np.arange(len(rest))]),
        len(rest),
    )
    sizes = np.bincount(labels)
    largest = np.argsort(-sizes, kind="stable")[:2]
    return [rest[labels == label] for label in largest]
