"""Every use that a run makes is written into the ledger before its files appear."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bodyscan.files import write_all

if TYPE_CHECKING:
    from bodyscan.consent import ConsentRecord, Use
    from bodyscan.ledger import EntryKind, Receipt


def ledger_place(given: Path | None) -> Path:
    """Return the ledger's path: `given`, else the default one. Nothing is made here."""
    if given is not None:
        return given
    from bodyscan.ledger import default_ledger

    return default_ledger(os.environ, Path.home())


@dataclass(frozen=True)
class UseWriter:
    """Writes a use down, then its files; where they cannot be written the use is voided."""

    place: Path | None
    """The ledger; None: the default one."""
    record: ConsentRecord
    text: str
    """The consent text of what is used."""
    use: Use
    kind: EntryKind
    now: datetime
    reference: str | None = None
    twin_id: str | None = None
    """16 hex digits."""
    units: int = 1
    """How many uses this is: a turntable is as many as its pictures."""
    kinds: Mapping[str, str] | None = None
    """Path -> what the file is: `twin`, `level 1`. A file that is not named is of the use's own kind."""

    def __call__(self, contents: Mapping[Path, bytes]) -> Receipt:
        """Write all files or none; return the use's receipt.

        Raises `InputError` where ledger or files cannot be written.
        """
        with self.recorded(contents) as receipt:
            write_all(contents)
        return receipt

    @contextmanager
    def recorded(self, contents: Mapping[Path, bytes]) -> Iterator[Receipt]:
        """Write the use of these files down and yield its receipt; where the block raises, it is voided."""
        from bodyscan.ledger import Ledger, LedgerLog

        with Ledger.open(ledger_place(self.place), now=self.now) as ledger:
            log = LedgerLog(
                ledger,
                text=self.text,
                reference=self.reference,
                twin_id=self.twin_id,
                units=self.units,
                kinds=self.kinds,
            )
            with log.recorded(self.record, self.use, self.kind, contents, self.now) as receipt:
                yield receipt
