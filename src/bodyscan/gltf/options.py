"""How a twin is written, and for whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.errors import InputError
from bodyscan.gltf.targets import load_target

TEXTURE_FORMATS = ("png", "jpeg")


@dataclass(frozen=True)
class GltfOptions:
    """How a twin is written."""

    target: str = "gltf"
    """Whom the file is for: `gltf`, `vrm`, `mixamo`, `unreal` or `unity` (`bodyscan.gltf.targets`)."""
    morphs: bool = True
    """Write the face shapes."""
    morph_normals: bool = True
    """Write a normal displacement for each face shape too: right light on moved skin, for twice the data."""
    morph_min_delta_m: float = 2e-6
    """Displacements shorter than this are left out, metres, 0 or more."""
    vertex_source: bool = True
    """Write `_BODY_VERTEX`, the body-topology vertex of each twin vertex (4 bytes a vertex)."""
    roughness: float = 0.6
    """Of the skin material where the twin has no roughness map, 0..1."""
    textures: bool = True
    """Write the twin's images where the target takes any; without them the vertex colours are written."""
    texture_format: str = "png"
    """`png` (every texel as it was baked) or `jpeg` (a quarter of the size)."""
    texture_quality: int = 92
    """Of JPEG images, 50 to 100; colour is kept at full resolution."""

    def __post_init__(self) -> None:
        load_target(self.target)
        if not 0 <= self.roughness <= 1:
            raise InputError(f"GltfOptions.roughness is {self.roughness}; give a value from 0 to 1.")
        if not (np.isfinite(self.morph_min_delta_m) and self.morph_min_delta_m >= 0):
            raise InputError(
                f"GltfOptions.morph_min_delta_m is {self.morph_min_delta_m}; give 0 or more metres."
            )
        if self.texture_format not in TEXTURE_FORMATS:
            raise InputError(
                f"GltfOptions.texture_format is '{self.texture_format}'; "
                f"possible are {', '.join(TEXTURE_FORMATS)}."
            )
        if not 50 <= self.texture_quality <= 100:
            raise InputError(f"GltfOptions.texture_quality is {self.texture_quality}; give 50 to 100.")
