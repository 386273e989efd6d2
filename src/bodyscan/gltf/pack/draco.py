"""Compresses geometry with Draco (KHR_draco_mesh_compression) through DracoPy, the extra `draco`.

Draco's best mode (Rossignac's edgebreaker) puts triangles and vertices into an order of its own. Face shapes
lie outside of the stream and name vertices by their number, so they must follow. The mesh is encoded twice:
once with each vertex's number as a further attribute, which tells the order, and once without. Measured on a
twin of 15,034 vertices with byte weights: 226 kB, against 460 kB in the sequential mode that keeps the order
(which is what gltf-pipeline and glTF-Transform use where there are face shapes).

Positions, normals and texture coordinates are quantised inside of the stream and come back as floats, so the
file needs no KHR_mesh_quantization for them. Joints, weights, colours and `_BODY_VERTEX` are kept exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.decode_draco import DracoMesh, decode_draco, draco_module
from bodyscan.gltf.pack.arrays import Arrays
from bodyscan.gltf.pack.options import DRACO, PackOptions

NORMAL_BITS = {8: 10, 16: 14}
"""Octahedral bits of the stream for `PackOptions.normal_bits`."""
FIRST_ID, NUMBER = 10, "number"
TEXCOORD_BITS = 14
LEVEL = 7
"""Of the encoder's effort, 0 to 10."""


def compress_draco(arrays: Arrays, options: PackOptions) -> None:
    """Move the triangles and attributes of every primitive into a Draco stream, in place.

    The accessors stay, without data, and state the bounds of what the stream decodes to. A mesh declared as
    manifold (the collision body) stays plain: the declaration names its triangles' corners by their place,
    and Draco moves them. Raises `MissingExtraError` without DracoPy, `InputError` where a mesh cannot be
    compressed.
    """
    module = draco_module()
    for mesh in arrays.document.get("meshes", []):
        if "EXT_mesh_manifold" in mesh.get("extensions", {}):
            continue
        for primitive in mesh["primitives"]:
            _compress_primitive(arrays, primitive, module, options)
            arrays.use(DRACO)


def _compress_primitive(arrays: Arrays, primitive: dict[str, Any], module: Any, options: PackOptions) -> None:
    attributes = primitive["attributes"]
    values = {name: arrays.accessors[index].values for name, index in attributes.items()}
    floats = {name for name in ("POSITION", "NORMAL", "TEXCOORD_0") if name in values}
    if any(values[name].dtype != np.dtype("<f4") for name in floats):
        raise InputError("The mesh is quantised already; give the uncompressed master file to Draco.")
    if "indices" not in primitive:
        raise InputError("A mesh without triangle indices cannot be compressed with Draco.")
    indices = arrays.accessors[primitive["indices"]]
    faces = indices.values.reshape(-1, 3).astype(np.uint32)
    # Ids above those that the encoder gives to the three known attributes.
    others = {name: FIRST_ID + i for i, name in enumerate(sorted(set(values) - floats))}
    numbers = np.arange(len(values["POSITION"]), dtype=np.uint32)[:, None]
    numbered = _encode(module, values | {NUMBER: numbers}, faces, others | {NUMBER: FIRST_ID - 1}, options)
    order = decode_draco(numbered, {NUMBER: FIRST_ID - 1}).attributes[NUMBER][:, 0]
    stream = _encode(module, values, faces, others, options)
    ids = others | _known_ids(module, stream, floats)
    decoded = decode_draco(stream, ids)
    _check_order(values, faces, order, decoded, others)
    for name, index in attributes.items():
        accessor = arrays.accessors[index]
        accessor.values = decoded.attributes[name].astype(accessor.values.dtype)
        accessor.external = True
    for target in primitive.get("targets", []):
        for index in target.values():
            arrays.accessors[index].values = arrays.accessors[index].values[order]
    indices.external = True
    arrays.streams.append(stream)
    extension = {"bufferView": len(arrays.streams) - 1, "attributes": ids}
    primitive.setdefault("extensions", {})[DRACO] = extension


def _encode(
    module: Any, values: Mapping[str, NDArray[Any]], faces: Any, ids: Mapping[str, int], options: PackOptions
) -> bytes:
    return module.encode(
        values["POSITION"],
        faces,
        quantization_bits=options.position_bits,
        compression_level=LEVEL,
        normals=_wide(values.get("NORMAL")),
        tex_coord=_wide(values.get("TEXCOORD_0")),
        normal_quantization_bits=NORMAL_BITS[options.normal_bits],
        tex_coord_quantization_bits=TEXCOORD_BITS,
        generic_attributes={ids[name]: np.ascontiguousarray(values[name]) for name in ids} or None,
    )


def _check_order(
    values: Mapping[str, NDArray[Any]], faces: Any, order: Any, decoded: DracoMesh, exact: Mapping[str, int]
) -> None:
    """Refuse where the second stream does not stand in the order that the first one told."""
    count = len(values["POSITION"])
    same = len(order) == count and np.array_equal(np.sort(order), np.arange(count))
    same = same and all(np.array_equal(decoded.attributes[name], values[name][order]) for name in exact)
    if not same or sorted_triangles(order[decoded.faces]) != sorted_triangles(faces):
        raise InputError(
            "Draco does not keep this mesh's vertices apart, so its face shapes would be torn; "
            "pack it with meshopt."
        )


def sorted_triangles(faces: Any) -> list[tuple[int, ...]]:
    """Return the triangles (F, 3) as a sorted list, each turned to begin with its least corner."""
    faces = np.asarray(faces, np.int64)
    turn = (faces.argmin(axis=1)[:, None] + np.arange(3)) % 3
    return sorted(map(tuple, np.take_along_axis(faces, turn, axis=1).tolist()))


def _wide(values: NDArray[Any] | None) -> NDArray[np.float64] | None:
    """Return float64, the one type that DracoPy takes here; the stream holds float32."""
    return None if values is None else values.astype(np.float64)


def _known_ids(module: Any, stream: bytes, floats: set[str]) -> dict[str, int]:
    types = {"POSITION": module.AttributeType.POSITION, "NORMAL": module.AttributeType.NORMAL}
    types["TEXCOORD_0"] = module.AttributeType.TEX_COORD
    mesh = module.decode(stream)
    return {name: int(mesh.get_attribute_by_type(types[name])["unique_id"]) for name in sorted(floats)}
