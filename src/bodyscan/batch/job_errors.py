"""An exception -> why a scan failed: the kind says whether another try may help."""

from __future__ import annotations

import sqlite3

from bodyscan.batch.addresses import PASSING_ERRNO, causes
from bodyscan.batch.job import ErrorKind, JobError
from bodyscan.errors import ConsentError, InputError, MissingExtraError, StageError

PASSING_SQLITE = frozenset(
    (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
)
"""What may pass of a job table's or the ledger's file: primary codes of SQLite."""


def job_error(error: BaseException) -> JobError:
    """Return why a scan failed. What is not raised on purpose is a bug, and its message says of which type.

    An error that an operating system's refusal led to, of the kind that may pass, is of the kind `system`,
    and so is one that says of itself that it may pass (`passing`).
    """
    message = str(error) or type(error).__name__
    if isinstance(error, ConsentError):
        return JobError(ErrorKind.CONSENT, message)
    if _may_pass(error):
        return JobError(ErrorKind.SYSTEM, message)
    match error:
        case MemoryError():
            return JobError(
                ErrorKind.MEMORY, "The system gave no more memory. Run fewer workers, or give a smaller scan."
            )
        case MissingExtraError():
            return JobError(ErrorKind.MISSING, message)
        case StageError():
            return JobError(ErrorKind.QUALITY, message)
        case InputError() | OSError():
            return JobError(ErrorKind.INPUT, message)
    return JobError(ErrorKind.BUG, f"{type(error).__name__}: {message}")


def _may_pass(error: BaseException) -> bool:
    return any(
        getattr(cause, "passing", False) is True
        or (isinstance(cause, OSError) and cause.errno in PASSING_ERRNO)
        or getattr(cause, "sqlite_errorcode", 0) & 0xFF in PASSING_SQLITE
        for cause in causes(error)
    )
