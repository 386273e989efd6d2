"""`bodyscan consent keygen`: a new key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.consent.common import JsonFlag, PassphraseFile, check_new
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.consent.key_files import save_private_key, save_public_key
from bodyscan.consent.keys import generate_key
from bodyscan.errors import InputError
from bodyscan.run.keys import passphrase_from

app = typer.Typer()


@app.command()
@run_guarded
def keygen(
    output: Annotated[Path, typer.Argument(help="Private key file to write: .jwk, or .pem to lock it.")],
    lock: Annotated[bool, typer.Option(help="Ask for a passphrase that locks the key (.pem only).")] = False,
    passphrase_file: PassphraseFile = None,
    overwrite: Annotated[bool, typer.Option(help="Replace existing files; the old key is lost.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make an Ed25519 key: OUTPUT keeps the secret, NAME.pub beside it is for everybody."""
    public_path = output.with_name(f"{output.stem}.pub{output.suffix}")
    if (lock or passphrase_file) and output.suffix.lower() != ".pem":
        raise InputError(f"{output.name} cannot be locked: only .pem keys can; name it {output.stem}.pem.")
    passphrase = passphrase_from(passphrase_file)
    if passphrase is None and lock:
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    check_new(public_path, overwrite)
    key = generate_key()
    save_private_key(key, output, passphrase=passphrase, overwrite=overwrite)
    save_public_key(key.public, public_path, overwrite=overwrite)
    values = {"private": str(output), "public": str(public_path), "thumbprint": key.thumbprint}
    print_result(values, values.items(), as_json)
