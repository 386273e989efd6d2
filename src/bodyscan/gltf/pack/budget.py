"""Weighs a file's parts, and says which of them take it above its budget."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bodyscan.gltf.pack.options import MESHOPT, PackOptions


@dataclass(frozen=True)
class PartSizes:
    """Bytes of a file by what they hold."""

    geometry: int
    """Triangles, vertices and inverse binds."""
    morphs: int
    """Face shapes."""
    images: int
    json: int
    """The document: names, consent, measurements, provenance."""

    @property
    def total(self) -> int:
        """The file, without the few bytes of its container."""
        return self.geometry + self.morphs + self.images + self.json

    def in_words(self) -> str:
        """Return the parts, the largest first: `images 3.1 MB, geometry 0.4 MB, ...`."""
        parts = {
            "images": self.images,
            "geometry": self.geometry,
            "face shapes": self.morphs,
            "document": self.json,
        }
        ranked = sorted(parts.items(), key=lambda part: -part[1])
        return ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in ranked)


def part_sizes(document: Mapping[str, Any]) -> PartSizes:
    """Return what the parts of a packed or plain document take."""
    views = document.get("bufferViews", [])
    accessors = document.get("accessors", [])
    images = {image["bufferView"] for image in document.get("images", []) if "bufferView" in image}
    morphs: set[int] = set()
    for mesh in document.get("meshes", []):
        for primitive in mesh["primitives"]:
            for target in primitive.get("targets", []):
                for index in target.values():
                    morphs |= _views_of(accessors[index])
    sizes = [_stored(view) for view in views]
    of_images = sum(sizes[index] for index in images)
    of_morphs = sum(sizes[index] for index in morphs)
    return PartSizes(
        geometry=sum(sizes) - of_images - of_morphs,
        morphs=of_morphs,
        images=of_images,
        json=len(json.dumps(document, separators=(",", ":"))),
    )


def over_budget(document: Mapping[str, Any], options: PackOptions) -> str | None:
    """Return why a packed document is above its budget, with each part's size; None where it is not."""
    sizes = part_sizes(document)
    if not options.budget_bytes or sizes.total <= options.budget_bytes:
        return None
    return (
        f"The file has {sizes.total / 1e6:.2f} MB; its budget is {options.budget_bytes / 1e6:.2f} MB. "
        f"It holds: {sizes.in_words()}. {_advice(sizes, options)}"
    )


def _advice(sizes: PartSizes, options: PackOptions) -> str:
    if sizes.images >= max(sizes.geometry, sizes.morphs):
        return "Smaller images (texture_size) or a lower texture_quality help most."
    if sizes.morphs >= sizes.geometry:
        return "Leaving out the shapes' normals (morph_normals) or some shapes helps most."
    if options.compress == "none":
        return "Compressing the geometry (compress) helps most."
    return "A coarser level of detail helps most."


def _stored(view: Mapping[str, Any]) -> int:
    extension = view.get("extensions", {}).get(MESHOPT)
    return int(extension["byteLength"] if extension else view["byteLength"])


def _views_of(accessor: Mapping[str, Any]) -> set[int]:
    found = {accessor["bufferView"]} if "bufferView" in accessor else set()
    if "sparse" in accessor:
        found |= {accessor["sparse"][part]["bufferView"] for part in ("indices", "values")}
    return found
