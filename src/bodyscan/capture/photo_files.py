"""Picture and mask files as `Photo` values: upright, checked, without lens distortion."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from bodyscan.capture.photos_shot import Lens, Shot
from bodyscan.capture.undistort import undistorted
from bodyscan.errors import InputError
from bodyscan.types import F64, U8, Bool, Photo

FORMATS = ("JPEG", "PNG", "TIFF", "MPO")
ORIENTATION = 274
"""The EXIF tag; 1 is upright, 5 to 8 swap width and height."""
SWAPPED = (5, 6, 7, 8)
OPAQUE = 128
"""Alpha and mask values from which a pixel counts as the person."""


def load_photo(shot: Shot) -> Photo:
    """Open the picture and mask of a shot.

    Raises `InputError` for a picture that is missing, damaged, of another format, larger than Pillow's limit
    against decompression bombs, of another size than its camera, or turned in a way that the camera
    contradicts; and for a mask of another size.
    """
    image, alpha = _opened(shot.picture, shot.source, shot.lens.size)
    height, width = image.shape[:2]
    K = _intrinsics(shot.lens, width)
    if shot.lens.cx is None:
        K[0, 2] = width / 2
    if shot.lens.cy is None:
        K[1, 2] = height / 2
    mask = _mask(shot, alpha, (height, width))
    if not shot.lens.distortion.is_pinhole:
        image, seen = undistorted(image, K, shot.lens.distortion)
        if mask is not None:
            drawn = np.where(mask, np.uint8(255), np.uint8(0))
            straight, _ = undistorted(drawn, K, shot.lens.distortion)
            seen &= straight >= OPAQUE
        if mask is not None or not seen.all():
            mask = seen
    image.flags.writeable = False  # so that the value takes it without a copy
    return Photo(image, K, shot.camera_from_world, shot.picture.name, mask)


def _intrinsics(lens: Lens, width: int) -> F64:
    fx, fy = lens.fx, lens.fy
    if lens.angle_x is not None:
        fx = fy = width / 2 / math.tan(lens.angle_x / 2)
    return np.array([[fx, 0, lens.cx or 0.0], [0, fy, lens.cy or 0.0], [0, 0, 1]], np.float64)


def _opened(path: Path, source: str, size: tuple[int, int] | None) -> tuple[U8, U8 | None]:
    """Pixels (H, W, 3) and alpha (H, W) or None, as the camera counts rows and columns."""
    if not path.is_file():
        raise InputError(f"{source} names the photo {path.name}, which is not at {path}; copy it there.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                if picture.format not in FORMATS:
                    raise InputError(f"{path.name} is {picture.format}; photos must be JPEG, PNG or TIFF.")
                turn = _turn(path.name, picture, size)
                image, alpha = _pixels(picture, turn)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        raise InputError(
            f"{path.name} has more than {limit:.0f} million pixels; make it smaller, and its camera with it."
        ) from None
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path.name} could not be read as a photo ({str(error)[:100]}).") from None
    return image, alpha


def _turn(name: str, picture: Image.Image, size: tuple[int, int] | None) -> Image.Transpose | None:
    """What brings the stored pixels to the camera's rows and columns.

    A camera's size says whether the photo was solved as stored or as shown. Where both have one size
    (a half turn, a square) nothing can tell them apart, and a guess could put colours on the wrong side.
    """
    orientation = int(picture.getexif().get(ORIENTATION, 1) or 1)
    stored = picture.size
    if orientation not in SWAPPED and size is not None and stored != size:
        raise InputError(
            f"{name} is {stored[0]} by {stored[1]} pixels and its camera {size[0]} by {size[1]}; give the "
            "photos that the cameras were solved from, or scale the cameras with them."
        )
    if orientation == 1:
        return None
    shown = stored[::-1] if orientation in SWAPPED else stored
    if size is None or shown == stored:
        raise InputError(
            f"{name} has the EXIF orientation {orientation}, and nothing says whether its camera was solved "
            "with the photo as stored or as shown. Save the photo upright, without that tag, and solve again."
        )
    if size == stored:
        return None
    if size != shown:
        raise InputError(
            f"{name} is {stored[0]} by {stored[1]} pixels (EXIF orientation {orientation}) and its camera "
            f"{size[0]} by {size[1]}; give the photos that the cameras were solved from."
        )
    return {
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }[orientation]


def _pixels(picture: Image.Image, turn: Image.Transpose | None) -> tuple[U8, U8 | None]:
    if picture.mode.startswith("I"):  # 16 bits a channel would be cut at 255, not scaled
        grey = (np.asarray(picture, np.float64) / 257).round().clip(0, 255).astype(np.uint8)
        picture = Image.fromarray(grey)
    shown = picture if turn is None else picture.transpose(turn)
    has_alpha = "A" in shown.getbands() or "transparency" in shown.info
    if not has_alpha:
        return np.array(shown.convert("RGB"), np.uint8), None
    rgba = np.array(shown.convert("RGBA"), np.uint8)
    return rgba[..., :3].copy(), rgba[..., 3].copy()


def _mask(shot: Shot, alpha: U8 | None, shape: tuple[int, int]) -> Bool | None:
    """(H, W) True on the person: the mask file, and where the photo has alpha that too."""
    path = shot.mask if shot.mask is not None else _mask_beside(shot.picture)
    mask = None if alpha is None else alpha >= OPAQUE
    if path is None:
        return mask
    if not path.is_file():
        raise InputError(f"{shot.source} names the mask {path.name}, which is not at {path}; copy it there.")
    try:
        with Image.open(path) as picture:
            bands = picture.getbands()
            grey = picture.getchannel("A") if "A" in bands else picture.convert("L")
            values = np.array(grey, np.uint8)
            # Labels 0 and 1 are a mask too, not grey values.
            drawn = values >= (1 if values.max(initial=0) == 1 else OPAQUE)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"The mask {path.name} could not be read ({str(error)[:100]}).") from None
    if drawn.shape != shape:
        raise InputError(
            f"The mask {path.name} is {drawn.shape[1]} by {drawn.shape[0]} pixels and its photo "
            f"{shape[1]} by {shape[0]}; draw it at the photo's size."
        )
    return drawn if mask is None else mask & drawn


def _mask_beside(picture: Path) -> Path | None:
    """A mask that lies in `masks` beside the photo or beside its folder, as NAME.png or NAME.ENDING.png."""
    for folder in (picture.parent / "masks", picture.parent.parent / "masks"):
        for name in (f"{picture.stem}.png", f"{picture.name}.png"):
            if (folder / name).is_file():
                return folder / name
    return None
