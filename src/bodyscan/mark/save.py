"""The one door through which pictures of a twin are written: labelled, watermarked, with metadata."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bodyscan.errors import InputError
from bodyscan.files import write_atomic
from bodyscan.mark.info import MarkInfo
from bodyscan.mark.label import LabelOptions, draw_label
from bodyscan.mark.label_place import Box
from bodyscan.mark.metadata import PNG_XMP_KEY, SourceType, xmp_packet
from bodyscan.mark.watermark_detect import reads_back
from bodyscan.mark.watermark_embed import embed_watermark, watermark_gap
from bodyscan.types import U8

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
QUALITY = 90
"""Of JPEG and WebP."""
WATERMARK_NAME = "bodyscan 1"
UNREADABLE = "the picture is too busy for its size; a watermark could not be read back"


@dataclass(frozen=True, eq=False)
class MarkedPicture:
    """A picture with the marks that lie in its pixels."""

    image: U8
    """(H, W, 3) uint8 sRGB, labelled, and watermarked where `watermark_gap` is empty."""
    watermark_gap: str
    """Why the picture carries no watermark, or ""."""

    @property
    def watermark(self) -> str:
        """What the metadata says of the watermark."""
        return f"none: {self.watermark_gap}" if self.watermark_gap else WATERMARK_NAME


def mark_picture(
    image: U8, info: MarkInfo, *, label: LabelOptions | None = None, avoid: Sequence[Box] = ()
) -> MarkedPicture:
    """Label `image` (H, W, 3) uint8 sRGB and lay the watermark over it; `avoid` as in `draw_label`.

    A picture with a side under 200 px, or one so busy for its size that the watermark cannot be read back,
    gets the label alone: the result says so, and so do the metadata of a file that is written. Raises what
    `draw_label` raises.
    """
    labelled = draw_label(image, info, label, avoid)
    if gap := watermark_gap(labelled.shape[1], labelled.shape[0]):
        return MarkedPicture(labelled, gap)
    marked = embed_watermark(labelled, info.twin_bytes)
    if not reads_back(marked, info.twin_bytes):
        return MarkedPicture(labelled, UNREADABLE)
    return MarkedPicture(marked, "")


def encode_marked(
    image: U8,
    info: MarkInfo,
    *,
    file_format: str = "PNG",
    source_type: SourceType | None = None,
    label: LabelOptions | None = None,
    avoid: Sequence[Box] = (),
) -> bytes:
    """Mark `image` (H, W, 3) uint8 sRGB and return it as PNG, JPEG or WEBP bytes with its XMP packet.

    `source_type`: None for the one that `info` names; `avoid` as in `draw_label`. Where the picture carries
    no watermark, `consent:Watermark` in the packet says why; `mark_picture` tells it too.
    """
    if file_format not in FORMATS.values():
        raise InputError(f"file_format is {file_format!r}; possible are PNG, JPEG and WEBP.")
    marked = mark_picture(image, info, label=label, avoid=avoid)
    picture = Image.fromarray(np.asarray(marked.image))
    packet = xmp_packet(info, source_type or SourceType(info.source_type), marked.watermark)
    buffer = io.BytesIO()
    if file_format == "PNG":
        chunks = PngInfo()
        chunks.add_itxt(PNG_XMP_KEY, packet)
        picture.save(buffer, "PNG", pnginfo=chunks, optimize=False, compress_level=6)
    elif file_format == "JPEG":
        picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0, xmp=packet.encode())
    else:
        picture.save(buffer, "WEBP", quality=QUALITY, method=4, xmp=packet.encode())
    return buffer.getvalue()


def save_marked(
    image: U8,
    path: str | Path,
    info: MarkInfo,
    *,
    source_type: SourceType | None = None,
    label: LabelOptions | None = None,
    avoid: Sequence[Box] = (),
) -> Path:
    """Write `image` (H, W, 3) uint8 sRGB to a .png, .jpg, .jpeg or .webp file with all its marks.

    The file appears complete or not at all. Arguments as in `encode_marked`. Raises `InputError` for
    another extension or a missing folder.
    """
    target = Path(path)
    file_format = FORMATS.get(target.suffix.lower())
    if file_format is None:
        known = ", ".join(FORMATS)
        raise InputError(f"{target.name} has the extension {target.suffix!r}; possible are {known}.")
    if not target.parent.is_dir():
        raise InputError(f"The folder {target.parent} does not exist; create it first.")
    data = encode_marked(
        image, info, file_format=file_format, source_type=source_type, label=label, avoid=avoid
    )
    write_atomic(target, data)
    return target
