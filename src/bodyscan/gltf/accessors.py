"""Decodes glTF accessors to arrays: strided, normalised, sparse and compressed ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.views import ViewReader

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


def normalized_to_float(array: NDArray[Any]) -> NDArray[Any]:
    """Return the values that normalised integers stand for, float32; floats are returned as they are."""
    if array.dtype.kind not in "iu":
        return array
    return np.maximum(array.astype(np.float64) / np.iinfo(array.dtype).max, -1).astype(np.float32)


class AccessorReader:
    """Reads the accessors of one document whose only buffer is the GLB's binary chunk."""

    def __init__(self, document: Mapping[str, Any], binary: bytes) -> None:
        """Raise `InputError` where another reader could take the geometry from somewhere else."""
        self._accessors = document.get("accessors", [])
        self._views = ViewReader(document, binary)

    def has_data(self, index: Any) -> bool:
        """Return whether accessor `index` names data of its own, or only stands for what is compressed."""
        try:
            accessor = self._accessors[index]
            return "bufferView" in accessor or "sparse" in accessor
        except (KeyError, IndexError, TypeError) as error:
            raise InputError(f"Accessor {index} of the file is damaged: {error!r}.") from None

    def describe(self, index: Any) -> Mapping[str, Any]:
        """Return the JSON of accessor `index`."""
        try:
            return self._accessors[index]
        except (KeyError, IndexError, TypeError) as error:
            raise InputError(f"Accessor {index} of the file is damaged: {error!r}.") from None

    def view_bytes(self, index: Any) -> bytes:
        """Return the bytes of buffer view `index`, decompressed. Raises `InputError` where it is damaged."""
        try:
            return bytes(self._views.read(index)[0])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"Buffer view {index} of the file is damaged: {error!r}.") from None

    def read(self, index: Any) -> NDArray[Any]:
        """Return accessor `index` as (N,) or (N, C) in its stored type, normalised integers as float32.

        Raises `InputError` where it is malformed, reaches outside the file, or holds NaN or infinity.
        """
        try:
            accessor = self._accessors[index]
            return self._decode(index, accessor)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"Accessor {index} of the file is damaged: {error!r}.") from None

    def read_stored(self, index: Any) -> NDArray[Any]:
        """Return accessor `index` as (N, C) in its stored type, normalised integers as they stand."""
        try:
            return self._dense(self._accessors[index])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"Accessor {index} of the file is damaged: {error!r}.") from None

    def _decode(self, index: int, accessor: Mapping[str, Any]) -> NDArray[Any]:
        array = self._dense(accessor)
        if accessor.get("normalized", False):
            array = normalized_to_float(array)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"Accessor {index} of the file holds NaN or infinity.")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        return array[:, 0] if array.shape[1] == 1 else array

    def _dense(self, accessor: Mapping[str, Any]) -> NDArray[Any]:
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
        return array

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
        data, stated = self._views.read(view)
        row = width * dtype.itemsize
        stride = int(stated) if stated is not None else row
        if offset < 0 or stride < row or (count and offset + (count - 1) * stride + row > len(data)):
            raise ValueError("it reaches outside its buffer view")
        if not count:
            return np.zeros((0, width), dtype)
        return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize)).copy()
