"""A twin's file as what a picture is drawn from: its rig with the twin's own joint names, and its skin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bodyscan.consent.content import BodyContent
from bodyscan.errors import InputError, MissingExtraError
from bodyscan.geometry.srgb import linear_from_srgb, srgb_from_linear
from bodyscan.gltf.read import DAMAGE, GlbBody
from bodyscan.gltf.read_images import TEXTURE_EXTENSIONS, TRANSFORM, decode_image
from bodyscan.gltf.targets import load_target, target_names
from bodyscan.gltf.views import ViewReader
from bodyscan.types import F32, U8, Mesh, Rig, Skeleton, SkinTextures

TextureUse = Mapping[str, Any]


def rig_of(body: GlbBody, uvs: F32 | None = None) -> Rig:
    """Return the mesh of a file, bound to its skeleton, in the bind pose.

    `uvs` (V, 2) replace the file's, where a texture transform was applied to them. Joints get the names of
    VRM 1.0's humanoid bones where a target's table knows theirs. Weights are brought to a sum of 1, which
    quantisation leaves a little off. Raises `InputError` where a vertex hangs on no joint or a weight is
    negative.
    """
    weights = body.joint_weights.astype(np.float64)
    total = weights.sum(axis=1, keepdims=True)
    if len(weights) and (weights.min() < 0 or total.min() < 1e-3):
        raise InputError("The file's joint weights are damaged: a vertex hangs on no joint.")
    skeleton = Skeleton(
        vrm_joint_names(body.skeleton.joint_names), body.skeleton.parents, body.skeleton.positions
    )
    coordinates = body.uvs if uvs is None else uvs
    return Rig(
        mesh=Mesh(body.positions.astype(np.float64), body.faces, coordinates, body.colors),
        skeleton=skeleton,
        joint_indices=body.joint_indices,
        joint_weights=(weights / total).astype(np.float32),
    )


def vrm_joint_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return a file's joint names with those of the target that knows most of them turned into VRM's."""
    best: dict[str, str] = {}
    for target in target_names():
        given = {reader: bone for bone, reader in load_target(target).joints.items() if reader in names}
        if len(given) > len(best):
            best = given
    return tuple(best.get(name, name) for name in names)


def read_skin(document: Mapping[str, Any], binary: bytes, content: BodyContent) -> SkinTextures | None:
    """Return base colour, relief and roughness of a twin's skin, or None where it has no base colour image.

    `document` and `binary` come from `unpack_glb`, `content` from `read_content`: what the consent was
    checked against is what is drawn. Base colour and roughness are multiplied by the material's factors
    (glTF 2.0, 3.9.2). A relief or roughness image of another size, which a packer may leave, is resampled.

    Raises `MissingExtraError` where there is a base colour that cannot be decoded here (KTX2), `InputError`
    for an image that is damaged, too large, not square, or that two readers could see differently.
    """
    if "texture" in content.unread:
        raise MissingExtraError(
            f"The twin's skin cannot be drawn: {content.unread['texture']}. Give the master file, or a copy "
            "with PNG, JPEG or WebP images inside."
        )
    albedo = content.albedo
    if albedo is None:
        return None
    height, width = albedo.shape[:2]
    if height != width:
        raise InputError(f"The twin's base colour image is {width} by {height}; a twin's is square.")
    try:
        relief = _only_use(document, lambda material: material.get("normalTexture"))
        packed = _only_use(document, lambda material: _surface(material).get("metallicRoughnessTexture"))
        normal = None if relief is None else _image(document, binary, relief)
        rough = None if packed is None else _image(document, binary, packed)
        factor = _roughness_factor(document)
        scale = 1.0 if relief is None else float(relief.get("scale", 1.0))
    except DAMAGE as error:
        raise InputError(f"The file's material is damaged: {error!r}.") from None
    return SkinTextures(
        albedo if content.tint == (1.0, 1.0, 1.0) else _tinted(albedo, content.tint),
        None if normal is None else _scaled_relief(_of_size(normal, width), scale),
        None if rough is None else np.rint(_of_size(rough, width)[..., 1] * factor).astype(np.uint8),
    )


def _surface(material: Mapping[str, Any]) -> Mapping[str, Any]:
    return material.get("pbrMetallicRoughness", {})


def _materials(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The materials of all primitives, each once; a primitive without one shows glTF's default."""
    meshes = document.get("meshes", [])
    named = dict.fromkeys(primitive.get("material") for mesh in meshes for primitive in mesh["primitives"])
    return [{} if index is None else document["materials"][index] for index in named]


def _only_use(
    document: Mapping[str, Any], of: Callable[[Mapping[str, Any]], TextureUse | None]
) -> TextureUse | None:
    """Return how all materials look an image up at one place, None where they have none there."""
    materials = _materials(document)
    uses = [of(material) for material in materials]
    if any(use != uses[0] for use in uses):
        raise InputError("The file's meshes show different images; a twin has one skin.")
    use = uses[0] if uses else None
    if use is not None and _place(use) != _place(_surface(materials[0]).get("baseColorTexture") or {}):
        raise InputError(
            "The file looks its relief or roughness up by other coordinates than its base colour; give the "
            "file as bodyscan wrote it."
        )
    return use


def _place(use: TextureUse) -> tuple[int, Any]:
    return use.get("texCoord", 0), use.get("extensions", {}).get(TRANSFORM)


def _image(document: Mapping[str, Any], binary: bytes, use: TextureUse) -> U8:
    texture = document["textures"][use["index"]]
    extensions = texture.get("extensions", {})
    sources = {extensions[name]["source"] for name in TEXTURE_EXTENSIONS if name in extensions}
    sources |= {texture["source"]} if "source" in texture else set()
    if len(sources) != 1:
        raise InputError(
            f"A texture of the file names {len(sources)} images; readers would show different ones."
        )
    image = document["images"][sources.pop()]
    if "bufferView" not in image or "uri" in image:
        raise InputError("An image lies outside of the file; pack it into one GLB first.")
    return decode_image(bytes(ViewReader(document, binary).read(image["bufferView"])[0]))


def _roughness_factor(document: Mapping[str, Any]) -> float:
    factors = {float(_surface(material).get("roughnessFactor", 1)) for material in _materials(document)}
    if len(factors) > 1:
        raise InputError("The file's meshes show different materials; a twin has one skin.")
    return min(max(factors.pop(), 0.0), 1.0)


def _of_size(image: U8, side: int) -> U8:
    if image.shape[:2] == (side, side):
        return image
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))


def _scaled_relief(normal: U8, scale: float) -> U8:
    """glTF 2.0, normalTexture.scale: x and y are multiplied, then the vector is brought to unit length."""
    if scale == 1.0:
        return normal
    vectors = (normal.astype(np.float32) / 127.5 - 1) * np.array([scale, scale, 1], np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)
    return np.rint((vectors + 1) * 127.5).astype(np.uint8)


def _tinted(albedo: U8, tint: tuple[float, float, float]) -> U8:
    return srgb_from_linear(linear_from_srgb(albedo) * np.array(tint, np.float32))
