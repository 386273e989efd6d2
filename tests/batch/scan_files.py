"""Scans of several files, small, and what puts them into a store."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bodyscan.batch.storage import Store


def glb(document: dict[str, Any]) -> bytes:
    """Return a GLB of one chunk."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text), len(text), b"JSON") + text


def picture(red: int) -> bytes:
    """Return a PNG of one colour."""
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), (red, 20, 30), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4")
UVS = np.array([[0, 0], [1, 0], [0, 1]], "<f4")
OBJ = b"""# a scan
mtllib my woman.mtl
v 0 0 0
v 1 0 0
v 0 1 0
vt 0 0
vt 1 0
vt 0 1
usemtl skin
f 1/1 2/2 3/3
"""
MTL = b"newmtl skin\nKd 1 1 1\nmap_Kd -s 1 1 1 -clamp on C:\\studio\\skin 1.png\n"
PLY = b"""ply
format ascii 1.0
comment TextureFile tex/skin 1.png
element vertex 3
property float x
property float y
property float z
property float s
property float t
element face 1
property list uchar int vertex_indices
end_header
0 0 0 0 0
1 0 0 1 0
0 1 0 0 1
3 0 1 2
"""
GLTF = {
    "asset": {"version": "2.0"},
    "scene": 0,
    "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0}],
    "meshes": [
        {"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}]}
    ],
    "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
    "textures": [{"source": 0}],
    "images": [{"uri": "tex/sk%C3%A4n%201.png"}],
    "buffers": [{"uri": "my%20woman.bin", "byteLength": 66}],
    "bufferViews": [
        {"buffer": 0, "byteOffset": 0, "byteLength": 36},
        {"buffer": 0, "byteOffset": 36, "byteLength": 24},
        {"buffer": 0, "byteOffset": 60, "byteLength": 6},
    ],
    "accessors": [
        {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
        {"bufferView": 1, "componentType": 5126, "count": 3, "type": "VEC2"},
        {"bufferView": 2, "componentType": 5123, "count": 3, "type": "SCALAR"},
    ],
}
BUFFER = TRIANGLE.tobytes() + UVS.tobytes() + np.arange(3, dtype="<u2").tobytes()
SCANS: dict[str, dict[str, bytes]] = {
    "woman.obj": {"woman.obj": OBJ, "my woman.mtl": MTL, "skin 1.png": picture(200)},
    "woman.PLY": {"woman.PLY": PLY, "tex/skin 1.png": picture(200)},
    "woman.gltf": {
        "woman.gltf": json.dumps(GLTF).encode(),
        "my woman.bin": BUFFER,
        "tex/skän 1.png": picture(200),
    },
    "woman.glb": {"woman.glb": glb(GLTF), "my woman.bin": BUFFER, "tex/skän 1.png": picture(200)},
}
"""Scan -> its files, the texture last."""


def put(store: Store, files: dict[str, bytes], folder: str = "") -> None:
    """Write files into a store."""
    for name, data in files.items():
        store.write(f"{folder}{name}", data)


def files_in(folder: Path) -> set[str]:
    """Return the names of all files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
