"""Finds the private key that a command signs with."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from bodyscan.consent import ConsentRecord, SigningKey
from bodyscan.consent.key_files import find_private_key, load_private_key, others_can_read, read_key_text
from bodyscan.consent.keys import is_locked
from bodyscan.errors import ConsentError, InputError

KEY_VARIABLE = "BODYSCAN_CONTROLLER_KEY"
DEMO_KEYS = "demo_keys"


def controller_key(
    record: ConsentRecord, consent_folder: Path, given: Path | None, passphrase_file: Path | None
) -> SigningKey:
    """Return the controller's private key: `given`, else the one that lies beside the consent file.

    For a demo record the folder `demo_keys` beside the consent file is searched too. Raises `ConsentError`
    where there is none, or where the given key is not the one that the record names.
    """
    wanted = record.controller.public_key.thumbprint
    if given is not None:
        key = load_private_key(given, _passphrase(given, passphrase_file))
        if key.thumbprint != wanted:
            raise ConsentError(
                f"The key {given.name} ({key.thumbprint}) is not the controller's: the record names {wanted} "
                f"of {record.controller.name}. Give that key."
            )
        if others_can_read(given) and not record.demo:
            typer.echo(
                f"warning: other users can read the private key {given}; run: chmod 600 {given}", err=True
            )
        return key
    folders = [consent_folder, consent_folder / DEMO_KEYS] if record.demo else [consent_folder]
    for folder in folders:
        if folder.is_dir() and (found := find_private_key(folder, wanted)):
            return found
    raise ConsentError(
        f"The private key of the controller {record.controller.name} ({wanted}) was not found in "
        f"{consent_folder}. It binds the consent to the twin's geometry: give it with --controller-key, or "
        f"name its file in the environment variable {KEY_VARIABLE}."
    )


def _passphrase(key: Path, passphrase_file: Path | None) -> str | None:
    if passphrase_file is not None:
        first = read_key_text(passphrase_file).split("\n", 1)[0].rstrip("\r")
        if not first:
            raise InputError(f"The first line of {passphrase_file} is empty; it must hold the passphrase.")
        return first
    if is_locked(read_key_text(key)) and sys.stdin.isatty():
        return typer.prompt(f"Passphrase of {key.name}", hide_input=True, err=True)
    return None
