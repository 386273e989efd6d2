"""Marks on pictures of people: a label for the eye and metadata for machines.

`save_marked` and `encode_marked` are the doors through which a picture of a twin leaves the program.
"""

from __future__ import annotations

from bodyscan.mark.info import MarkInfo
from bodyscan.mark.label import LabelOptions, draw_label
from bodyscan.mark.metadata import SourceType, read_mark, xmp_packet
from bodyscan.mark.save import encode_marked, save_marked

__all__ = [
    "LabelOptions",
    "MarkInfo",
    "SourceType",
    "draw_label",
    "encode_marked",
    "read_mark",
    "save_marked",
    "xmp_packet",
]
