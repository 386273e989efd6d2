"""`bodyscan validate`: is this file a sound twin, and is its consent bound to it?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.errors import InputError

app = typer.Typer()

NOT_SOUND, NO_CONSENT = 5, 4


@app.command(epilog="Exit codes: 0 sound, 3 not readable, 4 the consent does not hold, 5 errors were found.")
@run_guarded
def validate(
    file: Annotated[Path, typer.Argument(help="A twin (.glb).")],
    khronos: Annotated[
        Path | None,
        typer.Option(help="Run the Khronos validator too: the node_modules folder that holds it."),
    ] = None,
    strict: Annotated[bool, typer.Option(help="Warnings count as errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Check a twin's file, its consent and its binding."""
    from bodyscan.gltf.khronos import khronos_findings
    from bodyscan.gltf.validate import check_glb
    from bodyscan.run.allowed_twin import check_twin

    if not file.is_file():
        raise InputError(f"There is no file {file}. Give the path of a twin (.glb).")
    _, _, consent = check_twin(file.read_bytes(), None, datetime.now(UTC))
    findings = [*check_glb(file), *(khronos_findings(file, khronos) if khronos else ())]
    errors = [f for f in findings if f.severity == "error" or (strict and f.severity == "warning")]
    values = {
        "file": str(file),
        "sound": not errors,
        "consent": {"state": str(consent.state), "reason": consent.reason, "geometry": consent.geometry},
        "findings": [vars(finding) for finding in findings],
    }
    rows = [(finding.severity, f"{finding.code}: {finding.message}") for finding in findings]
    rows.append(("consent", f"{consent.state.replace('_', ' ')}: {consent.reason}"))
    rows.append(("file", "not sound" if errors else "sound"))
    print_result(values, rows, as_json)
    if not consent.ok:
        raise typer.Exit(NO_CONSENT)
    if errors:
        raise typer.Exit(NOT_SOUND)
