"""A document's accessors as arrays, and back again as buffer views: what the packing steps work on.

A step changes arrays, types and names of attributes; offsets, strides and views are made once, at the end.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.accessors import AccessorReader

TYPES = {
    np.dtype("i1"): 5120,
    np.dtype("u1"): 5121,
    np.dtype("<i2"): 5122,
    np.dtype("<u2"): 5123,
    np.dtype("<u4"): 5125,
    np.dtype("<f4"): 5126,
}
INDEX, VERTEX, MORPH, OTHER = "index", "vertex", "morph", "other"


@dataclass
class AccessorData:
    """One accessor: its values and what it is for."""

    values: NDArray[Any]
    """(N, C) in the stored type."""
    normalized: bool
    sparse: bool
    """Store the rows that are not zero (or differ from `base`) alone."""
    role: str = OTHER
    """`index`, `vertex`, `morph` or `other`."""
    base: int | None = None
    """Accessor whose values a sparse one starts from; zeros where None."""
    bounded: bool = False
    """Whether the file states the least and largest values."""
    dropped: bool = False
    """Not written any more."""
    exponent: int | None = None
    """All values are whole multiples of 2^exponent: meshopt's exponential filter stores the multiples."""
    external: bool = False
    """Held by a Draco stream: described, without data of its own."""


@dataclass
class Arrays:
    """A document taken apart; the steps of `pack` change it in place."""

    document: dict[str, Any]
    accessors: list[AccessorData]
    images: dict[int, bytes] = field(default_factory=dict)
    """Image index -> the bytes of its file."""
    streams: list[bytes] = field(default_factory=list)
    """Draco streams; a primitive's extension holds an index into this list until the views are made."""

    def use(self, extension: str, required: bool = True) -> None:
        """Name an extension as used and, by default, required."""
        for key in ("extensionsUsed", "extensionsRequired")[: 2 if required else 1]:
            names = self.document.setdefault(key, [])
            if extension not in names:
                names.append(extension)

    def primitives(self) -> Iterator[dict[str, Any]]:
        """Yield the JSON of each primitive of each mesh."""
        for mesh in self.document.get("meshes", []):
            yield from mesh["primitives"]

    def attributes(self) -> Iterator[tuple[str, AccessorData, bool]]:
        """Yield name, accessor and whether it is of a morph target, each accessor once."""
        seen = set()
        for primitive in self.primitives():
            for is_morph, group in [(False, primitive["attributes"])] + [
                (True, target) for target in primitive.get("targets", [])
            ]:
                for name, index in group.items():
                    if index not in seen:
                        seen.add(index)
                        yield name, self.accessors[index], is_morph


def take_apart(document: Mapping[str, Any], binary: bytes) -> Arrays:
    """Return a document and its binary chunk as arrays. Raises `InputError` where they are damaged."""
    reader = AccessorReader(document, binary)
    made = copy.deepcopy(dict(document))
    accessors = []
    try:
        for index, described in enumerate(made.get("accessors", [])):
            accessors.append(
                AccessorData(
                    values=reader.read_stored(index),
                    normalized=bool(described.get("normalized", False)),
                    sparse="sparse" in described,
                    base=_base(made["accessors"], index),
                    bounded="min" in described,
                )
            )
        arrays = Arrays(made, accessors)
        for index, image in enumerate(made.get("images", [])):
            if "bufferView" not in image:
                raise InputError(f"Image {index} lies outside of the file; pack it into one GLB first.")
            arrays.images[index] = reader.view_bytes(image["bufferView"])
        for primitive in arrays.primitives():
            if "indices" in primitive:
                accessors[primitive["indices"]].role = INDEX
        for _, accessor, is_morph in arrays.attributes():
            accessor.role = MORPH if is_morph else VERTEX
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(f"The file's glTF document is damaged: {error!r}.") from None
    return arrays


def _base(accessors: list[dict[str, Any]], index: int) -> int | None:
    described = accessors[index]
    if "sparse" not in described or "bufferView" not in described:
        return None
    place = (described["bufferView"], described.get("byteOffset", 0))
    for other, candidate in enumerate(accessors):
        same = (candidate.get("bufferView"), candidate.get("byteOffset", 0)) == place
        if same and "sparse" not in candidate:
            return other
    raise InputError(f"Accessor {index} is sparse over data that nothing else names; it cannot be packed.")


def drop_unused(arrays: Arrays) -> None:
    """Take out accessors that a step marked as dropped, and renumber what names an accessor."""
    keep = [index for index, accessor in enumerate(arrays.accessors) if not accessor.dropped]
    new = {old: index for index, old in enumerate(keep)}
    document = arrays.document
    for primitive in arrays.primitives():
        _renumber(primitive, new)
        for target in primitive.get("targets", []):
            target.update({name: new[index] for name, index in target.items()})
    for mesh in document.get("meshes", []):
        manifold = mesh.get("extensions", {}).get("EXT_mesh_manifold")
        if manifold:
            _renumber(manifold["manifoldPrimitive"], new)
            for name in ("mergeIndices", "mergeValues"):
                if name in manifold:
                    manifold[name] = new[manifold[name]]
    for skin in document.get("skins", []):
        if "inverseBindMatrices" in skin:
            skin["inverseBindMatrices"] = new[skin["inverseBindMatrices"]]
    for animation in document.get("animations", []):
        for sampler in animation["samplers"]:
            sampler["input"], sampler["output"] = new[sampler["input"]], new[sampler["output"]]
    document["accessors"] = [document["accessors"][index] for index in keep]
    arrays.accessors = [arrays.accessors[index] for index in keep]
    for accessor in arrays.accessors:
        if accessor.base is not None:
            accessor.base = new[accessor.base]


def _renumber(primitive: dict[str, Any], new: Mapping[int, int]) -> None:
    attributes = primitive["attributes"]
    attributes.update({name: new[index] for name, index in attributes.items()})
    if "indices" in primitive:
        primitive["indices"] = new[primitive["indices"]]
