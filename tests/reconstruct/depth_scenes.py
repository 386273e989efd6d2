"""Rooms with people in them, as a depth camera sees them, and what each pixel truly shows.

World: metres, +Y up, the floor at Y = 0, people face +Z, where the camera stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.types import F64, DepthFrame, Mesh

FOCAL = 0.82
"""Of the picture's longer side, as a Kinect's."""


@dataclass(frozen=True, eq=False)
class Thing:
    """A mesh with a name by which its pixels are known."""

    name: str
    mesh: Mesh


def quad(name: str, corner: ArrayLike, first: ArrayLike, second: ArrayLike) -> Thing:
    """A rectangle from a corner along two sides."""
    corner, first, second = (np.asarray(v, np.float64) for v in (corner, first, second))
    vertices = np.array([corner, corner + first, corner + first + second, corner + second])
    return Thing(name, Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]], np.int32)))


def floor(size: float = 8.0) -> Thing:
    """A square at Y = 0."""
    return quad("floor", [-size / 2, 0, -size / 2], [0, 0, size], [size, 0, 0])


def back_wall(z: float) -> Thing:
    """A wall across the line of sight."""
    return quad("wall", [-4, 0, z], [8, 0, 0], [0, 3, 0])


def side_wall(x: float) -> Thing:
    """A wall along the line of sight."""
    return quad("wall", [x, 0, -4], [0, 0, 8], [0, 3, 0])


def table(height: float = 0.75) -> Thing:
    """A table top without legs, 1.2 by 0.8 m, beside the person."""
    return quad("table", [0.6, height, -0.4], [0, 0, 0.8], [1.2, 0, 0])


def disc(height: float, radius: float = 0.45) -> Thing:
    """A turntable about the origin: top and rim."""
    angle = np.linspace(0, 2 * np.pi, 65)[:-1]
    ring = np.stack([radius * np.cos(angle), np.zeros(64), radius * np.sin(angle)], axis=1)
    vertices = np.concatenate([ring + np.array([0, height, 0]), ring, [[0, height, 0]]])
    k = np.arange(64)
    after = (k + 1) % 64
    faces = np.concatenate(
        [
            np.stack([np.full(64, 128), after, k], axis=1),
            np.stack([k, after, k + 64], axis=1),
            np.stack([after, after + 64, k + 64], axis=1),
        ]
    )
    return Thing("disc", Mesh(vertices, faces.astype(np.int32)))


def box(low: ArrayLike, high: ArrayLike) -> Thing:
    """A closed box."""
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    corner = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    faces = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    faces += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    return Thing("box", Mesh(low + corner * (high - low), np.array(faces, np.int32)))


def person(body: Mesh, at: ArrayLike = (0, 0, 0), *, turn_deg: float = 0.0, name: str = "person") -> Thing:
    """A body turned about the vertical and put down at a place."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    turned = body.vertices @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
    return Thing(name, Mesh(turned + np.asarray(at, np.float64), body.faces))


@dataclass(frozen=True, eq=False)
class Scene:
    """Things before a camera."""

    things: tuple[Thing, ...]

    def frame(
        self,
        eye: ArrayLike = (0.0, 1.1, 2.6),
        target: ArrayLike = (0.0, 0.85, 0.0),
        *,
        roll_deg: float = 0.0,
        size: tuple[int, int] = (320, 240),
        noise: float = 0.0015,
        seed: int = 0,
        name: str = "",
    ) -> tuple[DepthFrame, dict[str, NDArray[np.bool_]], View]:
        """The picture, a mask by name, and the view. `noise`: standard deviation at 1 m; grows as z^2."""
        eye, target = np.asarray(eye, np.float64), np.asarray(target, np.float64)
        ahead = (target - eye) / np.linalg.norm(target - eye)
        side = np.cross(ahead, [0.0, 1.0, 0.0])
        above = np.cross(side, ahead)
        roll = np.radians(roll_deg)
        top = np.cos(roll) * above / np.linalg.norm(above) + np.sin(roll) * side / np.linalg.norm(side)
        width, height = size
        view = View.look_at(eye, target, top, FOCAL * max(size), width, height)
        counts = np.cumsum([0, *(len(t.mesh.vertices) for t in self.things)])
        mesh = Mesh(
            np.concatenate([t.mesh.vertices for t in self.things]),
            np.concatenate([t.mesh.faces + c for t, c in zip(self.things, counts, strict=False)]),
        )
        owner = np.repeat(np.arange(len(self.things)), [len(t.mesh.faces) for t in self.things])
        seen = Raycaster(mesh).render(view)
        rng = np.random.default_rng(seed)
        z = np.where(seen.mask, seen.depth, 0.0)
        z = np.where(seen.mask, z + rng.normal(0, 1, z.shape) * noise * z**2, 0).clip(0)
        what = np.where(seen.mask, owner[seen.face_ids], -1)
        masks: dict[str, NDArray[np.bool_]] = {}
        for k, thing in enumerate(self.things):
            masks[thing.name] = masks.get(thing.name, False) | (what == k)
        return DepthFrame(z.astype(np.float32), view.K, name=name), masks, view


def up_and_offset(view: View, height: float = 0.0) -> tuple[F64, float]:
    """The true level plane at `height` in the camera's axes: unit normal and offset."""
    up = view.camera_from_world[:3, 1]
    on_it = view.camera_from_world[:3, 3] + height * up
    return up, float(up @ on_it)


def angle_deg(a: F64, b: F64) -> float:
    """Between two unit vectors."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((a & b).sum() / max((a | b).sum(), 1))
