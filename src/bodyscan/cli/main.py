"""The command `bodyscan`: what it can do, and nothing that takes time to import."""

from __future__ import annotations

from typing import Annotated, ClassVar

import typer

from bodyscan import __version__
from bodyscan.cli.lazy import LazyGroup


class Commands(LazyGroup):
    """All commands; each lives in one file."""

    table: ClassVar[dict[str, tuple[str, str]]] = {
        "twin": ("bodyscan.cli.twin", "Make a person's twin (.glb) from a raw scan and their consent."),
        "batch": ("bodyscan.cli.batch", "Make twins of many scans: on all cores or a cluster, nothing lost."),
        "reconstruct": (
            "bodyscan.cli.reconstruct",
            "Make a scan (.ply) of a person from the frames of a depth camera.",
        ),
        "steps": ("bodyscan.cli.steps", "Make a twin a step at a time, for front ends: JSON in, JSON out."),
        "consent": ("bodyscan.cli.consent", "Consent records: make keys, write, sign, verify and read them."),
        "render": ("bodyscan.cli.render", "Draw a twin in a photo studio, marked, where consent allows it."),
        "export": ("bodyscan.cli.export", "Hand a twin's file over, packed, where consent allows it."),
        "mark": ("bodyscan.cli.mark", "Marks on pictures: tell which twin a picture shows."),
        "ledger": ("bodyscan.cli.ledger", "Uses and pay: written down, proved, billed."),
        "measure": ("bodyscan.cli.measure", "Take the tape measurements of a person."),
        "body-data": (
            "bodyscan.cli.body_data",
            "Write a person's body for garment software: posed skin, measurements, parts.",
        ),
        "inspect": ("bodyscan.cli.inspect", "Tell what is in a scan, a depth capture or a twin."),
        "validate": ("bodyscan.cli.validate", "Check a twin's file, its consent and its binding."),
        "simulate": ("bodyscan.cli.simulate", "Make raw scans of people who do not exist, with the truth."),
        "doctor": ("bodyscan.cli.doctor", "Tell which parts are installed, and what each is for."),
    }


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    # A bug shows Python's own traceback: the decorated one prints local variables, keys among them.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bodyscan {__version__}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done, 1 bug, 2 usage, 3 input, 4 consent, "
    "5 no acceptable result or a missing part, 6 a batch with failures, 130 interrupted."
)
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """From a raw scan of a person to a rigged, consented digital twin."""
