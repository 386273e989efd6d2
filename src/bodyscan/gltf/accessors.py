"""Decodes glTF accessors to arrays: strided, normalised and sparse ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError

COMPONENTS = {
    5120: np.dtype("<i1"),
    5121: np.dtype("<u1"),
    5122: np.dtype("<i2"),
    5123: np.dtype("<u2"),
    5125: np.dtype("<u4"),
    5126: np.dtype("<f4"),
}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
MAX_COUNT = 10_000_000
"""Elements; more than any body, and little enough that a forged count cannot fill the memory."""


class AccessorReader:
    """Reads the accessors of one document whose only buffer is the GLB's binary chunk."""

    def __init__(self, document: Mapping[str, Any], binary: bytes) -> None:
        """Raise `InputError` where another reader could take the geometry from somewhere else."""
        self._accessors = document.get("accessors", [])
        self._views = document.get("bufferViews", [])
        self._binary = binary
        _refuse_compression(document)
        _refuse_other_buffers(document)

    def read(self, index: Any) -> NDArray[Any]:
        """Return accessor `index` as (N,) or (N, C) in its stored type, normalised integers as float32.

        Raises `InputError` where it is malformed, reaches outside the file, or holds NaN or infinity.
        """
        try:
            accessor = self._accessors[index]
            return self._decode(index, accessor)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"Accessor {index} of the file is damaged: {error!r}.") from None

    def _decode(self, index: int, accessor: Mapping[str, Any]) -> NDArray[Any]:
        dtype = COMPONENTS[accessor["componentType"]]
        width = WIDTHS[accessor["type"]]
        count = int(accessor["count"])
        if not 0 <= count <= MAX_COUNT:
            raise ValueError(f"count {count}")
        if "bufferView" in accessor:
            array = self._rows(accessor["bufferView"], accessor.get("byteOffset", 0), count, width, dtype)
        else:
            array = np.zeros((count, width), dtype)
        if "sparse" in accessor:
            self._apply_sparse(array, accessor["sparse"], dtype)
        if accessor.get("normalized", False) and dtype.kind in "iu":
            array = np.maximum(array.astype(np.float64) / np.iinfo(dtype).max, -1).astype(np.float32)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"Accessor {index} of the file holds NaN or infinity.")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        return array[:, 0] if width == 1 else array

    def _apply_sparse(self, array: NDArray[Any], sparse: Mapping[str, Any], dtype: np.dtype[Any]) -> None:
        count = int(sparse["count"])
        where, what = sparse["indices"], sparse["values"]
        index_dtype = COMPONENTS[where["componentType"]]
        rows = self._rows(where["bufferView"], where.get("byteOffset", 0), count, 1, index_dtype)[:, 0]
        if count and (rows[-1] >= len(array) or (np.diff(rows.astype(np.int64)) <= 0).any()):
            raise ValueError(f"its sparse indices must ascend and stay below {len(array)}")
        width = array.shape[1]
        array[rows] = self._rows(what["bufferView"], what.get("byteOffset", 0), count, width, dtype)

    def _rows(self, view: int, offset: int, count: int, width: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return a fresh (count, width) array; `offset` is relative to the view, in bytes."""
        description = self._views[view]
        if description.get("buffer", 0) != 0:
            raise ValueError("its buffer is not the one in the file")
        begin = int(description.get("byteOffset", 0))
        end = begin + int(description["byteLength"])
        if begin < 0 or end > len(self._binary):
            raise ValueError(f"bytes {begin} to {end} of {len(self._binary)}: the file is cut short")
        row = width * dtype.itemsize
        stride = int(description.get("byteStride", row))
        if offset < 0 or stride < row or (count and begin + offset + (count - 1) * stride + row > end):
            raise ValueError("it reaches outside its buffer view")
        return (
            np.ndarray((count, width), dtype, self._binary, begin + offset, (stride, dtype.itemsize)).copy()
            if count
            else np.zeros((0, width), dtype)
        )


def _refuse_compression(document: Mapping[str, Any]) -> None:
    # A compressed copy may stand beside plain accessors and hold another shape: readers differ in which
    # of the two they show.
    names = {*document.get("extensionsUsed", []), *document.get("extensionsRequired", [])}
    for view in document.get("bufferViews", []):
        names.update(view.get("extensions", {}))
    for mesh in document.get("meshes", []):
        for primitive in mesh.get("primitives", []):
            names.update(primitive.get("extensions", {}))
    found = sorted(name for name in names if "compression" in str(name).lower())
    if found:
        raise InputError(
            f"The file is compressed with {', '.join(found)}; give the uncompressed master file."
        )


def _refuse_other_buffers(document: Mapping[str, Any]) -> None:
    buffers = document.get("buffers", [])
    if len(buffers) > 1 or any("uri" in buffer for buffer in buffers):
        raise InputError("The file takes data from outside its own binary chunk; pack it into one GLB first.")
