"""What the consent commands share: the clock, passphrases, reading records and twins."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bodyscan.consent.fields import parse_utc
from bodyscan.consent.key_files import load_private_key
from bodyscan.consent.keys import SigningKey
from bodyscan.errors import ConsentError, InputError
from bodyscan.files import write_atomic
from bodyscan.run.keys import passphrase_of, warn_of_readers
from bodyscan.run.text_files import read_text

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
PassphraseFile = Annotated[
    Path | None, typer.Option(help="File whose first line is the key's passphrase. Default: asked for.")
]
NowOption = Annotated[
    str | None, typer.Option(help="The clock, UTC, 2026-01-31T12:00:00Z. Default: this computer's.")
]


def clock(now: str | None) -> datetime:
    """Return the time of `--now`, else this computer's, UTC."""
    return utc_time(now, "--now") if now else datetime.now(UTC)


def utc_time(text: str, name: str) -> datetime:
    """Return the UTC time that the option `name` holds, or raise `InputError`."""
    try:
        return parse_utc(text)
    except ValueError as error:
        raise InputError(f"{name}: {error}.") from None


def signing_key(path: Path, passphrase_file: Path | None) -> SigningKey:
    """Return the private key in `path`, unlocked; warn on standard error where others can read it."""
    key = load_private_key(path, passphrase_for(path, passphrase_file))
    warn_of_readers(path, warn)
    return key


def passphrase_for(path: Path, passphrase_file: Path | None) -> str | None:
    """Return the passphrase of the key in `path`: the file's, else asked for where it is locked."""
    return passphrase_of(path, passphrase_file, ask_passphrase)


def ask_passphrase(path: Path) -> str | None:
    """Ask for the passphrase of the key in `path`; None where no person sits at standard input."""
    return (
        typer.prompt(f"Passphrase of {path.name}", hide_input=True, err=True) if sys.stdin.isatty() else None
    )


def warn(sentence: str) -> None:
    """Print a warning on standard error."""
    typer.echo(f"warning: {sentence}", err=True)


def is_glb(file: Path) -> bool:
    """By content, so that a renamed twin is not taken for a record."""
    try:
        with file.open("rb") as stream:
            return stream.read(4) == b"glTF" or file.suffix.lower() == ".glb"
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}.") from None


def consent_text(file: Path) -> str:
    """Return the consent of a record file or of a twin (.glb).

    Raises `InputError` where the file cannot be read, `ConsentError` where a twin has none, or
    copies that differ.
    """
    if not is_glb(file):
        return read_text(file)
    from bodyscan.gltf.read import read_consent

    text, _, _ = read_consent(file)
    if text is None:
        raise ConsentError(f"{file.name} carries no consent record.")
    return text


def write_consent(file: Path, target: Path, text: str) -> None:
    """Write `file`, a record or a twin, with the consent `text` in it to `target`."""
    if not is_glb(file):
        write_atomic(target, text.encode())
        return
    from bodyscan.gltf.consent_copies import replace_consent
    from bodyscan.gltf.container import pack_glb, unpack_glb

    document, binary = unpack_glb(file)
    write_atomic(target, pack_glb(replace_consent(document, text), binary))


def write_new(path: Path, text: str, overwrite: bool) -> None:
    """Write a text file that must not exist yet, unless `overwrite`."""
    check_new(path, overwrite)
    write_atomic(path, text.encode())


def check_new(path: Path, overwrite: bool) -> None:
    """Raise `InputError` where `path` exists and may not be replaced."""
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already; choose another name or give --overwrite.")
