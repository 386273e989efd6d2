"""`bodyscan consent sign`: one signature on a record."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.consent.common import JsonFlag, PassphraseFile, signing_key
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.consent.describe import describe
from bodyscan.consent.jws import Role
from bodyscan.consent.sign import add_signature, open_for_signing
from bodyscan.files import write_atomic
from bodyscan.run.text_files import read_text

app = typer.Typer()


class Signer(StrEnum):
    """Who signs a record."""

    SUBJECT = "subject"
    GUARDIAN = "guardian"
    CONTROLLER = "controller"


@app.command()
@run_guarded
def sign(
    file: Annotated[Path, typer.Argument(help="Record to sign; the signature is added to this file.")],
    role: Annotated[Signer, typer.Option(help="As whom the key signs.")],
    key: Annotated[Path, typer.Option(help="The private key file (.jwk or .pem).")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there instead.")] = None,
    passphrase_file: PassphraseFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign a record as the subject, the guardian or the controller. What is signed is printed."""
    private = signing_key(key, passphrase_file)
    signed_text = add_signature(read_text(file), Role(role), private)
    signed = open_for_signing(signed_text)
    write_atomic(output or file, signed_text.encode())
    values = {
        "file": str(output or file),
        "signed_as": str(role),
        "thumbprint": private.thumbprint,
        "missing": [str(missing) for missing in signed.missing],
    }
    print_result(values, [*describe(signed), ("written to", str(output or file))], as_json)
