"""Lips closed at rest: settles the contact of the lips of a scan of a closed mouth.

A scanner sees a line where two lips meet, and the fitted surface leaves them 0.5 to 2 mm apart or a little
inside of each other; light then falls into the mouth, or an edge of one lip shows through the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.twin.face_rings import face_rings, has_face
from bodyscan.twin.lips import CLOSED_WITHIN_M, GAP_M, OVERLAP_M, Mouth
from bodyscan.types import F64

TEETH_BACK_M = 0.006
"""Teeth are set back by no more than this to lie behind the lips, metres."""


@dataclass(frozen=True)
class LipsReport:
    """What was done to the mouth at rest. Lengths are millimetres."""

    action: str
    """`kept`: nothing had to be done; `closed`: lips were settled; `left open`: the scan shows an open mouth;
    `none`: the model has no face."""
    gap_mm: float
    overlap_mm: float
    gap_after_mm: float
    overlap_after_mm: float
    moved_mm: float
    """Largest movement of a vertex of the skin."""
    teeth_back_mm: float
    """How far the teeth were set back to lie behind the lips."""

    @property
    def text(self) -> str:
        """One plain sentence for a report."""
        if self.action == "none":
            return "the body model has no lips to close"
        if self.action == "left open":
            return f"the mouth was scanned open ({self.gap_mm:.1f} mm) and is left so"
        done = (
            "lips touch as scanned"
            if self.action == "kept"
            else f"lips settled by {self.moved_mm:.1f} mm: gap {self.gap_mm:.2f} to {self.gap_after_mm:.2f} "
            f"mm, overlap {self.overlap_mm:.2f} to {self.overlap_after_mm:.2f} mm"
        )
        return done + (f", teeth set back by {self.teeth_back_mm:.1f} mm" if self.teeth_back_mm else "")


def close_lips(model: BodyModel, surface: F64, world_from_rest: F64) -> tuple[F64, LipsReport]:
    """The bind-pose `surface` (V, 3), metres, with lips that meet, and what was done.

    `world_from_rest` (J, 3, 4): the bind pose. Where the lips come as near as 2.5 mm all along the mouth they
    are brought together (gap and overlap below 0.3 mm); a mouth that was scanned open stays open. Teeth that
    reach through the lips at rest are set back in either case.
    """
    if not has_face(model):
        return surface, LipsReport("none", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    rings = face_rings(model)
    person = model.unskin(np.asarray(surface, np.float64), world_from_rest)
    mouth = Mouth(person, model.faces, rings)
    before = mouth.contact(person)
    settled, action = person, "left open"
    if before.gap_m < CLOSED_WITHIN_M:
        fine = before.gap_m < GAP_M and before.overlap_m < OVERLAP_M
        action = "kept" if fine else "closed"
        settled = person if fine else mouth.closed(person)
    after = mouth.contact(settled)
    back = min(mouth.depth_in_teeth(settled - person), TEETH_BACK_M)
    moved = np.linalg.norm(settled - person, axis=1).max()
    if back > 0:
        settled = np.array(settled)
        inside = np.concatenate([rings.upper_teeth, rings.lower_teeth, rings.tongue])
        # The unposed head faces +Z.
        settled[inside, 2] -= back + 1e-4
    out = np.array(surface, np.float64)
    changed = np.flatnonzero(np.abs(settled - person).max(axis=1) > 1e-7)
    blended = (model.skin_weights[changed] @ world_from_rest[:, :, :3].reshape(-1, 9)).reshape(-1, 3, 3)
    out[changed] += np.einsum("kij,kj->ki", blended, (settled - person)[changed])
    numbers = (before.gap_m, before.overlap_m, after.gap_m, after.overlap_m, float(moved), back)
    return out, LipsReport(action, *(1e3 * number for number in numbers))
