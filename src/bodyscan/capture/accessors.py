"""glTF accessors -> numpy arrays: strides, normalised integers, sparse values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_COMPONENT = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def view_bytes(doc: dict[str, Any], buffers: list[bytes], index: int) -> bytes:
    """Return the bytes of a buffer view; `ValueError` where it leaves its buffer."""
    view = doc["bufferViews"][index]
    start, length = view.get("byteOffset", 0), view["byteLength"]
    data = buffers[view["buffer"]]
    if start < 0 or length < 0 or start + length > len(data):
        raise ValueError(f"buffer view {index} lies outside its buffer")
    return data[start : start + length]


def _raw(
    doc: dict[str, Any], buffers: list[bytes], view_index: int, offset: int, count: int, width: int, kind: str
) -> NDArray[Any]:
    data = view_bytes(doc, buffers, view_index)
    dtype = np.dtype(kind)
    packed = dtype.itemsize * width
    stride = doc["bufferViews"][view_index].get("byteStride", packed) or packed
    if count and offset + stride * (count - 1) + packed > len(data):
        raise ValueError(f"an accessor of {count} values leaves buffer view {view_index}")
    return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize)).copy()


def read_accessor(doc: dict[str, Any], buffers: list[bytes], index: int) -> NDArray[Any]:
    """Return an accessor as (count, width); normalised integers come back as float64 in 0..1 or -1..1."""
    accessor = doc["accessors"][index]
    kind, width, count = _COMPONENT[accessor["componentType"]], _WIDTH[accessor["type"]], accessor["count"]
    if "bufferView" in accessor:
        values = _raw(doc, buffers, accessor["bufferView"], accessor.get("byteOffset", 0), count, width, kind)
    else:
        values = np.zeros((count, width), kind)
    sparse = accessor.get("sparse")
    if sparse:
        where, what, n = sparse["indices"], sparse["values"], sparse["count"]
        ids = _raw(doc, buffers, where["bufferView"], where.get("byteOffset", 0), n, 1,
                   _COMPONENT[where["componentType"]])  # fmt: skip
        values[ids[:, 0].astype(np.int64)] = _raw(
            doc, buffers, what["bufferView"], what.get("byteOffset", 0), n, width, kind
        )
    if accessor.get("normalized") and values.dtype.kind in "iu":
        return np.maximum(values / float(np.iinfo(values.dtype).max), -1.0)
    return values
