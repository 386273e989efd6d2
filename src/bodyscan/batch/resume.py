"""Where a run begins: the rows of the manifest beside what the job table knows of earlier runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from bodyscan.batch.addresses import without_secrets
from bodyscan.batch.job import PASSING, ErrorKind, Job, JobState
from bodyscan.batch.manifest import Row
from bodyscan.batch.options import BLENDER_FORMATS, BatchOptions
from bodyscan.batch.prepare import Prepared
from bodyscan.batch.storage import Store, StoreError, digest_of
from bodyscan.batch.table import JobTable, Stored
from bodyscan.errors import BodyscanError

_AT_ONCE = 16
"""Looks at inputs; most of their time is waiting for a disk or a store."""
_NEXT_RUN = PASSING | {ErrorKind.MISSING}
"""Errors that the next run tries again by itself: they may be gone by then."""

Prepare = Callable[[Row], Prepared]


@dataclass(frozen=True)
class _Look:
    """What was seen of one row's inputs."""

    stored: Stored
    prepared: Prepared | None
    """None where they cannot be looked at."""
    whole: bool
    """Whether its twin is in its place."""


def resume(
    rows: Sequence[Row], table: JobTable, store: Store, options: BatchOptions, prepare: Prepare
) -> list[Stored]:
    """Return the rows of this run in the manifest's order, and write them into the table.

    A scan that ended stays as it is, unless what it is made of changed, its twin was taken away, a format is
    missing, or its error may have passed. A scan that was killed in the middle waits again; one that was on
    its way to its place stays so. A format that is missing makes the state `waiting` and leaves the key: that
    is how the coordinator knows that the twin itself is good.
    """
    known = [table.get(row.id) for row in rows]
    looks = _looks(rows, known, store, prepare)
    found = []
    for position, (row, stored) in enumerate(zip(rows, known, strict=True)):
        if stored is None:
            new = Stored(Job(id=row.id, position=position, capture=""))
        else:
            new = _next(stored, looks.get(row.id), table, options)
        new = new.but(position=position, capture=without_secrets(row.capture))
        if new.job.state is JobState.WAITING:
            new = new.but(attempts=0, stage="", stages_done=0, stages_total=0, worker="", ended_at="")
        found.append(replace(new, listed=True))
    table.set_listed(found)
    return found


def _looks(
    rows: Sequence[Row], known: Iterable[Stored | None], store: Store, prepare: Prepare
) -> dict[str, _Look]:
    """Look at the inputs and the twin of all rows that ended before, or have a twin and wait for formats."""

    def look(pair: tuple[Row, Stored]) -> _Look:
        row, stored = pair
        try:
            prepared = prepare(row)
        except BodyscanError:
            prepared = None  # archived, perhaps; whether that matters is for the caller to say
        twin = stored.job.output("twin")
        return _Look(stored, prepared, twin is not None and store.exists(twin.place))

    ends = (JobState.DONE, JobState.FAILED)
    ended = [
        (row, stored)
        for row, stored in zip(rows, known, strict=True)
        if stored is not None and (stored.job.state in ends or _formats_wait(stored))
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {found.stored.id: found for found in pool.map(look, ended)}


def _next(stored: Stored, look: _Look | None, table: JobTable, options: BatchOptions) -> Stored:
    """Return how a row goes on that the table knows."""
    job = stored.job
    if job.state is JobState.PUBLISHING:
        return stored
    if look is None:  # waiting, running when it was killed, or refused: the consent is asked anew
        return _anew(stored)
    if look.prepared is not None and not _same(look.prepared, stored.key, table):
        return _anew(stored)
    if job.state is not JobState.FAILED:
        if not look.whole:
            return _anew(stored)
        missing = look.prepared is not None and missing_formats(job, options)
        return stored.but(state=JobState.WAITING if missing else JobState.DONE, stage="", worker="")
    assert job.error is not None
    limit = stored.plan.get("limit")
    now = {ErrorKind.TIME: options.time_limit_s, ErrorKind.MEMORY: options.memory_limit_bytes}
    wider = limit is not None and now.get(job.error.kind, 0) > limit
    if job.error.kind is ErrorKind.SYSTEM and "files" in stored.plan:
        return stored.but(state=JobState.PUBLISHING)  # made; only its place could not be written
    # A twin may be there and be sound, where a further format of it failed, or be that of an earlier capture.
    sound = bool(stored.key) and look.whole and not stored.plan.get("anew", True)
    if sound and look.prepared is not None and not missing_formats(job, options):
        return replace(stored.but(state=JobState.DONE, error=None), plan={})
    if options.retry_failed or wider or job.error.kind in _NEXT_RUN:
        return stored.but(state=JobState.WAITING, error=None) if sound else _anew(stored)
    return stored


def _formats_wait(stored: Stored) -> bool:
    """Whether its twin is there and a run was stopped before all formats of it were."""
    return bool(stored.key) and stored.job.state in (JobState.WAITING, JobState.RUNNING)


def missing_formats(job: Job, options: BatchOptions) -> tuple[str, ...]:
    """Return the formats of Blender that are asked for and were not made of this twin."""
    return tuple(name for name in options.formats if name in BLENDER_FORMATS and job.output(name) is None)


def key_of(prepared: Prepared, table: JobTable) -> str:
    """Return a row's key; an input whose content is not known is read. One that cannot be has its stamp."""

    def digest(place: str, stamp: str) -> str | None:
        known = table.digest(place, stamp)
        if known is None:
            try:
                known = digest_of(place)
            except StoreError:
                return None
            table.note_digests([(place, stamp, known)])
        return known

    return prepared.key(digest)


def _same(prepared: Prepared, key: str, table: JobTable) -> bool:
    """Whether a row is still what its key says: by what is known of its inputs, else by what they hold.

    Read they are where a file was touched, copied or moved, and where a scan broke off before it was told.
    """
    return key == prepared.key(table.digest) or key == key_of(prepared, table)


def _anew(stored: Stored) -> Stored:
    return replace(stored.but(state=JobState.WAITING), key="", plan={})
