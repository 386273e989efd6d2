"""Lips that meet without running into each other, and that stay before the teeth.

Three repairs, each a smooth displacement of the skin around the mouth that meets wishes of the lips'
vertices: lips of a closed mouth at rest (`Mouth.closed`), `mouthClose` that shuts the mouth that `jawOpen`
has opened (`Mouth.sealed`: what a place of the upper lip does, the place of the lower lip that it lies on at
rest does too), and shapes that would pull lips through teeth (`Mouth.before_teeth`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.twin.contact import Over, over_surface
from bodyscan.twin.face_rings import FaceRings
from bodyscan.twin.smooth_correction import SmoothCorrection
from bodyscan.types import F64, I32

CLOSED_WITHIN_M = 0.0025
"""Lips that come as near to each other as this all along the mouth are those of a closed mouth."""
GAP_M, OVERLAP_M = 0.0003, 0.0003
"""What closed lips may be apart, and may run into each other."""
TOUCH_M = 0.0001
"""Where a repair leaves them."""
SEAL_REACH_M = 0.003
"""Places of the lips farther apart at rest than this do not meet when the mouth is shut."""
TEETH_M, TEETH_REACH_M = 0.0002, 0.008
"""How far before the teeth lips stay, and how deep behind them they are looked for."""
STILL_M = 1e-4
"""A shape that moves lips, teeth and tongue less than this is none of the mouth's, metres."""
BINS, ENDS = 14, 0.08
"""Columns that the mouth is looked at in, and the share at each end that counts as its corner."""
ROUNDS = 12
EAGER = 1.3
"""A gap is closed by so many times itself: neighbours hold back."""


@dataclass(frozen=True)
class LipContact:
    """How two lips lie on each other, metres."""

    gap_m: float
    """The widest gap in any column of the mouth, 0 where they touch everywhere."""
    overlap_m: float
    """The deepest that one runs into the other."""


class Mouth:
    """The mouth of a person, unposed."""

    def __init__(self, points: F64, faces: I32, rings: FaceRings) -> None:
        """`points` (V, 3) metres on the body's `faces`."""
        self.points, self.rings, mouth = points, rings, rings.mouth
        lips = [*mouth.rings[:4], *mouth.inward[:3]]
        wishers = np.unique(np.concatenate(lips)).astype(np.int32)
        self.plate = SmoothCorrection(points, faces, mouth.patch, wishers)
        ends = np.array(mouth.corners)
        touching = np.unique(np.concatenate([*mouth.rings[:3], *mouth.inward[:2]]))
        self.upper = touching[mouth.upper[touching] & ~np.isin(touching, ends)]
        lower = np.zeros(len(points), bool)
        lower[wishers] = mouth.lower[wishers]
        lower[ends] = True
        self.lower_faces = faces[lower[faces].all(axis=1)]
        first, last = points[ends]
        self.across = (last - first) / np.linalg.norm(last - first)
        share = (points[self.upper] - first) @ self.across / np.linalg.norm(last - first)
        share = (share - ENDS) / (1 - 2 * ENDS)
        self._column = np.where((share >= 0) & (share < 1), (share * BINS).astype(np.int64), -1)
        self.lips = wishers
        rows = (rings.upper_teeth, rings.lower_teeth)
        self._teeth = [_front_faces(points, faces, row) for row in rows]
        self._tongue = faces[np.isin(faces, rings.tongue).all(axis=1)]
        self._inside = np.concatenate([*rows, rings.tongue])

    def contact(self, points: F64) -> LipContact:
        """How the lips of `points` (V, 3) lie on each other."""
        over, column = self._over(points)
        least = [over.distance[column == k].min() for k in range(BINS) if (column == k).any()]
        deepest = float(over.distance[column >= 0].min())
        return LipContact(max(float(max(least)), 0.0), max(-deepest, 0.0))

    def closed(self, points: F64) -> F64:
        """`points` (V, 3) with lips that touch and do not run into each other."""
        out = np.array(points)
        for _ in range(ROUNDS):
            over, column = self._over(out)
            wished = np.zeros(len(self.upper))
            deep = (over.distance < -TOUCH_M) & (column >= 0)
            wished[deep] = -over.distance[deep]
            chosen = deep
            for k in range(BINS):
                members = np.flatnonzero(column == k)
                if len(members) and over.distance[members].min() > TOUCH_M:
                    nearest = members[over.distance[members].argmin()]
                    wished[nearest] = -EAGER * over.distance[nearest]
                    chosen[nearest] = True
            if not chosen.any():
                break
            out += self._apart(over, chosen, wished[:, None] * over.normal)
        return out

    def sealed(self, close: F64, jaw: F64) -> F64:
        """`close` (V, 3), mended so that together with `jaw` (V, 3) the lips lie as they do at rest."""
        out = np.array(close)
        over, _ = self._over(self.points)
        chosen = np.abs(over.distance) < SEAL_REACH_M
        for _ in range(2):
            both = out + jaw
            under = np.einsum("nk,nkc->nc", over.shares, both[over.corners])
            out += self._apart(over, chosen, under - both[self.upper])
        return out

    def before_teeth(self, shape: F64, tongue: bool = False) -> F64:
        """`shape` (V, 3), with lips and lining that it takes through the teeth brought before them.

        With `tongue`, lips make way for the tongue as well.
        """
        out = np.array(shape)
        if max(np.abs(out[self.lips]).max(), np.abs(out[self._inside]).max()) < STILL_M:
            return out
        for _ in range(3):
            wishes = self._behind_teeth(out, TEETH_M, tongue)
            deep = np.linalg.norm(wishes, axis=1) > 0
            if not deep.any():
                break
            out += self.plate.move(self.lips[deep], wishes[deep])
        return out

    def depth_in_teeth(self, shape: F64) -> float:
        """Metres: the deepest that lips lie behind the front of the teeth at `shape` (V, 3), 0 for
        nowhere."""
        lengths = np.linalg.norm(self._behind_teeth(shape, 0.0), axis=1)
        return float(lengths.max(initial=0.0))

    def _behind_teeth(self, shape: F64, least: float, tongue: bool = False) -> F64:
        """(L, 3) way out for each vertex of the lips; zero for those before the teeth."""
        moved = self.points + shape
        wishes = np.zeros((len(self.lips), 3))
        for faces in [*self._teeth, self._tongue] if tongue else self._teeth:
            over = over_surface(moved[self.lips], moved, faces)
            beside = np.linalg.norm(
                moved[self.lips] - np.einsum("nk,nkc->nc", over.shares, moved[over.corners])
                - over.distance[:, None] * over.normal,
                axis=1,
            )  # fmt: skip
            # Beyond the edges of the row nothing is behind it.
            behind = (over.distance < least) & (over.distance > -TEETH_REACH_M) & (beside < 0.0005)
            wishes[behind] += (least - over.distance[behind])[:, None] * over.normal[behind]
        return wishes

    def _over(self, points: F64) -> tuple[Over, np.ndarray]:
        """The upper lip over the lower one, and the column 0..BINS of each vertex, -1 at the corners."""
        over = over_surface(points[self.upper], points, self.lower_faces)
        return over, self._column

    def _apart(self, over: Over, chosen: np.ndarray, wishes: F64) -> F64:
        """(V, 3): the upper lip moves by the wish against the place of the lower lip under it."""
        vertices = np.concatenate([self.upper[chosen][:, None], over.corners[chosen]], axis=1)
        shares = np.concatenate([np.ones((int(chosen.sum()), 1)), -over.shares[chosen]], axis=1)
        return self.plate.meet(vertices, shares, wishes[chosen])


def _front_faces(points: F64, faces: I32, row: I32) -> I32:
    """Faces of a row of teeth that look out of the mouth."""
    member = np.zeros(len(points), bool)
    member[row] = True
    own = faces[member[faces].all(axis=1)]
    corners = points[own]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    outward = corners.mean(axis=1) - points[row].mean(axis=0)
    outward[:, 1] = 0
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-12)
    return own[np.einsum("fc,fc->f", normal, outward) > 0.4]
