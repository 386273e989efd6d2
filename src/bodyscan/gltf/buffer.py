"""Packs arrays into one glTF buffer with views and accessors, through pygltflib's types."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pygltflib as gl
from numpy.typing import NDArray

COMPONENT_TYPES = {
    np.dtype(np.uint8): gl.UNSIGNED_BYTE,
    np.dtype(np.uint16): gl.UNSIGNED_SHORT,
    np.dtype(np.uint32): gl.UNSIGNED_INT,
    np.dtype(np.float32): gl.FLOAT,
}
ARRAY_BUFFER: int = gl.ARRAY_BUFFER
ELEMENT_ARRAY_BUFFER: int = gl.ELEMENT_ARRAY_BUFFER
DTYPES = {code: dtype for dtype, code in COMPONENT_TYPES.items()}
ELEMENT_TYPES = {1: gl.SCALAR, 2: gl.VEC2, 3: gl.VEC3, 4: gl.VEC4, 16: gl.MAT4}


def smallest_index_dtype(largest: int) -> type[np.uint16] | type[np.uint32]:
    """Return uint16 where it can name `largest`; 65535 itself is kept free, as some engines restart there."""
    return np.uint16 if largest < 65535 else np.uint32


class BufferPacker:
    """Grows one buffer; every view starts on a multiple of 4 bytes."""

    def __init__(self) -> None:
        self.views: list[gl.BufferView] = []
        self.accessors: list[gl.Accessor] = []
        self.images: list[gl.Image] = []
        self._parts: list[bytes] = []
        self._size = 0

    def add(
        self,
        name: str,
        array: NDArray[Any],
        *,
        target: int | None = None,
        normalized: bool = False,
        bounds: bool = False,
    ) -> int:
        """Append `array` (N,) or (N, C) with a view of its own and return the accessor's index.

        A row must fill a multiple of 4 bytes where `target` is ARRAY_BUFFER, as glTF asks.
        """
        view = self._add_view(name, array.tobytes(), target)
        width = 1 if array.ndim == 1 else array.shape[1]
        accessor = gl.Accessor(
            bufferView=view,
            componentType=COMPONENT_TYPES[array.dtype],
            normalized=normalized,
            count=len(array),
            type=ELEMENT_TYPES[width],
            name=name,
        )
        if bounds:
            accessor.min, accessor.max = _bounds(array)
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_sparse_group(
        self, items: list[tuple[str, NDArray[Any], NDArray[np.float32]]], count: int, group: str
    ) -> list[int]:
        """Append sparse accessors of `count` zero vectors that differ at a few indices; return their indices.

        `items` holds name, ascending indices (K,) and values (K, 3). All share two views, which keeps
        the JSON small. glTF wants at least one entry: an empty item gets a zero at index 0.
        """
        dtype = smallest_index_dtype(count - 1)
        prepared = []
        for name, indices, values in items:
            if not len(indices):
                indices, values = np.zeros(1, np.int64), np.zeros((1, 3), np.float32)
            prepared.append((name, indices.astype(dtype), np.ascontiguousarray(values, np.float32)))
        index_blob, index_offsets = _concatenate([indices.tobytes() for _, indices, _ in prepared])
        value_blob, value_offsets = _concatenate([values.tobytes() for _, _, values in prepared])
        index_view = self._add_view(f"{group} indices", index_blob, None)
        value_view = self._add_view(f"{group} values", value_blob, None)
        result = []
        for (name, indices, values), index_offset, value_offset in zip(
            prepared, index_offsets, value_offsets, strict=True
        ):
            low, high = values.min(axis=0), values.max(axis=0)
            if len(indices) < count:
                low, high = np.minimum(low, 0), np.maximum(high, 0)
            sparse = gl.Sparse(
                count=len(indices),
                indices=gl.AccessorSparseIndices(
                    bufferView=index_view,
                    byteOffset=index_offset,
                    componentType=COMPONENT_TYPES[indices.dtype],
                ),
                values=gl.AccessorSparseValues(bufferView=value_view, byteOffset=value_offset),
            )
            self.accessors.append(
                gl.Accessor(
                    bufferView=None,
                    byteOffset=None,
                    componentType=gl.FLOAT,
                    count=count,
                    type=gl.VEC3,
                    sparse=sparse,
                    min=[float(x) for x in low],
                    max=[float(x) for x in high],
                    name=name,
                )
            )
            result.append(len(self.accessors) - 1)
        return result

    def add_image(self, name: str, data: bytes, mime_type: str) -> int:
        """Append an encoded image and return its index."""
        view = self._add_view(name, data, None)
        self.images.append(gl.Image(bufferView=view, mimeType=mime_type, name=name))
        return len(self.images) - 1

    def add_merged_indices(
        self, name: str, of: int, corners: NDArray[Any], vertices: NDArray[Any]
    ) -> tuple[int, int, int]:
        """Append the index accessor `of` again with some of its corners at other vertices.

        `corners` (K,) ascending places in the index array, `vertices` (K,) the vertex that each names
        instead. Returns the accessors of the new indices, of `corners` and of `vertices`; the first stands
        on the same bytes as `of`, and its sparse part on those of the other two.
        """
        base = self.accessors[of]
        places = self.add(f"{name} corners", corners.astype(smallest_index_dtype(base.count)))
        values = self.add(f"{name} vertices", vertices.astype(DTYPES[base.componentType]))
        # Each of the two was given a view of its own, the last ones.
        places_view, values_view = len(self.views) - 2, len(self.views) - 1
        sparse = gl.Sparse(
            count=len(corners),
            indices=gl.AccessorSparseIndices(
                bufferView=places_view, byteOffset=0, componentType=self.accessors[places].componentType
            ),
            values=gl.AccessorSparseValues(bufferView=values_view, byteOffset=0),
        )
        self.accessors.append(
            gl.Accessor(
                bufferView=base.bufferView,
                componentType=base.componentType,
                count=base.count,
                type=gl.SCALAR,
                sparse=sparse,
                name=name,
            )
        )
        return len(self.accessors) - 1, places, values

    def to_document(self) -> dict[str, Any]:
        """Return the glTF document's `accessors`, `bufferViews` and, where there are any, `images`."""
        parts = gl.GLTF2(accessors=self.accessors, bufferViews=self.views, images=self.images)
        document = json.loads(parts.gltf_to_json())
        return {name: document[name] for name in ("accessors", "bufferViews", "images") if name in document}

    def to_bytes(self) -> bytes:
        """Return the whole buffer."""
        return b"".join(self._parts)

    def _add_view(self, name: str, blob: bytes, target: int | None) -> int:
        self.views.append(
            gl.BufferView(buffer=0, byteOffset=self._size, byteLength=len(blob), target=target, name=name)
        )
        padded = blob + b"\0" * (-len(blob) % 4)
        self._parts.append(padded)
        self._size += len(padded)
        return len(self.views) - 1


def _bounds(array: NDArray[Any]) -> tuple[list[float], list[float]]:
    low, high = np.atleast_1d(array.min(axis=0)), np.atleast_1d(array.max(axis=0))
    return [float(x) for x in low], [float(x) for x in high]


def _concatenate(blobs: list[bytes]) -> tuple[bytes, list[int]]:
    """Join blobs, each starting on a multiple of 4 bytes, and return where each begins."""
    parts, offsets, size = [], [], 0
    for blob in blobs:
        padded = blob + b"\0" * (-len(blob) % 4)
        offsets.append(size)
        parts.append(padded)
        size += len(padded)
    return b"".join(parts), offsets
