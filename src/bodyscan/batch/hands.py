"""What the coordinator has others do, and how it takes what they bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

from bodyscan.batch.job import ErrorKind
from bodyscan.batch.job_errors import job_error
from bodyscan.batch.manifest import Row
from bodyscan.batch.prepare import Prepared
from bodyscan.batch.publish import Plan
from bodyscan.consent import ConsentRecord

LOST = ("KilledWorker", "CancelledError", "FutureCancelledError", "CommClosedError")
"""Dask's words for an attempt whose worker went away too often; the package need not be installed."""


@dataclass(frozen=True)
class Hands:
    """What the coordinator has others do."""

    prepare: Callable[[Row], Prepared]
    check: Callable[[Prepared, tuple[str, ...]], ConsentRecord]
    """The consent of a row, for these formats, now; raises `ConsentError`."""
    publish: Callable[[Plan, Sequence[Any]], tuple[ConsentRecord | None, int]]
    """Carry a plan out; raises as `Publisher.publish`."""
    evidence_version: Callable[[], int]
    """Changes when what is known of consents does."""
    keep_log: Callable[[str, str], None]
    """Keep the log of a scan's attempt that failed; an empty one takes it away."""


def answer_of(future: Future[Any]) -> dict[str, Any]:
    """What an attempt came to; an executor that lost it says so in its own words."""
    error = CancelledError("it was given up") if future.cancelled() else future.exception()
    if error is None:
        return future.result()
    lost = type(error).__name__ in LOST
    kind = ErrorKind.KILLED if lost else job_error(error).kind
    words = "The cluster lost it: the worker that made it went away" if lost else type(error).__name__
    return {"error": {"kind": str(kind), "message": f"{words} ({error})."}, "files": [], "place": ""}


def numbers(quality: Mapping[str, Any]) -> dict[str, float | bool]:
    """Return what of a fit's quality is a number."""
    return {name: value for name, value in quality.items() if isinstance(value, bool | int | float)}
