"""Small depth captures in every format that pictures and text files make, of the same known frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from bodyscan.geometry.view import View
from bodyscan.types import DepthFrame

WIDTH, HEIGHT = 64, 48
K = np.array([[61.25, 0, 31.2], [0, 60.5, 24.9], [0, 0, 1]])
"""Pixel centres at halves; a file that counts them at integers holds 30.7 and 24.4."""


def known_frames(count: int = 3, camera: str = "", K: np.ndarray = K) -> list[DepthFrame]:
    """Frames of a ball of 0.4 m before a wall, on an arc 2 m from it; depth is in whole millimetres."""
    return [known_frame(k, camera, K) for k in range(count)]


def known_frame(k: int, camera: str = "", K: np.ndarray = K) -> DepthFrame:
    angle = 0.3 * k + 0.1
    eye = (2 * np.sin(angle), 0.3, 2 * np.cos(angle))
    view = View.look_at(eye, (0, 0.1, 0), (0, 1, 0), 60.0, WIDTH, HEIGHT)
    pose = np.linalg.inv(view.camera_from_world)
    pose[:3, :3] = Rotation.from_matrix(pose[:3, :3]).as_matrix()
    columns, rows = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    x, y = (columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1]
    centre = view.camera_from_world[:3, :3] @ [0, 0.1, 0] + view.camera_from_world[:3, 3]
    a, b = x * x + y * y + 1, x * centre[0] + y * centre[1] + centre[2]
    inner = b * b - a * (centre @ centre - 0.4**2)
    depth = np.where(inner > 0, (b - np.sqrt(np.maximum(inner, 0))) / a, 3.0 + 0.2 * x)
    depth = np.round(depth * 1000) / 1000
    depth[:4, : 5 + k] = 0
    color = np.stack([3 * columns, 4 * rows, np.full_like(rows, 60 + 40 * k)], axis=-1).astype(np.uint8)
    return DepthFrame(
        depth.astype(np.float32),
        K,
        color,
        world_from_camera=pose,
        time_s=k / 30,
        name=f"frame {k}",
        camera=camera,
    )


def write_depth(path: Path, depth_m: np.ndarray, scale: float = 1000.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(depth_m.astype(np.float64) * scale).astype(np.uint16)).save(path)
    return path


def write_color(path: Path, color: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(color).save(path)
    return path


def write_open3d(folder: Path, frames: Sequence[DepthFrame]) -> Path:
    lines = []
    for k, frame in enumerate(frames):
        write_depth(folder / "depth" / f"{k:06d}.png", frame.depth_m)
        write_color(folder / "color" / f"{k:06d}.png", frame.color)
        lines += [f"{k} {k} {k + 1}", *_matrix_lines(frame.world_from_camera)]
    (folder / "trajectory.log").write_text("\n".join(lines) + "\n")
    matrix = frames[0].K - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    document = {"width": WIDTH, "height": HEIGHT, "intrinsic_matrix": matrix.T.reshape(-1).tolist()}
    (folder / "camera_intrinsic.json").write_text(json.dumps(document))
    return folder


def write_tum(folder: Path, frames: Sequence[DepthFrame]) -> Path:
    depths, colors = ["# depth maps"], ["# color images", "# timestamp filename"]
    poses = ["# ground truth"]
    for frame in frames:
        stamp = 1305031102.160407 + frame.time_s
        write_depth(folder / "depth" / f"{stamp:.6f}.png", frame.depth_m, 5000)
        write_color(folder / "rgb" / f"{stamp + 0.011:.6f}.png", frame.color)
        depths.append(f"{stamp:.6f} depth/{stamp:.6f}.png")
        colors.append(f"{stamp + 0.011:.6f} rgb/{stamp + 0.011:.6f}.png")
        xyzw = Rotation.from_matrix(frame.world_from_camera[:3, :3]).as_quat()
        numbers = " ".join(f"{v:.9f}" for v in [*frame.world_from_camera[:3, 3], *xyzw])
        poses.append(f"{stamp - 0.004:.4f} {numbers}")
    for name, lines in (("depth", depths), ("rgb", colors), ("groundtruth", poses)):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    fx, fy, cx, cy = camera_numbers(frames[0].K, 0.5)
    (folder / "camera.txt").write_text(f"{fx!r} {fy!r} {cx!r} {cy!r}\n")
    return folder


def write_seven_scenes(folder: Path, frames: Sequence[DepthFrame]) -> Path:
    for k, frame in enumerate(frames):
        stem = f"frame-{k:06d}"
        write_depth(folder / f"{stem}.depth.png", frame.depth_m)
        write_color(folder / f"{stem}.color.png", frame.color)
        (folder / f"{stem}.pose.txt").write_text("\n".join(_matrix_lines(frame.world_from_camera)) + "\n")
    fx, fy, cx, cy = camera_numbers(frames[0].K, 0.5)
    matrix = f"{fx!r} 0 {cx!r} 0 0 {fy!r} {cy!r} 0 0 0 1 0 0 0 0 1"
    identity = "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1"
    lines = ["m_versionNumber = 4", "m_sensorName = made", f"m_frames.size = {len(frames)}"]
    lines += ["m_depthShift = 1000"]
    for kind in ("Color", "Depth"):
        lines += [f"m_{kind.lower()}Width = {WIDTH}", f"m_{kind.lower()}Height = {HEIGHT}"]
        lines += [f"m_calibration{kind}Intrinsic = {matrix}", f"m_calibration{kind}Extrinsic = {identity}"]
    (folder / "info.txt").write_text("\n".join(lines) + "\n")
    return folder


def write_cameras(folder: Path, frames: Sequence[DepthFrame]) -> Path:
    cameras, shots = {}, []
    for k, frame in enumerate(frames):
        name = frame.camera or "only"
        write_depth(folder / "depth" / f"{name}_{k}.png", frame.depth_m)
        write_color(folder / "color" / f"{name}_{k}.png", frame.color)
        fx, fy, cx, cy = camera_numbers(frame.K, 0.5)
        size = {"width": WIDTH, "height": HEIGHT, "pixel_centre": 0}
        cameras[name] = {**size, "fx": fx, "fy": fy, "cx": cx, "cy": cy}
        shot = {"camera": name, "depth": f"depth/{name}_{k}.png", "color": f"color/{name}_{k}.png"}
        shots.append({**shot, "time_s": frame.time_s, "world_from_camera": frame.world_from_camera.tolist()})
    document = {"format": "bodyscan-depth-capture", "version": 1, "depth_scale": 1000}
    document |= {"sensor": "ideal", "up": [0, 2, 0], "cameras": cameras, "frames": shots}
    (folder / "capture.json").write_text(json.dumps(document))
    return folder


def change_json(path: Path, edit) -> Path:
    """Let `edit` change a JSON document in place; returns its folder."""
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    return path.parent


def camera_numbers(K: np.ndarray, less: float) -> list[float]:
    """fx, fy, cx, cy, the last two less by `less` pixels."""
    return [float(K[0, 0]), float(K[1, 1]), float(K[0, 2] - less), float(K[1, 2] - less)]


def _matrix_lines(matrix: np.ndarray) -> list[str]:
    return [" ".join(f"{v:.9f}" for v in row) for row in matrix]
