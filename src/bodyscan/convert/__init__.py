"""A finished twin's GLB into FBX, USDZ and .blend, through Blender in a process of its own."""

from __future__ import annotations

from bodyscan.convert.convert import FORMATS, Converted, ConvertedFile, convert_twin

__all__ = ["FORMATS", "Converted", "ConvertedFile", "convert_twin"]
