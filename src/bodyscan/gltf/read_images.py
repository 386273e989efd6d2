"""The image files inside a GLB, decoded."""

from __future__ import annotations

import io

import numpy as np

from bodyscan.errors import InputError, MissingExtraError
from bodyscan.types import U8

TEXTURE_EXTENSIONS = ("EXT_texture_webp", "KHR_texture_basisu")
TRANSFORM = "KHR_texture_transform"
FORMATS = ("PNG", "JPEG", "WEBP")
KTX2_MAGIC = b"\xabKTX 20\xbb\r\n\x1a\n"
MAX_SIDE = 8192
"""Pixels; a larger image is refused before it is decoded."""
MAX_IMAGE_BYTES = 256 << 20


def decode_image(data: bytes) -> U8:
    """Return the bytes of a PNG, JPEG or WebP file as (H, W, 3) uint8; transparency is left out.

    Raises `InputError` where it is another format, damaged or too large, `MissingExtraError` for KTX2.
    """
    from PIL import Image

    if data.startswith(KTX2_MAGIC):
        raise MissingExtraError(
            "The file's images are KTX2, which bodyscan writes and cannot decode; give the master file, or a "
            "copy with PNG, JPEG or WebP images."
        )
    if len(data) > MAX_IMAGE_BYTES:
        raise InputError(f"An image of the file has {len(data)} bytes; {MAX_IMAGE_BYTES} is the most.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if max(image.size) > MAX_SIDE:
                width, height = image.size
                raise InputError(
                    f"An image of the file is {width} by {height}; {MAX_SIDE} pixels a side is the most."
                )
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"An image of the file cannot be decoded: {error}.") from None
