"""What the ledger's commands share: which file, the clock, days and keys."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodyscan.cli.consent.common import utc_time
from bodyscan.errors import InputError
from bodyscan.ledger.place import VARIABLE, default_ledger

if TYPE_CHECKING:
    from bodyscan.consent.key_history import KeyHistory
    from bodyscan.consent.keys import PublicJwk
    from bodyscan.ledger import Ledger

WRONG = 5
"""Exit code where a ledger or a statement does not hold."""
EXIT_CODES = "Exit codes: 0 done, 2 usage, 3 input, 4 consent, 5 it does not hold."

LedgerOption = Annotated[
    Path | None,
    typer.Option("--ledger", envvar=VARIABLE, help="The ledger's file. Default: in your data folder."),
]
SubjectOption = Annotated[
    str, typer.Option("--subject", help="The person: pseudonym, key thumbprint or record id.")
]
KeysOption = Annotated[
    list[Path] | None, typer.Option("--key", help="The controller's public key file; repeat.")
]
HistoryOption = Annotated[
    list[Path] | None, typer.Option("--keys", help="The controller's key history; repeat.")
]


def ledger_path(given: Path | None) -> Path:
    """Return the ledger's file: the option's, else the environment's, else the one in the data folder."""
    return given or default_ledger(os.environ, Path.home())


def open_to_read(given: Path | None) -> Ledger:
    """Open the ledger for reading, or raise `InputError`."""
    from bodyscan.ledger import Ledger

    return Ledger.open(ledger_path(given), read_only=True)


def open_to_write(given: Path | None, now: datetime | None = None) -> Ledger:
    """Open the ledger for writing; with `now` a new one is made where there is none."""
    from bodyscan.ledger import Ledger

    return Ledger.open(ledger_path(given), create=now is not None, now=now)


def begin_of(text: str, name: str) -> datetime:
    """Return the moment of a UTC day (its begin) or time, or raise `InputError`."""
    return _day(text) or utc_time(text, name)


def end_of(text: str, name: str) -> datetime:
    """Return the end of a UTC day, which belongs to the period, or a time; or raise `InputError`."""
    day = _day(text)
    return day + timedelta(days=1) if day else utc_time(text, name)


def _day(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InputError(f"{text} is no day of the calendar; write it as 2026-01-31.") from None


def key_histories(paths: Sequence[Path] | None, now: datetime) -> tuple[KeyHistory, ...]:
    """Return the key histories of files."""
    from bodyscan.consent.key_history import read_key_history
    from bodyscan.run.text_files import read_text

    return tuple(read_key_history(read_text(path), now) for path in paths or ())


def public_keys(paths: Sequence[Path] | None) -> tuple[PublicJwk, ...]:
    """Return the public keys of files."""
    from bodyscan.consent.key_files import load_public_key

    return tuple(load_public_key(path) for path in paths or ())


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the bytes of a file of at most `limit` bytes, or raise `InputError`."""
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    if len(data) > limit:
        raise InputError(f"{path} is larger than {limit:,} bytes, too large for what it should be.")
    return data
