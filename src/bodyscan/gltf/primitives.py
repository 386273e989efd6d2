"""The attributes and triangles of a primitive, from plain accessors or from a Draco stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.accessors import COMPONENTS, MAX_COUNT, WIDTHS, AccessorReader, normalized_to_float
from bodyscan.gltf.decode_draco import DracoMesh, decode_draco
from bodyscan.gltf.views import DRACO_EXTENSION

TRIANGLES, FLOAT = 4, 5126
DRACO_AGREE = 0.02
"""Largest difference between a Draco attribute and a plain copy, as a share of its range."""


class PrimitiveReader:
    """Reads one primitive of one document."""

    def __init__(self, primitive: Mapping[str, Any], reader: AccessorReader, mesh_name: str = "?") -> None:
        """Raise `InputError` for other things than triangles and for damaged Draco data."""
        if primitive.get("mode", TRIANGLES) != TRIANGLES:
            raise InputError(
                f"The mesh '{mesh_name}' is drawn with mode {primitive['mode']}; a twin "
                "holds triangles alone (mode 4), so its geometry cannot be compared with the consent."
            )
        self._primitive = primitive
        self._reader = reader
        self._attributes: Mapping[str, int] = primitive["attributes"]
        self._draco = self._decode_draco()

    def has(self, name: str) -> bool:
        """Return whether the primitive has the attribute."""
        return name in self._attributes

    def is_integer(self, name: str) -> bool:
        """Return whether the attribute is stored as integers."""
        return self._reader.describe(self._attributes[name])["componentType"] != FLOAT

    def attribute(self, name: str) -> NDArray[Any]:
        """Return an attribute as (V,) or (V, C); normalised integers as float32, others as stored.

        Raises `InputError` where it is damaged, or where a Draco copy and a plain copy differ.
        """
        accessor = self._attributes[name]
        if self._draco is None or name not in self._draco.attributes:
            if self._draco is not None and not self._reader.has_data(accessor):
                raise InputError(
                    f"The file's Draco data lacks the attribute {name}, and nothing else holds it."
                )
            return self._reader.read(accessor)
        described = self._reader.describe(accessor)
        stored = self._draco.attributes[name]
        kind = COMPONENTS[described["componentType"]]
        width = WIDTHS[described["type"]]
        if stored.shape != (int(described["count"]), width) or not np.isfinite(stored).all():
            raise InputError(
                f"The file's Draco data is damaged: {name} is {stored.shape}, its accessor says "
                f"({described['count']}, {width}), or a value is not finite."
            )
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            if stored.size and not limits.min <= stored.min() <= stored.max() <= limits.max:
                raise InputError(f"The file's Draco data is damaged: {name} does not fit into {kind}.")
            stored = stored.astype(kind)
            stored = normalized_to_float(stored) if described.get("normalized", False) else stored
        values = stored[:, 0] if width == 1 else stored
        if self._reader.has_data(accessor):
            self._check_copy(name, values.astype(np.float64), self._reader.read(accessor).astype(np.float64))
        return values

    def faces(self, count: int) -> NDArray[np.int64]:
        """Return (F, 3) int64 into `count` vertices. Raises `InputError` where an index is out of range."""
        if self._draco is None:
            return self._plain_faces(count)
        faces = self._draco.faces
        if len(faces) and not 0 <= faces.min() <= faces.max() < count:
            raise InputError(f"The file's Draco data is damaged: a triangle names none of {count} vertices.")
        if "indices" in self._primitive:
            described = self._reader.describe(self._primitive["indices"])
            if int(described["count"]) != faces.size:
                raise InputError(
                    f"The file's Draco data is damaged: it holds {faces.size} indices, its accessor says "
                    f"{described['count']}."
                )
            if self._reader.has_data(self._primitive["indices"]):
                self._check_copy("triangles", faces, self._plain_faces(count))
        return faces

    def _plain_faces(self, count: int) -> NDArray[np.int64]:
        if "indices" in self._primitive:
            flat = self._reader.read(self._primitive["indices"])
        else:
            flat = np.arange(count)
        if flat.ndim != 1 or flat.dtype.kind not in "iu":
            raise InputError("The file's triangles are damaged: their indices are no whole numbers.")
        if len(flat) % 3 or (len(flat) and not 0 <= flat.min() <= flat.max() < count):
            raise InputError(f"The file's triangles are damaged: {len(flat)} indices for {count} vertices.")
        return flat.astype(np.int64).reshape(-1, 3)

    def _decode_draco(self) -> DracoMesh | None:
        extension = self._primitive.get("extensions", {}).get(DRACO_EXTENSION)
        if extension is None:
            return None
        count = int(self._reader.describe(self._attributes["POSITION"])["count"])
        if not 0 <= count <= MAX_COUNT:
            raise InputError(f"The file's Draco data is damaged: it stands for {count} vertices.")
        return decode_draco(self._reader.view_bytes(extension["bufferView"]), extension["attributes"])

    @staticmethod
    def _check_copy(name: str, packed: NDArray[Any], plain: NDArray[Any]) -> None:
        same = packed.shape == plain.shape
        if same and name == "triangles":
            same = np.array_equal(packed, plain)
        elif same and packed.size:
            same = bool(np.abs(packed - plain).max() <= DRACO_AGREE * max(float(np.ptp(packed)), 1e-9))
        if not same:
            raise InputError(
                f"The file holds a Draco copy and a plain copy of {name}, and they differ: readers would "
                "show two different things. Do not use it; ask for it again from its source."
            )
