"""How the views of a batch say things: durations, sizes, states, and text that came out of files."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bodyscan.batch.job import BatchSummary, ErrorKind, Job, JobState

UNFINISHED = (JobState.WAITING, JobState.RUNNING, JobState.PUBLISHING)
KIND_WORDS = {
    ErrorKind.INPUT: "input",
    ErrorKind.CONSENT: "consent",
    ErrorKind.QUALITY: "quality",
    ErrorKind.MISSING: "part not installed",
    ErrorKind.TIME: "time limit",
    ErrorKind.MEMORY: "memory limit",
    ErrorKind.KILLED: "killed",
    ErrorKind.CRASHED: "crashed",
    ErrorKind.SYSTEM: "system",
    ErrorKind.BUG: "bug",
}
"""Why a scan failed, in a word or two."""


def plain(text: str) -> str:
    """Return a text with everything written out that could steer a terminal or turn the direction of writing.

    Names and messages come out of files that others made. Line breaks are written out as well.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """Return all of a text as one plain line, its line breaks as spaces."""
    return plain(" ".join(text.split()))


def first_line(text: str) -> str:
    """Return the first line of a text that says something, plain."""
    return next((one_line(line) for line in text.splitlines() if line.strip()), "")


def seconds_words(seconds: float) -> str:
    """Return a duration in words: `41.2 s`, `12 min 05 s`, `3 h 07 min`, `2 d 04 h`; seconds in."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 99.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def left_words(seconds: float) -> str:
    """Return a time that is left, no finer than it can be known: `about 5 min`, `about 3 h 10 min`."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 60:
        return "under a minute"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    minutes = round(seconds / 600) * 10
    if minutes < 48 * 60:
        return f"about {minutes // 60} h {minutes % 60:02d} min"
    return f"about {round(seconds / 86400)} days"


def bytes_words(num_bytes: int) -> str:
    """Return a size in words, in powers of 1000."""
    if num_bytes < 1000:
        return "1 byte" if num_bytes == 1 else f"{num_bytes} bytes"
    if num_bytes < 1_000_000:
        return f"{num_bytes / 1e3:.0f} kB"
    if num_bytes < 100_000_000:
        return f"{num_bytes / 1e6:.1f} MB"
    if num_bytes < 1_000_000_000:
        return f"{num_bytes / 1e6:.0f} MB"
    return f"{num_bytes / 1e9:.1f} GB"


def scans_words(count: int) -> str:
    """Return `1 scan`, `2 scans`."""
    return f"{count} scan" if count == 1 else f"{count} scans"


def number(job: Job, name: str) -> float | None:
    """Return a number of the scan's quality or its tape measurements; None where it has none."""
    value = job.quality.get(name, job.measurements_cm.get(name))
    return float(value) if value is not None and math.isfinite(value) else None


def group(state: JobState) -> str:
    """Return what a state counts as for a person: `failed`, `refused`, `unfinished` or `done`."""
    return "unfinished" if state in UNFINISHED else state.value


GROUPS = ("failed", "refused", "unfinished", "done")
"""What needs somebody's eye comes first."""


def by_urgency(jobs: Iterable[Job]) -> list[Job]:
    """Return the scans in the order of `GROUPS`, each group in the manifest's order."""
    return sorted(jobs, key=lambda job: (GROUPS.index(group(job.state)), job.position))


def unfinished(summary: BatchSummary) -> int:
    """How many scans have not ended."""
    return sum(summary.counts.get(state, 0) for state in UNFINISHED)


def error_words(job: Job) -> str:
    """Return why a scan has no twin, as one plain line, kind first; empty where nothing is known."""
    return f"{KIND_WORDS[job.error.kind]}: {one_line(job.error.message)}" if job.error else ""


def stage_words(job: Job) -> str:
    """Return `stage 5 of 12`, the one it is in; empty while the number of stages is unknown."""
    if not job.stages_total:
        return ""
    return f"stage {min(job.stages_done + 1, job.stages_total)} of {job.stages_total}"
