"""How a document colours its surfaces: the one base colour image, its factor, and what else would show."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bodyscan.consent.seal.image import area_mean
from bodyscan.errors import InputError
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.primitives import PrimitiveReader
from bodyscan.gltf.read_images import KTX2_MAGIC, TEXTURE_EXTENSIONS, TRANSFORM, decode_image
from bodyscan.types import F32, U8

DATA_URI = "data:"
PLAIN_TEXTURES = {"baseColorTexture", "normalTexture", "metallicRoughnessTexture", "occlusionTexture"}
"""The images that a twin's material has; any other one would show something that was not bound."""
OTHER_MATERIALS = {"KHR_materials_variants", "KHR_materials_pbrSpecularGlossiness"}
"""Extensions by which readers show other colours than the base colour."""
PLAIN_MATERIALS = {
    "KHR_materials_unlit",
    "KHR_materials_ior",
    "KHR_materials_specular",
    "KHR_materials_emissive_strength",
}
"""Extensions of a material that leave the skin's own colour as it is, and that tools add by themselves; any
other one (a sheen, glass, a coat, a cartoon's shades) may show another skin."""
UNKNOWN = -1
"""Stands for an image that an extension names which is not known here, such as AVIF."""
SAME_LEVELS = 12.0
"""Largest difference of two copies of one image, levels of 255."""


@dataclass(frozen=True, eq=False)
class Looks:
    """The colours that all surfaces of a document share."""

    albedo: U8 | None = None
    """(H, W, 3) uint8 sRGB."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Linear factor."""
    unread: str = ""
    """Why there is an image and it cannot be decoded; empty where it can."""
    problem: str = ""
    """What would show beside or instead of the one image; empty for a twin."""


def read_looks(document: Mapping[str, Any], reader: AccessorReader) -> Looks:
    """Return the base colour of a document. Raises `InputError` where an image is damaged or too large."""
    primitives = [primitive for mesh in document.get("meshes", []) for primitive in mesh["primitives"]]
    materials = [material_of(document, primitive) for primitive in primitives]
    found = (*map(_strange, (*materials, *primitives)), *map(_strange_material, materials))
    problem = next(filter(None, found), "")
    surfaces = [material.get("pbrMetallicRoughness", {}) for material in materials]
    tints = {tuple(float(x) for x in one.get("baseColorFactor", (1, 1, 1, 1)))[:3] for one in surfaces}
    uses = [one.get("baseColorTexture") for one in surfaces]
    images = {None if use is None else _sources(document["textures"][use["index"]]) for use in uses}
    if len(images) > 1 or len(tints) > 1:
        several = "the file's meshes show different images or factors; a twin has one skin"
        return Looks(problem=problem or several)
    tint = tints.pop() if tints else (1.0, 1.0, 1.0)
    if len(tint) != 3 or not all(np.isfinite(tint)):
        raise InputError(f"The file's baseColorFactor is damaged: {tint}.")
    sources = images.pop() if images else None
    if sources is None:
        return Looks(tint=tint, problem=problem)
    if not sources or UNKNOWN in sources:
        return Looks(tint=tint, unread="the image is of a kind that is not decoded here", problem=problem)
    decoded = []
    for source in sources:
        data, why = _image_bytes(document["images"][source], reader)
        if why:
            return Looks(tint=tint, unread=why, problem=problem)
        decoded.append(decode_image(data))
    for other in decoded[1:]:
        if _apart(decoded[0], other) > SAME_LEVELS:
            problem = problem or "a texture names two images that differ; readers would show one or the other"
    return Looks(decoded[0], tint, problem=problem)


def material_of(document: Mapping[str, Any], primitive: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a primitive's material; glTF's default where it names none."""
    index = primitive.get("material")
    return {} if index is None else document["materials"][index]


def read_uvs(document: Mapping[str, Any], primitive: Mapping[str, Any], read: PrimitiveReader) -> F32 | None:
    """Return (V, 2) float32 at which the base colour image is looked up, None where there is no set.

    `KHR_texture_transform` is applied (packers put the scale of quantised uvs into it).
    """
    use = material_of(document, primitive).get("pbrMetallicRoughness", {}).get("baseColorTexture") or {}
    transform = use.get("extensions", {}).get(TRANSFORM, {})
    name = f"TEXCOORD_{int(transform.get('texCoord', use.get('texCoord', 0)))}"
    if not read.has(name):
        return None
    uvs = read.attribute(name)
    if uvs.ndim != 2 or uvs.shape[1] != 2:
        raise InputError(f"The file's {name} is damaged: its shape is {uvs.shape}, not (V, 2).")
    if not transform:
        return uvs.astype(np.float32)
    scale = np.asarray(transform.get("scale", (1, 1)), np.float64)
    offset = np.asarray(transform.get("offset", (0, 0)), np.float64)
    angle = float(transform.get("rotation", 0.0))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return ((uvs.astype(np.float64) * scale) @ turn.T + offset).astype(np.float32)


def _sources(texture: Mapping[str, Any]) -> tuple[int, ...]:
    """The images that readers may show for a texture, each once."""
    extensions = texture.get("extensions", {})
    found = [
        int(extension["source"]) if name in TEXTURE_EXTENSIONS else UNKNOWN
        for name, extension in extensions.items()
        if "source" in extension
    ]
    found += [int(texture["source"])] if "source" in texture else []
    return tuple(dict.fromkeys(found))


def _image_bytes(image: Mapping[str, Any], reader: AccessorReader) -> tuple[bytes, str]:
    """Return an image's bytes, or why they cannot be read."""
    if "bufferView" in image:
        data = reader.view_bytes(image["bufferView"])
    elif str(image.get("uri", "")).startswith(DATA_URI):
        try:
            data = base64.b64decode(str(image["uri"]).partition(",")[2], validate=True)
        except binascii.Error:
            raise InputError("An image of the file is damaged: its data URI is no base64.") from None
    else:
        return b"", "the image lies outside of the file"
    if data.startswith(KTX2_MAGIC):
        return b"", "the image is KTX2, which is not decoded here"
    return data, ""


def _apart(one: U8, other: U8) -> float:
    """Largest difference of two images of any size, seen small, levels of 255."""
    small = [area_mean(image, 64, 64) for image in (one, other)]
    return float(np.abs(small[0] - small[1]).max())


def _strange(part: Mapping[str, Any]) -> str:
    """Return what a material or primitive shows beside its base colour, empty for a twin's."""
    for key in _keys(part):
        if key in OTHER_MATERIALS:
            return f"the file can show other materials ({key})"
        if key.endswith("Texture") and key not in PLAIN_TEXTURES:
            return f"the material has a further image ({key})"
    if any(float(x) > 0 for x in part.get("emissiveFactor", ())):
        return "the material glows (emissiveFactor)"
    return ""


def _strange_material(material: Mapping[str, Any]) -> str:
    """Return by what a material may show another skin than its images, empty for a twin's."""
    for name in material.get("extensions", {}):
        if name not in PLAIN_MATERIALS:
            return f"the material may look otherwise than its images ({name})"
    if (mode := material.get("alphaMode", "OPAQUE")) != "OPAQUE":
        return f"the skin has holes or lets through (alphaMode {mode})"
    surface = material.get("pbrMetallicRoughness", {})
    if "baseColorTexture" in surface and float(surface.get("metallicFactor", 1)) > 0:
        return "the skin is made of metal (metallicFactor)"
    shade = material.get("occlusionTexture")
    # Many tools keep the two in one image; an image of its own would draw on the skin.
    if shade is not None:
        rough = surface.get("metallicRoughnessTexture", {})
        if shade.get("index") != rough.get("index"):
            return "the material has a further image (occlusionTexture)"
    return ""


def _keys(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the keys of a JSON value, but for extras."""
    if isinstance(value, Mapping) and depth < 16:
        for key, item in value.items():
            if key != "extras":
                yield str(key)
                yield from _keys(item, depth + 1)
