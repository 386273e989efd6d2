# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin's skin as a material of Blender's: the file's images, no metal, and light that enters the skin.

Only what glTF's plain material holds is linked to images, so that Blender's exporter writes the same material
back. Scattering below the surface is Blender's own and is not exported; sheen, coat and glow, which would be,
are left alone: a file with them shows another skin than the one that was consented to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from bodyscan.errors import InputError
from bodyscan.gltf.read_images import TEXTURE_EXTENSIONS
from bodyscan.gltf.views import ViewReader

from .twin_mesh import COLORS, UV_LAYER

SCATTER = {
    "Subsurface Weight": 0.3,
    "Subsurface Radius": (1.0, 0.35, 0.2),
    "Subsurface Scale": 0.006,
    "IOR": 1.4,
}
"""Of skin, set by eye on rendered twins: red light goes some millimetres deep, blue one; skin refracts by
1.4."""
CLAMP_TO_EDGE = 33071
PLAIN_ROUGHNESS = 1.0
"""glTF's factor where a file names none."""


def skin_material(document: Mapping[str, Any], binary: bytes, name: str) -> Any:
    """Return a new material from a GLB's one material; vertex colours where it has no image.

    `document` and `binary` come from `unpack_glb`. Raises `InputError` for images that are not in the file.
    """
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    shader = _node(tree, "ShaderNodeBsdfPrincipled", (0, 0))
    output = _node(tree, "ShaderNodeOutputMaterial", (320, 0))
    tree.links.new(shader.outputs["BSDF"], output.inputs["Surface"])
    _scatter(shader)
    given = (document.get("materials") or [{}])[0]
    surface = given.get("pbrMetallicRoughness", {})
    images = _Images(document, binary)
    _base_color(tree, shader, surface, images, _has_colors(document))
    _roughness(tree, shader, surface, images)
    if (use := given.get("normalTexture")) is not None:
        picture = images.node(tree, use, "normal", (-700, -600))
        relief = _node(tree, "ShaderNodeNormalMap", (-300, -600))
        relief.uv_map = UV_LAYER
        relief.inputs["Strength"].default_value = float(use.get("scale", 1.0))
        tree.links.new(picture.outputs["Color"], relief.inputs["Color"])
        tree.links.new(relief.outputs["Normal"], shader.inputs["Normal"])
    material.use_backface_culling = not given.get("doubleSided", False)
    return material


def grey_material(name: str) -> Any:
    """Return a new plain material for what is not meant to be looked at."""
    material = bpy.data.materials.new(name)
    material.diffuse_color = (0.5, 0.5, 0.5, 1.0)
    return material


def _scatter(shader: Any) -> None:
    shader.subsurface_method = "RANDOM_WALK_SKIN"
    for name, value in SCATTER.items():
        shader.inputs[name].default_value = value
    shader.inputs["Metallic"].default_value = 0.0


def _base_color(tree: Any, shader: Any, surface: Mapping[str, Any], images: _Images, colors: bool) -> None:
    tint = tuple(float(value) for value in surface.get("baseColorFactor", (1, 1, 1, 1)))
    use = surface.get("baseColorTexture")
    if use is not None:
        source = images.node(tree, use, "albedo", (-700, 200)).outputs["Color"]
    elif colors:
        node = _node(tree, "ShaderNodeVertexColor", (-700, 200))
        node.layer_name = COLORS
        source = node.outputs["Color"]
    else:
        shader.inputs["Base Color"].default_value = tint
        return
    if tint[:3] != (1.0, 1.0, 1.0):
        mix = _node(tree, "ShaderNodeMix", (-300, 200))
        mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
        mix.inputs["Factor"].default_value = 1.0
        tree.links.new(source, mix.inputs[6])
        mix.inputs[7].default_value = tint
        source = mix.outputs[2]
    tree.links.new(source, shader.inputs["Base Color"])


def _roughness(tree: Any, shader: Any, surface: Mapping[str, Any], images: _Images) -> None:
    factor = float(surface.get("roughnessFactor", PLAIN_ROUGHNESS))
    shader.inputs["Roughness"].default_value = factor
    use = surface.get("metallicRoughnessTexture")
    if use is None:
        return
    picture = images.node(tree, use, "roughness", (-700, -200))
    parts = _node(tree, "ShaderNodeSeparateColor", (-400, -200))
    tree.links.new(picture.outputs["Color"], parts.inputs["Color"])
    source = parts.outputs["Green"]
    if factor != 1.0:
        times = _node(tree, "ShaderNodeMath", (-200, -200))
        times.operation = "MULTIPLY"
        times.inputs[1].default_value = factor
        tree.links.new(source, times.inputs[0])
        source = times.outputs["Value"]
    tree.links.new(source, shader.inputs["Roughness"])


class _Images:
    """The images of one document, each packed into the .blend as the bytes that it is in the file."""

    def __init__(self, document: Mapping[str, Any], binary: bytes) -> None:
        self._document = document
        self._views = ViewReader(document, binary)
        self._made: dict[int, Any] = {}

    def node(self, tree: Any, use: Mapping[str, Any], name: str, place: tuple[float, float]) -> Any:
        """Return a new node that looks up a texture; everything but `albedo` is data, not colour."""
        texture = self._document["textures"][use["index"]]
        extensions = texture.get("extensions", {})
        sources = [extensions[key]["source"] for key in TEXTURE_EXTENSIONS if key in extensions]
        source = sources[0] if sources else texture["source"]
        if source not in self._made:
            self._made[source] = self._packed(source, name)
        node = _node(tree, "ShaderNodeTexImage", place)
        node.image = self._made[source]
        node.label = name
        if name != "albedo":
            node.image.colorspace_settings.name = "Non-Color"
        samplers = self._document.get("samplers", [])
        sampler = samplers[texture["sampler"]] if "sampler" in texture else {}
        node.extension = "EXTEND" if sampler.get("wrapS") == CLAMP_TO_EDGE else "REPEAT"
        return node

    def _packed(self, source: int, name: str) -> Any:
        stored = self._document["images"][source]
        if "bufferView" not in stored:
            raise InputError(
                f"The file's image '{name}' lies outside of it; give a GLB that holds its images."
            )
        data = bytes(self._views.read(stored["bufferView"])[0])
        image = bpy.data.images.new(name, 8, 8)
        image.pack(data=data, data_len=len(data))
        image.source = "FILE"
        if image.size[0] == 0:
            raise InputError(
                f"Blender cannot read the file's image '{name}' ({stored.get('mimeType', '?')})."
            )
        return image


def _has_colors(document: Mapping[str, Any]) -> bool:
    primitives = [primitive for mesh in document.get("meshes", []) for primitive in mesh["primitives"]]
    return any("COLOR_0" in primitive["attributes"] for primitive in primitives)


def _node(tree: Any, kind: str, place: tuple[float, float]) -> Any:
    node = tree.nodes.new(kind)
    node.location = place
    return node
