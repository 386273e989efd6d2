"""A bare body seen by a ring of depth cameras: small, quick, with everything known."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.reconstruct.depth.points import frame_points
from bodyscan.types import F64, BodyParams, DepthFrame, FramePoints, Mesh

WIDTH, HEIGHT, FOCAL, DISTANCE = 160, 192, 150.0, 1.9


@cache
def body_model() -> BodyModel:
    return load_body_model("adult")


@cache
def person() -> BodyParams:
    """An adult of uncommon shape in the A-pose."""
    model = body_model()
    betas = np.zeros(model.num_components)
    betas[:12] = np.random.default_rng(4).normal(size=12)
    return BodyParams(betas, standard_pose(model, betas, "a"), np.zeros(3))


def ring(count: int, turn_deg: float = 360.0, height: float = 1.0) -> F64:
    """(N, 4, 4) world_from_camera of cameras around the body, evenly over `turn_deg`."""
    poses = []
    for k in range(count):
        angle = np.radians(turn_deg) * k / count
        eye = [DISTANCE * np.sin(angle), height, DISTANCE * np.cos(angle)]
        poses.append(np.linalg.inv(_view(eye).camera_from_world))
    return np.array(poses)


def _view(eye: list[float]) -> View:
    return View.look_at(eye, [0.0, 0.9, 0.0], (0.0, 1.0, 0.0), FOCAL, WIDTH, HEIGHT)


def frames(
    poses: F64,
    posed: Callable[[int], BodyParams] | None = None,
    noise_m: float = 0.0,
    color: bool = False,
) -> list[FramePoints]:
    """The points of `pictures`."""
    taken = pictures(poses, posed, noise_m, color)
    return [frame_points(frame, frame.depth_m > 0, "ideal") for frame in taken]


def pictures(
    poses: F64,
    posed: Callable[[int], BodyParams] | None = None,
    noise_m: float = 0.0,
    color: bool = False,
) -> list[DepthFrame]:
    """What each camera sees of the person, at `posed(k)` in frame k; the poses are kept out of the frames."""
    model, rng, out = body_model(), np.random.default_rng(0), []
    caster = None
    paint = np.random.default_rng(1).integers(60, 200, (model.num_vertices, 3)).astype(np.uint8)
    for k, pose in enumerate(poses):
        if caster is None or posed is not None:
            vertices = model.pose(person() if posed is None else posed(k)).vertices
            caster = Raycaster(Mesh(vertices, model.faces, colors=paint))
        view = View(
            WIDTH, HEIGHT, np.array([[FOCAL, 0, 80.0], [0, FOCAL, 96.0], [0, 0, 1]]), np.linalg.inv(pose)
        )
        seen = caster.render(view)
        depth = np.where(np.isfinite(seen.depth), seen.depth, 0.0)
        depth = np.where(depth > 0, depth + noise_m * rng.normal(size=depth.shape), 0.0).astype(np.float32)
        picture = None
        if color:
            rgb = caster.interpolate(np.asarray(paint), seen.face_ids, seen.barycentric)
            picture = np.nan_to_num(rgb, nan=0.0).reshape(HEIGHT, WIDTH, 3).astype(np.uint8)
        out.append(DepthFrame(depth, view.K, color=picture, name=f"frame_{k:03d}", time_s=float(k)))
    return out


def placed(estimated: F64, true: F64) -> F64:
    """(N,) metres: how far the person's points are off in each frame, after one rigid motion of all."""
    box = np.array([[x, y, z] for x in (-0.3, 0.3) for y in (0.1, 0.9, 1.7) for z in (-0.15, 0.15)])
    there = np.array(
        [
            ((box - t[:3, 3]) @ t[:3, :3]) @ e[:3, :3].T + e[:3, 3]
            for e, t in zip(estimated, true, strict=True)
        ]
    )
    flat, wanted = there.reshape(-1, 3), np.tile(box, (len(true), 1))
    middle, aim = flat.mean(axis=0), wanted.mean(axis=0)
    u, _, vt = np.linalg.svd((flat - middle).T @ (wanted - aim))
    turn = vt.T @ np.diag([1, 1, np.linalg.det(vt.T @ u.T)]) @ u.T
    off = np.linalg.norm((flat - middle) @ turn.T + aim - wanted, axis=1)
    return off.reshape(len(true), -1).mean(axis=1)
