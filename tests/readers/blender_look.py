"""Runs in a process of its own: what `blender/inspect_twin.py` does, and the images and triangles beside it.

Arguments: those of `blender/inspect_twin.py`. Prints its REPORT and a line LOOK, both JSON; or REFUSED.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import bpy as untyped_bpy  # pyright: ignore[reportMissingImports]
import numpy as np

bpy: Any = untyped_bpy
INSPECT = Path(__file__).resolve().parents[1] / "blender" / "inspect_twin.py"
USES = {"Base Color": "albedo", "Roughness": "roughness", "Normal": "normal"}
"""Input of the skin's shader -> what its image is for."""


def image_before(socket: Any) -> Any:
    """Return the image that feeds a socket, through whatever nodes lie between; None where none does."""
    for link in socket.links:
        if link.from_node.type == "TEX_IMAGE":
            return link.from_node.image
        for above in link.from_node.inputs:
            if found := image_before(above):
                return found
    return None


def textures(material: Any) -> list[dict[str, Any]]:
    """Return use, size and mean texel (0..255 as stored) of each image of the skin."""
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    seen = []
    for name, use in USES.items():
        image = image_before(shader.inputs[name])
        if image is None:
            continue
        texels = np.empty(len(image.pixels), np.float32)
        image.pixels.foreach_get(texels)
        mean = texels.reshape(-1, image.channels)[:, :3].mean(axis=0) * 255
        width, height = image.size
        seen.append({"use": use, "width": width, "height": height, "mean": mean.tolist()})
    return seen


def main() -> None:
    try:
        runpy.run_path(str(INSPECT))
    except Exception as error:  # whatever an importer may raise is its answer
        print(f"REFUSED {type(error).__name__}: {' '.join(str(error).split())}")
        return
    mesh = bpy.data.objects["body"].data
    mesh.calc_loop_triangles()
    look = {
        "version": bpy.app.version_string,
        "triangles": len(mesh.loop_triangles),
        "textures": textures(mesh.materials[0]),
    }
    print("LOOK " + json.dumps(look))


main()
