"""Options of all stages."""

from __future__ import annotations

from dataclasses import dataclass, field

from bodyscan.errors import InputError
from bodyscan.fit import FitOptions
from bodyscan.reconstruct import ReconstructOptions
from bodyscan.rig.options import RigOptions
from bodyscan.texture.options import TextureOptions
from bodyscan.texture.photo_options import PhotoBakeOptions
from bodyscan.twin.collision import CollisionOptions
from bodyscan.twin.levels import LevelOptions

SURFACES = ("body", "skin", "scan")


@dataclass(frozen=True)
class PipelineOptions:
    """Options of all stages."""

    reconstruct: ReconstructOptions = field(default_factory=ReconstructOptions)
    fit: FitOptions = field(default_factory=FitOptions)
    rig: RigOptions = field(default_factory=RigOptions)
    texture: TextureOptions = field(default_factory=TextureOptions)
    photos: PhotoBakeOptions = field(default_factory=PhotoBakeOptions)
    levels: LevelOptions = field(default_factory=LevelOptions)
    collision: CollisionOptions = field(default_factory=CollisionOptions)
    surface: str = "body"
    """`body`: the twin is the fitted surface on the body's topology, cloth and hair as scanned. `skin`: the
    body as estimated under them, on the same topology. `scan`: the scan itself, rigged; such a twin has no
    face shapes, textures of its own or coarser levels."""
    bake_textures: bool = True
    """Bake the scan's colour and relief to images; else the twin has one colour a vertex."""
    visemes: bool = True
    """Add the 15 mouth shapes of speech to the face shapes."""
    collision_body: bool = True
    """Make the closed low-polygon body that cloth collides with."""
    accept_quality: bool = False
    """Make the twin even where the fit is below the stated quality; the report says so."""

    def __post_init__(self) -> None:
        if self.surface not in SURFACES:
            raise InputError(f"PipelineOptions.surface is '{self.surface}'; possible: {', '.join(SURFACES)}.")
