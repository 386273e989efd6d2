"""What a simulated rig of photo cameras can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from bodyscan.errors import InputError

RANGES: dict[str, tuple[float, float]] = {
    "num_cameras": (1, 400),
    "rings": (1, 12),
    "width": (16, 8000),
    "height": (16, 8000),
    "exposure_sd": (0.0, 1.0),
    "tint_sd": (0.0, 0.5),
    "noise": (0.0, 50.0),
    "k1": (-0.3, 0.3),
    "gloss": (0.0, 1.0),
    "detail": (0.0, 1.0),
    "samples": (1, 4),
}


@dataclass(frozen=True)
class PhotoRigOptions:
    """One rig of photo cameras. Every random choice follows from `seed` alone.

    A number out of its range raises `InputError` when the value is made.
    """

    seed: int = 0
    """0 or more: exposures, tints, noise."""
    num_cameras: int = 24
    """1..400 cameras, spread over the rings."""
    rings: int = 4
    """1..12 rings of cameras around the person, from below the knee to above the head."""
    width: int = 800
    """16..8000 pixels."""
    height: int = 1200
    """16..8000 pixels."""
    exposure_sd: float = 0.0
    """0..1, standard deviation of the natural logarithm of a camera's exposure; 0.15 is 15 %."""
    tint_sd: float = 0.0
    """0..0.5, the same for each channel of a camera by itself: white balance."""
    noise: float = 1.0
    """0..50, standard deviation of a pixel's noise in sRGB values of 0 to 255."""
    k1: float = 0.0
    """-0.3..0.3, first radial coefficient of the lens as OpenCV counts it; negative is a barrel."""
    gloss: float = 0.0
    """0..1, strength of highlights that move with the camera; 0.3 is sweat."""
    detail: float = 0.5
    """0..1, contrast of the skin's and cloth's finest pattern: freckles of 3 to 8 mm and a weave."""
    samples: int = 2
    """1..4 rays a pixel along each side: 2 is 4 rays a pixel."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"PhotoRigOptions.seed is {self.seed}; it must be 0 or more.")
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"PhotoRigOptions.{name} is {value}; possible: {low:g} to {high:g}.")

    def as_dict(self) -> dict[str, Any]:
        """Every field as JSON types, in order."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
