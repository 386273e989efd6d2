"""The options that the commands share that take a raw scan of a person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bodyscan.consent import Medium, Purpose
from bodyscan.run.hints import Axis, Unit
from bodyscan.run.keys import KEY_VARIABLE

FIT_EXIT_CODES = (
    "Exit codes: 0 done, 2 usage, 3 input, 4 consent, 5 the fit is below the stated quality, 130 interrupted."
)

ScanArgument = Annotated[
    Path, typer.Argument(help="Raw scan: PLY, OBJ, STL, GLB, glTF, OFF, PCD, XYZ; or a depth capture.")
]
ConsentOption = Annotated[Path, typer.Option(help="The person's signed consent record (JSON).")]
ControllerKeyOption = Annotated[
    Path | None,
    typer.Option(
        envvar=KEY_VARIABLE,
        help="Private key of the record's controller. Default: looked for beside the consent.",
    ),
]
PassphraseFileOption = Annotated[
    Path | None, typer.Option(help="File whose first line is the key's passphrase. Default: asked for.")
]
UnitOption = Annotated[Unit | None, typer.Option(help="The scan's unit. Default: inferred.")]
UpOption = Annotated[Axis | None, typer.Option(help="The scan's up axis. Default: inferred.")]
FacingOption = Annotated[
    Axis | None, typer.Option(help="Where the person faces in the scan. Default: inferred.")
]
BodyOption = Annotated[
    Literal["auto", "adult", "child"] | None, typer.Option(help="Which body model is fitted to a scan.")
]
ConfigOption = Annotated[Path | None, typer.Option(help="TOML file with options; flags win over it.")]
PurposeOption = Annotated[Purpose, typer.Option(help="The use that the consent must cover.")]
TerritoryOption = Annotated[str | None, typer.Option(help="Where the use is: worldwide, DE, US-CA ...")]
MediumOption = Annotated[Medium | None, typer.Option(help="In which medium the use is.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
