"""`bodyscan consent schema`: the JSON Schema of a record."""

from __future__ import annotations

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.consent.record.read import SCHEMA_FILE

app = typer.Typer()


@app.command()
@run_guarded
def schema() -> None:
    """Print the JSON Schema of a consent record, version 1."""
    typer.echo(SCHEMA_FILE.read_text(encoding="utf-8"), nl=False)
