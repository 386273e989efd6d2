"""trimesh: reads the mesh, its material and extras; it has no rig and no shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from readers.report import ReaderReport, TextureSeen, refused

USES = {
    "baseColorTexture": "albedo",
    "normalTexture": "normal",
    "metallicRoughnessTexture": "roughness",
}


def read(path: Path, arm: str, shape: str) -> ReaderReport:
    """Return what trimesh sees."""
    name = f"trimesh {trimesh.__version__}"
    try:
        with path.open("rb") as stream:
            # By its content: trimesh knows no .vrm.
            scene: Any = trimesh.load_scene(stream, file_type="glb", process=False)
    except Exception as error:  # whatever a reader may raise is its answer
        return refused(name, f"{type(error).__name__}: {error}")
    (body,) = scene.geometry.values()
    bounds = scene.bounds
    return ReaderReport(
        reader=name,
        loaded=True,
        textures=tuple(_textures(body.visual.material)),
        triangles=len(body.faces),
        height_m=float(bounds[1, 1] - bounds[0, 1]),
        extras=_has_consent(scene),
        again=scene.export(file_type="glb"),
    )


def _textures(material: Any) -> list[TextureSeen]:
    seen = []
    for attribute, use in USES.items():
        image = getattr(material, attribute, None)
        if image is not None:
            mean = np.asarray(image.convert("RGB")).reshape(-1, 3).mean(axis=0)
            seen.append(TextureSeen(use, image.width, image.height, tuple(mean.tolist())))
    return seen


def _has_consent(scene: Any) -> bool:
    held = (scene.graph.transforms.node_data[name] for name in scene.graph.nodes)
    extras = [node.get("extras", {}) for node in held]
    extras += [mesh.metadata for mesh in scene.geometry.values()]
    return any("consent" in one.get("bodyscan", {}) for one in extras)
