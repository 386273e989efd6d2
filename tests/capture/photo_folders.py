"""Small folders of photos with cameras, in every format that is read, of one and the same rig."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from bodyscan.geometry.view import View

WIDTH, HEIGHT, FOCAL = 60, 90, 80.0
K = np.array([[FOCAL, 0, 29.0], [0, FOCAL, 46.5], [0, 0, 1]])
OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


def rig(count: int = 3) -> list[np.ndarray]:
    """Camera_from_world (4, 4) of cameras that look at the origin from different sides."""
    eyes = [(3.0, 0.5, 0.2), (-1.0, 1.0, 2.5), (0.3, -0.4, -2.8)][:count]
    return [View.look_at(eye, (0, 0.1, 0), (0, 1, 0), FOCAL, WIDTH, HEIGHT).camera_from_world for eye in eyes]


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A smooth picture (H, W, 3) that is another one for each seed."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [127 + 100 * np.sin(columns / (7 + c) + seed) * np.cos(rows / (9 + seed)) for c in range(3)]
    return np.stack(waves, axis=-1).astype(np.uint8)


def write_pictures(folder: Path, count: int = 3) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"p{k}.png" for k in range(count)]
    for k, name in enumerate(names):
        Image.fromarray(picture(k)).save(folder / name)
    return names


def write_transforms(folder: Path, **more: object) -> Path:
    """A `transforms.json` with photos in `images/`; `more` goes beside `frames`."""
    names = write_pictures(folder / "images")
    frames = [
        {"file_path": f"images/{name}", "transform_matrix": (np.linalg.inv(pose) @ OPENGL).tolist()}
        for name, pose in zip(names, rig(), strict=True)
    ]
    shared = {"w": WIDTH, "h": HEIGHT, "fl_x": FOCAL, "fl_y": FOCAL, "cx": K[0, 2], "cy": K[1, 2]}
    document = {**shared, "frames": frames, **more}
    (folder / "transforms.json").write_text(json.dumps(document))
    return folder


def change(folder: Path, edit) -> Path:
    """Let `edit` change the document of a `transforms.json` in place."""
    path = folder / "transforms.json"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    return folder


def quaternion(rotation: np.ndarray) -> list[float]:
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(rotation).as_quat()
    return [w, x, y, z]


def write_colmap_text(folder: Path, camera: str | None = None) -> Path:
    names = write_pictures(folder / "images")
    model = folder / "sparse" / "0"
    model.mkdir(parents=True)
    line = camera or f"PINHOLE {WIDTH} {HEIGHT} {FOCAL} {FOCAL} {K[0, 2]} {K[1, 2]}"
    (model / "cameras.txt").write_text(f"# Camera list\n7 {line}\n")
    lines = ["# Image list", "# two lines a photo"]
    for k, (name, pose) in enumerate(zip(names, rig(), strict=True)):
        numbers = [*quaternion(pose[:3, :3]), *pose[:3, 3]]
        lines += [
            f"{k + 1} {' '.join(map(repr, map(float, numbers)))} 7 {name}",
            "" if k == 1 else "1.5 2.5 -1",
        ]
    (model / "images.txt").write_text("\n".join(lines) + "\n")
    return folder


def write_colmap_binary(folder: Path) -> Path:
    names = write_pictures(folder / "images")
    model = folder / "sparse" / "0"
    model.mkdir(parents=True)
    camera = struct.pack("<QIiQQ4d", 1, 7, 1, WIDTH, HEIGHT, FOCAL, FOCAL, K[0, 2], K[1, 2])
    (model / "cameras.bin").write_bytes(camera)
    data = struct.pack("<Q", len(names))
    for k, (name, pose) in enumerate(zip(names, rig(), strict=True)):
        numbers = [*quaternion(pose[:3, :3]), *pose[:3, 3]]
        data += struct.pack("<I7dI", k + 1, *numbers, 7) + name.encode() + b"\0"
        data += struct.pack("<Q", k) + k * struct.pack("<ddq", 1.0, 2.0, -1)
    (model / "images.bin").write_bytes(data)
    return folder


def write_metashape(folder: Path) -> Path:
    """Chunk turned, moved and scaled: the cameras' own transforms stand in the chunk."""
    names = write_pictures(folder)
    turn = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    shift, scale = np.array([1.0, -2, 0.5]), 2.0
    cameras = ""
    for k, (name, pose) in enumerate(zip(names, rig(), strict=True)):
        world = np.linalg.inv(pose)
        local = np.eye(4)
        local[:3, :3], local[:3, 3] = turn.T @ world[:3, :3], turn.T @ (world[:3, 3] - shift) / scale
        label = name.removesuffix(".png")
        cameras += (
            f'<camera id="{k}" sensor_id="0" label="{label}"><transform>{_row(local)}</transform></camera>'
        )
    cameras += '<camera id="9" sensor_id="0" label="not_aligned"/>'
    (folder / "cameras.xml").write_text(
        f"""<?xml version="1.0"?><document version="2.0.0"><chunk><sensors><sensor id="0" type="frame">
        <calibration type="frame"><resolution width="{WIDTH}" height="{HEIGHT}"/><f>{FOCAL}</f>
        <cx>{K[0, 2] - WIDTH / 2}</cx><cy>{K[1, 2] - HEIGHT / 2}</cy></calibration></sensor></sensors>
        <cameras>{cameras}</cameras><transform><rotation>{_row(turn)}</rotation>
        <translation>{_row(shift)}</translation><scale>{scale}</scale></transform></chunk></document>"""
    )
    return folder


def _row(values: np.ndarray) -> str:
    return " ".join(repr(float(v)) for v in np.asarray(values).reshape(-1))
