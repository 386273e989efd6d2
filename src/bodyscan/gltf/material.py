"""The skin's material and its images.

The images go into the file as they were baked (level 0) or halved once a level of detail. Halving averages
four texels: colours in linear light, as a renderer's own mipmaps do, and normals as vectors of unit length.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.geometry.srgb import srgb_from_linear
from bodyscan.gltf.buffer import BufferPacker
from bodyscan.gltf.color import srgb8_to_linear16
from bodyscan.gltf.options import GltfOptions
from bodyscan.types import F32, U8, SkinTextures

SMALLEST_PX = 512
"""Below this many pixels a side no image is halved: on a face it would show."""
MIME_TYPES = {"png": "image/png", "jpeg": "image/jpeg"}
LINEAR, LINEAR_MIPMAP_LINEAR = 9729, 9987
CLAMP_TO_EDGE, REPEAT = 33071, 10497
GREY = 0.5
"""Base colour of the collision body, linear."""


def skin_material(
    textures: SkinTextures | None, uvs: F32 | None, level: int, packer: BufferPacker, options: GltfOptions
) -> dict[str, Any]:
    """Return the document's `materials` and, with `textures`, its `textures` and `samplers`.

    `uvs` (V, 2) of the mesh; `level` of detail, 0 is the twin itself. The images go into `packer`. Raises
    `InputError` where there are textures and no uvs.
    """
    surface: dict[str, Any] = {
        "baseColorFactor": [1.0, 1.0, 1.0, 1.0],
        "metallicFactor": 0.0,
        "roughnessFactor": options.roughness,
    }
    material: dict[str, Any] = {
        "name": "skin",
        "doubleSided": False,
        "alphaMode": "OPAQUE",
        "pbrMetallicRoughness": surface,
    }
    if textures is None:
        return {"materials": [material]}
    if uvs is None:
        raise InputError("The twin has textures and its mesh has no uvs; leave the textures out.")

    def add(name: str, image: U8) -> dict[str, int]:
        data = encode_image(image, options.texture_format, options.texture_quality)
        source = packer.add_image(name, data, MIME_TYPES[options.texture_format])
        return {"index": source}

    textures = halved(textures, level)
    surface["baseColorTexture"] = add("albedo", textures.albedo)
    if textures.roughness is not None:
        surface["metallicRoughnessTexture"] = add("roughness", packed_roughness(textures.roughness))
        surface["roughnessFactor"] = 1.0
    if textures.normal is not None:
        material["normalTexture"] = add("normal", textures.normal)
    inside = bool(len(uvs) == 0 or (uvs.min() >= 0 and uvs.max() <= 1))
    wrap = CLAMP_TO_EDGE if inside else REPEAT
    return {
        "materials": [material],
        # One texture an image, in the same order.
        "textures": [
            {"sampler": 0, "source": index, "name": image.name} for index, image in enumerate(packer.images)
        ],
        "samplers": [{"magFilter": LINEAR, "minFilter": LINEAR_MIPMAP_LINEAR, "wrapS": wrap, "wrapT": wrap}],
    }


def grey_material() -> dict[str, Any]:
    """Return the document's `materials` for a body that is not meant to be looked at."""
    return {
        "materials": [
            {
                "name": "collision",
                "pbrMetallicRoughness": {
                    "baseColorFactor": [GREY, GREY, GREY, 1.0],
                    "metallicFactor": 0.0,
                    "roughnessFactor": 1.0,
                },
            }
        ]
    }


def packed_roughness(roughness: U8) -> U8:
    """Return (N, N, 3) uint8 for glTF's metallic-roughness: G is `roughness` (N, N), B (metallic) is 0.

    R is free in glTF and full here: a reader that takes it for occlusion finds none.
    """
    packed = np.zeros((*roughness.shape, 3), np.uint8)
    packed[..., 0], packed[..., 1] = 255, roughness
    return packed


def halved(textures: SkinTextures, times: int) -> SkinTextures:
    """Return the textures at half the size, `times` times, as long as they stay at `SMALLEST_PX` or above.

    A size that is odd is not halved further.
    """
    for _ in range(times):
        size = len(textures.albedo)
        if size % 2 or size // 2 < SMALLEST_PX:
            break
        textures = SkinTextures(
            albedo=srgb_from_linear(_mean_of_four(srgb8_to_linear16(textures.albedo)) / 65535),
            normal=None if textures.normal is None else _halved_normals(textures.normal),
            roughness=None
            if textures.roughness is None
            else np.round(_mean_of_four(textures.roughness)).astype(np.uint8),
            seen_share=textures.seen_share,
            notes=textures.notes,
        )
    return textures


def encode_image(image: U8, kind: str, quality: int) -> bytes:
    """Return `image` (N, N, 3) uint8 as the bytes of a `png` or `jpeg` file. Same image, same bytes."""
    from PIL import Image

    stream = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(image))
    if kind == "png":
        # Level 3 is four times as quick as the default 6 and a few per cent larger.
        picture.save(stream, "PNG", compress_level=3)
    else:
        picture.save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def _mean_of_four(image: NDArray[Any]) -> F32:
    rows = image[0::2].astype(np.float32) + image[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) / 4


def _halved_normals(normal: U8) -> U8:
    mean = _mean_of_four(normal.astype(np.float32) / 255 * 2 - 1)
    length = np.linalg.norm(mean, axis=-1, keepdims=True)
    mean = np.where(length > 1e-3, mean / np.maximum(length, 1e-3), (0.0, 0.0, 1.0))
    return np.round((mean + 1) / 2 * 255).astype(np.uint8)
