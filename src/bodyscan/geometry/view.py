"""Where a camera stands and what its pixels look along.

Cameras have OpenCV axes (+X right, +Y down, +Z into the picture); the centre of pixel (row, column)
lies at (column + 0.5, row + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.errors import InputError
from bodyscan.types.arrays import F64, checked_intrinsics, checked_pose, set_fields


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera, OpenCV axes."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    K: F64
    """(3, 3) float64, pixels; square axes (no skew)."""
    camera_from_world: F64
    """(4, 4) float64, rigid, the unit of the world."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise InputError(f"A view needs at least 1 by 1 pixel; it has {self.width} by {self.height}.")
        pose = checked_pose("View.camera_from_world", self.camera_from_world)
        set_fields(self, K=checked_intrinsics("View.K", self.K), camera_from_world=pose)

    @classmethod
    def look_at(
        cls, eye: ArrayLike, target: ArrayLike, up: ArrayLike, focal_px: float, width: int, height: int
    ) -> View:
        """A view from `eye` (3,) with `target` (3,) in the middle and `up` (3,) towards the top edge."""
        eye, target = np.asarray(eye, np.float64), np.asarray(target, np.float64)
        forward = _unit(target - eye)
        right = np.cross(forward, np.asarray(up, np.float64))
        if np.linalg.norm(right) < 1e-9:
            raise InputError("View.look_at: `up` is parallel to the line of sight; give another `up`.")
        right = _unit(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, -rotation @ eye
        intrinsics = np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]], np.float64)
        return cls(width, height, intrinsics, pose)

    @classmethod
    def around(
        cls,
        bounds: ArrayLike,
        azimuth: float,
        elevation: float = 0.0,
        *,
        width: int = 512,
        height: int = 512,
        fill: float = 0.9,
        distance: float = 6.0,
        up: ArrayLike = (0.0, 1.0, 0.0),
        front: ArrayLike = (0.0, 0.0, 1.0),
    ) -> View:
        """A long-lens view of a box: `bounds` (2, 3) lowest and highest corner.

        `azimuth` (radians) turns the camera about `up` from `front` towards `up` x `front` (the person's
        left in the world frame); `elevation` (radians) raises it. The box's corners fill the share `fill`
        of the picture; the eye stands `distance` half-diagonals away: the larger, the flatter.
        """
        low, high = np.asarray(bounds, np.float64).reshape(2, 3)
        corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), -1).reshape(-1, 3)
        centre, radius = (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, 1e-12)
        up, front = _unit(np.asarray(up, np.float64)), np.asarray(front, np.float64)
        side = _unit(np.cross(up, front))
        front = np.cross(side, up)
        level = np.cos(azimuth) * front + np.sin(azimuth) * side
        eye = centre + distance * radius * (np.cos(elevation) * level + np.sin(elevation) * up)
        screen_up = np.cos(elevation) * up - np.sin(elevation) * level
        view = cls.look_at(eye, centre, screen_up, 1.0, width, height)
        spread = np.abs(view.project(corners) - [width / 2, height / 2]).max(axis=0)
        focal = fill * float(np.min([width / 2, height / 2] / np.maximum(spread, 1e-12)))
        return cls.look_at(eye, centre, screen_up, focal, width, height)

    @property
    def eye(self) -> F64:
        """(3,) float64, the camera's centre in the world."""
        return -self.camera_from_world[:3, :3].T @ self.camera_from_world[:3, 3]

    def project(self, points: ArrayLike) -> F64:
        """Pixels (N, 2) of world points (N, 3)."""
        local = np.asarray(points, np.float64) @ self.camera_from_world[:3, :3].T
        image = (local + self.camera_from_world[:3, 3]) @ self.K.T
        return image[:, :2] / image[:, 2:]

    def rays(self, pixels: ArrayLike) -> tuple[F64, F64]:
        """Origins (N, 3) and unit directions (N, 3), in the world, of the rays through pixels (N, 2)."""
        pixels = np.asarray(pixels, np.float64).reshape(-1, 2)
        image = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
        directions = image @ np.linalg.inv(self.K).T @ self.camera_from_world[:3, :3]
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return np.broadcast_to(self.eye, directions.shape).copy(), directions

    def pixel_centres(self) -> F64:
        """(H * W, 2) float64, row after row."""
        columns, rows = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        return np.stack([columns, rows], -1).reshape(-1, 2)


def _unit(vector: F64) -> F64:
    length = float(np.linalg.norm(vector))
    if length < 1e-12:
        raise InputError("A direction of length 0 was given where a camera or axis needs one.")
    return vector / length
