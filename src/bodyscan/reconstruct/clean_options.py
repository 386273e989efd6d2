"""Options and result of the clean-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.types import Mesh


@dataclass(frozen=True)
class CleanOptions:
    """What the clean-up does, with its limits."""

    weld_tolerance_m: float = 1e-5
    """Metres, above 0, to 0.001: vertices closer than this in each axis are one vertex."""
    fix_orientation: bool = True
    """Turn patches that are inside out."""
    remove_floor: bool = True
    """Remove level planes under the feet: floor, turntable, platform."""
    remove_walls: bool = True
    """Remove upright planes."""
    remove_pieces: bool = True
    """Remove crumbs, stands and everything else that is not near the person."""
    min_floor_area_m2: float = 0.1
    """Square metres, 0.02 to 10: a level plane smaller than this may be two soles."""
    min_wall_area_m2: float = 0.4
    """Square metres, 0.1 to 50: an upright plane smaller than this may be a coat."""
    link_distance_m: float = 0.02
    """Metres, 0.002 to 0.2: pieces closer than this belong together."""
    max_gap_m: float = 0.08
    """Metres, 0 to 0.5: the widest gap over which even a large piece counts as part of the person."""
    border_fade_m: float = 0.015
    """Metres, 0.001 to 0.2: how far from a hole's border confidence is back at 1."""
    seed: int = 0
    """Seed of the visibility rays."""

    def __post_init__(self) -> None:
        limits = {
            "weld_tolerance_m": (1e-9, 0.001),
            "min_floor_area_m2": (0.02, 10.0),
            "min_wall_area_m2": (0.1, 50.0),
            "link_distance_m": (0.002, 0.2),
            "max_gap_m": (0.0, 0.5),
            "border_fade_m": (0.001, 0.2),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"CleanOptions.{name} is {value}; it must lie between {low:g} and {high:g}.")


@dataclass(frozen=True, eq=False)
class CleanResult:
    """A cleaned scan and what was done to it."""

    mesh: Mesh
    """Metres, +Y up; clouds have normals. Without uvs where a texture was baked to the vertices."""
    confidence: NDArray[np.float32]
    """(V,) 0..1: how far a vertex can be trusted."""
    source_vertex: NDArray[np.int64]
    """(V,) the input vertex that each vertex was."""
    notes: tuple[str, ...] = ()
    """What was done, in plain sentences."""
    removed: Mapping[str, float] = field(default_factory=dict)
    """Counts of what was removed or changed: `degenerate_faces`, `duplicate_faces`, `merged_vertices`,
    `flipped_faces`, `floor_m2`, `wall_m2`, `pole_pieces`, `loose_pieces`, `loose_m2`,
    `largest_loose_m2`, `loose_points`, `outlier_points`; absent where zero."""
