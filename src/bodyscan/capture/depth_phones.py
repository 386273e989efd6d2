"""What the exports of phones have in common: a small depth picture, the same camera's colour, its trust."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bodyscan.capture.depth_frames import scaled_intrinsics
from bodyscan.errors import InputError
from bodyscan.types import F32, F64, U8, DepthFrame

SHAPE_TOLERANCE = 0.01
"""By which share width : height may differ between colour and depth of one camera."""


def phone_frame(
    name: str,
    depth_m: F32,
    color: U8 | None,
    trust_path: Path | None,
    levels: int,
    K: F64,
    size: tuple[int, int],
    world_from_camera: F64,
    time_s: float,
) -> DepthFrame:
    """A phone's frame on the pixels of its depth picture `depth_m` (H, W) metres.

    `K` (3, 3) holds for the colour picture's `size` (width, height); `trust_path` is a confidence PNG with
    values 0 to `levels`. Raises `InputError`, with `name`, where the pictures do not belong together.
    """
    small = depth_m.shape[1], depth_m.shape[0]
    if color is not None:
        color = shrunk_color(color, small, name)
    confidence = None if trust_path is None else read_levels(trust_path, depth_m.shape, levels, name)
    scaled = scaled_intrinsics(K, size, small)
    return DepthFrame(
        depth_m, scaled, color, confidence, world_from_camera, time_s, name=name, camera="phone"
    )


def shrunk_color(color: U8, size: tuple[int, int], name: str) -> U8:
    """A colour picture (h, w, 3) averaged to the (width, height) of its own camera's depth picture.

    Raises `InputError` where the two are not of one shape, and so cannot show the same.
    """
    height, width = color.shape[:2]
    if abs(width * size[1] / (height * size[0]) - 1) > SHAPE_TOLERANCE:
        raise InputError(
            f"{name}: colour of {width} by {height} pixels and depth of {size[0]} by {size[1]} differ "
            "in shape, so they do not show the same; export the capture again."
        )
    if (width, height) == size:
        return color
    return np.asarray(Image.fromarray(color).resize(size, Image.Resampling.BOX), np.uint8)


def read_levels(path: Path, shape: tuple[int, ...], most: int, name: str) -> F32:
    """Confidence (H, W) float32 0..1 of an 8-bit grey PNG with values 0 to `most`, or `InputError`."""
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if picture.size != (shape[1], shape[0]) or picture.mode not in ("L", "P"):
                raise InputError(
                    f"{name}: {path.name} has {picture.width} by {picture.height} pixels ({picture.mode}), "
                    f"its depth {shape[1]} by {shape[0]}; confidence must be 8-bit grey of the same size."
                )
            values = np.asarray(picture, np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{name}: confidence {path.name} is damaged ({str(error)[:60]}); copy it again."
        ) from None
    if values.max(initial=0) > most:
        raise InputError(f"{name}: confidence {path.name} holds {values.max()}; it ends at {most}.")
    return (values / np.float32(most)).astype(np.float32)
