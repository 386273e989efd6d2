"""`bodyscan ledger statement`: what a person is owed for a period."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bodyscan.cli.consent.common import NowOption, clock
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.ledger.common import LedgerOption, SubjectOption, begin_of, end_of, open_to_read
from bodyscan.consent.fields import printable

app = typer.Typer()


@app.command()
@run_guarded
def statement(
    subject: SubjectOption,
    begin: Annotated[str, typer.Option("--from", help="First day, UTC: 2026-06-01; or a time.")],
    end: Annotated[
        str,
        typer.Option("--to", help="Last day, which belongs to it: 2026-06-30; or a time, which does not."),
    ],
    form: Annotated[
        Literal["table", "csv", "html", "json"],
        typer.Option("--format", help="html prints on A4; json can be checked (`ledger check`)."),
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File. Default: the screen.")] = None,
    ledger: LedgerOption = None,
    now: NowOption = None,
) -> None:
    """Print what a person is owed under the pay terms of their records, with its proof.

    What stands in the ledger since the last checkpoint is not proved yet: make a checkpoint first.
    """
    from bodyscan.files import write_atomic
    from bodyscan.ledger import find_person, make_statement, statement_csv, statement_html, statement_table

    first, last = begin_of(begin, "--from"), end_of(end, "--to")
    with open_to_read(ledger) as opened:
        made = make_statement(opened, find_person(opened, subject), first, last, clock(now))
    text = {
        "table": lambda: statement_table(made),
        "csv": lambda: statement_csv(made),
        "html": lambda: statement_html(made),
        "json": lambda: made.model_dump_json(by_alias=True, indent=1) + "\n",
    }[form]()
    if output is not None:
        write_atomic(output, text.encode())
    elif form == "table":
        typer.echo("\n".join(printable(line, 2000) for line in text.splitlines()))
    else:
        typer.echo(text, nl=False)
    if newer := made.num_unproved:
        typer.echo(
            f"note: {newer} of the person's entries are newer than the last checkpoint and not proved; run "
            "`bodyscan ledger checkpoint` first.",
            err=True,
        )
