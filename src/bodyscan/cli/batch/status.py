"""`bodyscan batch status OUT`: how far a batch is."""

from __future__ import annotations

from typing import Annotated

import typer

from bodyscan.cli.batch.run import StateOption
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.cli.scan_job import JsonOption

app = typer.Typer()


@app.command(epilog="Exit codes: 0 told, 3 there is no batch.")
@run_guarded
def status(
    output: Annotated[str, typer.Argument(help="Output folder or address of the batch.")],
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how far a batch is; it may be running, interrupted, or over. Nothing is changed."""
    from bodyscan.batch.batch import read_status, state_folder
    from bodyscan.batch.status import status_rows, status_values

    jobs, summary = read_status(state_folder(output, state))
    print_result(status_values(jobs, summary), status_rows(jobs, summary), as_json)
