"""A folder of simulated photos: pictures, `transforms.json`, and the truth."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from bodyscan.errors import InputError
from bodyscan.files import write_atomic
from bodyscan.simulate.photo_options import PhotoRigOptions
from bodyscan.simulate.photos import SimulatedPhoto
from bodyscan.types import F64

OPENGL_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])


def write_photos(
    photos: Iterable[SimulatedPhoto],
    folder: Path,
    options: PhotoRigOptions,
    world_from_input: F64 | None = None,
    *,
    masks: bool = False,
) -> list[Path]:
    """Write photos as they come, then `transforms.json` and `truth.json`; return the paths written.

    `world_from_input` (4, 4): the similarity of the scan that the photos belong to; the cameras are then
    written in the scan file's unit and axes, by default in metres in the world frame. `masks` writes the
    person's masks to `masks/` too. Raises `InputError` where the folder is there and not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already and not empty; give a new folder for the photos.")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    if masks:
        (folder / "masks").mkdir(exist_ok=True)
    input_from_world = np.eye(4) if world_from_input is None else np.linalg.inv(world_from_input)
    frames, truth, written = [], [], []
    for photo in photos:
        path = folder / "images" / photo.name
        write_atomic(path, _png(photo.image))
        written.append(path)
        frames.append({"file_path": f"images/{photo.name}", **_camera(photo, input_from_world)})
        if masks:
            path = folder / "masks" / photo.name
            write_atomic(path, _png(photo.mask.astype(np.uint8) * 255))
            frames[-1]["mask_path"] = f"masks/{photo.name}"
            written.append(path)
        truth.append({"name": photo.name, "gain": photo.gain.tolist()})
    documents = {
        "transforms.json": {"camera_model": "OPENCV", "frames": frames},
        "truth.json": {"options": options.as_dict(), "photos": truth},
    }
    for name, document in documents.items():
        write_atomic(folder / name, (json.dumps(document, indent=1) + "\n").encode("ascii"))
        written.append(folder / name)
    return written


def _camera(photo: SimulatedPhoto, input_from_world: F64) -> dict:
    world_from_camera = np.linalg.inv(photo.view.camera_from_world)
    moved = input_from_world @ world_from_camera
    scale = float(np.cbrt(np.linalg.det(moved[:3, :3])))
    moved[:3, :3] /= scale
    K = photo.view.K
    return {
        "w": photo.view.width, "h": photo.view.height, "fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2],
        "cy": K[1, 2], "k1": photo.lens.k1, "transform_matrix": (moved @ OPENGL_FROM_OPENCV).tolist(),
    }  # fmt: skip


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
