"""Small depth captures as scanning apps, DepthKit and PCL write them, of frames that are known."""

from __future__ import annotations

import dataclasses
import io
import json
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from bodyscan.types import DepthFrame

from .depth_writers import known_frames

FINER = 4
"""How many times more columns and rows the colour picture has."""
OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
BALL, RADIUS = np.array([0.0, 0.1, 0.0]), 0.4
"""What the frames of `known_frames` look at, metres."""


def phone_frames(count: int = 3) -> list[DepthFrame]:
    """The known frames with a confidence of 0, 1/2 and 1, in stripes."""
    found = []
    for frame in known_frames(count):
        trust = np.zeros(frame.depth_m.shape, np.float32)
        trust[:, 10:30], trust[:, 30:] = 0.5, 1.0
        found.append(dataclasses.replace(frame, confidence=trust))
    return found


def world_points(frame: DepthFrame, nearer_than: float = 2.5) -> np.ndarray:
    """(N, 3) points of a frame in the world."""
    row, column = np.nonzero((frame.depth_m > 0) & (frame.depth_m < nearer_than))
    z = frame.depth_m[row, column].astype(np.float64)
    x, y = (column + 0.5 - frame.K[0, 2]) / frame.K[0, 0], (row + 0.5 - frame.K[1, 2]) / frame.K[1, 1]
    local = np.stack([x * z, y * z, z], axis=1)
    return local @ frame.world_from_camera[:3, :3].T + frame.world_from_camera[:3, 3]


def finer(color: np.ndarray) -> np.ndarray:
    """A colour picture of `FINER` times the size, whose blocks average to the given one."""
    return np.repeat(np.repeat(color, FINER, axis=0), FINER, axis=1)


def _quaternion(pose: np.ndarray) -> list[float]:
    return Rotation.from_matrix(pose[:3, :3]).as_quat().tolist()


def plain_lzfse(data: bytes) -> bytes:
    """An LZFSE stream of stored blocks, which needs no packer."""
    return b"bvx-" + struct.pack("<I", len(data)) + data + b"bvx$"


def write_record3d(
    path: Path,
    frames: Sequence[DepthFrame],
    pack: Callable[[bytes], bytes] = plain_lzfse,
    change: Callable[[dict], None] = lambda meta: None,
    leave_out: Sequence[str] = (),
    add: dict[str, bytes] | None = None,
) -> Path:
    height, width = frames[0].depth_m.shape
    K = frames[0].K * [[FINER], [FINER], [1]]
    poses = [frame.world_from_camera @ OPENGL for frame in frames]
    meta = {
        "dw": width, "dh": height, "w": FINER * width, "h": FINER * height, "fps": 60,
        "K": K.T.reshape(-1).tolist(),
        "poses": [[*_quaternion(pose), *pose[:3, 3].tolist()] for pose in poses],
        "frameTimestamps": [frame.time_s for frame in frames],
    }  # fmt: skip
    change(meta)
    entries = {"metadata": json.dumps(meta).encode()}
    for k, frame in enumerate(frames):
        picture = io.BytesIO()
        Image.fromarray(finer(frame.color)).save(picture, "JPEG", quality=95)
        depth = np.where(frame.depth_m > 0, frame.depth_m, np.nan).astype("<f4")
        entries[f"rgbd/{k}.jpg"] = picture.getvalue()
        entries[f"rgbd/{k}.depth"] = pack(depth.tobytes())
        entries[f"rgbd/{k}.conf"] = pack(np.round(frame.confidence * 2).astype(np.uint8).tobytes())
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (entries | (add or {})).items():
            if name not in leave_out:
                archive.writestr(name, data)
    return path


def write_stray(
    folder: Path, frames: Sequence[DepthFrame], lens: bool = False, header: bool = True, npy: bool = False
) -> Path:
    for name in ("depth", "confidence"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    K = frames[0].K * [[FINER], [FINER], [1]]
    (folder / "camera_matrix.csv").write_text("\n".join(", ".join(map(repr, row)) for row in K.tolist()))
    names = ["timestamp", "frame", "x", "y", "z", "qx", "qy", "qz", "qw"]
    names += ["fx", "fy", "cx", "cy", "distortion_center_x", "distortion_center_y"] if lens else []
    lines = [", ".join(names)] if header else []
    for k, frame in enumerate(frames):
        pose = frame.world_from_camera
        fields = [repr(frame.time_s), f"{k:06d}"] if header else []
        fields += [repr(v) for v in (*pose[:3, 3].tolist(), *_quaternion(pose))]
        if lens:
            fields += [*(repr(float(v)) for v in (K[0, 0], K[1, 1], K[0, 2], K[1, 2])), "", ""]
        lines.append(", ".join(fields))
        millimetres = np.round(frame.depth_m * 1000).astype(np.uint16)
        if npy:
            np.save(folder / "depth" / f"{k:06d}.npy", millimetres)
        else:
            Image.fromarray(millimetres).save(folder / "depth" / f"{k:06d}.png")
        trust = np.round(frame.confidence * 2).astype(np.uint8)
        Image.fromarray(trust).save(folder / "confidence" / f"{k:06d}.png")
    (folder / "odometry.csv").write_text("\n".join(lines) + "\n")
    write_video(folder / "rgb.mp4", [finer(frame.color) for frame in frames])
    return folder


def write_video(path: Path, pictures: Sequence[np.ndarray], hide: int = 0) -> Path:
    """An MP4 file; its edit list hides the first pictures, as Apple's recorder does."""
    import cv2

    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 30, (width, height))
    assert writer.isOpened()
    for picture in pictures:
        writer.write(np.ascontiguousarray(picture[..., ::-1]))
    writer.release()
    if hide:
        data = bytearray(path.read_bytes())
        edits, times = data.index(b"elst"), data.index(b"stts")
        (length,) = struct.unpack_from(">I", data, times + 16)
        struct.pack_into(">i", data, edits + 16, hide * length)
        path.write_bytes(data)
    return path


def write_polycam(folder: Path, frames: Sequence[DepthFrame], corrected: bool = True) -> Path:
    prefix = "corrected_" if corrected else ""
    keyframes = folder / "keyframes"
    for name in ("cameras", "depth", "confidence", f"{prefix}cameras", f"{prefix}images"):
        (keyframes / name).mkdir(parents=True, exist_ok=True)
    for k, frame in enumerate(frames):
        stem = str(638443502 + round(1e6 * frame.time_s))
        height, width = (FINER * side for side in frame.depth_m.shape)
        K, pose = frame.K * FINER, frame.world_from_camera @ OPENGL
        meta = {"fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2], "cy": K[1, 2], "width": width, "height": height}
        meta |= {f"t_{i}{j}": pose[i, j] for i in range(3) for j in range(4)}
        meta |= {"blur_score": 115.28, "timestamp": int(stem)}
        wrong = meta | {"t_03": 100.0 + k}
        (keyframes / "cameras" / f"{stem}.json").write_text(json.dumps(wrong))
        (keyframes / f"{prefix}cameras" / f"{stem}.json").write_text(json.dumps(meta))
        Image.fromarray(finer(frame.color)).save(keyframes / f"{prefix}images" / f"{stem}.jpg", quality=95)
        millimetres = np.round(frame.depth_m * 1000).astype(np.uint16)
        Image.fromarray(millimetres).save(keyframes / "depth" / f"{stem}.png")
        trust = np.floor(frame.confidence * 255).astype(np.uint8)
        Image.fromarray(trust).save(keyframes / "confidence" / f"{stem}.png")
    return folder


def hues(share: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 of full brightness and saturation whose hue is the share 0..1; black where negative."""
    x = np.mod(share, 1.0)[..., None] * 6
    wheel = np.abs(np.mod(x + np.array([0.0, 4.0, 2.0]), 6) - 3) - 1
    rgb = np.round(np.clip(wheel, 0, 1) * 255).astype(np.uint8)
    return np.where(share[..., None] < 0, np.uint8(0), rgb)


def write_depthkit(
    path: Path,
    frame: DepthFrame,
    unit: float = 1000.0,
    world_to_camera: bool = True,
    swapped: bool = False,
    change: Callable[[dict], None] = lambda meta: None,
) -> Path:
    """PNG and text; `unit`: units a metre; `swapped`: depth above, colour below."""
    near, far = 1.2, 3.4
    known = frame.depth_m > 0
    coded = hues(np.where(known, (frame.depth_m - near) / (far - near), -1))
    halves = [coded, frame.color] if swapped else [frame.color, coded]
    Image.fromarray(np.vstack(halves)).save(path)
    height, width = frame.depth_m.shape
    crop, size = (0.2, 0.1, 0.5, 0.75), (4096.0, 2160.0)
    sx, sy = width / (crop[2] * size[0]), height / (crop[3] * size[1])
    pose = np.linalg.inv(frame.world_from_camera) if world_to_camera else frame.world_from_camera
    pose = pose.copy()
    pose[:3, 3] *= unit
    points = world_points(frame, np.inf)
    low, high = points.min(axis=0), points.max(axis=0)
    meta = {
        "_versionMajor": "0", "_versionMinor": "2", "format": "perpixel", "numAngles": 1,
        "nearClip": near * unit, "farClip": far * unit,
        "boundsCenter": dict(zip("xyz", ((low + high) / 2 * unit).tolist(), strict=True)),
        "boundsSize": dict(zip("xyz", ((high - low) * 1.05 * unit).tolist(), strict=True)),
        "crop": dict(zip("xyzw", crop, strict=True)),
        "depthFocalLength": {"x": frame.K[0, 0] / sx, "y": frame.K[1, 1] / sy},
        "depthPrincipalPoint": {
            "x": (frame.K[0, 2] - 0.5) / sx + crop[0] * size[0],
            "y": (frame.K[1, 2] - 0.5) / sy + crop[1] * size[1],
        },
        "depthImageSize": {"x": size[0], "y": size[1]},
        "extrinsics": {f"e{i}{j}": pose[i, j] for i in range(4) for j in range(4)},
        "textureWidth": width, "textureHeight": 2 * height,
    }  # fmt: skip
    change(meta)
    path.with_suffix(".txt").write_text(json.dumps(meta))
    return path


def grid_points(frame: DepthFrame) -> np.ndarray:
    """(H, W, 3) points in the camera's axes, NaN for nothing."""
    height, width = frame.depth_m.shape
    z = np.where(frame.depth_m > 0, frame.depth_m.astype(np.float64), np.nan)
    x = (np.arange(width) + 0.5 - frame.K[0, 2]) / frame.K[0, 0]
    y = (np.arange(height) + 0.5 - frame.K[1, 2]) / frame.K[1, 1]
    return np.stack([x * z, y[:, None] * z, z], axis=-1)


def _lzf(data: bytes) -> bytes:
    """LZF of literal runs alone."""
    return b"".join(
        bytes([len(run) - 1]) + run for run in (data[k : k + 32] for k in range(0, len(data), 32))
    )


def write_pcd(
    path: Path,
    points: np.ndarray,
    color: np.ndarray | None = None,
    encoding: str = "binary",
    viewpoint: str = "0 0 0 1 0 0 0",
    field: str = "rgb",
) -> Path:
    """An organised PCD file of points (H, W, 3), NaN kept."""
    height, width = points.shape[:2]
    columns = list(points.reshape(-1, 3).T.astype("<f4"))
    names, types = ["x", "y", "z"], ["F", "F", "F"]
    if color is not None:
        r, g, b = color.reshape(-1, 3).T.astype(np.uint32)
        packed = (r << 16 | g << 8 | b).astype("<u4")
        columns.append(packed.view("<f4") if field == "rgb" else packed)
        names, types = [*names, field], [*types, "F" if field == "rgb" else "U"]
    count = len(columns)
    head = (
        f"# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\nFIELDS {' '.join(names)}\n"
        f"SIZE {' '.join(['4'] * count)}\nTYPE {' '.join(types)}\nCOUNT {' '.join(['1'] * count)}\n"
        f"WIDTH {width}\nHEIGHT {height}\nVIEWPOINT {viewpoint}\nPOINTS {width * height}\nDATA {encoding}\n"
    ).encode()
    if encoding == "ascii":
        texts = [[repr(float(v)) if v.dtype.kind == "f" else str(int(v)) for v in c] for c in columns]
        body = "\n".join(" ".join(line) for line in zip(*texts, strict=True)).encode() + b"\n"
    elif encoding == "binary":
        table = np.rec.fromarrays(columns, names=names)
        body = table.tobytes()
    else:
        plain = b"".join(c.tobytes() for c in columns)
        packed_bytes = _lzf(plain)
        body = struct.pack("<II", len(packed_bytes), len(plain)) + packed_bytes
    path.write_bytes(head + body)
    return path


def write_ply_grid(
    path: Path, points: np.ndarray, color: np.ndarray, encoding: str = "ascii", stanford: bool = True
) -> Path:
    """A PLY file of points (H, W, 3): Stanford's range grid, or one vertex a cell with a size in comments."""
    height, width = points.shape[:2]
    flat, colors = points.reshape(-1, 3), color.reshape(-1, 3)
    known = np.isfinite(flat).all(axis=1)
    if stanford:
        place = np.where(known, np.cumsum(known) - 1, -1)
        flat, colors = flat[known], colors[known]
        lines = [f"obj_info num_cols {width}", f"obj_info num_rows {height}"]
    else:
        place = np.zeros(0, np.int64)
        lines = [f"comment width {width}", f"comment height {height}"]
        flat = np.nan_to_num(flat)
    lines += [f"element vertex {len(flat)}", *(f"property float {axis}" for axis in "xyz")]
    lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    if stanford:
        lines += [f"element range_grid {len(place)}", "property list uchar int vertex_indices"]
    name = {"ascii": "ascii", "big": "binary_big_endian", "little": "binary_little_endian"}[encoding]
    head = "\n".join(["ply", f"format {name} 1.0", *lines, "end_header"]).encode() + b"\n"
    if encoding == "ascii":
        rows = [
            f"{p[0]:.7f} {p[1]:.7f} {p[2]:.7f} {c[0]} {c[1]} {c[2]}"
            for p, c in zip(flat, colors, strict=True)
        ]
        rows += ["0" if k < 0 else f"1 {k}" for k in place]
        body = "\n".join(rows).encode() + b"\n"
    else:
        order = ">" if encoding == "big" else "<"
        packed = np.zeros(len(flat), np.dtype([("p", order + "f4", 3), ("c", "u1", 3)]))
        packed["p"], packed["c"] = flat, colors
        cells = [b"\0" if k < 0 else struct.pack(order + "Bi", 1, k) for k in place.tolist()]
        body = packed.tobytes() + b"".join(cells)
    path.write_bytes(head + body)
    return path
