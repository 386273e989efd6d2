"""Attacks on the looks: the triangles are the bound ones to the bit, and the face or the skin is another."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bodyscan.consent.state import BindingVerdict
from bodyscan.gltf.read_images import KTX2_MAGIC
from consent.attacks_base import OTHER_SKIN, Glb, Rows, allow, altered_body, skin_image, unknown

FACES = Rows("Another face or skin on the same triangles")


def png(image: NDArray[np.uint8]) -> bytes:
    """Return an image as PNG."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def webp(image: NDArray[np.uint8]) -> bytes:
    """Return an image as lossless WebP."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "WEBP", lossless=True)
    return stream.getvalue()


def exchanged(face: int, tone: tuple[int, int, int]) -> bytes:
    """The honest file with another skin image."""
    glb = Glb()
    glb.document["images"][0]["bufferView"] = glb.add_view(png(skin_image(face, tone)))
    return glb.to_bytes()


@FACES.row("Same geometry with another face texture.", altered_body("texture:"))
def _other_face() -> bytes:
    return exchanged(1, (205, 160, 135))


@FACES.row("Same face, another skin colour.", altered_body("texture:"))
def _other_skin() -> bytes:
    return exchanged(0, OTHER_SKIN)


@FACES.row("A base colour factor darkens the skin.", altered_body("texture:"))
def _factor() -> bytes:
    glb = Glb()
    glb.surface["baseColorFactor"] = [0.35, 0.3, 0.28, 1]
    return glb.to_bytes()


@FACES.row("Vertex colours darken the skin.", altered_body("texture:"))
def _vertex_colors() -> bytes:
    glb = Glb()
    count = len(glb.attribute("POSITION"))
    glb.primitive["attributes"]["COLOR_0"] = glb.add_array(np.full((count, 3), 0.3, np.float32))
    return glb.to_bytes()


def _texture(member: str) -> bytes:
    glb = Glb()
    texture = glb.add_texture(png(skin_image(1, OTHER_SKIN)))
    glb.material[member] = {"index": texture}
    if member == "emissiveTexture":
        glb.material["emissiveFactor"] = [1, 1, 1]
    return glb.to_bytes()


@FACES.row("An emissive texture shows another face over the skin.", altered_body("further image"))
def _emissive() -> bytes:
    return _texture("emissiveTexture")


@FACES.row("The whole skin glows.", altered_body("glows"))
def _glow() -> bytes:
    glb = Glb()
    glb.material["emissiveFactor"] = [0.5, 0.2, 0.1]
    return glb.to_bytes()


def _second_source(extension: str, data: bytes, mime: str) -> bytes:
    glb = Glb()
    source = glb.add_image(data, mime)
    glb.document["textures"][0]["extensions"] = {extension: {"source": source}}
    glb.document["extensionsUsed"].append(extension)
    return glb.to_bytes()


@FACES.row(
    "A WebP image (EXT_texture_webp) shows another face than the PNG.", altered_body("two images that differ")
)
def _webp_face() -> bytes:
    return _second_source("EXT_texture_webp", webp(skin_image(1)), "image/webp")


@FACES.row("A WebP image beside the PNG shows the same face.", allow())
def _webp_same() -> bytes:
    return _second_source("EXT_texture_webp", webp(skin_image()), "image/webp")


def _variants(glb: Glb) -> None:
    glb.document["materials"].append({"pbrMetallicRoughness": {"baseColorFactor": [0.2, 0.1, 0.1, 1]}})
    extension = "KHR_materials_variants"
    glb.document["extensions"][extension] = {"variants": [{"name": "other"}]}
    glb.document["extensionsUsed"].append(extension)
    glb.primitive["extensions"] = {extension: {"mappings": [{"material": 1, "variants": [0]}]}}


def _moved_uvs(glb: Glb) -> None:
    use = glb.surface["baseColorTexture"]
    use["extensions"] = {"KHR_texture_transform": {"offset": [0.5, 0.3]}}
    glb.document["extensionsUsed"].append("KHR_texture_transform")


def _second_uvs(glb: Glb) -> None:
    uvs = glb.attribute("TEXCOORD_0")
    glb.primitive["attributes"]["TEXCOORD_1"] = glb.add_array((uvs + np.array((0.5, 0.3))).astype(np.float32))
    glb.surface["baseColorTexture"]["texCoord"] = 1


def _uvs(glb: Glb) -> None:
    uvs = glb.attribute("TEXCOORD_0")
    uvs[:] = (uvs + np.array((0.5, 0.3))) % 1


def _second_material(glb: Glb) -> None:
    """Half of the triangles get a material of their own."""
    glb.document["materials"].append({"pbrMetallicRoughness": {"baseColorFactor": [0.2, 0.1, 0.1, 1]}})
    faces = glb.array(glb.primitive["indices"]).reshape(-1)
    half = len(faces) // 6 * 3
    second = {**glb.primitive, "indices": glb.add_array(faces[half:].copy()), "material": 1}
    glb.primitive["indices"] = glb.add_array(faces[:half].copy())
    glb.document["meshes"][0]["primitives"].append(second)


def _gloss(glb: Glb) -> None:
    glb.material["extensions"] = {
        "KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [0.2, 0.1, 0.1, 1]}
    }


def _coat(glb: Glb) -> None:
    texture = glb.add_texture(png(skin_image(1)))
    extension = {"sheenColorFactor": [1, 1, 1], "sheenColorTexture": {"index": texture}}
    glb.material["extensions"] = {"KHR_materials_sheen": extension}


for _name, _change, _reason in (
    ("Variants of the material (KHR_materials_variants).", _variants, "other materials"),
    ("A texture transform looks the face up elsewhere (KHR_texture_transform).", _moved_uvs, "texture:"),
    ("A second set of texture coordinates (texCoord 1).", _second_uvs, "texture:"),
    ("Other texture coordinates.", _uvs, "texture:"),
    ("A second material on half of the body.", _second_material, "different images or factors"),
    ("Another kind of material (specular-glossiness).", _gloss, "other materials"),
    ("A further image in a material extension (sheen).", _coat, "further image"),
):

    @FACES.row(_name, altered_body(_reason))
    def _recolored(change: Any = _change) -> bytes:
        glb = Glb()
        change(glb)
        return glb.to_bytes()


# What cannot be decoded here, or is not compared.


@FACES.row(
    "A KTX2 image (KHR_texture_basisu) beside the PNG, which other readers show: who knows what face it is?",
    unknown("KTX2", geometry=BindingVerdict.EXACT),
)
def _ktx2_beside() -> bytes:
    return _second_source("KHR_texture_basisu", KTX2_MAGIC + bytes(200), "image/ktx2")


@FACES.row(
    "An AVIF image (EXT_texture_avif) beside the PNG, which other readers show.",
    unknown("not decoded here", geometry=BindingVerdict.EXACT),
)
def _avif_beside() -> bytes:
    return _second_source("EXT_texture_avif", b"\0\0\0\x20ftypavif" + bytes(200), "image/avif")


@FACES.row(
    "Path traversal: the skin image is a file beside the twin, `../../../etc/passwd`.",
    unknown("outside of the file", geometry=BindingVerdict.EXACT),
)
def _path() -> bytes:
    glb = Glb()
    glb.document["images"][0] = {"uri": "../../../etc/passwd", "mimeType": "image/png"}
    return glb.to_bytes()


@FACES.row(
    "The skin image lies on a server, which may show any face.",
    unknown("outside of the file", geometry=BindingVerdict.EXACT),
)
def _server() -> bytes:
    glb = Glb()
    glb.document["images"][0] = {"uri": "https://evil.example.org/face.png"}
    return glb.to_bytes()


def _no_image(glb: Glb) -> None:
    for member in ("images", "textures", "samplers"):
        del glb.document[member]
    del glb.surface["baseColorTexture"]


@FACES.row("The skin image is left out.", allow(parts={"texture": "missing"}))
def _bare() -> bytes:
    glb = Glb()
    _no_image(glb)
    return glb.to_bytes()


@FACES.row(
    "The skin image is left out, and a factor gives another skin colour.",
    altered_body("texture:"),
)
def _bare_tinted() -> bytes:
    glb = Glb()
    _no_image(glb)
    glb.surface["baseColorFactor"] = [0.2, 0.1, 0.07, 1]
    return glb.to_bytes()


def _relief(glb: Glb) -> None:
    relief = np.full((64, 64, 3), (128, 128, 255), np.uint8)
    relief[20:40, 10:50] = (250, 128, 128)
    glb.material["normalTexture"] = {"index": glb.add_texture(png(relief))}


def _occlusion(glb: Glb) -> None:
    image = np.where(skin_image(1) < 120, 0, 255).astype(np.uint8)
    glb.material["occlusionTexture"] = {"index": glb.add_texture(png(image))}


def _alpha(glb: Glb) -> None:
    image = np.dstack([skin_image(), np.full(skin_image().shape[:2], 255, np.uint8)])
    image[20:90, 20:110, 3] = 0
    glb.document["images"][0]["bufferView"] = glb.add_view(png(image))
    glb.material["alphaMode"] = "MASK"


def _sheen(glb: Glb) -> None:
    glb.material["extensions"] = {"KHR_materials_sheen": {"sheenColorFactor": [0, 1, 0]}}
    glb.document["extensionsUsed"].append("KHR_materials_sheen")


def _glass(glb: Glb) -> None:
    glb.material["extensions"] = {"KHR_materials_transmission": {"transmissionFactor": 1}}
    glb.document["extensionsUsed"].append("KHR_materials_transmission")


def _metal(glb: Glb) -> None:
    glb.surface.update(metallicFactor=1, roughnessFactor=0)


def _stretched(glb: Glb) -> None:
    """Normals, which light the surface, are those of another body."""
    normals = glb.attribute("NORMAL")
    normals[:] = normals[::-1].copy()


for _name, _change in (
    ("An occlusion image that was not bound draws another face.", _occlusion),
    ("Holes cut by transparency, where the face is.", _alpha),
    ("A green sheen over the skin (KHR_materials_sheen).", _sheen),
    ("The body made of glass (KHR_materials_transmission).", _glass),
    ("The body made of polished metal.", _metal),
):

    @FACES.row(_name, altered_body("texture:"))
    def _looks(change: Any = _change) -> bytes:
        glb = Glb()
        change(glb)
        return glb.to_bytes()


LIGHT_IS_FREE = "relief and normals, by which the light falls on the skin, are not bound"


@FACES.row(
    "A relief image (normalTexture) that was not bound draws another face.",
    altered_body("texture:"),
    succeeds=LIGHT_IS_FREE,
)
def _foreign_relief() -> bytes:
    glb = Glb()
    _relief(glb)
    return glb.to_bytes()


@FACES.row("Normals of another surface.", altered_body("texture:"), succeeds=LIGHT_IS_FREE)
def _foreign_normals() -> bytes:
    glb = Glb()
    _stretched(glb)
    return glb.to_bytes()
