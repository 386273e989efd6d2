# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known beside the records: the evidence folder of the preferences, read again when it changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

import bpy

from bodyscan.consent import ConsentRecord, Evidence
from bodyscan.errors import BodyscanError
from bodyscan.run.evidence import memory_place, read_evidence, remember

from ..settings import preference
from .verdicts import evidence_words


@dataclass(frozen=True)
class Known:
    """What was read."""

    evidence: Evidence
    words: str
    """For a person."""
    problem: str = ""
    """Why the folder cannot be read; then nothing can be judged."""
    folder: Path | None = None
    key: tuple = ()
    """Differs where something else was read."""


LOOK_S = 2.0
"""How long panels and overlays go on with what was found in the folder."""

_last: list[Known] = []
_looked: list[tuple[float, Path | None, tuple]] = []
"""When which folder was looked into, and what its files were like."""


def known(now: datetime, *, fresh: bool = True) -> Known:
    """Return what the evidence folder says at `now` (UTC); read again where a file in it changed, or a minute
    later: key histories are judged by the time. Not `fresh`: a change may be seen `LOOK_S` later."""
    folder = preference(bpy.context, "evidence")
    moment = monotonic()
    if fresh or not _looked or _looked[0][1] != folder or moment - _looked[0][0] > LOOK_S:
        _looked[:] = [(moment, folder, _stamp(folder))]
    key = (str(folder), _looked[0][2], now.strftime("%Y-%m-%dT%H:%M"))
    if not _last or _last[0].key != key:
        _last[:] = [_read(folder, now, key)]
    return _last[0]


def remember_lists(record: ConsentRecord | None, about: Known, now: datetime) -> None:
    """Write down which status lists were seen of a record, so that an older one is known as replayed."""
    remember(memory_place(about.folder, None), record, about.evidence, now)


def _read(folder: Path | None, now: datetime, key: tuple) -> Known:
    try:
        evidence = read_evidence(folder, now=now)
    except (BodyscanError, OSError) as error:
        return Known(Evidence(), str(error), str(error), folder, key)
    return Known(evidence, evidence_words(evidence, None if folder is None else str(folder)), "", folder, key)


def _stamp(folder: Path | None) -> tuple:
    if folder is None or not folder.is_dir():
        return ()
    stamps = []
    for path in sorted(folder.rglob("*")):
        try:
            told = path.stat()
        except OSError:
            continue
        stamps.append((str(path), told.st_mtime_ns, told.st_size))
    return tuple(stamps)


def forget() -> None:
    """Look into the folder again at the next question."""
    _last.clear()
    _looked.clear()


def register() -> None:
    forget()


def unregister() -> None:
    forget()
