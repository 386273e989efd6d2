"""All rows of a run in memory, in step with the job table: counted, changed, saved, told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from bodyscan.batch.job import BatchSummary, Job, JobState
from bodyscan.batch.table import JobTable, Stored

OnChange = Callable[[Sequence[Job], BatchSummary], None]


class Board:
    """The rows of one run. Changes are on the disk after `save`."""

    def __init__(self, table: JobTable, rows: Sequence[Stored]) -> None:
        """`rows`: as `resume` returned them, which are in the table already."""
        self.table = table
        self._rows = {row.id: row for row in rows}
        self._counts = Counter(row.job.state for row in rows)
        self._unsaved: dict[str, None] = {}
        self._untold: dict[str, None] = {}
        self._seconds, self._made = 0.0, 0
        self._peak = max((row.job.peak_memory_bytes for row in rows), default=0)

    def __getitem__(self, job_id: str) -> Stored:
        return self._rows[job_id]

    def __iter__(self) -> Iterator[Stored]:
        return iter(self._rows.values())

    def set(self, job_id: str, **changes: Any) -> Stored:
        """Change fields of a row's job; return the row."""
        return self.put(self._rows[job_id].but(**changes))

    def put(self, row: Stored, *, key: str | None = None, plan: dict[str, Any] | None = None) -> Stored:
        """Put a row in the place of the one that stands there, with another key or plan where given."""
        row = replace(row, key=row.key if key is None else key, plan=row.plan if plan is None else plan)
        self._counts[self._rows[row.id].job.state] -= 1
        self._counts[row.job.state] += 1
        self._peak = max(self._peak, row.job.peak_memory_bytes)
        self._rows[row.id] = row
        self._unsaved[row.id] = self._untold[row.id] = None
        return row

    def save(self) -> None:
        """Write what changed into the table. Raises `InputError` where that cannot be done."""
        self.table.save_many(self._rows[job_id] for job_id in self._unsaved)
        self._unsaved.clear()

    def note(self, summary: BatchSummary) -> None:
        """Note what the table's rows do not say, for who looks from elsewhere."""
        told = {"workers": summary.workers, "elapsed_s": summary.elapsed_s, "left_s": summary.left_s}
        self.table.note(summary=json.dumps(told))

    def news(self) -> list[Job]:
        """Return the jobs that changed since the last call."""
        found = [self._rows[job_id].job for job_id in self._untold]
        self._untold.clear()
        return found

    def took(self, seconds: float) -> None:
        """Note how long a scan took that got its twin: what the time left is reckoned from."""
        self._seconds += seconds
        self._made += 1

    def summary(self, workers: int, elapsed_s: float) -> BatchSummary:
        """Return the batch as a whole; `workers` at once, `elapsed_s` since this run began."""
        counts = {state: self._counts[state] for state in JobState}
        left = counts[JobState.WAITING] + counts[JobState.RUNNING]
        mean = self._seconds / self._made if self._made else None
        at_once = max(1, min(workers, left))
        return BatchSummary(
            counts=counts,
            workers=workers,
            elapsed_s=elapsed_s,
            left_s=None if mean is None else mean * left / at_once,
            peak_memory_bytes=self._peak,
        )
