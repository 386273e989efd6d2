"""A batch from its manifest to its contact sheet: all that one run of the command needs, put together."""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bodyscan.batch.addresses import local_path, without_secrets
from bodyscan.batch.attempt import STAGING
from bodyscan.batch.board import Board, OnChange
from bodyscan.batch.consent_desk import ConsentDesk, EvidenceError
from bodyscan.batch.contact_sheet import contact_sheet
from bodyscan.batch.coordinator import Coordinator
from bodyscan.batch.hands import Hands
from bodyscan.batch.job import BatchSummary, ErrorKind, Job, JobError, JobState
from bodyscan.batch.machine import this_machine
from bodyscan.batch.manifest import Row, read_manifest
from bodyscan.batch.options import BLENDER_FORMATS, BatchOptions
from bodyscan.batch.pools import LocalPool, Pool
from bodyscan.batch.prepare import Defaults, Prepared, prepare, record_and_use
from bodyscan.batch.publish import Publisher
from bodyscan.batch.resume import resume
from bodyscan.batch.storage import Store, open_store
from bodyscan.batch.table import FILE_NAME, JobTable, Stored
from bodyscan.errors import BodyscanError, ConsentError, InputError
from bodyscan.files import write_atomic
from bodyscan.run.options import load_options

STATE_FOLDER = ".batch"
"""In an output folder on this machine: the job table, the lock, and logs of what failed."""
INDEX = "index.html"
PUBLISHERS = 4
"""Scans on the way to their place at once: a store far away takes its time over each file."""


@dataclass(frozen=True)
class Batch:
    """What one run reads, writes and is for."""

    manifest: Path
    out: str
    """Folder or address."""
    ledger: Path
    options: BatchOptions = field(default_factory=BatchOptions)
    defaults: Defaults = field(default_factory=lambda: Defaults({}))
    state: Path | None = None
    """Folder of the job table; None: `.batch` in the output, which then must be on this machine."""
    evidence: Path | None = None
    scheduler: str | None = None
    """Address of a Dask scheduler; None: this machine."""


@dataclass(frozen=True)
class BatchDone:
    """How a run ended."""

    jobs: tuple[Job, ...]
    summary: BatchSummary
    index: str
    """Path or address of the contact sheet."""
    notes: tuple[str, ...] = ()
    """What is to be said of the manifest."""


def run_batch(
    batch: Batch, *, clock: Callable[[], datetime], on_change: OnChange, pool: Pool | None = None
) -> BatchDone:
    """Make a twin of every row that has none yet, and write the contact sheet.

    `clock` returns the time in UTC; `on_change` is told of jobs as they change. One scan's failure is its
    own: it stands in its job. `pool`: workers of the caller's own, which are closed at the end. Raises
    `InputError` for a manifest, output, ledger, evidence or job table that cannot be used, for options for
    all scans that are wrong, or where another run holds the output; `MissingExtraError` for a part that no
    scan could do without; `StageError` where a cluster goes away. Interrupted or killed, the same call goes
    on where it stopped.
    """
    _check_options(batch.defaults.options)
    manifest = read_manifest(batch.manifest)
    rows = manifest.rows
    store = open_store(batch.out)
    store.check()
    folder = state_folder(batch.out, batch.state)
    _check_ledger(batch.ledger)
    desk = ConsentDesk(batch.evidence, clock)

    def prepared(row: Row) -> Prepared:
        return prepare(row, batch.defaults, batch.options)

    def checked(row: Prepared, formats: Sequence[str]) -> Any:
        return desk.check(row.text, row.use, formats=any(name != "glb" for name in formats))

    with _locked(folder), JobTable.open(folder / FILE_NAME) as table:
        stored = resume(rows, table, store, batch.options, prepared)
        _clear_staging(batch.out, store, stored)
        board = Board(table, stored)
        hands = Hands(
            prepare=prepared,
            check=checked,
            publish=Publisher(store, batch.ledger, desk, clock).publish,
            evidence_version=desk.version,
            keep_log=lambda job_id, log: _keep_log(folder, job_id, log),
        )
        with closing(pool or _pool(batch)) as workers, ThreadPoolExecutor(PUBLISHERS) as publishers:
            coordinator = Coordinator(
                board,
                workers,
                publishers,
                hands,
                batch.options,
                batch.out,
                str(batch.evidence.absolute()) if batch.evidence else None,
                clock,
                on_change=on_change,
            )
            summary = coordinator.run(rows)
        _look_again(board, rows, batch.defaults, desk)
        board.save()
        summary = replace(summary, counts=table.counts(), left_s=None)
        on_change(board.news(), summary)
        jobs = tuple(row.job for row in board)
        index = _write_index(batch, store, jobs, summary, clock)
        _clear_staging(batch.out, store, list(board))
    return BatchDone(jobs, summary, index, manifest.notes)


def state_folder(out: str, given: Path | None) -> Path:
    """Return the folder of a batch's job table. Raises `InputError` for an output elsewhere without one."""
    if given is not None:
        return given
    root = local_path(out)
    if root is None:
        raise InputError(
            f"{without_secrets(out)} is not on this machine, and the job table needs a disk of its own: give "
            "--state FOLDER, the same one whenever this batch is run."
        )
    return root / STATE_FOLDER


def read_status(folder: Path) -> tuple[list[Job], BatchSummary]:
    """Return the jobs of a batch and its summary as they are now; 0 workers where no run holds it.

    Raises `InputError` where there is no batch.
    """
    with JobTable.open(folder / FILE_NAME, read_only=True) as table:
        jobs, told = table.jobs(), json.loads(table.fact("summary", "{}"))
    running = is_locked(folder)
    if not running:
        # Killed in the middle: the table says what was, and nobody is at it.
        jobs = [
            replace(job, state=JobState.WAITING, stage="") if job.state is JobState.RUNNING else job
            for job in jobs
        ]
    counts = Counter(job.state for job in jobs)
    return jobs, BatchSummary(
        counts={state: counts[state] for state in JobState},
        workers=told.get("workers", 0) if running else 0,
        elapsed_s=told.get("elapsed_s", 0.0),
        left_s=told.get("left_s") if running else None,
        peak_memory_bytes=max((job.peak_memory_bytes for job in jobs), default=0),
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the batch: two runs at once would make each scan twice. The lock ends with the process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InputError(f"{folder} cannot be written to: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"Another run of this batch holds {folder}. Wait for it, or look at it with "
                "`bodyscan batch status`."
            ) from None
        yield
    finally:
        os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Whether a run holds the batch now."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _pool(batch: Batch) -> Pool:
    if batch.scheduler is None:
        return LocalPool(batch.options.workers or this_machine().workers)
    from bodyscan.batch.dask_cluster import DaskPool

    return DaskPool(batch.scheduler, batch.options.workers)


def _check_options(options: Mapping[str, Any]) -> None:
    """What is wrong for every scan is one error before the first, not one for each."""
    try:
        load_options(None, options)
    except InputError as error:
        raise InputError(f"The options for all scans are wrong: {error}") from None


def _check_ledger(path: Path) -> None:
    """Every twin needs the ledger: better known before the first scan than after it."""
    from bodyscan.ledger import Ledger

    if path.exists():
        Ledger.open(path, create=False).close()
        return
    for parent in path.absolute().parents:
        if parent.exists():
            if not os.access(parent, os.W_OK):
                raise InputError(f"The ledger {path} cannot be written: {parent} is not writable.")
            return


def _clear_staging(out: str, store: Store, rows: Sequence[Stored]) -> None:
    """Take away what attempts left that were killed; what is still on its way to its place stays."""
    kept = {row.plan["place"] for row in rows if "place" in row.plan}
    names = {"/".join(name.split("/")[:2]) for name in store.list(STAGING)}
    root = local_path(out)
    if root is not None and (root / STAGING).is_dir():
        names |= {f"{STAGING}/{entry.name}" for entry in (root / STAGING).iterdir()}
    for name in names - kept:
        store.remove(name)
    if not kept:
        store.remove(STAGING)


def _keep_log(folder: Path, job_id: str, log: str) -> None:
    path = folder / "logs" / f"{job_id}.log"
    if log:
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, log.encode())
    else:
        path.unlink(missing_ok=True)


def _look_again(
    board: Board,
    rows: Sequence[Row],
    defaults: Defaults,
    desk: ConsentDesk,
) -> None:
    """Look at the consent of every twin that is there: it may have been withdrawn since it was made.

    The record alone is read: inputs may be many, far away, or archived.
    """
    for row in rows:
        job = board[row.id].job
        if job.state is not JobState.DONE:
            continue
        try:
            text, use = record_and_use(row, defaults)
            desk.check(text, use, formats=any(job.output(name) for name in BLENDER_FORMATS))
        except ConsentError as error:
            message = (
                f"The consent does not hold any more: {error} The twin was made before; its files must not "
                "be used. `bodyscan consent erase` lists them."
            )
            board.put(
                board[row.id].but(state=JobState.REFUSED, error=JobError(ErrorKind.CONSENT, message)), key=""
            )
        except EvidenceError:
            raise  # what the sheet may show is not known
        except BodyscanError:
            continue  # the record was archived: nothing new is known


def _write_index(
    batch: Batch, store: Store, jobs: Sequence[Job], summary: BatchSummary, clock: Callable[[], datetime]
) -> str:
    from urllib.parse import quote

    pictures: Mapping[str, str] = {
        job.id: quote(picture.place)
        for job in jobs
        if job.state is JobState.DONE and (picture := job.output("picture")) is not None
    }
    page = contact_sheet(
        jobs,
        summary,
        title=batch.manifest.stem,
        date=f"{clock():%Y-%m-%d %H:%M} UTC",
        pictures=pictures,
    )
    store.write(INDEX, page.encode())
    return store.locate(INDEX)
