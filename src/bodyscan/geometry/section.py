"""Plane sections of a triangle mesh, and the length of a tape around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import ConvexHull, QhullError

from bodyscan.errors import InputError
from bodyscan.geometry.components import link_components
from bodyscan.types import F64, I32, Bool

ON_PLANE_M = 1e-9
"""A vertex on the plane is moved off it by so much, so that each crossed triangle has two crossed edges."""


@dataclass(frozen=True, eq=False)
class Section:
    """The segments in which a plane cuts a mesh. S segments."""

    starts: F64
    """(S, 3) float64, metres."""
    ends: F64
    """(S, 3) float64, metres."""
    links: NDArray[np.int64]
    """(S, 2) int64: which crossed edges of the mesh the ends lie on, 0..N-1; neighbours share one."""
    plane_axes: F64
    """(2, 3) float64, two orthonormal directions in the plane."""

    @cached_property
    def piece(self) -> NDArray[np.int64]:
        """(S,) int64, 0..P-1: which connected piece a segment belongs to; a whole loop is one piece."""
        if not len(self.links):
            return np.zeros(0, np.int64)
        labels = link_components(self.links[:, 0], self.links[:, 1], int(self.links.max()) + 1)
        return np.unique(labels[self.links[:, 0]], return_inverse=True)[1].reshape(-1)

    @property
    def num_pieces(self) -> int:
        return int(self.piece.max()) + 1 if len(self.piece) else 0

    def points_2d(self) -> F64:
        """(S, 2) the segments' starts in the axes of the plane, metres."""
        return self.starts @ self.plane_axes.T

    def only(self, piece: int) -> Section:
        """One piece of the section."""
        inside = self.piece == piece
        return Section(self.starts[inside], self.ends[inside], self.links[inside], self.plane_axes)

    def nearest(self, point: ArrayLike) -> Section:
        """The piece whose middle (weighted by length) is nearest to `point` (3,)."""
        if self.num_pieces < 2:
            return self
        lengths = np.linalg.norm(self.ends - self.starts, axis=1)
        total = np.bincount(self.piece, lengths)
        halfway = (self.starts + self.ends) / 2
        middle = np.stack([np.bincount(self.piece, lengths * halfway[:, k]) for k in range(3)], axis=1)
        middle /= np.maximum(total, 1e-12)[:, None]
        return self.only(int(np.linalg.norm(middle - np.asarray(point), axis=1).argmin()))

    def length(self) -> float:
        """Sum of the segments' lengths, metres: a tape that follows every hollow."""
        return float(np.linalg.norm(self.ends - self.starts, axis=1).sum())

    def hull_length(self) -> float:
        """Perimeter of the convex hull, metres: a taut tape, which bridges hollows. 0 for no section."""
        points = np.concatenate([self.starts, self.ends]) @ self.plane_axes.T
        if len(points) < 3:
            return 0.0
        try:
            # In two dimensions qhull's `area` is the perimeter.
            return float(ConvexHull(points).area)
        except QhullError:
            return 0.0


@dataclass(frozen=True, eq=False)
class SurfacePath:
    """A line over the surface, in a plane."""

    points: F64
    """(N, 3) float64, metres, in order."""

    def length(self) -> float:
        """Length along the skin, metres."""
        return float(np.linalg.norm(np.diff(self.points, axis=0), axis=1).sum())

    def taut_length(self) -> float:
        """Length of a tape held between the ends, metres: hollows are bridged, bulges followed."""
        if len(self.points) < 3:
            return self.length()
        centred = self.points - self.points.mean(axis=0)
        axes = np.linalg.eigh(centred.T @ centred)[1][:, 1:].T
        chord = float(np.linalg.norm(self.points[-1] - self.points[0]))
        try:
            return float(ConvexHull(self.points @ axes.T).area) - chord
        except QhullError:
            return chord


def surface_path(section: Section, stops: Sequence[ArrayLike]) -> SurfacePath:
    """The shortest way along a section from stop to stop (each (3,)).

    Stops move to the nearest corner of one piece of the section: the one that comes nearest to all of them.
    Raises `InputError` where the plane does not meet the surface.
    """
    section = _piece_near(section, np.asarray(stops, np.float64))
    points, links, lengths = _as_graph(section)
    graph = coo_matrix((lengths, (links[:, 0], links[:, 1])), shape=(len(points), len(points))).tocsr()
    nodes = [int(np.linalg.norm(points - np.asarray(stop), axis=1).argmin()) for stop in stops]
    order = [nodes[0]]
    for start, end in pairwise(nodes):
        before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)[1]
        back = [end]
        while back[-1] != start:
            back.append(int(before[back[-1]]))
        order += back[::-1][1:]
    return SurfacePath(points[order])


def _piece_near(section: Section, stops: F64) -> Section:
    if not len(section.starts):
        raise InputError("surface_path: the plane does not meet the surface.")
    away = np.linalg.norm(section.starts[:, None] - stops, axis=2)
    least = [away[section.piece == piece].min(axis=0).sum() for piece in range(section.num_pieces)]
    return section.only(int(np.argmin(least)))


def _as_graph(section: Section) -> tuple[F64, NDArray[np.int64], F64]:
    """Corners (N, 3), links (S, 2) between them, and their lengths (S,), at least a nanometre."""
    nodes, links = np.unique(section.links, return_inverse=True)
    links = links.reshape(-1, 2)
    points = np.empty((len(nodes), 3))
    points[links[:, 0]], points[links[:, 1]] = section.starts, section.ends
    lengths = np.maximum(np.linalg.norm(section.ends - section.starts, axis=1), 1e-9)
    return points, links, lengths


def plane_section(
    vertices: F64, faces: I32, origin: ArrayLike, normal: ArrayLike, keep: Bool | None = None
) -> Section:
    """Cut a mesh: (V, 3) vertices, (F, 3) faces, a point of the plane and its normal (3,).

    `keep` (F,) leaves out faces where it is False. Pieces are connected through shared edges of faces.
    """
    origin, normal = np.asarray(origin, np.float64), np.asarray(normal, np.float64)
    normal = normal / np.linalg.norm(normal)
    above = (vertices - origin) @ normal
    above = np.where(np.abs(above) < ON_PLANE_M, ON_PLANE_M, above)
    side = above[faces] > 0
    crossed = side.any(axis=1) & ~side.all(axis=1)
    if keep is not None:
        crossed &= keep
    corners, side = faces[crossed], side[crossed]
    # The lone corner stands on one side of the plane, the two others on the other side.
    lone_side = side.sum(axis=1) == 1
    lone = np.where(lone_side[:, None], side, ~side).argmax(axis=1)
    rows = np.arange(len(corners))
    apex, left, right = (corners[rows, (lone + k) % 3] for k in range(3))
    starts, start_key = _edge_points(vertices, above, apex, left)
    ends, end_key = _edge_points(vertices, above, apex, right)
    _, links = np.unique(np.stack([start_key, end_key], axis=1), return_inverse=True)
    return Section(starts, ends, links.reshape(-1, 2), _axes(normal))


def girth_at(
    vertices: F64,
    faces: I32,
    origin: ArrayLike,
    normal: ArrayLike = (0.0, 1.0, 0.0),
    *,
    keep: Bool | None = None,
    taut: bool = True,
) -> float:
    """Length in metres of a tape around the piece of the section whose middle is nearest to `origin`.

    `taut` bridges hollows (convex hull), as a measuring tape does; otherwise the skin is followed.
    Returns 0 where the plane meets nothing.
    """
    piece = plane_section(vertices, faces, origin, normal, keep).nearest(origin)
    return piece.hull_length() if taut else piece.length()


def _edge_points(vertices: F64, above: F64, a: NDArray, b: NDArray) -> tuple[F64, NDArray[np.int64]]:
    """Where edges meet the plane, and one key an edge, the same from both of its faces."""
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    share = (above[low] / (above[low] - above[high]))[:, None]
    points = vertices[low] + share * (vertices[high] - vertices[low])
    return points, low * len(vertices) + high


def _axes(normal: F64) -> F64:
    helper = np.eye(3)[np.abs(normal).argmin()]
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first)])
