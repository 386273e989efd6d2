"""Vertices as integers: KHR_mesh_quantization for a skinned mesh with face shapes.

A skinned mesh ignores its node's transform, so the way back from the integers to metres is multiplied into
the inverse bind matrices, as glTF-Transform and gltfpack do: `inverse_bind @ T(centre) @ S(half)`.
All skinned meshes of a document share one box, because they may share a skin. The scale is uniform, so that
normals keep their direction. Shapes are differences of positions and take the same scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.pack.arrays import AccessorData, Arrays
from bodyscan.gltf.pack.options import QUANTIZATION, PackOptions
from bodyscan.types import F64

LARGEST = {8: (np.dtype("i1"), 127), 16: (np.dtype("<i2"), 32767)}
GRID_EXPONENT = -16
"""Positions that stay floats are whole multiples of 2^-16 m, 15 micrometres."""
EXACT_IN_DRACO = ("WEIGHTS_0", "_BODY_VERTEX")
"""Attributes that a Draco stream holds without loss, and in fewer bytes as integers."""
UNSIGNED = {8: (np.dtype("u1"), 255), 16: (np.dtype("<u2"), 65535)}


def quantize(arrays: Arrays, options: PackOptions) -> None:
    """Turn float attributes into integers in place.

    The largest error of a position is `sqrt(3) / 2` steps of `extent / (2^bits - 2)` metres; each vertex's
    weights sum to exactly one. With Draco the shapes (on a scale of one metre) and the weights are done, for
    Draco quantises the rest itself. Raises `InputError` where a position is not finite.
    """
    whole = options.compress != "draco"
    half = 1.0
    skinned = _skinned_positions(arrays)
    if options.float_positions and options.compress == "meshopt":
        _snap_positions(arrays)
        skinned = []
    if whole and skinned:
        half = _quantize_positions(arrays, skinned, options)
    changed = bool(whole and skinned)
    for name, accessor, is_morph in list(arrays.attributes()):
        if accessor.values.dtype != np.dtype("<f4") or accessor.dropped:
            continue
        if is_morph:
            changed |= _quantize_shape(name, accessor, half, bool(skinned))
        elif whole or name in EXACT_IN_DRACO:
            changed |= _quantize_attribute(name, accessor, options)
    _clear_idle_joints(arrays)
    if changed:
        arrays.use(QUANTIZATION)


def _snap_positions(arrays: Arrays) -> None:
    """Round positions and shapes to the grid, in place; they stay float32."""
    for name, accessor, _ in arrays.attributes():
        if name == "POSITION" and accessor.values.dtype == np.dtype("<f4"):
            steps = np.rint(accessor.values.astype(np.float64) * 2.0**-GRID_EXPONENT)
            # Both the filter's 24 bits and float32 hold whole numbers up to 2^23.
            if not np.isfinite(steps).all() or np.abs(steps).max(initial=0) >= 2**23:
                raise InputError("A position of the mesh is not finite or beyond 128 m; it cannot be packed.")
            accessor.values = (steps * 2.0**GRID_EXPONENT).astype("<f4")
            accessor.exponent = GRID_EXPONENT


def _skinned_positions(arrays: Arrays) -> list[AccessorData]:
    """Return the POSITION accessors, where every mesh is skinned; none where one is not."""
    document = arrays.document
    skinned, plain = set(), set()
    for node in document.get("nodes", []):
        if "mesh" in node:
            (skinned if "skin" in node else plain).add(node["mesh"])
    if plain or len(skinned) != len(document.get("meshes", [])):
        return []
    indices = {primitive["attributes"]["POSITION"] for primitive in arrays.primitives()}
    found = [arrays.accessors[index] for index in sorted(indices)]
    return found if all(accessor.values.dtype == np.dtype("<f4") for accessor in found) else []


def _quantize_positions(arrays: Arrays, positions: list[AccessorData], options: PackOptions) -> float:
    """Quantise the positions and put the way back into the skins; return metres for the value one."""
    stacked = np.concatenate([accessor.values for accessor in positions]).astype(np.float64)
    if not np.isfinite(stacked).all():
        raise InputError("A position of the mesh is not finite; it cannot be quantised.")
    low, high = stacked.min(axis=0), stacked.max(axis=0)
    reach = max(float((high - low).max()) / 2, _largest_shape(arrays), 1e-6)
    half = float(np.float32(reach * 32767 / (2 ** (options.position_bits - 1) - 1)))
    # Exact in float32, so that the inverse binds hold them without rounding.
    centre = ((low + high) / 2).astype(np.float32).astype(np.float64)
    for accessor in positions:
        accessor.values = _signed((accessor.values.astype(np.float64) - centre) / half, 16)
        accessor.normalized = True
    mesh_matrix = np.diag([half, half, half, 1.0])
    mesh_matrix[:3, 3] = centre
    for skin in arrays.document.get("skins", []):
        _multiply_binds(arrays, skin, mesh_matrix)
    return half


def _multiply_binds(arrays: Arrays, skin: dict[str, Any], mesh_matrix: F64) -> None:
    if "inverseBindMatrices" not in skin:
        raise InputError("A skin of the document has no inverse bind matrices; it cannot be quantised.")
    accessor = arrays.accessors[skin["inverseBindMatrices"]]
    matrices = accessor.values.astype(np.float64).reshape(-1, 4, 4).transpose(0, 2, 1)
    packed = (matrices @ mesh_matrix).transpose(0, 2, 1).reshape(-1, 16)
    accessor.values = packed.astype("<f4")


def _largest_shape(arrays: Arrays) -> float:
    return max(
        (
            float(np.abs(accessor.values).max(initial=0))
            for name, accessor, is_morph in arrays.attributes()
            if is_morph and name == "POSITION" and not accessor.dropped
        ),
        default=0.0,
    )


def _quantize_shape(name: str, accessor: AccessorData, half: float, skinned: bool) -> bool:
    if name == "POSITION" and skinned and np.abs(accessor.values).max(initial=0) <= half:
        accessor.values = _signed(accessor.values.astype(np.float64) / half, 16)
    elif name == "NORMAL":
        accessor.values = _signed(accessor.values.astype(np.float64), 8)
    else:
        return False
    accessor.normalized = True
    return True


def _quantize_attribute(name: str, accessor: AccessorData, options: PackOptions) -> bool:
    """Return whether the new type needs the extension."""
    values = accessor.values.astype(np.float64)
    if name in ("NORMAL", "TANGENT"):
        accessor.values = _signed(values, options.normal_bits)
        accessor.normalized = True
        return True
    # What follows has these types in glTF itself; the last is an attribute of our own, of any type.
    if name.startswith("TEXCOORD_") and values.min(initial=0) >= 0 and values.max(initial=1) <= 1:
        accessor.values, accessor.normalized = np.rint(values * 65535).astype("<u2"), True
    elif name == "WEIGHTS_0":
        accessor.values, accessor.normalized = quantized_weights(values, options.weight_bits), True
    elif name == "_BODY_VERTEX" and values.max(initial=0) < 65535 and not (values % 1).any():
        accessor.values = values.astype("<u2")
    return False


def quantize_colors(arrays: Arrays, bits: int) -> None:
    """Turn 16-bit vertex colours into 8-bit ones where `bits` is 8."""
    for name, accessor, _ in arrays.attributes():
        if name.startswith("COLOR_") and bits == 8 and accessor.values.dtype == np.dtype("<u2"):
            accessor.values = np.rint(accessor.values.astype(np.float64) / 257).astype(np.uint8)


def quantized_weights(weights: F64, bits: int) -> NDArray[np.unsignedinteger]:
    """Return (V, C) weights as whole shares that sum to exactly 2^bits - 1 at each vertex.

    What rounding down leaves goes to the weights with the largest remainders (Hamilton's method), the
    first ones on a tie; a weight of zero stays zero.
    """
    kind, total = UNSIGNED[bits]
    sums = weights.sum(axis=1, keepdims=True)
    shares = weights / np.where(sums > 0, sums, 1) * total
    whole = np.floor(shares)
    missing = np.where(sums[:, 0] > 0, total - whole.sum(axis=1), 0)
    order = np.argsort(-(shares - whole), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return (whole + (rank < missing[:, None])).astype(kind)


def _clear_idle_joints(arrays: Arrays) -> None:
    """Name joint 0 where rounding took the whole weight, as glTF wants it."""
    for primitive in arrays.primitives():
        attributes = primitive["attributes"]
        if {"JOINTS_0", "WEIGHTS_0"} <= set(attributes):
            joints, weights = (arrays.accessors[attributes[name]] for name in ("JOINTS_0", "WEIGHTS_0"))
            joints.values = np.where(weights.values == 0, 0, joints.values).astype(joints.values.dtype)


def _signed(values: F64, bits: int) -> NDArray[np.signedinteger]:
    kind, largest = LARGEST[bits]
    return np.rint(np.clip(values, -1, 1) * largest).astype(kind)
