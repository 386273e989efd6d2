"""Twin <-> GLB: writing, reading back, checking."""

from __future__ import annotations

from bodyscan.gltf.read import GlbBody, read_consent, read_glb
from bodyscan.gltf.write import GltfOptions, twin_to_glb, write_glb

__all__ = ["GlbBody", "GltfOptions", "read_consent", "read_glb", "twin_to_glb", "write_glb"]
