"""The one door through which pictures of a twin are written: always labelled, always with metadata."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bodyscan.errors import InputError
from bodyscan.files import write_atomic
from bodyscan.mark.info import MarkInfo
from bodyscan.mark.label import LabelOptions, draw_label
from bodyscan.mark.metadata import PNG_XMP_KEY, SourceType, xmp_packet
from bodyscan.types import U8

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
JPEG_QUALITY = 90


def encode_marked(
    image: U8,
    info: MarkInfo,
    *,
    file_format: str = "PNG",
    source_type: SourceType = SourceType.COMPOSITE_SYNTHETIC,
    label: LabelOptions | None = None,
) -> bytes:
    """Label `image` (H, W, 3) uint8 sRGB and return it as PNG or JPEG bytes with its XMP packet."""
    if file_format not in ("PNG", "JPEG"):
        raise InputError(f"file_format is {file_format!r}; possible are PNG and JPEG.")
    picture = Image.fromarray(np.asarray(draw_label(image, info, label)))
    packet = xmp_packet(info, source_type)
    buffer = io.BytesIO()
    if file_format == "PNG":
        chunks = PngInfo()
        chunks.add_itxt(PNG_XMP_KEY, packet)
        picture.save(buffer, "PNG", pnginfo=chunks, optimize=False, compress_level=6)
    else:
        xmp = packet.encode()
        picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0, xmp=xmp)
    return buffer.getvalue()


def save_marked(
    image: U8,
    path: str | Path,
    info: MarkInfo,
    *,
    source_type: SourceType = SourceType.COMPOSITE_SYNTHETIC,
    label: LabelOptions | None = None,
) -> Path:
    """Write `image` (H, W, 3) uint8 sRGB to a .png, .jpg or .jpeg file, labelled and marked.

    The file appears complete or not at all. Raises `InputError` for another extension or a missing folder.
    """
    target = Path(path)
    file_format = FORMATS.get(target.suffix.lower())
    if file_format is None:
        known = ", ".join(FORMATS)
        raise InputError(f"{target.name} has the extension {target.suffix!r}; possible are {known}.")
    if not target.parent.is_dir():
        raise InputError(f"The folder {target.parent} does not exist; create it first.")
    data = encode_marked(image, info, file_format=file_format, source_type=source_type, label=label)
    write_atomic(target, data)
    return target
