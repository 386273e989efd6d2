"""Re-encodes and shrinks a document's images: PNG, JPEG, WebP, and KTX2 through `ktx2`.

What an image is for decides how it may be changed. Colours are averaged in linear light. Normal maps are
averaged as vectors and brought back to unit length, and their chroma is never halved, for two of the three
axes lie in it. WebP's lossy mode always halves it (at equal size it bends pore-like normals as much as a JPEG
of quality 85 does, and no quality setting takes the halving back), so a normal map beside WebP colours is a
JPEG with full chroma (4:4:4), or a lossless WebP where that is smaller. A file with WebP images requires
EXT_texture_webp: a second copy for readers without it would be larger than what WebP saves.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from bodyscan.errors import InputError
from bodyscan.gltf.pack.arrays import Arrays
from bodyscan.gltf.pack.ktx2 import encode_ktx2
from bodyscan.gltf.pack.options import KTX2, WEBP, PackOptions
from bodyscan.gltf.pack.resize import resize_image
from bodyscan.types import U8

COLOR, NORMAL, DATA = "color", "normal", "data"
MIME_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "KTX2": "image/ktx2"}
EXTENSIONS = {"image/webp": WEBP, "image/ktx2": KTX2}
MAX_SIDE = 16384
"""Pixels; a larger image is refused before it is decoded."""


def pack_images(arrays: Arrays, options: PackOptions) -> None:
    """Re-encode the images in place as the options say; `keep` and no size limit leaves them as they are.

    An image that is already of the kind that is asked for, and small enough, keeps its bytes. Raises
    `InputError` where an image cannot be read, `MissingExtraError` without the program that KTX2 needs.
    """
    roles = image_roles(arrays.document)
    for index, data in list(arrays.images.items()):
        role = roles.get(index, COLOR)
        kind, size = _probe(data, index)
        limit = options.texture_size or MAX_SIDE
        wanted = kind if options.textures == "keep" else options.textures.upper()
        if kind == wanted and max(size) <= limit:
            continue
        pixels = resize_image(_pixels(data), limit, role)
        packed, mime = encode(pixels, wanted, role, options)
        arrays.images[index] = packed
        arrays.document["images"][index]["mimeType"] = mime
    _point_textures(arrays)


def image_roles(document: dict[str, Any]) -> dict[int, str]:
    """Return image index -> `color`, `normal` or `data`, by the materials that look it up."""
    roles: dict[int, str] = {}
    textures = document.get("textures", [])
    for material in document.get("materials", []):
        surface = material.get("pbrMetallicRoughness", {})
        uses = [
            (material.get("normalTexture"), NORMAL),
            (surface.get("metallicRoughnessTexture"), DATA),
            (material.get("occlusionTexture"), DATA),
            (material.get("emissiveTexture"), COLOR),
            (surface.get("baseColorTexture"), COLOR),
        ]
        for use, role in uses:
            if use is not None:
                source = _source(textures[use["index"]])
                if source is not None:
                    roles[source] = role
    return roles


def encode(pixels: U8, kind: str, role: str, options: PackOptions) -> tuple[bytes, str]:
    """Return (H, W, 3) or (H, W, 4) uint8 pixels as the bytes of an image file, and its MIME type."""
    if kind == "KTX2":
        return encode_ktx2(pixels, role), MIME_TYPES[kind]
    if kind == "PNG":
        return _saved(pixels, "PNG", optimize=True), MIME_TYPES[kind]
    if kind == "WEBP" and role == NORMAL:
        jpeg = encode(pixels, "JPEG", role, options)
        lossless = _saved(pixels, "WEBP", lossless=True, quality=100, method=4)
        return jpeg if len(jpeg[0]) <= len(lossless) else (lossless, MIME_TYPES[kind])
    if kind == "WEBP":
        return _saved(pixels, "WEBP", quality=options.texture_quality, method=6), MIME_TYPES[kind]
    if pixels.shape[2] == 4:
        raise InputError("An image has transparency, which JPEG cannot hold; give PNG or WebP.")
    quality = options.normal_quality if role == NORMAL else options.texture_quality
    chroma = 2 if role == COLOR else 0  # Pillow: 2 is 4:2:0, 0 is 4:4:4
    return (
        _saved(pixels, "JPEG", quality=quality, subsampling=chroma, optimize=True, progressive=True),
        MIME_TYPES["JPEG"],
    )


def _saved(pixels: U8, kind: str, **options: Any) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, kind, **options)
    return stream.getvalue()


def _probe(data: bytes, index: int) -> tuple[str, tuple[int, int]]:
    from PIL import Image

    if data[:12] == b"\xabKTX 20\xbb\r\n\x1a\n":
        return "KTX2", (0, 0)
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind, size = str(image.format), image.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"Image {index} of the file cannot be read: {error}.") from None
    if max(size) > MAX_SIDE:
        raise InputError(f"Image {index} of the file is {size[0]} by {size[1]}; {MAX_SIDE} is the most.")
    return kind, size


def _pixels(data: bytes) -> U8:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            opaque = not image.has_transparency_data
            return np.asarray(image.convert("RGB" if opaque else "RGBA"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"An image of the file cannot be decoded ({error}); KTX2 images cannot be packed again."
        ) from None


def _source(texture: dict[str, Any]) -> int | None:
    for extension in (WEBP, KTX2):
        if extension in texture.get("extensions", {}):
            return texture["extensions"][extension]["source"]
    return texture.get("source")


def _point_textures(arrays: Arrays) -> None:
    """Let each texture name its image where the image's kind belongs: plainly, or in an extension."""
    for texture in arrays.document.get("textures", []):
        source = _source(texture)
        if source is None:
            continue
        for name in (WEBP, KTX2):
            texture.get("extensions", {}).pop(name, None)
        texture.pop("source", None)
        if not texture.get("extensions", True):
            del texture["extensions"]
        extension = EXTENSIONS.get(arrays.document["images"][source].get("mimeType", ""))
        if extension is None:
            texture["source"] = source
        else:
            texture.setdefault("extensions", {})[extension] = {"source": source}
            arrays.use(extension)
