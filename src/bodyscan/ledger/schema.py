"""The ledger's file: its tables, the triggers that let nobody change an entry, and how it is opened.

`entries`, `checkpoints` and `ledger` are for ever: a trigger refuses every change and deletion. What is
personal lies in `people`, `records`, `details` and `outputs`, whose rows can be destroyed (`erase`).

Uses are durable once committed: write-ahead log with `synchronous = EXTRA` (an fsync at each commit), or the
rollback journal with the same where the file system has no shared memory.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path

from bodyscan.consent.fields import format_utc
from bodyscan.errors import InputError

APPLICATION_ID = 0x6273_6C67
"""`bslg`, in the file's header."""
FORMAT = 2
"""2 keeps the order of a use's outputs, and its use key covers all of them."""
MAX_VALUE_BYTES = 1_000_000
"""No text in a ledger is longer: a damaged length is refused before memory is asked for."""
CACHE_KIB = 64 * 1024
"""Pages held in memory: a large group of uses otherwise spills to the disk before it is complete."""
_MAGIC = b"SQLite format 3\x00"

_TABLES = """
CREATE TABLE ledger (
  id TEXT NOT NULL,
  made_at TEXT NOT NULL
) STRICT;
CREATE TABLE entries (
  sequence INTEGER PRIMARY KEY,
  body TEXT NOT NULL,
  hash BLOB NOT NULL,
  subject BLOB NOT NULL,
  number INTEGER NOT NULL,
  use_key BLOB,
  voids INTEGER,
  latest TEXT NOT NULL
) STRICT;
CREATE INDEX entries_by_subject ON entries (subject, number);
CREATE INDEX entries_by_use ON entries (use_key) WHERE use_key IS NOT NULL;
CREATE UNIQUE INDEX entries_by_void ON entries (voids) WHERE voids IS NOT NULL;
CREATE TABLE checkpoints (
  number INTEGER PRIMARY KEY,
  text TEXT NOT NULL
) STRICT;
CREATE TABLE people (
  id INTEGER PRIMARY KEY,
  tag TEXT NOT NULL UNIQUE,
  salt BLOB NOT NULL,
  identity TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE records (
  tag TEXT PRIMARY KEY,
  person INTEGER NOT NULL,
  record_id TEXT NOT NULL,
  pseudonym TEXT NOT NULL,
  text TEXT NOT NULL,
  controller TEXT NOT NULL,
  controller_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE details (
  person INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  twin_id TEXT,
  reference TEXT,
  reason TEXT,
  PRIMARY KEY (person, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE outputs (
  person INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  position INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  place TEXT NOT NULL,
  kind TEXT NOT NULL,
  written INTEGER NOT NULL,
  PRIMARY KEY (person, sequence, sha256, place)
) STRICT, WITHOUT ROWID;
"""

# `INSERT OR REPLACE` deletes without a trigger for deletions, so a new row must always be the next one.
_GUARDS = """
CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: this is not the next entry'); END;
CREATE TRIGGER entries_once BEFORE INSERT ON entries
WHEN NEW.use_key IS NOT NULL AND EXISTS (
  SELECT 1 FROM entries AS old WHERE old.use_key = NEW.use_key
  AND NOT EXISTS (SELECT 1 FROM entries AS void WHERE void.voids = old.sequence))
BEGIN SELECT RAISE(ABORT, 'this use stands in the ledger already'); END;
CREATE TRIGGER checkpoints_in_order BEFORE INSERT ON checkpoints
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM checkpoints)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: this is not the next checkpoint'); END;
CREATE TRIGGER ledger_once BEFORE INSERT ON ledger
WHEN EXISTS (SELECT 1 FROM ledger)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: it has one name'); END;
""" + "".join(
    f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table}\n"
    f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table} are never changed'); END;\n"
    for table in ("ledger", "entries", "checkpoints")
    for verb in ("update", "delete")
)


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into an `InputError` that says what is wrong with the file at `path`."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise  # a bug of ours, not of the file
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise InputError(_words(path, error)) from error


def _words(path: Path, error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return f"the ledger {path} has no room left on its disk; nothing was added. Make room and try again."
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"the ledger {path} is in use by another process; try again when that has ended."
    if name.startswith("SQLITE_READONLY"):
        return f"the ledger {path} cannot be written to: the file or its folder is read-only."
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return (
            f"the ledger {path} cannot be opened; check that the file and its folder may be read and written."
        )
    if name.startswith("SQLITE_IOERR"):
        return f"the ledger {path} could not be read or written: a disk error. Nothing was added."
    if "append-only" in str(error):
        return f"the ledger {path} refuses: {error}."
    return (
        f"the ledger {path} is damaged ({error}). Nothing was changed; put a sound copy back, and compare it "
        "with the checkpoints that were handed out."
    )


def create_ledger(path: Path, now: datetime) -> None:
    """Make an empty ledger at `path`, readable by its owner alone, unless a file is there.

    The file appears whole. Its folder is made where it does not exist. Raises `InputError` where it cannot
    be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with sqlite_errors(path):
                _fill(temporary, now)
            _give_name(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"the ledger {path} cannot be made: {error.strerror or error}.") from None


def _fill(path: Path, now: datetime) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.executescript(f"BEGIN;{_TABLES}{_GUARDS}COMMIT;")
        made_at = format_utc(now)
        connection.execute("INSERT INTO ledger (id, made_at) VALUES (?, ?)", (str(uuid.uuid4()), made_at))
        # Stays in the file's header. Where the system has no shared memory, the rollback journal stays.
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    finally:
        connection.close()


def _give_name(temporary: Path, path: Path) -> None:
    """Move the new file to its place; where another process was first, its file stays."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name in the folder durable, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def connect(path: Path, *, read_only: bool, wait_s: float) -> sqlite3.Connection:
    """Open a ledger's file and check that it is one, or raise `InputError`."""
    _check_header(path)
    with sqlite_errors(path):
        connection = _open(path, read_only, wait_s)
        try:
            _set_up(connection, read_only)
            _check_schema(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _open(path: Path, read_only: bool, wait_s: float) -> sqlite3.Connection:
    address = path.absolute().as_uri()
    if read_only:
        # In a folder that cannot be written to there is no room for the log's index; where no log lies
        # beside the file, all of it is in the file.
        log = path.with_name(path.name + "-wal")
        still = not os.access(path.parent, os.W_OK) and not log.exists()
        address += "?immutable=1" if still else "?mode=ro"
    else:
        address += "?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=wait_s, isolation_level=None)


def _set_up(connection: sqlite3.Connection, read_only: bool) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        return
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    connection.execute("PRAGMA secure_delete = ON").fetchone()


def _check_header(path: Path) -> None:
    try:
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no file" if path.exists() else "not there"
            raise InputError(f"the ledger {path} is {what}; give the ledger's file.")
        with path.open("rb") as stream:
            head = stream.read(100)
    except OSError as error:
        raise InputError(f"the ledger {path} cannot be read: {error.strerror or error}.") from None
    if not head:
        raise InputError(
            f"the ledger {path} is an empty file: it was cut off, or never was one. Put a sound copy back, "
            "or remove it to begin a new ledger."
        )
    if not head.startswith(_MAGIC) or int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise InputError(f"{path} is no ledger of bodyscan; give the ledger's file.")
    if (found := int.from_bytes(head[60:64], "big")) != FORMAT:
        raise InputError(
            f"the ledger {path} has the format {found}; this version reads {FORMAT}. Open it with the "
            "version that wrote it, or begin a new ledger."
        )


_SCHEMA_QUERY = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    found = set(connection.execute(_SCHEMA_QUERY).fetchall())
    if odd := sorted(str(row[1]) for row in found ^ _sound_schema()):
        raise InputError(
            f"the tables or guards of the ledger {path} were changed (see {', '.join(dict.fromkeys(odd))}). "
            "Put a sound copy back, and compare it with the checkpoints that were handed out."
        )


@cache
def _sound_schema() -> frozenset[tuple[str, ...]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_TABLES + _GUARDS)
        return frozenset(connection.execute(_SCHEMA_QUERY).fetchall())
    finally:
        connection.close()
