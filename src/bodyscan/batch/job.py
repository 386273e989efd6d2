"""One scan of a batch: what became of it so far, as the job table keeps it and every view shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class JobState(StrEnum):
    """Where a scan stands."""

    WAITING = "waiting"
    """Not begun, or to be tried again."""
    RUNNING = "running"
    PUBLISHING = "publishing"
    """Made; its files are on their way to their place."""
    DONE = "done"
    FAILED = "failed"
    """Ended with an error; `Job.error` says which."""
    REFUSED = "refused"
    """The consent does not allow it (any more)."""


class ErrorKind(StrEnum):
    """Why a scan failed, and with that whether another try may help."""

    INPUT = "input"
    CONSENT = "consent"
    QUALITY = "quality"
    """A stage reached no acceptable result."""
    MISSING = "missing"
    """A part that is not installed, on this machine or the worker's."""
    TIME = "time"
    """Over the time limit."""
    MEMORY = "memory"
    """Over the memory limit."""
    KILLED = "killed"
    """The process was killed from outside, or its worker or machine went away."""
    CRASHED = "crashed"
    """The process broke off: a fault in native code."""
    SYSTEM = "system"
    """The operating system or the store refused: a full disk, a lost connection."""
    BUG = "bug"


PASSING = frozenset({ErrorKind.KILLED, ErrorKind.SYSTEM})
"""Kinds of errors that may pass: these alone are tried again."""


@dataclass(frozen=True)
class JobError:
    """Why a scan has no twin."""

    kind: ErrorKind
    message: str
    """One or two sentences: what is wrong and what to do."""


@dataclass(frozen=True)
class Output:
    """A file that was made for a scan."""

    kind: str
    """`twin`, `level 1`, `collision body`, `vrm`, `fbx`, `usdz`, `blend`, `report`, `picture`."""
    place: str
    """Relative to the batch's output folder, with `/`."""
    sha256: str
    """64 hex digits."""
    size_bytes: int


@dataclass(frozen=True)
class StageSeconds:
    """How long one stage took."""

    name: str
    seconds: float
    remark: str = ""


@dataclass(frozen=True)
class Job:
    """A row of the job table."""

    id: str
    """Of the manifest's row; the name of the scan's folder in the output."""
    position: int
    """In the manifest, from 0."""
    capture: str
    """Path or address of the input."""
    state: JobState = JobState.WAITING
    attempts: int = 0
    """How often it was begun since its inputs, options or the version changed."""
    stage: str = ""
    """While it runs: the stage that it is in; else empty."""
    stages_done: int = 0
    stages_total: int = 0
    """How many stages it has; 0 while unknown."""
    worker: str = ""
    """While it runs: which worker, in words."""
    begun_at: str = ""
    """UTC, ISO 8601, of the last attempt; empty where there was none."""
    ended_at: str = ""
    """UTC, of the end; empty where it has not ended."""
    seconds: float = 0.0
    """What the last attempt took; what made more formats of a finished twin comes on top."""
    peak_memory_bytes: int = 0
    """Most resident memory of that attempt's process."""
    person: str = ""
    """Pseudonym of the record's subject."""
    record_id: str = ""
    demo: bool = False
    """The record is a demonstration's: sample data."""
    error: JobError | None = None
    quality: Mapping[str, float | bool] = field(default_factory=dict)
    """Of the fit, as `FitQuality` names it: `surface_mean_mm`, `surface_p95_mm`, `acceptable` ..."""
    measurements_cm: Mapping[str, float] = field(default_factory=dict)
    """The tape measurements."""
    warnings: tuple[str, ...] = ()
    stages: tuple[StageSeconds, ...] = ()
    """Those of that attempt."""
    outputs: tuple[Output, ...] = ()
    """The files in their place; of a finished scan at least the twin."""
    ledger_entry: int = 0
    """Its use in the ledger; 0 where there is none."""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it in this run."""
        return self.state in (JobState.DONE, JobState.FAILED, JobState.REFUSED)

    def output(self, kind: str) -> Output | None:
        """Return its first file of this kind."""
        return next((output for output in self.outputs if output.kind == kind), None)


@dataclass(frozen=True)
class BatchSummary:
    """A batch as a whole, at one moment."""

    counts: Mapping[JobState, int]
    """Every state, also those with 0."""
    workers: int
    """How many scans run at once."""
    elapsed_s: float
    """Of this run of the command."""
    left_s: float | None
    """Time left, from the scans that have ended; None while none has."""
    peak_memory_bytes: int
    """The most that any scan's process held."""

    @property
    def total(self) -> int:
        """How many scans there are."""
        return sum(self.counts.values())
