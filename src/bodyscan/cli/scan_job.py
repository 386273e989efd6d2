"""What the commands share that take a raw scan of a person: options, the consent, reading the scan."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bodyscan.cli.keys import KEY_VARIABLE
from bodyscan.consent import Medium, Purpose, Use
from bodyscan.errors import ConsentError, InputError

if TYPE_CHECKING:
    from bodyscan.cli.twin_options import ScanHints
    from bodyscan.consent import ConsentRecord, Evidence
    from bodyscan.types import Capture

FIT_EXIT_CODES = (
    "Exit codes: 0 done, 2 usage, 3 input, 4 consent, 5 the fit is below the stated quality, 130 interrupted."
)

Unit = Literal["m", "cm", "mm", "in"]
Axis = Literal["+x", "-x", "+y", "-y", "+z", "-z"]

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


def consent_for(
    path: Path, use: Use, now: datetime, evidence: Evidence | None = None
) -> tuple[str, ConsentRecord]:
    """Return the consent's text and its record, which covers making a twin and `use` at `now`.

    Raises `InputError` where the file cannot be read, `ConsentError` where the record does not cover both.
    """
    from bodyscan.cli.text_files import read_text
    from bodyscan.consent import require_consent

    text = read_text(path)
    record = require_consent(text, use=replace(use, purpose=Purpose.MAKE_TWIN), now=now, evidence=evidence)
    require_consent(text, use=use, now=now, evidence=evidence)
    return text, record


def refuse_twin(scan: Path, why: str) -> None:
    """Raise `ConsentError`, ending in `why`, where a scan is a twin that carries a record of its own."""
    if scan.suffix.lower() != ".glb":
        return
    from bodyscan.gltf.consent_copies import consent_copies
    from bodyscan.gltf.container import unpack_glb

    try:
        document, _ = unpack_glb(scan)
    except InputError:
        return  # no GLB of ours; the scan's own reader says what is wrong with it
    if consent_copies(document):
        raise ConsentError(f"{scan.name} is a twin that carries a consent record of its own; {why}")


def read_hinted(scan: Path, hints: ScanHints) -> Capture:
    """Read a scan with what was said of it. Here the slow imports happen: Open3D, some seconds."""
    from bodyscan.capture import read_scan

    return read_scan(scan, unit=hints.unit, up=hints.up, facing=hints.facing)
