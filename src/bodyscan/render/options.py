"""How a picture is lit and drawn."""

from __future__ import annotations

from dataclasses import dataclass

from bodyscan.errors import InputError

LOOKS = ("auto", "clay", "color", "data")
Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class RenderOptions:
    """Studio and quality of `render_mesh`."""

    look: str = "auto"
    """`clay`: one matte colour. `color`: vertex colours or texture under studio light. `data`: vertex
    colours under flat light, so that a colour can be read off against a scale. `auto`: `color` where the
    mesh has colours, else `clay`."""
    clay: Rgb = (205, 196, 188)
    """sRGB of the clay."""
    background: Rgb = (243, 244, 245)
    """sRGB in the middle of the backdrop; it falls off a little towards the edges."""
    occlusion_rays: int = 20
    """Rays a sample for ambient occlusion and for the ground's contact shadow, 0 (none) to 256."""
    occlusion_radius: float = 0.14
    """How far occlusion reaches, as a share of the mesh's bounding-box diagonal, 0.01 to 1."""
    shadow_rays: int = 8
    """Rays a sample towards the key light, 0 (no shadows) to 256."""
    edge_samples: int = 3
    """Samples along each side of a pixel on outlines and creases, 1 (no smoothing) to 4."""
    ground: bool = True
    """Draw the soft shadow of contact with a floor."""
    ground_y: float | None = None
    """Height of the floor, metres; None: the lowest vertex."""
    exposure: float = 1.0
    """Factor on all light, 0.1 to 4."""

    def __post_init__(self) -> None:
        if self.look not in LOOKS:
            raise InputError(f"RenderOptions.look is {self.look!r}; possible are {', '.join(LOOKS)}.")
        ranges = {
            "occlusion_rays": (0, 256),
            "occlusion_radius": (0.01, 1),
            "shadow_rays": (0, 256),
            "edge_samples": (1, 4),
            "exposure": (0.1, 4),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise InputError(
                    f"RenderOptions.{name} is {getattr(self, name)}; possible is {low} to {high}."
                )
