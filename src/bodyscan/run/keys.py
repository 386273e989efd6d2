"""Finds the private key that a run signs with, and opens it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bodyscan.consent import SigningKey, open_consent
from bodyscan.consent.acting_keys import acting_keys
from bodyscan.consent.key_files import (
    find_private_key,
    load_private_key,
    others_can_read,
    read_key_text,
)
from bodyscan.consent.key_history import KeyUse
from bodyscan.consent.keys import is_locked
from bodyscan.errors import ConsentError, InputError
from bodyscan.run.text_files import read_text

KEY_VARIABLE = "BODYSCAN_CONTROLLER_KEY"
DEMO_KEYS = "demo_keys"

AskPassphrase = Callable[[Path], str | None]
"""Asks a person for the passphrase of a key file; None where nobody is there to ask."""
Warn = Callable[[str], None]
"""Takes one sentence that a person should read."""


def controller_key(
    text: str,
    consent_folder: Path,
    given: Path | None,
    passphrase_file: Path | None,
    now: datetime,
    *,
    passphrase: AskPassphrase | None = None,
    warn: Warn | None = None,
) -> SigningKey:
    """Return the private key that may bind for the controller of the consent `text` at `now` (UTC).

    It is `given`, else the one that lies beside the consent file; for a demo record the folder `demo_keys`
    beside it is searched too. The record names one key; a key history in the text may allow others.
    `passphrase` is asked where the given key is locked and there is no `passphrase_file`; `warn` is told
    where other users can read the key. Raises `ConsentError` where there is no key, where the given key is
    not one that may, or where it is locked and nobody can be asked; `InputError` where it cannot be read.
    """
    opened = open_consent(text)
    record, root = opened.record, opened.record.controller.public_key
    acting = acting_keys(root, opened.histories.get(root.thumbprint), KeyUse.BINDING)
    allowed = [name for name, key in acting.items() if not key.has_ended(now)]
    wanted = " or ".join(allowed) or "none, for all have ended"
    if given is not None:
        key = load_private_key(given, passphrase_of(given, passphrase_file, passphrase or _nobody))
        if key.thumbprint not in allowed:
            raise ConsentError(
                f"The key {given.name} ({key.thumbprint}) is not the controller's: allowed is {wanted} "
                f"of {record.controller.name}. Give that key."
            )
        if warn is not None and not record.demo:
            warn_of_readers(given, warn)
        return key
    folders = [consent_folder, consent_folder / DEMO_KEYS] if record.demo else [consent_folder]
    for folder in folders:
        for name in allowed if folder.is_dir() else ():
            if found := find_private_key(folder, name):
                return found
    raise ConsentError(
        f"The private key of the controller {record.controller.name} ({wanted}) was not found in "
        f"{consent_folder}. It binds the consent to the twin's geometry: give it with --controller-key, or "
        f"name its file in the environment variable {KEY_VARIABLE}."
    )


def passphrase_of(path: Path, passphrase_file: Path | None, ask: AskPassphrase) -> str | None:
    """Return the passphrase of the key in `path`: the file's, else what `ask` says where it is locked."""
    given = passphrase_from(passphrase_file)
    return ask(path) if given is None and is_locked(read_key_text(path)) else given


def passphrase_from(path: Path | None) -> str | None:
    """Return the first line of a passphrase file, None without one; raise `InputError` where it is empty."""
    if path is None:
        return None
    passphrase = read_text(path).split("\n", 1)[0].rstrip("\r")
    if not passphrase:
        raise InputError(f"the first line of {path} is empty; it must hold the passphrase.")
    return passphrase


def warn_of_readers(path: Path, warn: Warn) -> None:
    """Tell `warn` where others than its owner can read the private key in `path`."""
    if others_can_read(path):
        warn(f"other users can read the private key {path}; run: chmod 600 {path}")


def _nobody(path: Path) -> str | None:
    raise ConsentError(
        f"The private key {path.name} is locked, and nobody can be asked for its passphrase here: give a "
        "passphrase file (--passphrase-file), or a key that is not locked."
    )
