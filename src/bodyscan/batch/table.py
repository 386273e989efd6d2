"""The job table: one row a scan in a SQLite file, so that a batch goes on where it was killed.

Every change is one transaction, on the disk before the call returns (write-ahead log, `synchronous =
FULL`): after a crash of process or machine the table says what was, never half of it. One object serves one
thread; others may read the file meanwhile.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from bodyscan.batch.job import ErrorKind, Job, JobError, JobState, Output, StageSeconds
from bodyscan.errors import InputError

FILE_NAME = "jobs.sqlite"
FORMAT = 1
_WAIT_S = 30.0
_SCHEMA = f"""
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    listed INTEGER NOT NULL,    -- 1: the manifest of the last run names it
    state TEXT NOT NULL,
    key TEXT NOT NULL,          -- of what its twin is made of; see keys.py
    job TEXT NOT NULL,          -- JSON: what Job holds
    plan TEXT NOT NULL          -- JSON: how its files get to their place; see publish.py
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_state ON jobs (listed, state, position);
CREATE TABLE digests (          -- of inputs, so that a large capture is read once
    place TEXT PRIMARY KEY, stamp TEXT NOT NULL, sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA user_version = {FORMAT};
"""
_APPLICATION_ID = 0x62734A62  # "bsJb"


@dataclass(frozen=True)
class Stored:
    """A row as it is kept: the job, and what only the batch itself needs."""

    job: Job
    key: str = ""
    plan: Mapping[str, Any] = field(default_factory=dict)
    listed: bool = True

    @property
    def id(self) -> str:
        """The job's."""
        return self.job.id

    def but(self, **changes: Any) -> Stored:
        """Return the row with other values of its job."""
        return replace(self, job=replace(self.job, **changes))


class JobTable:
    """An open job table. Use as a context manager, or `close` it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Take an open file; `JobTable.open` is the way in."""
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> JobTable:
        """Open the table at `path`; where there is none, make one, unless it is to be read only.

        Raises `InputError` where there is none to read, or the file is damaged, no job table, of another
        format, or cannot be written.
        """
        if read_only and not path.exists():
            raise InputError(f"There is no batch at {path.parent}: it has no {path.name}.")
        with _sqlite_errors(path):
            mode = "ro" if read_only else "rwc"
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=_WAIT_S,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            with _sqlite_errors(path):
                _prepare(connection, path, read_only)
        except BaseException:
            connection.close()
            raise
        return cls(path, connection)

    def __enter__(self) -> JobTable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # Reading

    def rows(self, *states: JobState) -> list[Stored]:
        """Return the listed rows in the manifest's order, or those in one of these states."""
        query = "SELECT job, key, plan, listed FROM jobs WHERE listed = 1"
        if states:
            query += f" AND state IN ({', '.join('?' * len(states))})"
        with _sqlite_errors(self.path):
            found = self._connection.execute(f"{query} ORDER BY position", [str(state) for state in states])
            return [_stored(row) for row in found]

    def jobs(self) -> list[Job]:
        """Return all listed jobs in the manifest's order."""
        return [row.job for row in self.rows()]

    def get(self, job_id: str) -> Stored | None:
        """Return one row, listed or not; None where there is none."""
        with _sqlite_errors(self.path):
            row = self._connection.execute(
                "SELECT job, key, plan, listed FROM jobs WHERE id = ?", (job_id,)
            ).fetchone()
        return _stored(row) if row else None

    def counts(self) -> dict[JobState, int]:
        """Return how many listed jobs are in each state."""
        with _sqlite_errors(self.path):
            found = dict(
                self._connection.execute("SELECT state, count(*) FROM jobs WHERE listed = 1 GROUP BY state")
            )
        return {state: found.get(str(state), 0) for state in JobState}

    def fact(self, name: str, default: str = "") -> str:
        """Return what was noted of the batch as a whole."""
        with _sqlite_errors(self.path):
            row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else default

    def digest(self, place: str, stamp: str) -> str | None:
        """Return the digest of an input that was noted with this stamp."""
        with _sqlite_errors(self.path):
            row = self._connection.execute(
                "SELECT sha256 FROM digests WHERE place = ? AND stamp = ?", (place, stamp)
            ).fetchone()
        return row[0] if row else None

    # Writing

    def save(self, *rows: Stored) -> None:
        """Write rows, all or none."""
        self.save_many(rows)

    def save_many(self, rows: Iterable[Stored]) -> None:
        """Write rows, all or none, with one wait for the disk."""
        values = [_values(row) for row in rows]
        if not values:
            return
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO jobs (id, position, listed, state, key, job, plan) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET position = excluded.position, listed = excluded.listed, "
                "state = excluded.state, key = excluded.key, job = excluded.job, plan = excluded.plan",
                values,
            )

    def set_listed(self, rows: Iterable[Stored]) -> None:
        """Write the rows of a run's manifest; all other rows stay, and are not listed any more."""
        values = [_values(row) for row in rows]
        with self._writing() as connection:
            connection.execute("UPDATE jobs SET listed = 0")
            connection.executemany(
                "INSERT OR REPLACE INTO jobs (id, position, listed, state, key, job, plan) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    def note(self, **facts: str) -> None:
        """Note facts of the batch as a whole."""
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    def note_digests(self, found: Iterable[tuple[str, str, str]]) -> None:
        """Note (place, stamp, SHA-256) of inputs."""
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", found)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _sqlite_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _prepare(connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
    (kept,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables == 0 and not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA application_id = {_APPLICATION_ID}; COMMIT;")
        version = FORMAT
    elif kept != _APPLICATION_ID:
        raise InputError(f"{path} is no job table of a batch; give another folder.")
    if version != FORMAT:
        raise InputError(
            f"{path} is a job table of format {version}; this version reads and writes format {FORMAT}. "
            "Go on with the version that began the batch, or give another folder."
        )
    if not read_only:
        connection.execute("PRAGMA synchronous = FULL")


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise InputError(
            f"The job table {path} cannot be used: {error}. Make room or repair it, and run the same command "
            "again; nothing that was finished is lost."
        ) from error


def _values(row: Stored) -> tuple[Any, ...]:
    job = row.job
    text = json.dumps(asdict(job), ensure_ascii=False, separators=(",", ":"))
    plan = json.dumps(row.plan, ensure_ascii=False, separators=(",", ":"))
    return (job.id, job.position, int(row.listed), str(job.state), row.key, text, plan)


def _stored(row: tuple[Any, ...]) -> Stored:
    text, key, plan, listed = row
    values = json.loads(text)
    error = values.pop("error")
    return Stored(
        job=Job(
            **values
            | {
                "state": JobState(values["state"]),
                "error": JobError(ErrorKind(error["kind"]), error["message"]) if error else None,
                "warnings": tuple(values["warnings"]),
                "stages": tuple(StageSeconds(**stage) for stage in values["stages"]),
                "outputs": tuple(Output(**output) for output in values["outputs"]),
            }
        ),
        key=key,
        plan=json.loads(plan),
        listed=bool(listed),
    )
