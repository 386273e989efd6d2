"""A batch as values for a machine and as rows for a person.

The keys of `job_values` and `summary_values` are a contract: scripts read them from `batch --json` and
`batch status --json`. Keys may be added; none changes its meaning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bodyscan.batch.job import BatchSummary, Job, JobState
from bodyscan.batch.words import (
    by_urgency,
    bytes_words,
    error_words,
    left_words,
    plain,
    seconds_words,
    stage_words,
    unfinished,
)


def job_values(job: Job) -> dict[str, Any]:
    """Return a scan as JSON values, always with the same keys: those of `Job`, in its order.

    `error` is null or `{"kind", "message"}`; `outputs` holds `{"kind", "place", "sha256", "size_bytes"}`,
    `stages` holds `{"name", "seconds", "remark"}`; numbers that are not finite are null.
    """
    return {
        "id": job.id,
        "position": job.position,
        "capture": job.capture,
        "state": job.state.value,
        "attempts": job.attempts,
        "stage": job.stage,
        "stages_done": job.stages_done,
        "stages_total": job.stages_total,
        "worker": job.worker,
        "begun_at": job.begun_at,
        "ended_at": job.ended_at,
        "seconds": _finite(job.seconds),
        "peak_memory_bytes": job.peak_memory_bytes,
        "person": job.person,
        "record_id": job.record_id,
        "demo": job.demo,
        "error": {"kind": job.error.kind.value, "message": job.error.message} if job.error else None,
        "quality": _all_finite(job.quality),
        "measurements_cm": _all_finite(job.measurements_cm),
        "warnings": list(job.warnings),
        "stages": [asdict(stage) | {"seconds": _finite(stage.seconds)} for stage in job.stages],
        "outputs": [asdict(output) for output in job.outputs],
        "ledger_entry": job.ledger_entry,
    }


def summary_values(summary: BatchSummary) -> dict[str, Any]:
    """Return the batch as JSON values: `total`, a count for every state, and the fields of `BatchSummary`."""
    return {
        "total": summary.total,
        **{state.value: summary.counts.get(state, 0) for state in JobState},
        "workers": summary.workers,
        "elapsed_s": _finite(summary.elapsed_s),
        "left_s": None if summary.left_s is None else _finite(summary.left_s),
        "peak_memory_bytes": summary.peak_memory_bytes,
    }


def status_values(jobs: Sequence[Job], summary: BatchSummary) -> dict[str, Any]:
    """Return `{"summary": summary_values, "jobs": [job_values, ...]}`, the jobs in the manifest's order."""
    ordered = sorted(jobs, key=lambda job: job.position)
    return {"summary": summary_values(summary), "jobs": [job_values(job) for job in ordered]}


def status_rows(jobs: Sequence[Job], summary: BatchSummary) -> list[tuple[str, str]]:
    """Return (label, text) rows: the summary, what runs, then every scan that failed or was refused, and why.

    All text is plain: nothing in it steers a terminal.
    """
    rows = [("scans", count_words(summary))]
    if summary.elapsed_s > 0:
        rows.append(("time", time_words(summary)))
    if summary.peak_memory_bytes:
        rows.append(("memory", f"{bytes_words(summary.peak_memory_bytes)} at most for one scan"))
    if summary.workers:
        rows.append(("workers", str(summary.workers)))
    ordered = by_urgency(jobs)
    for state in (JobState.RUNNING, JobState.PUBLISHING):
        rows += [(state.value, running_words(job)) for job in ordered if job.state is state]
    for state in (JobState.FAILED, JobState.REFUSED):
        rows += [
            (state.value, "  ".join(filter(None, (plain(job.id), error_words(job)))))
            for job in ordered
            if job.state is state
        ]
    return rows


def count_words(summary: BatchSummary) -> str:
    """Return the counts in words: `23 of 40 done, 2 failed, 1 refused, 14 unfinished`; no zeros."""
    parts = [f"{summary.counts.get(JobState.DONE, 0)} of {summary.total} done"]
    for count, word in (
        (summary.counts.get(JobState.FAILED, 0), "failed"),
        (summary.counts.get(JobState.REFUSED, 0), "refused"),
        (unfinished(summary), "unfinished"),
    ):
        parts += [f"{count} {word}"] if count else []
    return ", ".join(parts)


def time_words(summary: BatchSummary) -> str:
    """Return how long it has taken, and what is left while scans are unfinished."""
    words = seconds_words(summary.elapsed_s)
    if summary.left_s is not None and unfinished(summary):
        words += f", {left_words(summary.left_s)} left"
    return words


def running_words(job: Job) -> str:
    """Return a running scan in words: its id, stage, how far, and which attempt where it is not the first."""
    parts = [plain(job.id), plain(job.stage)]
    if job.stages_total:
        parts.append(stage_words(job))
    if job.attempts > 1:
        parts.append(f"attempt {job.attempts}")
    if job.worker:
        parts.append(plain(job.worker))
    return "  ".join(part for part in parts if part)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _all_finite(values: Mapping[str, float | bool]) -> dict[str, float | bool | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
