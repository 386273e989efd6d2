"""A coarse picture of a surface that a binding carries beside the exact digest.

The digest of `bodyscan.consent.digest` says yes or no. A tool that quantises positions moves every corner by
a tenth of a millimetre, and the digest then says no, although it is the same body. The fingerprint tells how
far a surface lies from the one that was bound: points spread over it, its area, and how far any place of it
is from the nearest of the points.

Half of the points are spread evenly (farthest point sampling), half over the mesh's vertices, which stand
closest where the detail is: face, hands, feet. Three questions are asked of a surface, and each closes a way
around the others:
- every point of the fingerprint lies on it (nothing was moved, cut off or replaced);
- no part of it is further from the points than any part of the bound surface was (nothing was added beside);
- it has the area of the bound surface (nothing was put close around or inside).
It is weaker than the digest: a dent that lies between points is not seen. So it is told apart: `repacked`.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from bodyscan.consent.fields import StrictModel
from bodyscan.errors import InputError
from bodyscan.geometry.closest import ClosestPoints
from bodyscan.geometry.normals import area_vectors
from bodyscan.geometry.sampling import sample_surface
from bodyscan.types import F64

POINTS = 2048
STEP_M = 1e-4
"""Coordinates are whole tenths of a millimetre, in int16: up to 3.27 m from the origin."""
MAX_MM, MEAN_MM = 1.5, 0.5
"""Largest and mean distance up to which a surface counts as the same one, mm."""
MAX_AREA_CHANGE = 0.02
DENSE = 20_000
"""Points with which a surface is covered to find how far it reaches from the fingerprint."""


class Fingerprint(StrictModel):
    """What a binding says about its surface's shape."""

    points: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=64_000)]
    """Base64 of (K, 3) int16, little-endian: points of the surface in tenths of a millimetre."""
    area_mm2: Annotated[int, Field(gt=0, le=10**9)]
    """Area of the whole surface, square millimetres."""
    reach_mm: Annotated[int, Field(ge=0, le=10_000)]
    """No place of the surface is further than this from the nearest point, mm, rounded up."""

    def positions(self) -> F64:
        """Return the points, (K, 3) float64, metres. Raises `InputError` where the text holds none."""
        try:
            data = base64.b64decode(self.points, validate=True)
            points = np.frombuffer(data, "<i2").reshape(-1, 3)
        except ValueError:
            raise InputError("the fingerprint's points cannot be read: they are no triples.") from None
        if not len(points):
            raise InputError("the fingerprint holds no points.")
        return points.astype(np.float64) * STEP_M


@dataclass(frozen=True)
class Deviation:
    """How far a surface lies from the one that a fingerprint was made of."""

    max_mm: float
    """Largest distance of a fingerprint's point to the surface."""
    mean_mm: float
    """Mean of these distances."""
    beyond_mm: float
    """How much further from the points the surface reaches than the bound one did; 0 where it does not."""
    area_change: float
    """Relative change of the area; 0.02 is two per cent more."""

    @property
    def is_same(self) -> bool:
        """True where the surface is the bound one, moved by no more than a packer moves it."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """What is different, in words; empty for the same surface."""
        found = []
        if self.max_mm > MAX_MM or self.mean_mm > MEAN_MM:
            found.append(f"it lies up to {self.max_mm:.1f} mm ({self.mean_mm:.2f} mm on average) away")
        if self.beyond_mm > MAX_MM:
            found.append(f"it has parts {self.beyond_mm:.0f} mm beyond the bound body")
        if abs(self.area_change) > MAX_AREA_CHANGE:
            found.append(f"its area differs by {100 * self.area_change:+.1f} %")
        return tuple(found)


def fingerprint(positions: ArrayLike, faces: ArrayLike) -> Fingerprint:
    """Return the fingerprint of a surface: `positions` (V, 3) metres, rest pose; `faces` (F, 3).

    Raises `InputError` where the surface has no area or reaches further than 3.2 m from the origin.
    """
    points, triangles = _arrays(positions, faces)
    used = np.unique(points[triangles.ravel()], axis=0)
    if np.abs(used).max() > 32_000 * STEP_M:
        raise InputError(
            f"the surface reaches {np.abs(used).max():.2f} m from the origin; a twin stands within 3.2 m. "
            "Is the unit metres?"
        )
    seed = int.from_bytes(hashlib.sha256(used.astype("<f4").tobytes()).digest()[:8], "little")
    dense, _, _ = sample_surface(points, triangles, DENSE // 2, seed)
    spread = dense[_spread_out(dense, POINTS // 2)]
    chosen = np.random.default_rng(seed).permutation(len(used))[: POINTS - len(spread)]
    steps = np.rint(np.concatenate([spread, used[chosen]]) / STEP_M).astype("<i2")
    # Between the dense points the surface may reach a little further.
    reach = _reach(steps * STEP_M, points, triangles) + np.sqrt(_area(points, triangles) / DENSE)
    return Fingerprint(
        points=base64.b64encode(steps.tobytes()).decode(),
        area_mm2=max(1, round(_area(points, triangles) * 1e6)),
        reach_mm=int(np.ceil(reach * 1000)),
    )


def compare(known: Fingerprint, positions: ArrayLike, faces: ArrayLike) -> Deviation:
    """Return how far a surface, `positions` (V, 3) metres and `faces` (F, 3), lies from a known one.

    Raises `InputError` where the surface has no triangle or the fingerprint no points.
    """
    points, triangles = _arrays(positions, faces)
    wanted = known.positions()
    distance, _, _ = ClosestPoints(points, triangles).closest(wanted)
    reach = _reach(wanted, points, triangles)
    area = _area(points, triangles)
    return Deviation(
        max_mm=float(distance.max() * 1000),
        mean_mm=float(distance.mean() * 1000),
        beyond_mm=max(0.0, float(reach * 1000) - known.reach_mm),
        area_change=float(area * 1e6 / known.area_mm2 - 1),
    )


def _arrays(positions: ArrayLike, faces: ArrayLike) -> tuple[F64, NDArray[np.int64]]:
    points = np.asarray(positions, np.float32).astype(np.float64)
    triangles = np.asarray(faces, np.int64)
    if points.ndim != 2 or triangles.ndim != 2 or not len(triangles) or not _area(points, triangles) > 0:
        raise InputError("the mesh has no triangle with an area; there is nothing to compare.")
    return points, triangles


def _area(points: F64, triangles: NDArray[np.int64]) -> float:
    return float(np.linalg.norm(area_vectors(points, triangles), axis=1).sum())


def _spread_out(points: F64, count: int) -> NDArray[np.int64]:
    """Indices of `count` points that lie far from each other (Eldar et al., "The farthest point strategy for
    progressive image sampling", 1997)."""
    chosen = np.zeros(min(count, len(points)), np.int64)
    distance = np.full(len(points), np.inf)
    for step in range(1, len(chosen)):
        offset = points - points[chosen[step - 1]]
        np.minimum(distance, np.einsum("nc,nc->n", offset, offset), out=distance)
        chosen[step] = distance.argmax()
    return chosen


def _reach(known: F64, points: F64, triangles: NDArray[np.int64]) -> float:
    """Largest distance of any place of a surface to the nearest of the `known` points, metres."""
    from scipy.spatial import KDTree  # half a second, for who compares surfaces alone

    dense, _, _ = sample_surface(points, triangles, DENSE, seed=0)
    corners = points[np.unique(triangles)]
    distance, _ = KDTree(known).query(np.concatenate([dense, corners]))
    return float(distance.max())
