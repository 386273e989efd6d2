"""What a twin's textures can be asked for."""

from __future__ import annotations

from dataclasses import dataclass

from bodyscan.errors import InputError

SIZES = (1024, 2048, 4096)


@dataclass(frozen=True)
class TextureOptions:
    """Options of `bake_textures`. A value out of its range raises `InputError`."""

    size: int = 2048
    """Texels a side: 1024, 2048 or 4096. On an adult's torso 2048 is about one texel a millimetre."""
    normal_map: bool = True
    """Bake relief that is finer than the body mesh, where the scan shows it above its noise."""
    roughness_map: bool = True
    """Paint how rough skin, lips, eyes, teeth and cloth are."""
    reach_mm: float = 25.0
    """2 to 100 mm: how far from the fitted surface the scan may lie to lend its colour."""
    grain: float = 1.0
    """0 to 2: strength of the skin grain where the scan shows nothing and the other side neither."""

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            known = ", ".join(map(str, SIZES))
            raise InputError(f"TextureOptions.size is {self.size}; possible: {known}.")
        for name, low, high in (("reach_mm", 2, 100), ("grain", 0, 2)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"TextureOptions.{name} is {value}; possible: {low} to {high}.")
