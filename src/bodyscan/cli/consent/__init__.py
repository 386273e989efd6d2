"""`bodyscan consent`: one file a command, imported only when it runs."""

from __future__ import annotations

from typing import ClassVar

import typer

from bodyscan.cli.lazy import LazyGroup


class ConsentCommands(LazyGroup):
    """All commands about consent."""

    table: ClassVar[dict[str, tuple[str, str]]] = {
        "keygen": ("bodyscan.cli.consent.keygen", "Make a key: the secret, and the half for everybody."),
        "keys": ("bodyscan.cli.consent.keys", "A key history: which key counts, from when until when."),
        "template": ("bodyscan.cli.consent.template", "Write a draft with every field explained."),
        "new": ("bodyscan.cli.consent.new", "Write an unsigned consent record from a draft."),
        "sign": ("bodyscan.cli.consent.sign", "Sign a record as subject, guardian or controller."),
        "verify": ("bodyscan.cli.consent.verify", "May it be used? Allow, deny, or unknown."),
        "inspect": ("bodyscan.cli.consent.inspect", "Print what a record says and who signed it."),
        "lint": ("bodyscan.cli.consent.lint", "Check a record's fields against laws and agreements."),
        "export": ("bodyscan.cli.consent.export", "Write a record as ODRL, DPV or VRM meta."),
        "stamp": ("bodyscan.cli.consent.stamp", "Ask for a time stamp, and put it into the consent."),
        "reattest": ("bodyscan.cli.consent.reattest", "Answer for a file that was packed anew."),
        "c2pa": ("bodyscan.cli.consent.c2pa", "Write or check a C2PA manifest beside a twin."),
        "withdraw": ("bodyscan.cli.consent.withdraw", "Take a consent back, suspend it, resume it."),
        "status": ("bodyscan.cli.consent.status", "Publish or check status lists."),
        "erase": ("bodyscan.cli.consent.erase", "Forget a person, and list what must go."),
        "schema": ("bodyscan.cli.consent.schema", "Print the JSON Schema of a record."),
        "page": ("bodyscan.cli.consent.page", "Write the verifier as one web page."),
    }


app = typer.Typer(
    cls=ConsentCommands, help="Consent: keys, records, checks, withdrawal.", no_args_is_help=True
)


@app.callback()
def consent() -> None:
    """Consent: keys, records, signatures, checks, withdrawal."""
