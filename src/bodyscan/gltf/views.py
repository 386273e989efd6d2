"""The bytes of a document's buffer views, decompressed where meshopt compression is used.

A compressed view may stand beside plain bytes for readers that do not know the extension. Readers differ in
which of the two they show, so both are read here and must agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.decode_meshopt import MAX_DECODED, decode_meshopt

MESHOPT_EXTENSIONS = ("EXT_meshopt_compression", "KHR_meshopt_compression")
DRACO_EXTENSION = "KHR_draco_mesh_compression"
KNOWN_COMPRESSION = frozenset({*MESHOPT_EXTENSIONS, DRACO_EXTENSION})
FILTER_TOLERANCE = 0.02
"""Largest share of the range by which a plain copy may differ from a filtered one: filters lose precision."""


class ViewReader:
    """Reads the buffer views of one document whose only real buffer is the GLB's binary chunk."""

    def __init__(self, document: Mapping[str, Any], binary: bytes) -> None:
        """Raise `InputError` where another reader could take the data from somewhere else."""
        self._views = document.get("bufferViews", [])
        self._binary = binary
        self._cache: dict[int, bytes | memoryview] = {}
        self._decoded_bytes = 0
        _refuse_unknown_compression(document)
        _refuse_other_buffers(document)

    def read(self, index: int) -> tuple[bytes | memoryview, int | None]:
        """Return the bytes of view `index` and its stride in bytes, None where it states none.

        Raises `InputError` for damaged or contradicting compressed data, `ValueError` and what plain Python
        raises for a malformed view.
        """
        view = self._views[index]
        if index not in self._cache:
            self._cache[index] = self._load(view)
        return self._cache[index], view.get("byteStride")

    def _load(self, view: Mapping[str, Any]) -> bytes | memoryview:
        extensions = view.get("extensions", {})
        names = [name for name in MESHOPT_EXTENSIONS if name in extensions]
        plain = view.get("buffer", 0) == 0
        if not names:
            if not plain:
                raise ValueError("its buffer is not the one in the file")
            return self._slice(view)
        copies = [self._decompress(view, extensions[name]) for name in names]
        if plain:
            _agree(self._slice(view), copies[0], str(extensions[names[0]].get("filter", "NONE")))
        for copy in copies[1:]:
            _agree(copy.tobytes(), copies[0], "NONE")
        return copies[0].tobytes()

    def _slice(self, view: Mapping[str, Any]) -> memoryview:
        begin = int(view.get("byteOffset", 0))
        end = begin + int(view["byteLength"])
        if begin < 0 or end < begin or end > len(self._binary):
            raise ValueError(f"bytes {begin} to {end} of {len(self._binary)}: the file is cut short")
        return memoryview(self._binary)[begin:end]

    def _decompress(self, view: Mapping[str, Any], packed: Mapping[str, Any]) -> NDArray[np.uint8]:
        if packed.get("buffer", 0) != 0:
            raise ValueError("its buffer is not the one in the file")
        count, stride = int(packed["count"]), int(packed["byteStride"])
        if int(view["byteLength"]) != count * stride or view.get("byteStride", stride) != stride:
            raise InputError(
                f"The file's meshopt data is damaged: {count} elements of {stride} bytes stand for a view of "
                f"{view['byteLength']} bytes with the stride {view.get('byteStride', stride)}."
            )
        self._decoded_bytes += max(count, 0) * max(stride, 0)
        if self._decoded_bytes > MAX_DECODED:
            raise InputError(
                f"The file's compressed data would fill more than {MAX_DECODED >> 20} MiB; a twin is a few."
            )
        mode, filter_name = str(packed["mode"]), str(packed.get("filter", "NONE"))
        return decode_meshopt(bytes(self._slice(packed)), count, stride, mode, filter_name)


def _agree(plain: bytes | memoryview, decoded: NDArray[np.uint8], filter_name: str) -> None:
    if filter_name == "NONE":
        same = bytes(plain) == decoded.tobytes()
    else:
        kind, largest = _filtered_kind(filter_name, decoded.shape[1])
        a = np.frombuffer(plain, kind).astype(np.float64) / largest
        b = decoded.reshape(-1).view(kind).astype(np.float64) / largest
        limit = 1e-4 + 1e-3 * np.abs(b) if filter_name == "EXPONENTIAL" else FILTER_TOLERANCE
        same = bool((np.abs(a - b) <= limit).all())
    if not same:
        raise InputError(
            "The file holds a compressed and a plain copy of the same data, and they differ: readers would "
            "show two different things. Do not use it; ask for it again from its source."
        )


def _filtered_kind(filter_name: str, stride: int) -> tuple[str, float]:
    if filter_name == "EXPONENTIAL":
        return "<f4", 1.0
    kind = "i" if filter_name in ("OCTAHEDRAL", "QUATERNION") else "u"
    code = f"<{kind}{stride // 4}"
    return code, float(np.iinfo(code).max)


def _refuse_unknown_compression(document: Mapping[str, Any]) -> None:
    # A compressed copy may stand beside plain accessors and hold another shape: readers differ in which
    # of the two they show.
    names = {*document.get("extensionsUsed", []), *document.get("extensionsRequired", [])}
    for view in document.get("bufferViews", []):
        names.update(view.get("extensions", {}))
    for mesh in document.get("meshes", []):
        for primitive in mesh.get("primitives", []):
            names.update(primitive.get("extensions", {}))
    found = sorted(
        name for name in names if "compression" in str(name).lower() and name not in KNOWN_COMPRESSION
    )
    if found:
        raise InputError(
            f"The file is compressed with {', '.join(found)}; give the uncompressed master file. "
            f"What can be read is {', '.join(sorted(KNOWN_COMPRESSION))}."
        )


def _refuse_other_buffers(document: Mapping[str, Any]) -> None:
    """Allow further buffers only as the placeholders that meshopt compression needs: without any data."""
    buffers = document.get("buffers", [])
    if any("uri" in buffer for buffer in buffers) or (len(buffers) > 1 and not _only_placeholders(document)):
        raise InputError("The file takes data from outside its own binary chunk; pack it into one GLB first.")


def _only_placeholders(document: Mapping[str, Any]) -> bool:
    return all(
        view.get("buffer", 0) == 0 or any(name in view.get("extensions", {}) for name in MESHOPT_EXTENSIONS)
        for view in document.get("bufferViews", [])
    )
