"""MTL material libraries: colour and colour texture of each material."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodyscan.capture.companions import find_companion, load_texture
from bodyscan.types import Texture

# Options before the file name of a map statement, with the number of values that follow each.
_MAP_OPTION = re.compile(
    r"^\s*-(?:(?:blendu|blendv|cc|clamp|imfchan|type|boost|bm|texres)\s+\S+|mm\s+\S+\s+\S+|"
    r"[ost](?:\s+-?[\d.]+(?:e-?\d+)?){1,3})\s+",
    re.IGNORECASE,
)
_LIBRARY_NAME = re.compile(r"\S.*?\.mtl(?=\s|$)", re.IGNORECASE)


@dataclass
class Material:
    """What a scan needs of a material."""

    rgb: NDArray[np.uint8] | None = None
    """(3,) sRGB diffuse colour."""
    texture: Texture | None = None


def read_materials(scan: Path, libraries: list[str], used: set[str], notes: list[str]) -> dict[str, Material]:
    """Return the materials of `used` that the libraries beside `scan` describe; each image is read once.

    `libraries`: what follows each `mtllib` of the scan.
    """
    materials: dict[str, Material] = {}
    images: dict[str, Texture | None] = {}
    for library in (name for line in libraries for name in library_files(line)):
        file = find_companion(scan, library, notes)
        if file is None:
            continue
        current: Material | None = None
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, rest = line.strip().partition(" ")
            key, rest = key.lower(), rest.strip()
            if key == "newmtl":
                current = materials.setdefault(rest, Material()) if rest in used else None
            elif current is None or not rest:
                continue
            elif key == "kd":
                current.rgb = _kd(rest)
            elif key == "map_kd":
                name = map_file(rest)
                if name not in images:
                    image = find_companion(scan, name, notes)
                    images[name] = load_texture(image, name, notes) if image else None
                current.texture = images[name]
    return materials


def library_files(line: str) -> list[str]:
    """Return the libraries that what follows `mtllib` names: several `NAME.mtl`, or one, blanks included."""
    several = _LIBRARY_NAME.findall(line)
    return several if len(several) > 1 else [line.strip()]


def map_file(rest: str) -> str:
    """Return the image that what follows `map_Kd` names, its options left out."""
    while _MAP_OPTION.match(rest):
        rest = _MAP_OPTION.sub("", rest, count=1)
    return rest


def _kd(rest: str) -> NDArray[np.uint8] | None:
    try:
        values = np.array([float(word) for word in rest.split()[:3]])
    except ValueError:
        return None
    if len(values) != 3 or not np.isfinite(values).all():
        return None
    return np.rint(values.clip(0, 1) * 255).astype(np.uint8)
