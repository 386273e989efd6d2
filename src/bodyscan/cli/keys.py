"""Finds the private key that a command signs with."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer

from bodyscan.cli.consent.common import passphrase_for
from bodyscan.consent import SigningKey, open_consent
from bodyscan.consent.acting_keys import acting_keys
from bodyscan.consent.key_files import find_private_key, load_private_key, others_can_read
from bodyscan.consent.key_history import KeyUse
from bodyscan.errors import ConsentError

KEY_VARIABLE = "BODYSCAN_CONTROLLER_KEY"
DEMO_KEYS = "demo_keys"


def controller_key(
    text: str, consent_folder: Path, given: Path | None, passphrase_file: Path | None, now: datetime
) -> SigningKey:
    """Return the private key that may bind for the controller of the consent `text` at `now` (UTC).

    It is `given`, else the one that lies beside the consent file; for a demo record the folder `demo_keys`
    beside it is searched too. The record names one key; a key history in the text may allow others. Raises
    `ConsentError` where there is none, or where the given key is not one that may.
    """
    opened = open_consent(text)
    record, root = opened.record, opened.record.controller.public_key
    acting = acting_keys(root, opened.histories.get(root.thumbprint), KeyUse.BINDING)
    allowed = [name for name, key in acting.items() if not key.has_ended(now)]
    wanted = " or ".join(allowed) or "none, for all have ended"
    if given is not None:
        key = load_private_key(given, passphrase_for(given, passphrase_file))
        if key.thumbprint not in allowed:
            raise ConsentError(
                f"The key {given.name} ({key.thumbprint}) is not the controller's: allowed is {wanted} "
                f"of {record.controller.name}. Give that key."
            )
        if others_can_read(given) and not record.demo:
            typer.echo(
                f"warning: other users can read the private key {given}; run: chmod 600 {given}", err=True
            )
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
