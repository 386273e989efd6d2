"""GLB and glTF 2.0: node transforms, skins at the pose of the nodes, base colour textures, COLOR_0.

The JSON is read directly: a scan needs six of its tables. Morph targets are left at weight 0.
"""

from __future__ import annotations

import base64
import io
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from bodyscan.capture.accessors import read_accessor, view_bytes
from bodyscan.capture.colors import linear_to_srgb_u8
from bodyscan.capture.companions import find_companion, load_texture
from bodyscan.capture.gltf_nodes import skinned, world_matrices
from bodyscan.capture.parts import Parsed, Part
from bodyscan.errors import InputError
from bodyscan.types import Texture

_REFUSED = {
    "KHR_draco_mesh_compression": "Draco compression",
    "EXT_meshopt_compression": "meshopt compression",
    "KHR_meshopt_compression": "meshopt compression",
}


@dataclass
class _File:
    path: Path
    doc: dict[str, Any]
    buffers: list[bytes]
    notes: list[str] = field(default_factory=list)
    images: dict[int, Texture | None] = field(default_factory=dict)

    def accessor(self, index: int) -> NDArray[Any]:
        return read_accessor(self.doc, self.buffers, index)


def read_glb(path: Path) -> Parsed:
    """Return the meshes of the default scene of a GLB file in scene coordinates."""
    data = path.read_bytes()
    if data[:4] != b"glTF" or len(data) < 20:
        raise InputError(
            f"{path.name} is not a GLB file: it does not begin with 'glTF'. Check its extension."
        )
    version, length = struct.unpack("<II", data[4:12])
    if version != 2:
        raise InputError(f"{path.name} is glTF version {version}; only version 2 is read. Export it again.")
    if length > len(data):
        raise InputError(f"{path.name} is truncated: {length} bytes are promised, {len(data)} are there.")
    doc, blob, at = None, None, 12
    while at + 8 <= length:
        size, kind = struct.unpack("<I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if kind == b"JSON" and doc is None:
            doc = json.loads(body)
        elif kind == b"BIN\0" and blob is None:
            blob = body
        at += 8 + size
    if doc is None:
        raise InputError(f"{path.name} is damaged: it has no JSON chunk. Export it again.")
    if not isinstance(doc, dict):
        raise InputError(f"{path.name} is damaged: its JSON is no glTF document. Export it again.")
    return _read(path, doc, blob)


def read_gltf(path: Path) -> Parsed:
    """Return the meshes of a .gltf file; buffers and images are read from its own folder only."""
    doc = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(doc, dict) or "asset" not in doc:
        raise InputError(f"{path.name} is JSON and no glTF: it has no 'asset'. Check the file.")
    return _read(path, doc, None)


def _read(path: Path, doc: dict[str, Any], blob: bytes | None) -> Parsed:
    for name in doc.get("extensionsRequired", []):
        if name in _REFUSED:
            raise InputError(
                f"{path.name} uses {_REFUSED[name]} ({name}), which is not read. "
                "Export the scan again without compression."
            )
    file = _File(path, doc, [])
    for index, buffer in enumerate(doc.get("buffers", [])):
        file.buffers.append(_buffer(file, buffer, blob if index == 0 else None))
    worlds = world_matrices(doc)
    parts: list[Part] = []
    for node_index, world in worlds.items():
        node = doc["nodes"][node_index]
        if "mesh" not in node:
            continue
        for primitive in doc["meshes"][node["mesh"]]["primitives"]:
            part = _primitive(file, primitive)
            if part is not None:
                _place(file, part, primitive, node, world, worlds)
                parts.append(part)
    if not parts:
        raise InputError(f"{path.name} holds no mesh in its scene. Export the scan again.")
    return Parsed(parts, list(dict.fromkeys(file.notes)))


def _buffer(file: _File, buffer: dict[str, Any], blob: bytes | None) -> bytes:
    uri = buffer.get("uri")
    if uri is None:
        data = blob if blob is not None else b""
    elif uri.startswith("data:"):
        head, _, body = uri.partition(",")
        data = base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
    else:
        found = find_companion(file.path, unquote(uri), file.notes)
        if found is None:
            raise InputError(
                f"{file.path.name} needs its buffer {uri}, which is not in its folder. "
                "Put both files into one folder, or export a GLB."
            )
        data = found.read_bytes()
    if len(data) < buffer["byteLength"]:
        raise InputError(
            f"{file.path.name} is truncated: a buffer has {len(data)} of {buffer['byteLength']} bytes."
        )
    return data


def _triangles(indices: NDArray[np.int64], mode: int) -> NDArray[np.int64]:
    if mode == 4:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    if mode == 6:
        middle = np.stack([indices[1:-1], indices[2:]], axis=1)
        return np.column_stack([np.full(len(middle), indices[0]), middle])
    strip = np.stack([indices[:-2], indices[1:-1], indices[2:]], axis=1)
    strip[1::2] = strip[1::2, ::-1]
    good = (strip[:, 0] != strip[:, 1]) & (strip[:, 1] != strip[:, 2]) & (strip[:, 0] != strip[:, 2])
    return strip[good]


def _primitive(file: _File, primitive: dict[str, Any]) -> Part | None:
    mode, attributes = primitive.get("mode", 4), primitive.get("attributes", {})
    if "POSITION" not in attributes or mode in (1, 2, 3):
        file.notes.append("Lines in the file were left out.")
        return None
    for name in primitive.get("extensions", {}):
        if name in _REFUSED and "bufferView" not in file.doc["accessors"][attributes["POSITION"]]:
            raise InputError(
                f"{file.path.name} uses {_REFUSED[name]} ({name}), which is not read. "
                "Export the scan again without compression."
            )
    positions = file.accessor(attributes["POSITION"]).astype(np.float64)
    if "indices" in primitive:
        indices = file.accessor(primitive["indices"]).astype(np.int64).reshape(-1)
    else:
        indices = np.arange(len(positions))
    faces = np.zeros((0, 3), np.int64) if mode == 0 else _triangles(indices, mode)
    part = Part(positions, faces)
    if "COLOR_0" in attributes:
        part.colors = linear_to_srgb_u8(file.accessor(attributes["COLOR_0"]))
    if "NORMAL" in attributes and mode == 0:
        part.normals = file.accessor(attributes["NORMAL"]).astype(np.float64)
    _material(file, part, primitive, attributes)
    return part


def _material(file: _File, part: Part, primitive: dict[str, Any], attributes: dict[str, int]) -> None:
    material = file.doc["materials"][primitive["material"]] if "material" in primitive else {}
    pbr = material.get("pbrMetallicRoughness", {})
    factor = np.asarray(pbr.get("baseColorFactor", [1, 1, 1, 1]), np.float64)[:3]
    info = pbr.get("baseColorTexture")
    if info is None:
        legacy = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness", {})
        info = legacy.get("diffuseTexture")
        factor = np.asarray(legacy.get("diffuseFactor", [*factor, 1]), np.float64)[:3]
    if info is not None:
        transform = info.get("extensions", {}).get("KHR_texture_transform", {})
        uv_name = f"TEXCOORD_{transform.get('texCoord', info.get('texCoord', 0))}"
        texture = _texture(file, info["index"]) if uv_name in attributes else None
        if texture is not None:
            part.texture = texture
            part.uvs = _transformed(file.accessor(attributes[uv_name]).astype(np.float64), transform)
            if (factor < 0.99).any():
                file.notes.append("A colour factor over a texture was left out.")
            return
    if (factor < 0.999).any():
        if part.colors is None:
            part.material_rgb = linear_to_srgb_u8(factor)
        else:
            linear = file.accessor(attributes["COLOR_0"])[:, :3] * factor
            part.colors = linear_to_srgb_u8(linear)


def _transformed(uvs: NDArray[np.float64], transform: dict[str, Any]) -> NDArray[np.float64]:
    """Apply KHR_texture_transform: scale, then rotate, then shift."""
    if not transform:
        return uvs
    angle = float(transform.get("rotation", 0.0))
    scaled = uvs * np.asarray(transform.get("scale", [1, 1]), np.float64)
    cos, sin = np.cos(angle), np.sin(angle)
    rotated = np.stack(
        [cos * scaled[:, 0] + sin * scaled[:, 1], cos * scaled[:, 1] - sin * scaled[:, 0]], axis=1
    )
    return rotated + np.asarray(transform.get("offset", [0, 0]), np.float64)


def _texture(file: _File, index: int) -> Texture | None:
    entry = file.doc["textures"][index]
    source = entry.get("source")
    for extension in ("EXT_texture_webp", "EXT_texture_avif"):
        if source is None:
            source = entry.get("extensions", {}).get(extension, {}).get("source")
    if source is None:
        file.notes.append("A texture of an unknown compression was left out.")
        return None
    if source not in file.images:
        image = file.doc["images"][source]
        label = image.get("name", f"image {source}")
        stream: Any = None
        if "bufferView" in image:
            stream = io.BytesIO(view_bytes(file.doc, file.buffers, image["bufferView"]))
        elif image["uri"].startswith("data:"):
            stream = io.BytesIO(base64.b64decode(image["uri"].partition(",")[2]))
        else:
            stream = find_companion(file.path, unquote(image["uri"]), file.notes)
        file.images[source] = None if stream is None else load_texture(stream, label, file.notes)
    return file.images[source]


def _place(
    file: _File,
    part: Part,
    primitive: dict[str, Any],
    node: dict[str, Any],
    world: NDArray[np.float64],
    worlds: dict[int, NDArray[np.float64]],
) -> None:
    """Move a part to scene coordinates: by its node, or by its skin where it has one."""
    attributes = primitive["attributes"]
    if "skin" in node and "JOINTS_0" in attributes and "WEIGHTS_0" in attributes:
        skin = file.doc["skins"][node["skin"]]
        binds = None
        if "inverseBindMatrices" in skin:
            binds = file.accessor(skin["inverseBindMatrices"]).astype(np.float64).reshape(-1, 4, 4)
        sets = [i for i in range(8) if f"JOINTS_{i}" in attributes and f"WEIGHTS_{i}" in attributes]
        joints = np.concatenate([file.accessor(attributes[f"JOINTS_{i}"]) for i in sets], axis=1)
        weights = np.concatenate([file.accessor(attributes[f"WEIGHTS_{i}"]) for i in sets], axis=1)
        part.vertices = skinned(part.vertices, joints, weights, skin["joints"], binds, worlds)
        return
    part.vertices = part.vertices @ world[:3, :3].T + world[:3, 3]
    if np.linalg.det(world[:3, :3]) < 0:  # a mirrored node turns its triangles over
        part.faces = part.faces[:, ::-1]
    if part.normals is not None:
        part.normals = part.normals @ np.linalg.pinv(world[:3, :3])
