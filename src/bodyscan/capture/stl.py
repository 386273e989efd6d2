"""STL, ASCII and binary, by trimesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from trimesh.exchange.stl import load_stl

from bodyscan.capture.parts import Parsed, Part
from bodyscan.errors import InputError


def read_stl(path: Path) -> Parsed:
    """Return the triangles of an STL file as they are: every triangle has its own three vertices."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(84)
        if len(head) < 84 and not head.lstrip().lower().startswith(b"solid"):
            raise InputError(f"{path.name} is no STL file: it is too short for one. Check its extension.")
        promised = int(np.frombuffer(head[80:84], "<u4")[0]) if len(head) == 84 else 0
        is_text = head.lstrip().lower().startswith(b"solid") and size != 84 + 50 * promised
        if not is_text and size < 84 + 50 * promised:
            raise InputError(
                f"{path.name} is truncated: its header promises {promised} triangles and there are "
                f"{max(size - 84, 0) // 50}. Copy it again."
            )
        file.seek(0)
        if is_text and b"endsolid" not in _tail(path):
            raise InputError(f"{path.name} is truncated: an ASCII STL ends with 'endsolid'. Copy it again.")
        loaded = load_stl(file)
    if "geometry" in loaded:  # several solids in one file
        parts = [_part(solid) for solid in loaded["geometry"].values()]
    else:
        parts = [_part(loaded)]
    if not any(len(p.faces) for p in parts):
        raise InputError(f"{path.name} is an STL file without triangles. Export the scan again.")
    return Parsed(parts)


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 512, 0))
        return file.read().lower()


def _part(loaded: dict) -> Part:
    return Part(np.asarray(loaded["vertices"], np.float64), np.asarray(loaded["faces"], np.int64))
