"""Twin <-> GLB: writing, reading back, checking."""

from __future__ import annotations

from bodyscan.gltf.export import Exported, export_twin
from bodyscan.gltf.levels import collision_to_glb, level_to_glb
from bodyscan.gltf.read import GlbBody, read_consent, read_glb
from bodyscan.gltf.targets import Target, load_target, target_names
from bodyscan.gltf.write import GltfOptions, twin_document, twin_to_glb, write_glb

__all__ = [
    "Exported",
    "GlbBody",
    "GltfOptions",
    "Target",
    "collision_to_glb",
    "export_twin",
    "level_to_glb",
    "load_target",
    "read_consent",
    "read_glb",
    "target_names",
    "twin_document",
    "twin_to_glb",
    "write_glb",
]
