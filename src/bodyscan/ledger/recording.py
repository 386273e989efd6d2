"""Use first, output second: a file appears only after its use is on the disk.

A process that is killed in between leaves a use without an output, which can be seen (`pending`) and voided,
and never an output without a use.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bodyscan.consent.policy import Use
from bodyscan.consent.record import ConsentRecord
from bodyscan.errors import BodyscanError
from bodyscan.files import write_all
from bodyscan.ledger.append import Again
from bodyscan.ledger.store import Ledger
from bodyscan.ledger.use import EntryKind, OutputRef, Receipt, UseEntry, agreement_of

NOT_WRITTEN = "the output was not written"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://")
"""What an address (`s3://bucket/twin.glb`) begins with, and no path. A drive (`C:`) is no scheme."""


class UseLog(Protocol):
    """Where code that makes outputs writes down the uses of a likeness."""

    def log(
        self,
        record: ConsentRecord,
        use: Use,
        kind: EntryKind,
        outputs: Mapping[str, str],
        now: datetime,
    ) -> Receipt:
        """Write a use down, durably, before its outputs appear.

        `outputs` are path or address -> SHA-256 (64 hex digits), the main one first.
        """
        ...


@dataclass(frozen=True)
class LedgerLog:
    """A `UseLog` that writes into a ledger, with what a `Use` does not say."""

    ledger: Ledger
    text: str = ""
    """The signed record, where it is at hand: statements show it."""
    reference: str | None = None
    """Campaign, order or job."""
    twin_id: str | None = None
    """16 hex digits."""
    units: int = 1
    revenue: str | None = None
    """Decimal text, with `currency`."""
    currency: str | None = None
    kinds: Mapping[str, str] | None = None
    """Path or address -> what the output is: `twin`, `level 1`, `picture`."""
    again: Again = "return"
    """By default a run that is repeated is billed once; `refuse` makes it a `DoubleUseError`."""

    def entry(
        self,
        record: ConsentRecord,
        use: Use,
        kind: EntryKind,
        outputs: Mapping[str, str],
        now: datetime,
    ) -> UseEntry:
        """Return the entry of a use; paths are made absolute, so that they are found later.

        An address (`s3://...`) stays as it is.
        """
        kinds = self.kinds or {}
        return UseEntry(
            agreement=agreement_of(record, self.text),
            kind=kind,
            purpose=use.purpose,
            at=now,
            outputs=tuple(
                OutputRef(_whole(place), digest, kinds.get(place, str(kind)))
                for place, digest in outputs.items()
            ),
            territory=use.territory,
            medium=use.medium,
            licensee=use.licensee,
            reference=self.reference,
            twin_id=self.twin_id,
            units=self.units,
            revenue=self.revenue,
            currency=self.currency,
        )

    def log(
        self,
        record: ConsentRecord,
        use: Use,
        kind: EntryKind,
        outputs: Mapping[str, str],
        now: datetime,
    ) -> Receipt:
        """Write a use down; raises what `UseEntry` and `Ledger.append` raise."""
        return self.ledger.append(self.entry(record, use, kind, outputs, now), again=self.again)

    def write(
        self,
        record: ConsentRecord,
        use: Use,
        kind: EntryKind,
        contents: Mapping[Path, bytes],
        now: datetime,
    ) -> Receipt:
        """Write a use down and then its files, all or none; where they cannot be written, void the use.

        The main file stands first in `contents`. Raises what `recording` and `write_all` raise.
        """
        with self.recorded(record, use, kind, contents, now) as receipt:
            write_all(contents)
        return receipt

    @contextmanager
    def recorded(
        self,
        record: ConsentRecord,
        use: Use,
        kind: EntryKind,
        contents: Mapping[Path, bytes],
        now: datetime,
    ) -> Iterator[Receipt]:
        """Write the use of these files down; the block makes them appear. Raises what `recording` raises."""
        outputs = {str(path): hashlib.sha256(data).hexdigest() for path, data in contents.items()}
        with recording(self.ledger, self.entry(record, use, kind, outputs, now), again=self.again) as receipt:
            yield receipt


def _whole(place: str) -> str:
    return place if _ADDRESS.match(place) else str(Path(place).absolute())


@contextmanager
def recording(ledger: Ledger, use: UseEntry, *, again: Again = "return") -> Iterator[Receipt]:
    """Write a use down, then run the block that makes its outputs appear; void the use where it raises.

    The use is on the disk when the block begins. A use that stood there before (`again="return"`) is not
    voided: its output was made then. Raises what `Ledger.append` raises, and what the block raises.
    """
    receipt = ledger.append(use, again=again)
    try:
        yield receipt
    except BaseException as error:
        if receipt.new:
            try:
                ledger.void(receipt.sequence, use.at, NOT_WRITTEN)
            except BodyscanError as second:
                error.add_note(f"Its use, entry {receipt.sequence}, could not be voided: {second}")
        raise
    ledger.mark_written(receipt)
