"""Consent at every gate of a batch: with what is known at that moment, a withdrawal of a minute ago too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bodyscan.consent import ConsentRecord, Evidence, Use, require_making
from bodyscan.consent.modification import require_modification
from bodyscan.consent.record import Modification
from bodyscan.errors import BodyscanError, InputError
from bodyscan.run.evidence import read_evidence


class EvidenceError(InputError):
    """The folder of evidence cannot be read now: somebody may be writing to it, so that it may pass.

    What it would say of a consent is not known, so nothing is begun and nothing published meanwhile.
    """

    passing = True


class ConsentDesk:
    """Judges records; reads the folder of evidence again whenever a file in it has changed."""

    def __init__(self, evidence: Path | None, clock: Callable[[], datetime]) -> None:
        """`clock` returns the time in UTC."""
        self._folder = evidence
        self._clock = clock
        self._stamp: object = None
        self._known: Evidence | None = None
        self._versions = 0

    def check(self, text: str, use: Use, *, formats: bool = False) -> ConsentRecord:
        """Return the record where it allows, now, making a twin, `use`, and with `formats` other formats.

        Raises `ConsentError` where it does not, `EvidenceError` for evidence that cannot be read.
        """
        now = self._clock()
        known = self._evidence(now)
        record = require_making(text, use, now, known)
        if formats:
            require_modification(record, Modification.FORMAT, "writing a twin in another format")
        return record

    def version(self) -> int:
        """Return a number that changes whenever the evidence does. Raises `EvidenceError`."""
        self._evidence(self._clock())
        return self._versions

    def _evidence(self, now: datetime) -> Evidence:
        stamp = _stamp(self._folder) if self._folder else ()
        known = self._known
        if known is None or stamp != self._stamp:
            try:
                known = read_evidence(self._folder, now=now)
            except BodyscanError as error:
                raise EvidenceError(str(error)) from None
            self._known = known
            self._stamp = stamp
            self._versions += 1
        return known


def _stamp(folder: Path) -> object:
    """What changes when a file of the folder does."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            state = path.stat()
        except OSError:
            continue  # taken away in between; the next look sees it
        found.append((str(path), state.st_mtime_ns, state.st_size))
    return tuple(found)
