"""`bodyscan measure`: the tape measurements of a person, from a twin or from a raw scan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.depth_scan import AcceptOpenOption
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption
from bodyscan.cli.output import print_result
from bodyscan.cli.progress import StageProgress
from bodyscan.cli.scan_job import (
    FIT_EXIT_CODES,
    BodyOption,
    ConfigOption,
    FacingOption,
    JsonOption,
    QuietOption,
    UnitOption,
    UpOption,
)
from bodyscan.consent import Purpose, Use
from bodyscan.errors import ConsentError, InputError
from bodyscan.run.scan import read_person
from bodyscan.types import Measurement, measurement_values

app = typer.Typer()

STAGES = ("read", "reconstruct", "fit", "measure")
Told = tuple[dict[str, Any], Sequence[Measurement]]


@app.command(epilog=FIT_EXIT_CODES)
@run_guarded
def measure(
    file: Annotated[Path, typer.Argument(help="A twin (.glb), a raw scan, or a depth capture.")],
    consent: Annotated[
        Path | None,
        typer.Option(help="The person's signed consent record (JSON); a raw scan needs one."),
    ] = None,
    evidence: EvidenceOption = None,
    unit: UnitOption = None,
    up: UpOption = None,
    facing: FacingOption = None,
    accept_open: AcceptOpenOption = None,
    body: BodyOption = None,
    accept_quality: Annotated[
        bool | None, typer.Option("--accept-quality", help="Measure a poor fit too.")
    ] = None,
    config: ConfigOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print a person's tape measurements in centimetres, taken in the standard pose.

    Of a twin, those that were stored when it was made. A raw scan is fitted and measured; nothing is
    written, but it is a person's body, so that the person's consent to a twin is needed.
    """
    if not file.exists():
        raise InputError(f"There is no file {file}. Give the path of a twin or a scan.")
    if _is_twin(file):
        values, measurements = _of_twin(file, evidence)
    else:
        flags = {
            "scan": {"unit": unit, "up": up, "facing": facing},
            "depth": {"accept_open": accept_open},
            "fit": {"body": body},
            "accept_quality": accept_quality,
        }
        values, measurements = _of_scan(file, consent, config, flags, quiet)
    print_result(values | {"measurements": measurement_values(measurements)}, _rows(measurements), as_json)


def _is_twin(file: Path) -> bool:
    """A GLB that says it is bodyscan's, or that has a skin; a raw scan has none."""
    if file.suffix.lower() != ".glb" or file.is_dir():
        return False
    from bodyscan.gltf.container import unpack_glb

    document, _ = unpack_glb(file)
    return bool(document.get("skins"))


def _of_twin(file: Path, evidence: Path | None) -> Told:
    from bodyscan.run.allowed_twin import allowed_twin

    twin = allowed_twin(file, Use(Purpose.MAKE_TWIN), datetime.now(UTC), evidence)
    if not twin.body.measurements:
        raise InputError(
            f"{file.name} holds no measurements: it is no twin of bodyscan, or a tool dropped them. "
            "Give the twin as it was made, or the raw scan with --consent."
        )
    return {"file": str(file), "kind": "twin"}, twin.body.measurements


def _of_scan(
    file: Path, consent: Path | None, config: Path | None, flags: dict[str, Any], quiet: bool
) -> Told:
    """Consent first: nothing of the scan is read without it."""
    from bodyscan.consent import require_consent
    from bodyscan.run.text_files import read_text

    if consent is None:
        raise ConsentError(
            f"{file.name} is a raw scan of a person: to measure it, give the person's signed record "
            "with --consent."
        )
    now, use = datetime.now(UTC), Use(Purpose.MAKE_TWIN)
    record = read_text(consent)
    require_consent(record, use=use, now=now)

    from bodyscan.run.options import load_options

    options = load_options(config, flags)
    with StageProgress(STAGES, quiet=quiet) as progress:
        capture = read_person(file, options, progress).capture

        from bodyscan.pipeline import scan_to_fit

        fitted = scan_to_fit(
            capture, consent=record, use=use, now=now, options=options.pipeline, on_stage=progress.on_stage
        )
    quality = fitted.fit.quality
    values = {
        "file": str(file),
        "kind": "scan",
        "body_model": fitted.fit.model_name,
        "surface_mean_mm": round(quality.surface_mean_mm, 3),
        "coverage": round(quality.coverage, 4),
        "acceptable": quality.acceptable,
        "reasons": list(quality.reasons),
    }
    return values, fitted.measurements


def _rows(measurements: Sequence[Measurement]) -> list[tuple[str, str]]:
    return [
        (m.name, f"{m.value_cm:7.1f} cm  {f'ISO 8559-1 {m.iso}' if m.iso else '':<18} {m.description}")
        for m in measurements
    ]
