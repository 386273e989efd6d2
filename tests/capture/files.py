"""Tiny scan files that the reader tests write."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

QUAD_CUBE = """v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0 0 1
v 1 0 1
v 1 1 1
v 0 1 1
f 1 4 3 2
f 5 6 7 8
f 1 2 6 5
f 2 3 7 6
f 3 4 8 7
f 4 1 5 8
"""

CUBE_VERTICES = np.array([[float(w) for w in line.split()[1:]] for line in QUAD_CUBE.splitlines()[:8]])
CUBE_QUADS = np.array([[int(w) - 1 for w in line.split()[1:]] for line in QUAD_CUBE.splitlines()[8:]])


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume enclosed by a closed mesh, positive where its faces run counter-clockwise from outside."""
    a, b, c = (np.asarray(vertices)[np.asarray(faces)[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def write_glb(path: Path, doc: dict, blob: bytes) -> Path:
    """Write a GLB of a JSON document and one buffer."""
    blob += b"\0" * (-len(blob) % 4)
    doc = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": len(blob)}], **doc}
    text = json.dumps(doc).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(blob), b"BIN\0") + blob
    path.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks)
    return path


class GlbBuilder:
    """Collects arrays as accessors of one buffer."""

    def __init__(self) -> None:
        self.blob = b""
        self.views: list[dict] = []
        self.accessors: list[dict] = []

    def view(self, data: bytes) -> int:
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.views.append({"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)})
        self.blob += data
        return len(self.views) - 1

    def accessor(self, values: np.ndarray, kind: str, **more: object) -> int:
        code = {"f4": 5126, "u4": 5125, "u2": 5123, "u1": 5121}[values.dtype.str[1:]]
        view = self.view(np.ascontiguousarray(values).tobytes())
        self.accessors.append(
            {"bufferView": view, "componentType": code, "type": kind, "count": len(values), **more}
        )
        return len(self.accessors) - 1

    def write(self, path: Path, **doc: object) -> Path:
        tables = {"bufferViews": self.views, "accessors": self.accessors}
        return write_glb(path, {**tables, **doc}, self.blob)
