"""Small files: quantisation, meshopt and Draco compression, image formats, and the profiles."""

from __future__ import annotations

from bodyscan.gltf.pack.budget import PartSizes, over_budget, part_sizes
from bodyscan.gltf.pack.options import PROFILES, PackOptions, limited, profile
from bodyscan.gltf.pack.pack import pack

__all__ = [
    "PROFILES",
    "PackOptions",
    "PartSizes",
    "limited",
    "over_budget",
    "pack",
    "part_sizes",
    "profile",
]
