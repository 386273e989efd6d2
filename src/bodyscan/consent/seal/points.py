"""What a surface carries at given points: the values of its vertices, blended in the nearest triangle."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bodyscan.consent.content import BodyContent
from bodyscan.errors import InputError
from bodyscan.geometry.barycentric import barycentric_shares
from bodyscan.geometry.closest import ClosestPoints
from bodyscan.types import F64

JITTER_M = 5e-4
"""How far a packer may move the surface beside a point, metres."""


@dataclass(frozen=True, eq=False)
class Placement:
    """K places on a surface."""

    corners: NDArray[np.int64]
    """(K, 3) int64, the vertices of the triangle that each lies in."""
    shares: F64
    """(K, 3) float64, barycentric."""

    def values(self, per_vertex: NDArray[np.floating]) -> F64:
        """Return (K, C): `per_vertex` (V, C) at the places."""
        return np.einsum("kn,knc->kc", self.shares, per_vertex[self.corners])


class SurfacePoints:
    """The places of a body's surface that are nearest to K points."""

    def __init__(self, content: BodyContent, points: F64) -> None:
        """`points` (K, 3), metres. Nothing is computed before it is needed."""
        self.points = points
        self._content = content
        self._beside: list[Placement] = []

    @cached_property
    def nearest(self) -> Placement:
        """The places. Raises `InputError` where the body has no triangle."""
        return self._place(self.points)

    @cached_property
    def _surface(self) -> ClosestPoints:
        if not len(self._content.faces):
            raise InputError("the mesh has no triangle; there is nothing to compare.")
        return ClosestPoints(self._content.positions, self._content.faces)

    def spread(self, value: Callable[[Placement], F64]) -> F64:
        """Return (K,): how far a value (K, C) changes at most where the surface lies `JITTER_M` aside.

        Where two layers lie close to each other (lips, lids, fingers) the nearest triangle may be on
        either: there the value jumps, and says nothing about a packed copy.
        """
        if not self._beside:
            offsets = JITTER_M * np.concatenate([np.eye(3), -np.eye(3)])
            self._beside = [self._place(self.points + offset) for offset in offsets]
        here = value(self.nearest)
        largest = np.zeros(len(here))
        for place in self._beside:
            np.maximum(largest, np.linalg.norm(value(place) - here, axis=1), out=largest)
        return largest

    def distances(self, points: F64) -> F64:
        """Return (N,) metres: how far other points (N, 3) are from the surface."""
        return self._surface.closest(points)[0]

    def _place(self, points: F64) -> Placement:
        _, face, nearest = self._surface.closest(points)
        corners = self._content.faces[face].astype(np.int64)
        return Placement(
            corners, barycentric_shares(nearest, self._content.positions.astype(np.float64)[corners])
        )


def spread_out(points: F64, allowed: NDArray[np.bool_], count: int, first: list[int]) -> list[int]:
    """Return up to `count` ids of allowed points (K, 3) far from each other, beginning with `first`.

    Farthest-point sampling (Eldar et al., "The farthest point strategy for progressive image sampling",
    1997).
    """
    chosen = list(dict.fromkeys(first))[:count]
    distance = np.where(allowed, np.inf, -1.0)
    for step in range(count):
        if step >= len(chosen):
            best = int(distance.argmax())
            if distance[best] <= 0:
                break
            chosen.append(best)
        offset = points - points[chosen[step]]
        np.minimum(distance, np.einsum("nc,nc->n", offset, offset), out=distance)
        distance[chosen[step]] = -1.0
    return chosen


def pack_rows(dtype: np.dtype[Any], values: ArrayLike | None = None, **columns: ArrayLike) -> str:
    """Return base64 of little-endian values of `dtype`: `values`, or rows whose fields are `columns`."""
    if columns:
        rows = np.zeros(len(np.asarray(next(iter(columns.values())))), dtype)
        for name, column in columns.items():
            rows[name] = column
    else:
        rows = np.ascontiguousarray(np.asarray(values, dtype))
    return base64.b64encode(rows.tobytes()).decode()


def unpack_rows(dtype: np.dtype[Any], text: str, what: str) -> NDArray[Any]:
    """Return the rows of `pack_rows`. Raises `InputError` where the text holds no whole rows."""
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), dtype)
    except ValueError:
        raise InputError(f"the seal's {what} cannot be read: they are no whole rows.") from None


def check_index(index: NDArray[np.integer], count: int, what: str) -> NDArray[np.int64]:
    """Return `index` as int64. Raises `InputError` where it names none of the `count` points."""
    if len(index) and int(index.max()) >= count:
        raise InputError(f"the seal's {what} name point {int(index.max())}; its fingerprint has {count}.")
    return index.astype(np.int64)
