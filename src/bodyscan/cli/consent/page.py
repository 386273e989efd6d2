"""`bodyscan consent page`: the verifier as one web page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.consent.common import write_new
from bodyscan.cli.errors import run_guarded
from bodyscan.run.outputs import check_output_file, size_words

app = typer.Typer()


@app.command()
@run_guarded
def page(
    output: Annotated[Path, typer.Option("--output", "-o", help="Page (.html) to write.")],
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
) -> None:
    """Write the verifier as one HTML file: it opens a twin or a record and says whether the consent holds.

    It needs no server and no network, and works from a memory stick; the files that it opens stay where they
    are. Give it to whoever receives a twin and has no bodyscan.
    """
    check_output_file(output, ".html")
    from bodyscan.viewer import verifier_page

    text = verifier_page()
    write_new(output, text, overwrite)
    typer.echo(f"{output}: {size_words(len(text.encode()))}; open it in a browser and drop a twin on it")
