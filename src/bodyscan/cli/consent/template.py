"""`bodyscan consent template`: a draft with every field explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.consent.common import write_new
from bodyscan.cli.errors import run_guarded
from bodyscan.consent.draft import DRAFT_FILE

app = typer.Typer()


@app.command()
@run_guarded
def template(
    output: Annotated[Path, typer.Option("--output", "-o", help="Draft (TOML) to write.")],
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
) -> None:
    """Write a draft of a record in which every field is explained; fill it in and give it to `new`."""
    write_new(output, DRAFT_FILE.read_text(encoding="utf-8"), overwrite)
    typer.echo(f"{output}: fill it in, then run: bodyscan consent new --from {output} -o record.json")
