"""Where simulated depth cameras stand, what they are told to stand, and the room around the person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.geometry.view import View
from bodyscan.simulate.depth_options import POLES, DepthRigOptions
from bodyscan.types import F64, I32, Mesh

MARGIN = 0.95
"""Share of the picture's height and width that the person, standing still, may fill."""
NEAREST_M, FARTHEST_M = 0.8, 6.0
"""Distances between which a camera that is to see the whole person looks for its place."""
AXIS_SD_M = 0.012
"""How far the person stands beside the turntable's axis."""
DISC_RADIUS_M, DISC_HEIGHT_M, DISC_RGB = 0.45, 0.09, (70, 72, 76)
WALK_HZ = (0.04, 0.25)
SHAKE_HZ = (0.5, 3.0)
HEIGHT_WAVE_M, RADIUS_WAVE, AIM_WAVE_M = 0.22, 0.05, 0.05
"""How far the operator's hand goes up and down, to and fro (share of the distance) and beside the aim."""
SHAKE_M, SHAKE_DEG, TILT_DEG = 0.004, 0.5, 3.0
ROOM_BEHIND_M, ROOM_HEIGHT_M = 0.7, 2.6
"""Between a camera and the wall behind it; the walls' height."""
BACK_WALL_M = 1.3
"""From the person to the wall behind them, in front of a turntable's camera."""
BOX_AT_M, BOX_M = (0.35, 0.0, 0.3), (0.5, 0.45, 0.4)
"""From the room's corner; width, height, depth."""
TILE_M, GRID_M = 0.4, 0.1
FLOOR_RGB, WALL_RGB, BOX_RGB = (150, 142, 130), (176, 178, 174), (110, 84, 60)


@dataclass(frozen=True, eq=False)
class RigPath:
    """N pictures of a rig. World: that of the person. Room: where floor and walls stand; the same, but for a
    turntable."""

    world_from_camera: F64
    """(N, 4, 4) float64, metres."""
    room_from_camera: F64
    """(N, 4, 4) float64, metres."""
    told: F64
    """(N, 4, 4) float64, `world_from_camera` with the options' pose noise."""
    times_s: F64
    """(N,) float64 seconds; cameras of one instant share it."""
    cameras: tuple[str, ...]
    """(N,) the name of each picture's camera."""
    axis: F64
    """(2,) X and Z of the turntable's axis in the world, metres."""


def rig_path(
    rng: np.random.Generator, person: F64, K: F64, size: tuple[int, int], options: DepthRigOptions
) -> RigPath:
    """Cameras of intrinsics `K` (3, 3) and (width, height) `size` around a person, points (N, 3) metres.

    Without `distance_m` the cameras stand as near as the points are in all pictures.
    """
    seeds = [int(seed) for seed in rng.integers(0, 2**63, 2)]
    if options.distance_m is not None:
        return _path(seeds, person, options.distance_m, options)
    distance = NEAREST_M
    while True:
        path = _path(seeds, person, distance, options)
        if distance >= FARTHEST_M or _fits(path, person, K, size):
            return path
        distance *= 1.02


def _fits(path: RigPath, person: F64, K: F64, size: tuple[int, int]) -> bool:
    half = MARGIN * np.array(size) / 2
    for pose in np.unique(path.world_from_camera, axis=0):
        local = (person - pose[:3, 3]) @ pose[:3, :3]
        if local[:, 2].min() < 0.05:
            return False
        image = local @ K.T
        if (np.abs(image[:, :2] / image[:, 2:] - np.array(size) / 2) > half).any():
            return False
    return True


def _path(seeds: list[int], person: F64, distance: float, options: DepthRigOptions) -> RigPath:
    rng = np.random.default_rng(seeds[0])
    aim = np.array([0.0, (person[:, 1].min() + person[:, 1].max()) / 2, 0.0])
    axis = rng.normal(size=2) * AXIS_SD_M
    count, names = options.frames, ("camera",) * options.frames
    times = options.seconds * np.arange(count) / count
    if options.rig == "walk-around":
        room = world = _walk(rng, aim, distance, times, options)
    elif options.rig == "four-poles":
        times = options.seconds * (np.arange(count) // POLES) / (count // POLES)
        names = tuple(f"pole-{k % POLES + 1}" for k in range(count))
        angles = np.radians(45 + 360 / POLES * np.arange(POLES))
        stands = np.stack([_stand(aim, distance, angle, 0.1 * (-1) ** k) for k, angle in enumerate(angles)])
        room = world = stands[np.arange(count) % POLES]
    else:
        room = np.broadcast_to(_stand(aim, distance, 0.0, 0.1), (count, 4, 4))
        turned = 2 * np.pi * options.turns * np.arange(count) / count
        # The person turns to their left, so that the camera goes the other way around them.
        world = np.stack([_about(-angle, axis) @ room[0] for angle in turned])
    told = _told(np.random.default_rng(seeds[1]), world, names, options)
    return RigPath(world, room, told, times, names, axis)


def _stand(aim: F64, distance: float, angle: float, above: float) -> F64:
    """(4, 4) world from a level camera `above` the aim's height, looking at the aim."""
    eye = aim + distance * np.array([np.sin(angle), 0.0, np.cos(angle)]) + [0.0, above, 0.0]
    return _looking(eye, aim)


def _looking(eye: F64, target: F64) -> F64:
    return np.linalg.inv(View.look_at(eye, target, (0.0, 1.0, 0.0), 1.0, 1, 1).camera_from_world)


def _about(angle: float, axis: F64) -> F64:
    """(4, 4) turn by `angle` about the vertical through X, Z of `axis` (2,)."""
    out = np.eye(4)
    out[:3, :3] = rotvec_to_matrix(np.array([0.0, angle, 0.0]))
    middle = np.array([axis[0], 0.0, axis[1]])
    out[:3, 3] = middle - out[:3, :3] @ middle
    return out


def _walk(rng: np.random.Generator, aim: F64, distance: float, times: F64, options: DepthRigOptions) -> F64:
    """(N, 4, 4) an operator who walks around and holds the camera by hand."""
    slow = _curves(rng, times, 6, WALK_HZ)
    shake = _curves(rng, times, 6, SHAKE_HZ)
    tilt = _curves(rng, times, 3, WALK_HZ)
    start = rng.uniform(0, 2 * np.pi)
    share = np.arange(len(times)) / len(times)
    angles = start + 2 * np.pi * options.turns * share + 0.04 * slow[:, 5]
    out = []
    for k, angle in enumerate(angles):
        away = distance * (1 + RADIUS_WAVE * (1 + slow[k, 0]))
        eye = aim + away * np.array([np.sin(angle), 0.0, np.cos(angle)])
        eye += [0.0, HEIGHT_WAVE_M * slow[k, 1], 0.0] + SHAKE_M * shake[k, :3]
        pose = _looking(eye, aim + AIM_WAVE_M * slow[k, 2:5])
        turn = np.radians(SHAKE_DEG * shake[k, 3:] + np.array([0.3, 0.3, 1.0]) * TILT_DEG * tilt[k])
        pose[:3, :3] = pose[:3, :3] @ rotvec_to_matrix(turn)
        out.append(pose)
    return np.stack(out)


def _curves(rng: np.random.Generator, times: F64, channels: int, hertz: tuple[float, float]) -> F64:
    """(N, channels) smooth curves within -1..1."""
    frequencies = np.exp(rng.uniform(np.log(hertz[0]), np.log(hertz[1]), (3, channels)))
    phases = rng.uniform(0, 2 * np.pi, (3, channels))
    return np.sin(2 * np.pi * times[:, None, None] * frequencies + phases).mean(axis=1)


def _told(rng: np.random.Generator, world: F64, names: tuple[str, ...], options: DepthRigOptions) -> F64:
    """Poses with noise: one draw for each picture, or for each camera that stands at its pole."""
    drawn = rng.normal(size=(len(world), 6))
    if options.rig == "four-poles":
        drawn = drawn[[names.index(name) for name in names]]
    out = world.copy()
    out[:, :3, :3] = world[:, :3, :3] @ rotvec_to_matrix(np.radians(options.pose_noise_deg) * drawn[:, 3:])
    out[:, :3, 3] += options.pose_noise_mm / 1000 * drawn[:, :3]
    return out


def room_mesh(rng: np.random.Generator, path: RigPath, options: DepthRigOptions) -> Mesh | None:
    """What stands around the person, in the room, with colours; None for the background `none`."""
    if options.background == "none":
        return None
    eyes = path.room_from_camera[:, :3, 3]
    half = float(np.abs(eyes[:, [0, 2]]).max()) + ROOM_BEHIND_M
    turntable = options.rig == "turntable"
    floor = -DISC_HEIGHT_M if turntable else 0.0
    sides = np.array([[-half, half], [-BACK_WALL_M if turntable else -half, half]])
    corner, across, along = np.array([sides[0, 0], floor, sides[1, 0]]), *np.eye(3)[[0, 2]]
    extent = sides[:, 1] - sides[:, 0]
    parts = [_sheet(rng, corner, along * extent[1], across * extent[0], FLOOR_RGB)]
    if turntable:
        parts.append(_disc(path.axis, floor))
    if options.background == "room":
        up = np.array([0.0, ROOM_HEIGHT_M, 0.0])
        opposite = corner + across * extent[0] + along * extent[1]
        for start, side in ((corner, across * extent[0]), (opposite, -across * extent[0])):
            parts.append(_sheet(rng, start, side, up, WALL_RGB))
        for start, side in ((corner, along * extent[1]), (opposite, -along * extent[1])):
            parts.append(_sheet(rng, start, side, up, WALL_RGB))
        parts += _box(rng, np.add(corner, BOX_AT_M), np.array(BOX_M))
    starts = np.cumsum([0, *(len(points) for points, _, _ in parts)])
    faces = np.concatenate([faces + start for (_, faces, _), start in zip(parts, starts[:-1], strict=True)])
    colors = np.concatenate([np.clip(np.rint(rgb), 0, 255).astype(np.uint8) for _, _, rgb in parts])
    return Mesh(np.concatenate([points for points, _, _ in parts]), faces.astype(np.int32), colors=colors)


def _sheet(
    rng: np.random.Generator, corner: F64, first: F64, second: F64, rgb: tuple[int, int, int]
) -> tuple[F64, I32, F64]:
    """A rectangle in squares of about `GRID_M`, tiled and spotted so that its colours tell places apart."""
    sizes = [float(np.linalg.norm(side)) for side in (first, second)]
    counts = [max(2, round(size / GRID_M) + 1) for size in sizes]
    s, t = np.meshgrid(*(np.linspace(0, 1, count) for count in counts), indexing="ij")
    points = corner + s[..., None] * first + t[..., None] * second
    ids = np.arange(s.size).reshape(s.shape)
    a, b, c, d = ids[:-1, :-1], ids[1:, :-1], ids[1:, 1:], ids[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    tile = (np.floor(s * sizes[0] / TILE_M) + np.floor(t * sizes[1] / TILE_M)) % 2
    shade = 1 - 0.12 * tile + 0.06 * rng.normal(size=s.shape)
    colors = shade[..., None] * np.array(rgb, np.float64)
    return points.reshape(-1, 3), faces.astype(np.int32), colors.reshape(-1, 3)


def _box(rng: np.random.Generator, low: F64, size: F64) -> list[tuple[F64, I32, F64]]:
    x, y, z = np.diag(size)
    high = low + size
    sides = [(low, x, y), (low, y, z), (high, -y, -x), (high, -z, -y), (high, -x, -z)]
    return [_sheet(rng, start, first, second, BOX_RGB) for start, first, second in sides]


def _disc(axis: F64, floor: float) -> tuple[F64, I32, F64]:
    """The turntable's disc: its top at Y = 0, its rim down to the floor."""
    angles = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    ring = np.stack([np.sin(angles), np.zeros(96), np.cos(angles)], axis=1) * DISC_RADIUS_M
    middle = np.array([axis[0], 0.0, axis[1]])
    points = np.concatenate([middle[None], middle + ring, middle + ring + [0.0, floor, 0.0]])
    a = 1 + np.arange(96)
    b = 1 + (np.arange(96) + 1) % 96
    top = np.stack([np.zeros(96, np.int64), a, b], 1)
    faces = np.concatenate([top, np.stack([a, a + 96, b + 96], 1), np.stack([a, b + 96, b], 1)])
    return points, faces.astype(np.int32), np.tile(np.array(DISC_RGB, np.float64), (len(points), 1))
