"""Scans of a batch in every state, for the tests of what a person sees."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from bodyscan.batch.job import BatchSummary, ErrorKind, Job, JobError, JobState, Output, StageSeconds

FAILURES = (
    JobError(ErrorKind.INPUT, "scan.ply ends after 1204 of 98304 vertices. Export the scan again."),
    JobError(
        ErrorKind.QUALITY,
        "The twin lies 7.4 mm from the scan on average, which is over the limit of 4 mm. The person may wear "
        "wide clothes. Scan again in close-fitting clothes, or raise fit.max_mean_mm.",
    ),
    JobError(ErrorKind.MEMORY, "The scan needed more than 4.0 GB. Give it more, or decimate it."),
)
REFUSAL = JobError(ErrorKind.CONSENT, "The consent was withdrawn on 3 May 2026. Delete what was made of it.")


def done(id: str = "woman", position: int = 0, seed: int = 0, **changes) -> Job:
    """A finished scan with all its figures and files."""
    chance = random.Random(seed)
    stature = chance.gauss(169, 9)
    mean = abs(chance.gauss(0.6, 0.15)) + 0.2
    values = {
        "id": id,
        "position": position,
        "capture": f"scans/{id}.obj",
        "state": JobState.DONE,
        "attempts": 1 if chance.random() < 0.9 else 2,
        "stages_done": 12,
        "stages_total": 12,
        "begun_at": "2026-05-04T22:01:02Z",
        "ended_at": "2026-05-04T22:01:43Z",
        "seconds": chance.gauss(41, 6),
        "peak_memory_bytes": int(chance.gauss(1.1e9, 1e8)),
        "person": f"Person {position + 1}",
        "record_id": "urn:uuid:0b6f",
        "demo": position % 4 == 0,
        "quality": {
            "surface_mean_mm": mean,
            "surface_p95_mm": mean * 2.6,
            "coverage": min(1.0, chance.gauss(0.96, 0.02)),
            "acceptable": True,
        },
        "measurements_cm": {
            "stature": stature,
            "bust_girth": stature * 0.54,
            "waist_girth": stature * 0.44,
            "hip_girth": stature * 0.57,
        },
        "warnings": ("The hair hides the neck.",) if position % 3 == 0 else (),
        "stages": (StageSeconds("read", 0.8), StageSeconds("fit", 18.2, "0.59 mm")),
        "outputs": (
            Output("twin", f"{id}/{id}.glb", "a" * 64, 18_200_000),
            Output("vrm", f"{id}/{id}.vrm", "b" * 64, 17_900_000),
            Output("fbx", f"{id}/{id}.fbx", "c" * 64, 22_100_000),
            Output("report", f"{id}/report.html", "d" * 64, 2_300_000),
        ),
        "ledger_entry": position + 1,
    }
    return Job(**(values | changes))


def failed(id: str = "cut", position: int = 1, error: JobError = FAILURES[0], **changes) -> Job:
    """A scan that ended with an error."""
    values = {
        "id": id,
        "position": position,
        "capture": f"scans/{id}.ply",
        "state": JobState.FAILED,
        "attempts": 1,
        "seconds": 3.2,
        "peak_memory_bytes": 400_000_000,
        "person": f"Person {position + 1}",
        "ended_at": "2026-05-04T22:02:00Z",
        "error": error,
    }
    return Job(**(values | changes))


def refused(id: str = "gone", position: int = 2, **changes) -> Job:
    """A scan whose consent was withdrawn after its twin was made: all its figures are still known."""
    return done(id, position, **({"state": JobState.REFUSED, "error": REFUSAL} | changes))


def running(id: str = "busy", position: int = 3, **changes) -> Job:
    """A scan in the middle of its stages."""
    values = {
        "id": id,
        "position": position,
        "capture": f"scans/{id}.obj",
        "state": JobState.RUNNING,
        "attempts": 1,
        "stage": "fit",
        "stages_done": 4,
        "stages_total": 12,
        "worker": "worker 1",
        "begun_at": "2026-05-04T22:02:00Z",
    }
    return Job(**(values | changes))


def waiting(id: str = "later", position: int = 4, **changes) -> Job:
    """A scan that was not begun."""
    return Job(**({"id": id, "position": position, "capture": f"scans/{id}.obj"} | changes))


def summary_of(
    jobs: Sequence[Job], *, elapsed_s: float = 754.0, left_s: float | None = 540.0, workers: int = 4
) -> BatchSummary:
    """The summary that belongs to these scans."""
    counts = Counter(job.state for job in jobs)
    peak = max((job.peak_memory_bytes for job in jobs), default=0)
    return BatchSummary({state: counts[state] for state in JobState}, workers, elapsed_s, left_s, peak)


def a_night(count: int, *, finished: bool = True) -> list[Job]:
    """A batch of `count` scans with all that may happen to them, the same every time."""
    jobs: list[Job] = []
    for place in range(count):
        name = f"scan_{place + 1:04d}"
        if place % 13 == 5:
            jobs.append(failed(name, place, FAILURES[place % 3]))
        elif place % 29 == 9:
            jobs.append(refused(name, place))
        elif not finished and place > count * 0.7:
            late = place > count * 0.7 + 4
            jobs.append(waiting(name, place) if late else running(name, place))
        else:
            jobs.append(done(name, place, seed=place))
    return jobs
