"""Which twin a picture shows: what its metadata say, what its watermark says, and whether the two agree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bodyscan.errors import InputError
from bodyscan.mark.info import MarkInfo
from bodyscan.mark.metadata import SourceType, parse_packet, read_picture
from bodyscan.mark.twin_id import TwinName, TwinNames
from bodyscan.mark.watermark_code import CODE_BITS
from bodyscan.mark.watermark_detect import Search, find_watermark
from bodyscan.mark.watermark_embed import watermark_gap
from bodyscan.types import U8


class Agreement(StrEnum):
    """How watermark and metadata stand to each other."""

    AGREE = "agree"
    """Both are there and name one twin."""
    DISAGREE = "disagree"
    """They name different twins: the metadata or the picture was exchanged."""
    WATERMARK_ONLY = "watermark_only"
    """The metadata were taken off, as most platforms do."""
    METADATA_ONLY = "metadata_only"
    """Metadata alone, which anybody can write."""
    NONE = "none"
    """Neither is there."""


@dataclass(frozen=True)
class Detection:
    """What was found in a picture."""

    agreement: Agreement
    reason: str
    """One or two sentences."""
    search: Search
    """The watermark, or how near the search came."""
    info: MarkInfo | None
    """What the metadata say; None without them."""
    source_type: SourceType | None
    name: TwinName | None
    """Whom the id stands for, where the names given know it."""

    @property
    def twin_id(self) -> str | None:
        """16 hex digits, from the watermark where there is one, else from the metadata; None without
        either."""
        if self.search.watermark is not None:
            return self.search.watermark.payload.hex()
        return None if self.info is None else self.info.twin_id

    @property
    def found(self) -> bool:
        """Whether the picture names a twin at all."""
        return self.agreement is not Agreement.NONE


def detect(image: U8, names: TwinNames | None = None, packet: str | None = None) -> Detection:
    """Look for the marks of `image` (H, W, 3) uint8 sRGB; `packet` is the XMP packet of its file.

    `names` (twin id -> name) comes from the twins at hand (`names_of_consent`) or from a ledger. Never
    raises for what a picture or a packet holds; a damaged packet counts as none, and the reason says so.
    """
    info, source_type, problem = _said(packet)
    search = find_watermark(image)
    agreement = _agreement(search, info)
    why = _reason(agreement, search, info, image.shape[1], image.shape[0])
    reason = f"{why} {problem}".strip()
    bare = Detection(agreement, reason, search, info, source_type, None)
    name = (names or {}).get(bytes.fromhex(bare.twin_id)) if bare.twin_id else None
    return Detection(agreement, reason, search, info, source_type, name)


def detect_file(path: str | Path, names: TwinNames | None = None) -> Detection:
    """Look for the marks of a PNG, JPEG or WebP file; `InputError` where it is no picture."""
    pixels, packet = read_picture(path)
    return detect(pixels, names, packet)


def _said(packet: str | None) -> tuple[MarkInfo | None, SourceType | None, str]:
    if packet is None:
        return None, None, ""
    try:
        said = parse_packet(packet)
    except InputError as error:
        return None, None, str(error)
    return (None, None, "") if said is None else (*said, "")


def _agreement(search: Search, info: MarkInfo | None) -> Agreement:
    if search.watermark is None:
        return Agreement.NONE if info is None else Agreement.METADATA_ONLY
    if info is None:
        return Agreement.WATERMARK_ONLY
    return Agreement.AGREE if search.watermark.payload == info.twin_bytes else Agreement.DISAGREE


def _reason(agreement: Agreement, search: Search, info: MarkInfo | None, width: int, height: int) -> str:
    mark = search.watermark
    read = "" if mark is None else f"{mark.turned} of {CODE_BITS} signs of the watermark were corrected."
    if search.is_damaged:
        missing = "There is a watermark, too damaged to be read."
    elif gap := watermark_gap(width, height):
        missing = f"No watermark was found: {gap}."
    else:
        missing = "No watermark was found."
    if agreement is Agreement.AGREE:
        return f"Watermark and metadata name the same twin; {read}"
    if agreement is Agreement.DISAGREE:
        said = "" if info is None else info.twin_id
        return (
            f"TAMPERED: the metadata name the twin {said}, the pixels carry another. Metadata are easily "
            f"exchanged, so the watermark counts; {read}"
        )
    if agreement is Agreement.WATERMARK_ONLY:
        return f"The picture has no metadata of ours; {read}"
    if agreement is Agreement.METADATA_ONLY:
        return f"{missing} The metadata alone name a twin, and anybody can write metadata."
    return f"{missing} There are no metadata of ours."
