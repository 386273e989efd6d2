"""Where a surface stands otherwise than the bound one, a guess at how: units, axes, mirror, another place."""

from __future__ import annotations

import numpy as np

from bodyscan.consent.content import BodyContent
from bodyscan.consent.fingerprint import MAX_MM, Fingerprint
from bodyscan.consent.seal.points import SurfacePoints
from bodyscan.geometry.normals import area_vectors
from bodyscan.types import F64

SCALES = {
    100.0: "scaled by 100: are the units centimetres?",
    1000.0: "scaled by 1000: are the units millimetres?",
    0.01: "scaled by 0.01: were centimetres taken for metres?",
    0.001: "scaled by 0.001: were millimetres taken for metres?",
    39.3701: "scaled by 39.37: are the units inches?",
    3.28084: "scaled by 3.28: are the units feet?",
}
"""Factor -> what it looks like."""
SCALE_SHARE = 0.02
"""How far a factor may be from one of `SCALES`, as a share."""
SECOND_BODY = 0.5
"""Share of the area that is new above which a second body is guessed."""


def guess(known: Fingerprint, content: BodyContent, at: SurfacePoints) -> str:
    """Return one clause on how the surface was moved as a whole, empty where that is not how it differs.

    `at`: the fingerprint's points on the surface that was found to be another.
    """
    points = known.positions()
    area = float(
        np.linalg.norm(area_vectors(content.positions.astype(np.float64), content.faces), axis=1).sum()
    )
    ratio = float(np.sqrt(area * 1e6 / known.area_mm2))
    if _fits(points, at):  # it stands where it stood, and there is more of it
        more = ratio**2 > 1 + SECOND_BODY
        return "the bound body and more beside it: does the file hold a second body?" if more else ""
    for factor, words in SCALES.items():
        if abs(ratio / factor - 1) < SCALE_SHARE and _fits(points * factor, at, factor):
            return words
    if abs(ratio - 1) > SCALE_SHARE:
        return f"scaled by {ratio:.4g}" if _fits(points * ratio, at, ratio) else ""
    for words, moved in _moves(points).items():
        if _fits(moved, at):
            return words
    shift = _middle(content.positions[np.unique(content.faces)].astype(np.float64)) - _middle(points)
    return f"moved by {np.linalg.norm(shift):.2f} m as a whole" if _fits(points + shift, at) else ""


def is_inside_out(content: BodyContent) -> bool:
    """Return whether the triangles look inward: the surface encloses a volume below zero."""
    corners = content.positions.astype(np.float64)[content.faces]
    corners = corners - corners.reshape(-1, 3).mean(axis=0)
    return float(np.einsum("fc,fc->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))) < 0


def _moves(points: F64) -> dict[str, F64]:
    x, y, z = points.T
    return {
        "mirrored left to right": np.stack([-x, y, z], axis=1),
        "turned by 90 degrees: is Z up in it?": np.stack([x, -z, y], axis=1),
        "turned by 90 degrees: does -Z point up in it?": np.stack([x, z, -y], axis=1),
        "turned about: does it face -Z?": np.stack([-x, y, -z], axis=1),
        "mirrored front to back": np.stack([x, y, -z], axis=1),
        "upside down": np.stack([x, -y, z], axis=1),
    }


def _middle(points: F64) -> F64:
    return (points.min(axis=0) + points.max(axis=0)) / 2


def _fits(points: F64, at: SurfacePoints, scale: float = 1.0) -> bool:
    """Return whether points lie on the surface, within what a packer moves it and rounding left of them."""
    return bool(1000 * at.distances(points).max() < (MAX_MM + 0.5) * max(scale, 1e-3))
