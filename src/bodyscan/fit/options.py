"""What a person can choose about the fit."""

from __future__ import annotations

from dataclasses import dataclass

from bodyscan.errors import InputError


@dataclass(frozen=True)
class FitLevel:
    """One level of the coarse-to-fine schedule."""

    num_points: int
    """Points drawn from the scan, and at most so many body vertices."""
    sigma_m: tuple[float, float]
    """Scale of the robust kernel at the first and at the last step, metres."""
    num_betas: int
    """Leading body components that are solved for."""
    num_face_betas: int
    """Face components that are solved for."""
    fingers: bool
    """Whether the fingers move."""
    steps: int
    """Gauss-Newton steps."""
    landmark_weight: float
    """Factor on the landmark terms, 0..1: they lead at first and yield to the surface."""


LEVELS = (
    FitLevel(2500, (0.060, 0.030), 10, 0, False, 7, 1.0),
    FitLevel(4000, (0.025, 0.012), 30, 0, False, 5, 0.5),
    FitLevel(8000, (0.0079, 0.006), 90, 20, True, 4, 0.2),
    FitLevel(14000, (0.005, 0.003), 160, 80, True, 4, 0.05),
)
"""Tried and measured in `benchmarks/fit.py`."""


@dataclass(frozen=True)
class FitOptions:
    """Options of `bodyscan.fit.fit_body`."""

    body: str = "auto"
    """`adult`, `child`, or `auto`: both are tried on short people and the better one is kept."""
    levels: tuple[FitLevel, ...] = LEVELS
    """Coarse to fine."""
    clothing: bool = True
    """Whether cloth and hair are told from skin, and the body is fitted inside of them."""
    detail: bool = True
    """Whether the surface follows the scan beyond the parametric body."""
    detail_limit_m: float = 0.06
    """Farthest that the surface may leave the parametric body, metres, 0 to 0.2."""
    detail_length_m: float = 0.008
    """Surface detail smaller than this is smoothed away, metres, 0.001 to 0.1."""
    max_surface_mean_mm: float = 6.0
    """A fit whose trusted scan points lie farther from the surface on average is not acceptable, mm."""
    min_explained: float = 0.85
    """A fit that explains a smaller share of the scan within 20 mm is not acceptable, 0..1."""
    min_coverage: float = 0.45
    """A fit whose body is backed by scan data on a smaller share of its area is not acceptable, 0..1."""
    seed: int = 0
    """Seed of the points that are drawn from the scan."""

    def __post_init__(self) -> None:
        if self.body not in ("auto", "adult", "child"):
            raise InputError(f"FitOptions.body is '{self.body}'; possible: auto, adult, child.")
        if not self.levels:
            raise InputError("FitOptions.levels is empty; give at least one level.")
        ranges = {
            "detail_limit_m": (0.0, 0.2, " m"),
            "detail_length_m": (0.001, 0.1, " m"),
            "max_surface_mean_mm": (0.0, 1000.0, " mm"),
            "min_explained": (0.0, 1.0, ""),
            "min_coverage": (0.0, 1.0, ""),
        }
        for name, (low, high, unit) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"FitOptions.{name} is {value}; possible: {low:g} to {high:g}{unit}.")
