"""What a simulated depth camera, or several, can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from bodyscan.errors import InputError
from bodyscan.types.depth import SENSORS

POLES = 4
CHOICES: dict[str, tuple[str, ...]] = {
    "sensor": tuple(name for name in SENSORS if name != "unknown"),
    "rig": ("turntable", "walk-around", "four-poles"),
    "background": ("none", "floor", "room"),
}

RANGES: dict[str, tuple[float, float]] = {
    "frames": (1, 2000),
    "width": (32, 2048),
    "height": (32, 2048),
    "distance_m": (0.4, 6.0),
    "seconds": (1.0, 600.0),
    "sway_mm": (0.0, 80.0),
    "arm_drift_mm": (0.0, 80.0),
    "breath_mm": (0.0, 20.0),
    "turns": (0.05, 5.0),
    "pose_noise_mm": (0.0, 200.0),
    "pose_noise_deg": (0.0, 20.0),
    "noise": (0.0, 5.0),
}


@dataclass(frozen=True)
class DepthRigOptions:
    """One capture by depth cameras. Every random choice follows from `seed` alone.

    A name that is not possible, or a number out of its range, raises `InputError` when the value is made.
    """

    seed: int = 0
    """0 or more: motion, noise, the operator's path. The person has a seed of their own."""
    sensor: str = "ideal"
    """A name of `SENSORS` in `bodyscan.types.depth`, `unknown` left out. `ideal` has neither noise nor
    loss."""
    rig: str = "turntable"
    """`turntable` (the camera stands, the person turns on a disc), `walk-around` (an operator walks around
    the person) or `four-poles` (four cameras that stand)."""
    frames: int = 36
    """1..2000 pictures in all; a multiple of 4 for `four-poles`, where four are taken at once."""
    width: int | None = None
    """32..2048 pixels of the pictures as they are delivered; None, together with `height`: the sensor's
    own."""
    height: int | None = None
    """32..2048 pixels."""
    portrait: bool | None = None
    """The camera stands on its side and its pictures are turned upright; None: as people use the sensor (D435
    and iPhone upright, the others level)."""
    distance_m: float | None = None
    """0.4..6 m from the person's middle to the camera; None: as near as the whole person fits in."""
    seconds: float = 30.0
    """1..600 s from the first picture to the one that would come after the last."""
    turns: float = 1.0
    """0.05..5, share of a full turn of `turntable` and `walk-around`; below 1 the loop never closes."""
    sway_mm: float = 0.0
    """0..80 mm, greatest distance of the head from its mean place; the feet stand."""
    arm_drift_mm: float = 0.0
    """0..80 mm, greatest distance of each wrist from its mean place in the chest's frame."""
    breath_mm: float = 0.0
    """0..20 mm, greatest distance of the front of the chest from its mean place, outwards or inwards."""
    background: str = "none"
    """`none` (the person alone), `floor` (and the turntable's disc) or `room` (and walls, and a box)."""
    give_poses: bool = True
    """Whether the frames tell where the camera stood."""
    pose_noise_mm: float = 0.0
    """0..200 mm, standard deviation along each axis of the poses that are told."""
    pose_noise_deg: float = 0.0
    """0..20 degrees, standard deviation about each axis of the poses that are told."""
    noise: float = 1.0
    """0..5, factor on the sensor's noise and systematic error; losses at edges stay."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"DepthRigOptions.seed is {self.seed}; it must be 0 or more.")
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise InputError(f"DepthRigOptions.{name} is {value!r}; possible: {', '.join(known)}.")
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"DepthRigOptions.{name} is {value}; possible: {low:g} to {high:g}.")
        if (self.width is None) != (self.height is None):
            raise InputError("DepthRigOptions.width and height go together: give both or neither.")
        if self.rig == "four-poles" and self.frames % POLES:
            raise InputError(
                f"DepthRigOptions.frames is {self.frames}; four-poles takes four at once: "
                f"give a multiple of {POLES}."
            )

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The options' names, in order."""
        return tuple(field.name for field in fields(cls))

    def as_dict(self) -> dict[str, Any]:
        """Every field as JSON types, in order."""
        return {name: getattr(self, name) for name in self.field_names()}
