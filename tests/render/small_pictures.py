"""An options file under which a report's pictures take a moment."""

from __future__ import annotations

SMALL_PICTURES = """
[pictures]
width = 200
height = 240
face_height = 200
[pictures.render]
occlusion_rays = 0
shadow_rays = 0
edge_samples = 1
"""
