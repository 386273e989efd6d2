from __future__ import annotations

import json
import math
from dataclasses import fields, replace

from batch.jobs import FAILURES, done, failed, refused, running, summary_of, waiting
from bodyscan.batch.job import ErrorKind, Job, JobError, JobState, StageSeconds
from bodyscan.batch.status import job_values, status_rows, status_values, summary_values

JOBS = [
    done("a", 0),
    running("b", 1, attempts=2),
    failed("c", 2, FAILURES[1]),
    refused("d", 3),
    waiting("e", 4),
]


def test_every_field_of_a_scan_is_in_its_values_under_its_own_name():
    for job in JOBS:
        values = job_values(job)
        assert list(values) == [field.name for field in fields(Job)]
        again = json.loads(json.dumps(values, allow_nan=False))
        assert again == values
    assert job_values(JOBS[2])["error"] == {"kind": "quality", "message": FAILURES[1].message}
    assert job_values(JOBS[0])["error"] is None
    assert job_values(JOBS[0])["outputs"][0] == {
        "kind": "twin",
        "place": "a/a.glb",
        "sha256": "a" * 64,
        "size_bytes": 18_200_000,
    }


def test_numbers_that_are_none_are_null():
    job = done(
        seconds=math.inf, quality={"surface_mean_mm": math.nan, "acceptable": True},
        stages=(StageSeconds("fit", math.nan),),
    )  # fmt: skip
    values = json.loads(json.dumps(job_values(job), allow_nan=False))
    assert values["seconds"] is None
    assert values["quality"] == {"surface_mean_mm": None, "acceptable": True}
    assert values["stages"] == [{"name": "fit", "seconds": None, "remark": ""}]


def test_the_summary_has_every_count():
    values = summary_values(summary_of(JOBS))
    assert values == {
        "total": 5,
        "waiting": 1,
        "running": 1,
        "publishing": 0,
        "done": 1,
        "failed": 1,
        "refused": 1,
        "workers": 4,
        "elapsed_s": 754.0,
        "left_s": 540.0,
        "peak_memory_bytes": values["peak_memory_bytes"],
    }
    assert values["peak_memory_bytes"] > 1e9
    assert summary_values(summary_of(JOBS, left_s=None))["left_s"] is None
    assert summary_values(replace(summary_of(JOBS), counts={JobState.DONE: 3}))["failed"] == 0


def test_the_status_for_machines_lists_all_scans_in_the_manifests_order():
    values = status_values(JOBS[::-1], summary_of(JOBS))
    assert [job["id"] for job in values["jobs"]] == ["a", "b", "c", "d", "e"]
    assert values["summary"]["total"] == 5


def test_the_status_for_people_tells_what_runs_and_why_others_failed():
    rows = status_rows(JOBS, summary_of(JOBS))
    assert rows[0] == ("scans", "1 of 5 done, 1 failed, 1 refused, 2 unfinished")
    assert ("time", "12 min 34 s, about 9 min left") in rows
    assert ("workers", "4") in rows
    assert ("running", "b  fit  stage 5 of 12  attempt 2  worker 1") in rows
    assert ("failed", f"c  quality: {FAILURES[1].message}") in rows
    (row,) = [text for label, text in rows if label == "refused"]
    assert row == "d  consent: The consent was withdrawn on 3 May 2026. Delete what was made of it."
    assert [label for label, _ in rows][-3:] == ["running", "failed", "refused"]


def test_what_is_not_known_is_not_told():
    rows = status_rows([waiting()], summary_of([waiting()], elapsed_s=0, left_s=None, workers=0))
    assert rows == [("scans", "0 of 1 done, 1 unfinished")]
    assert "left" not in dict(status_rows([done()], summary_of([done()])))["time"]


def test_text_of_files_cannot_steer_a_terminal():
    evil = "a\x1b[2J\u202eb\nc"
    jobs = [failed(evil, error=JobError(ErrorKind.BUG, evil)), running(evil, stage=evil, worker=evil)]
    for _, text in status_rows(jobs, summary_of(jobs)):
        assert text.isprintable()
    assert ("failed", "a\\x1b[2J\\u202eb\\nc  bug: a\\x1b[2J\\u202eb c") in status_rows(
        jobs, summary_of(jobs)
    )
