"""Small simulated scans that the tests share: a coarse rig, few triangles."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from bodyscan.simulate import RawScanOptions, SimulatedScan, simulate_raw_scan
from bodyscan.types import Mesh

CLEAN = RawScanOptions(
    seed=5, clothing="none", hair="bald", noise_mm=0.0, drift_mm=0.0, holes=(), extra_shape_mm=2.0,
    target_faces=16_000, num_cameras=16, voxel_mm=9.0, unit="mm", up="+z", facing="-y", translation_m=2.0,
)  # fmt: skip
MESSY = replace(
    CLEAN, clothing="tshirt", hair="bob", holes=("crown", "soles"), hole_radius_mm=50, floor="none", crumbs=4,
    duplicate_share=0.1, unit="in", up="+y", facing="+x",
)  # fmt: skip


@cache
def clean_scan() -> SimulatedScan:
    return simulate_raw_scan(CLEAN)


@cache
def messy_scan() -> SimulatedScan:
    return simulate_raw_scan(MESSY)


def sphere(radius: float = 0.5, rows: int = 60) -> Mesh:
    """A sphere of about 2 * rows^2 vertices, wound outwards, coloured grey."""
    import trimesh

    made = trimesh.creation.uv_sphere(radius=radius, count=[rows, 2 * rows])
    return Mesh(made.vertices, made.faces, colors=np.full((len(made.vertices), 3), 128, np.uint8))
