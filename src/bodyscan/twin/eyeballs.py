"""The eyeballs of a person: centre, gaze, surface, and their rigid turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.types import F64, I32

FRONT = 0.9
"""Vertices of the eye farther to the front than this share of its radius lie around the pupil."""


@dataclass(frozen=True, eq=False)
class Eyeball:
    """One eyeball as a star around its centre."""

    vertices: I32
    """Indices on the body's topology."""
    centre: F64
    """(3,) metres: what it turns about."""
    radius_m: float
    """Radius of the sphere that fits its vertices."""
    gaze: F64
    """(3,) unit: where the pupil points at rest."""
    _points: F64
    _faces: I32

    def radii(self, directions: F64) -> F64:
        """(N, 3) directions from the centre -> (N,) metres to the surface of the eyeball's triangles."""
        corners = (self._points - self.centre)[self._faces]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        offset = np.einsum("fc,fc->f", normal, corners[:, 0])
        unit = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
        # A convex ball: its surface along a ray is the nearest of the planes of its faces.
        along = unit @ normal.T
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.where(along > 1e-12, offset / along, np.inf)
        return np.maximum(distance, 0).min(axis=1)

    def clearance(self, points: F64) -> F64:
        """(N, 3) metres -> (N,) metres outside of the eyeball, along the ray from its centre."""
        ray = points - self.centre
        return np.linalg.norm(ray, axis=1) - self.radii(ray)


def eyeball(model: BodyModel, points: F64, side: str) -> Eyeball:
    """The eyeball of `side` (`left`, `right`) of a person's `points` (V, 3), metres."""
    ids = np.flatnonzero(model.region(f"{side}_eye")).astype(np.int32)
    own = points[ids]
    centre, radius = fitted_sphere(own)
    place = np.full(model.num_vertices, -1, np.int64)
    place[ids] = np.arange(len(ids))
    faces = place[model.faces[(place[model.faces] >= 0).all(axis=1)]]
    mean = model.template[ids].astype(np.float64)
    mean_centre, mean_radius = fitted_sphere(mean)
    front = mean[:, 2] - mean_centre[2] > FRONT * mean_radius
    gaze = (own[front] - centre).mean(axis=0)
    return Eyeball(ids, centre, radius, gaze / np.linalg.norm(gaze), own, faces.astype(np.int32))


def fitted_sphere(points: F64) -> tuple[F64, float]:
    """Centre (3,) and radius of the sphere that fits (N, 3) points in least squares."""
    middle = points.mean(axis=0)
    local = points - middle
    rows = np.column_stack([2 * local, np.ones(len(local))])
    found = np.linalg.lstsq(rows, (local**2).sum(axis=1), rcond=None)[0]
    return middle + found[:3], float(np.sqrt(found[3] + found[:3] @ found[:3]))


def rigid_turn(before: F64, after: F64) -> F64:
    """(3, 3) rotation that takes (N, 3) to (N, 3) best about their means (Kabsch 1976)."""
    u, _, vt = np.linalg.svd((before - before.mean(axis=0)).T @ (after - after.mean(axis=0)))
    sign = np.diag([1.0, 1.0, np.linalg.det(u @ vt)])
    turn: F64 = (u @ sign @ vt).T
    return turn
