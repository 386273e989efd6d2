"""Marks on pictures of people: a label for the eye, metadata for machines, a watermark in the pixels.

`save_marked` and `encode_marked` are the doors through which a picture of a twin leaves the program; `detect`
reads the marks of a picture that came back.
"""

from __future__ import annotations

from bodyscan.mark.detect import Agreement, Detection, detect, detect_file
from bodyscan.mark.info import MarkInfo
from bodyscan.mark.label import LabelOptions, draw_label
from bodyscan.mark.metadata import SourceType, read_mark, xmp_packet
from bodyscan.mark.save import MarkedPicture, encode_marked, mark_picture, save_marked
from bodyscan.mark.twin_id import TwinName, TwinNames, mark_under, names_of_consent, twin_id
from bodyscan.mark.watermark_detect import Search, Watermark, find_watermark
from bodyscan.mark.watermark_embed import embed_watermark, watermark_gap

__all__ = [
    "Agreement",
    "Detection",
    "LabelOptions",
    "MarkInfo",
    "MarkedPicture",
    "Search",
    "SourceType",
    "TwinName",
    "TwinNames",
    "Watermark",
    "detect",
    "detect_file",
    "draw_label",
    "embed_watermark",
    "encode_marked",
    "find_watermark",
    "mark_picture",
    "mark_under",
    "names_of_consent",
    "read_mark",
    "save_marked",
    "twin_id",
    "watermark_gap",
    "xmp_packet",
]
