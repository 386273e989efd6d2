"""What baking colour from photos can be asked for."""

from __future__ import annotations

from dataclasses import dataclass

from bodyscan.errors import InputError

RANGES: dict[str, tuple[float, float]] = {
    "views": (1, 16),
    "steepest_deg": (20.0, 89.0),
    "tolerance_mm": (0.5, 100.0),
    "jump_mm": (1.0, 500.0),
    "edge_margin_px": (0.0, 50.0),
    "base_mm": (1.0, 100.0),
    "base_power": (0.0, 20.0),
    "detail_power": (0.0, 50.0),
    "disagreement": (1.0, 255.0),
    "depth_pixels": (10_000, 10_000_000),
    "level_points": (500, 200_000),
}


@dataclass(frozen=True)
class PhotoBakeOptions:
    """Options of `bake_photos`. A number out of its range raises `InputError` when the value is made."""

    views: int = 5
    """1..16, how many photos a texel is mixed from: the best ones."""
    steepest_deg: float = 78.0
    """20..89 degrees between the surface's normal and the line of sight from which a photo is blind."""
    tolerance_mm: float = 6.0
    """0.5..100 mm that a texel may lie behind the nearest surface and be seen: errors of scan and fit."""
    jump_mm: float = 20.0
    """1..500 mm, a step in depth that counts as a silhouette."""
    edge_margin_px: float = 3.0
    """0..50 pixels of the photo beside a silhouette where it counts less; the last one does not count."""
    base_mm: float = 8.0
    """1..100 mm on the surface: what is coarser is mixed smoothly, the finer from the best photos."""
    base_power: float = 2.0
    """0..20, how much better photos count more in what is coarse; 0: all the same."""
    detail_power: float = 8.0
    """0..50, the same in what is fine."""
    disagreement: float = 14.0
    """1..255 sRGB values from which a photo that differs from the others' median loses its say: gloss."""
    level: bool = True
    """Whether exposure and white balance of the photos are levelled."""
    depth_pixels: int = 1_000_000
    """10,000..10,000,000 rays that decide what a photo sees, at most; photos that are larger get blocks."""
    level_points: int = 20_000
    """500..200,000 points of the surface that the levels are taken from."""

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"PhotoBakeOptions.{name} is {value}; possible: {low:g} to {high:g}.")
