"""Options of `bodyscan simulate` that say who stands before the scanner or the camera."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodyscan.simulate.options import CHOICES

AgeOption = Annotated[str, typer.Option(help=" or ".join(CHOICES["age"]))]
SexOption = Annotated[str, typer.Option(help=", ".join(CHOICES["sex"]))]
BuildOption = Annotated[str, typer.Option(help=", ".join(CHOICES["build"]))]
PoseOption = Annotated[str, typer.Option(help=", ".join(CHOICES["pose"]))]
LegsOption = Annotated[str, typer.Option(help=", ".join(CHOICES["legs"]))]
HandsOption = Annotated[str, typer.Option(help=", ".join(CHOICES["hands"]))]
HairOption = Annotated[str, typer.Option(help=", ".join(CHOICES["hair"]))]
ClothingOption = Annotated[str, typer.Option(help=", ".join(CHOICES["clothing"]))]
HeightOption = Annotated[float | None, typer.Option(help="Stature in metres. Default: drawn.")]
SkinToneOption = Annotated[int | None, typer.Option(help="Monk Skin Tone, 1 to 10. Default: drawn.")]
SeedOption = Annotated[int, typer.Option(help="Every random choice follows from it.", min=0)]
TruthOption = Annotated[Path | None, typer.Option(help="Truth to write: .npz (see docs/simulate.md).")]
