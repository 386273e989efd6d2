"""What a simulated raw scan can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from bodyscan.errors import InputError

UNITS: dict[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
"""Metres for each file unit."""
AXES = ("+x", "-x", "+y", "-y", "+z", "-z")
HOLE_PLACES = ("crown", "soles", "armpits", "back", "crotch")

CHOICES: dict[str, tuple[str, ...]] = {
    "age": ("adult", "child"),
    "sex": ("any", "female", "male"),
    "build": ("any", "thin", "average", "heavy", "athletic"),
    "pose": ("a", "t", "relaxed"),
    "legs": ("standard", "apart", "together"),
    "hands": ("relaxed", "open", "fist"),
    "hair": ("bald", "short", "bob", "long"),
    "clothing": ("none", "briefs", "sports", "leggings", "tshirt", "loose"),
    "floor": ("none", "disc", "turntable"),
    "unit": tuple(UNITS),
    "up": AXES,
    "facing": AXES,
}

RANGES: dict[str, tuple[float, float]] = {
    "height_m": (0.7, 2.2),
    "shape_spread": (0.0, 1.0),
    "extra_shape_mm": (0.0, 20.0),
    "arms_down_deg": (-20.0, 90.0),
    "joint_sd_deg": (0.0, 10.0),
    "head_turn_deg": (-60.0, 60.0),
    "sway_deg": (0.0, 5.0),
    "skin_tone": (1, 10),
    "target_faces": (2_000, 2_000_000),
    "num_cameras": (8, 400),
    "max_angle_deg": (30.0, 90.0),
    "noise_mm": (0.0, 20.0),
    "drift_mm": (0.0, 30.0),
    "voxel_mm": (1.0, 20.0),
    "depth_step_mm": (0.0, 20.0),
    "hole_radius_mm": (5.0, 200.0),
    "crumbs": (0, 500),
    "flipped_share": (0.0, 1.0),
    "duplicate_share": (0.0, 1.0),
    "lighting": (0.0, 1.0),
    "yaw_deg": (0.0, 180.0),
    "translation_m": (0.0, 100.0),
}


@dataclass(frozen=True)
class RawScanOptions:
    """One simulated scan. Every random choice follows from `seed` alone.

    A name that is not possible, or a number out of its range, raises `InputError` when the value is made.
    """

    seed: int = 0
    """0 or more."""

    age: str = "adult"
    """`adult` or `child`: which shape space the body comes from."""
    sex: str = "any"
    """`female`, `male`, or `any`: drawn. A hint to the shape, not a label."""
    build: str = "any"
    """`thin`, `average`, `heavy`, `athletic`, or `any`: drawn."""
    height_m: float | None = None
    """Stature in metres, 0.7 to 2.2; None: drawn."""
    shape_spread: float = 0.4
    """0..1, standard deviations of everything about the body that the hints leave open."""
    extra_shape_mm: float = 2.0
    """0..20 mm, root mean square of a smooth change of the skin that is in no shape component."""

    pose: str = "a"
    """`a`, `t` or `relaxed`, as in `bodyscan.body.poses`."""
    arms_down_deg: float = 0.0
    """-20..90 degrees that the arms hang lower than in the named pose."""
    legs: str = "standard"
    """`standard`, `apart` or `together`."""
    hands: str = "relaxed"
    """`relaxed`, `open` (straight fingers) or `fist`."""
    joint_sd_deg: float = 2.0
    """0..10 degrees, standard deviation of small turns of every joint."""
    head_turn_deg: float | None = None
    """-60..60 degrees that the head turns to the person's left; None: drawn within 8."""
    sway_deg: float = 0.8
    """0..5 degrees, standard deviation of the whole body's lean."""

    skin_tone: int | None = None
    """1 (lightest) to 10 (darkest) of the Monk Skin Tone scale; None: drawn."""
    hair: str = "short"
    """`bald`, `short`, `bob` or `long`."""
    clothing: str = "sports"
    """`briefs`, `sports` (briefs and a sports bra), `leggings` (with a sports bra), `tshirt` (tight, with
    leggings), `loose` (T-shirt and trousers), or `none`. Children wear `tshirt` or `loose`."""
    lighting: float = 0.5
    """0..1, how much of the rig's light is baked into the colours."""

    target_faces: int = 100_000
    """2,000..2,000,000 triangles of the fused surface, before faults are added."""
    num_cameras: int = 36
    """8..400 depth cameras on rings around the person."""
    max_angle_deg: float = 78.0
    """30..90 degrees between the ray and the surface's normal above which a camera returns nothing."""
    voxel_mm: float | None = None
    """1..20 mm, cell of the fusion; None: fine enough for `target_faces` and for the person's fingers."""
    depth_step_mm: float = 0.0
    """0..20 mm, step of the depth at 1 m that grows with its square, as in structured-light cameras."""
    noise_mm: float = 0.3
    """0..20 mm, standard deviation of Gaussian noise along the normal at each vertex."""
    drift_mm: float = 0.5
    """0..30 mm, root mean square of slow bumps (wavelengths of 0.2 to 0.6 m): scanner drift."""
    holes: tuple[str, ...] = ("soles",)
    """Any of `crown`, `soles`, `armpits`, `back`, `crotch`. What no camera sees is missing in any case."""
    hole_radius_mm: float = 45.0
    """5..200 mm, mean radius of a hole; soles lose everything within 8 mm of the floor."""

    floor: str = "none"
    """`none`, `disc` (a patch of floor) or `turntable`."""
    pole: bool = False
    """A stand pole behind the person."""
    crumbs: int = 0
    """0..500 small floating pieces."""
    flipped_share: float = 0.0
    """0..1, share of patches of the surface whose triangles are wound inwards."""
    duplicate_share: float = 0.0
    """0..1, share of triangles that get vertices of their own; 1 is triangle soup."""
    unit: str = "m"
    """`m`, `cm`, `mm` or `in`."""
    up: str = "+y"
    """The file's axis that points up."""
    facing: str = "+z"
    """The file's axis that the person faces, before `yaw_deg`."""
    yaw_deg: float = 8.0
    """0..180 degrees: the person is turned by a random angle up to this."""
    translation_m: float = 0.5
    """0..100 m: the person is moved by a random vector up to this along each axis."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"RawScanOptions.seed is {self.seed}; it must be 0 or more.")
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise InputError(f"RawScanOptions.{name} is {value!r}; possible: {', '.join(known)}.")
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"RawScanOptions.{name} is {value}; possible: {low:g} to {high:g}.")
        unknown = [place for place in self.holes if place not in HOLE_PLACES]
        if unknown:
            raise InputError(
                f"RawScanOptions.holes names {', '.join(unknown)}; possible: {', '.join(HOLE_PLACES)}."
            )
        if self.up[1] == self.facing[1]:
            raise InputError(
                f"RawScanOptions.up is {self.up}, facing {self.facing}: they must lie along different axes."
            )
        if self.age == "child" and self.clothing not in ("tshirt", "loose"):
            raise InputError(
                f"RawScanOptions.clothing is {self.clothing!r} for a child; children are simulated clothed: "
                "give tshirt or loose."
            )

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The options' names, in order."""
        return tuple(field.name for field in fields(cls))

    def as_dict(self) -> dict[str, Any]:
        """Every field as JSON types, in order."""
        values = {name: getattr(self, name) for name in self.field_names()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
