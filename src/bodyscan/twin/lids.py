"""Lids that meet when an eye blinks, and that never run into the eyeball.

The model's own blink takes the upper lid 3 to 4 mm past the lower one, through it, and a person whose lids
lie otherwise gets it worse. So the blink is solved for each person: the rings of the upper lid's edge are
brought onto those of the lower lid's edge, place for place between the corners of the eye, and both outside
of the eyeball; the skin around follows as a thin plate. The lower edge and the corners stay where they are
at rest, as a blink's do; the lining of the lids is kept inside of the eyeball, where nothing shows it.
"""

from __future__ import annotations

import numpy as np

from bodyscan.twin.eyeballs import Eyeball
from bodyscan.twin.face_rings import LID_RINGS, Opening
from bodyscan.twin.smooth_correction import SmoothCorrection
from bodyscan.types import F64, I32, Bool

CLEARANCE_M = 0.0004
"""How far outside of the eyeball the inner edge of a lid slides, metres."""
SKIN_CLEARANCE_M = 0.0006
"""The same for the skin of the lid."""
LINING_M = -0.0006
"""Where the lining of a closed lid lies: behind the front of the eyeball, metres."""
PRESS_M = 0.00006
"""How far the upper edge goes past the lower one, metres: between vertices their lines are not alike."""
BLINK_ROUNDS = 2


class Lids:
    """The lids of one eye of a person, unposed."""

    def __init__(self, points: F64, faces: I32, opening: Opening, ball: Eyeball, inner: Bool) -> None:
        """`points` (V, 3) metres; `inner` (V,) True inside the head."""
        self.points, self.opening, self.ball = points, opening, ball
        self.edges = [opening.rings[k] for k in LID_RINGS]
        skin = np.setdiff1d(opening.patch[~inner[opening.patch]], opening.rings[0])
        self.skin = _near(points, skin, ball)
        self.lining = _near(points, np.setdiff1d(opening.patch, skin), ball)
        self.plate = SmoothCorrection(points, faces, opening.patch, np.unique(np.concatenate(self.edges)))
        first, last = (points[k] for k in opening.corners)
        self.across = (last - first) / np.linalg.norm(last - first)
        self.up = np.cross(ball.gaze, self.across)
        self.place = (points - ball.centre) @ self.across

    def closed(self, blink: F64) -> F64:
        """(V, 3) metres: `blink` (V, 3), mended so that the lids meet at weight 1."""
        mended = np.array(blink)
        met = [self._meeting(ring) for ring in self.edges]
        chosen = np.concatenate([ids for ids, _ in met])
        targets = np.concatenate([points for _, points in met])
        for _ in range(BLINK_ROUNDS):
            mended += self.plate.move(chosen.astype(np.int32), targets - self.points[chosen] - mended[chosen])
            mended = self.outside(mended, held=chosen)
        return self._lining_inside(mended)

    def _meeting(self, ring: I32) -> tuple[I32, F64]:
        """Vertices of a ring and where they lie (N, 3) when the eye is shut."""
        lower = ring[self.opening.lower[ring] | np.isin(ring, self.opening.corners)]
        upper = np.setdiff1d(ring, lower)
        order = lower[np.argsort(self.place[lower], kind="stable")]
        line = self._pushed(self.points[order], CLEARANCE_M)
        at = np.column_stack(
            [np.interp(self.place[upper], self.place[order], line[:, axis]) for axis in range(3)]
        )
        at -= PRESS_M * self.up
        return np.concatenate([order, upper]), np.concatenate([line, self._pushed(at, CLEARANCE_M)])

    def _lining_inside(self, shape: F64) -> F64:
        """`shape` (V, 3) with the lining in front of the eyeball's middle drawn into it."""
        now = self.points[self.lining] + shape[self.lining]
        ray = now - self.ball.centre
        length = np.linalg.norm(ray, axis=1, keepdims=True)
        excess = np.maximum(self.ball.clearance(now) - LINING_M, 0)
        excess[(ray @ self.ball.gaze) < 0.1 * length[:, 0]] = 0
        out = np.array(shape)
        out[self.lining] -= excess[:, None] * ray / length
        return out

    def _pushed(self, points: F64, least: float) -> F64:
        """Points (N, 3), those nearer than `least` to the eyeball pushed away from its centre."""
        short = np.maximum(least - self.ball.clearance(points), 0)
        ray = points - self.ball.centre
        return points + short[:, None] * ray / np.linalg.norm(ray, axis=1, keepdims=True)

    def outside(self, shape: F64, held: I32 | None = None) -> F64:
        """`shape` (V, 3), with skin of the lids that it takes into the eyeball brought out of it.

        Skin that lies nearer at rest may stay as near. `held` vertices are not moved.
        """
        skin = self.skin if held is None else np.setdiff1d(self.skin, held)
        moves = np.linalg.norm(shape[skin], axis=1) > 1e-5
        skin = skin[moves]
        if not len(skin):
            return shape
        rest = self.ball.clearance(self.points[skin])
        least = np.minimum(SKIN_CLEARANCE_M, rest)
        now = self.points[skin] + shape[skin]
        short = np.maximum(least - self.ball.clearance(now), 0)
        ray = now - self.ball.centre
        out = np.array(shape)
        out[skin] += short[:, None] * ray / np.linalg.norm(ray, axis=1, keepdims=True)
        return out

    def gap_and_overlap(self, blink: F64) -> tuple[float, float]:
        """Metres: the widest gap between the closed lids' edges, and how far the upper passes the lower.

        Along the way that lids close, from one corner of the eye to the other.
        """
        moved = self.points + blink
        ring = self.edges[1]
        place = (moved - self.ball.centre) @ self.across
        height = (moved - self.ball.centre) @ self.up
        lower = ring[self.opening.lower[ring]]
        upper = ring[self.opening.upper[ring]]
        lower, upper = (ids[np.argsort(place[ids], kind="stable")] for ids in (lower, upper))
        low = max(place[lower[0]], place[upper[0]])
        high = min(place[lower[-1]], place[upper[-1]])
        at = np.linspace(low, high, 60)
        apart = np.interp(at, place[upper], height[upper]) - np.interp(at, place[lower], height[lower])
        return float(max(apart.max(), 0.0)), float(max(-apart.min(), 0.0))


def _near(points: F64, ids: I32, ball: Eyeball) -> I32:
    return ids[np.linalg.norm(points[ids] - ball.centre, axis=1) < 1.6 * ball.radius_m]
