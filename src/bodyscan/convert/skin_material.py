"""A twin's material as Blender reads it from glTF, said in the way that the other formats can hold.

`in_blender.py` imports this file by its bare name, in its own process, and hands it Blender's materials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def no_metal(materials: Iterable[Any]) -> None:
    """Say plainly that skin is no metal, where the GLB says so.

    glTF packs metal and roughness into one image. A twin's metallic factor of 0 arrives as a node that
    multiplies the image's blue by 0, which the USD exporter overlooks: the skin would be metal.
    """
    for tree, shader in _shaders(materials):
        metallic = shader.inputs["Metallic"]
        for link in list(metallic.links):
            factor = link.from_node
            if factor.type != "MATH" or factor.operation != "MULTIPLY":
                continue
            if 0.0 in [value.default_value for value in factor.inputs[:2] if not value.is_linked]:
                tree.links.remove(link)
                metallic.default_value = 0.0


def plain_roughness(materials: Iterable[Any]) -> None:
    """Link the roughness image to the shader without the node that picks its green.

    FBX has no channels of images; its exporter leaves out an image that it sees only through such a node.
    A twin's image holds the roughness in all three.
    """
    for tree, shader in _shaders(materials):
        for link in list(shader.inputs["Roughness"].links):
            picker = link.from_node
            if picker.type == "SEPARATE_COLOR" and picker.inputs[0].is_linked:
                tree.links.new(picker.inputs[0].links[0].from_socket, shader.inputs["Roughness"])


def _shaders(materials: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each principled shader and the tree of nodes that it is in."""
    for material in materials:
        for node in material.node_tree.nodes:
            if node.type == "BSDF_PRINCIPLED":
                yield material.node_tree, node
