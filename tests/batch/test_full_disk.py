"""A disk without room, at each place that a batch writes to: one clear error, and the next run finishes."""

from __future__ import annotations

import errno
import resource
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from batch.nights import Night, state_of
from bodyscan.batch import work
from bodyscan.batch.addresses import told
from bodyscan.batch.batch import read_status
from bodyscan.batch.job import ErrorKind, JobState
from bodyscan.batch.store import LocalStore
from bodyscan.batch.task import Task
from bodyscan.consent.demo import make_demo_consent
from bodyscan.errors import InputError
from bodyscan.ledger import Ledger

DONE = {"anna": "done", "ben": "done"}
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def night(tmp_path):
    night = Night(tmp_path)
    night.add("anna", seconds=0.2)
    night.add("ben", seconds=0.2)
    return night


def whole(night: Night) -> None:
    """The next run ends with every twin once and nothing else."""
    done = night.run()
    assert state_of(done) == DONE
    assert [job.error for job in done.jobs] == [None, None]
    assert night.files() == ["anna/anna.glb", "ben/ben.glb", "index.html"]
    assert [use["kind"] for use in night.uses()] == ["twin", "twin"]
    assert not (night.out / ".staging").exists()


def test_a_job_table_that_cannot_grow_stops_the_run_with_one_error(night):
    """Room ends in the middle of the run for all files that the process has open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(jobs: Any, summary: Any) -> None:
        if any(job.state is JobState.RUNNING for job in jobs):
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))

    try:
        with pytest.raises(InputError, match=r"The job table .*jobs\.sqlite cannot be used: .* Make room"):
            night.run(fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    jobs, _ = read_status(night.out / ".batch")
    assert {job.id: str(job.state) for job in jobs} == {"anna": "waiting", "ben": "waiting"}
    whole(night)


def test_a_ledger_without_room_leaves_what_was_made_for_the_next_run(night, monkeypatch):
    def full(self: Ledger, use: Any, *, again: str = "refuse") -> Any:
        cause = sqlite3.OperationalError("database or disk is full")
        cause.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise InputError("the ledger has no room left on its disk; nothing was added.") from cause

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", full)
        done = night.run()
    assert state_of(done) == {"anna": "failed", "ben": "failed"}
    assert all(job.error and job.error.kind is ErrorKind.SYSTEM for job in done.jobs)
    assert "the ledger has no room left" in done.jobs[0].error.message
    assert [name for name in night.files() if not name.startswith(".staging/")] == ["index.html"]
    assert night.uses() == []
    whole(night)
    assert night.worked() == [], "they were made once"


def test_a_place_without_room_leaves_what_was_made_for_the_next_run(night, monkeypatch):
    def full(self: LocalStore, source: str, target: str) -> None:
        with told("moved", self.locate(source)):
            raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "move", full)
        done = night.run()
    assert state_of(done) == {"anna": "failed", "ben": "failed"}
    assert all("No space left on device). Make room" in job.error.message for job in done.jobs if job.error)
    whole(night)
    assert night.worked() == [], "they were made once"


def test_a_contact_sheet_without_room_is_one_error_and_is_written_by_the_next_run(night, monkeypatch):
    write = LocalStore.write

    def full(self: LocalStore, name: str, data: bytes) -> None:
        with told("written", self.locate(name)):
            if name == "index.html":
                raise FULL
        write(self, name, data)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "write", full)
        with pytest.raises(InputError, match=r"index\.html could not be written .* Make room"):
            night.run()
    jobs, _ = read_status(night.out / ".batch")
    assert {job.id: str(job.state) for job in jobs} == DONE
    whole(night)
    assert night.worked() == []


def test_an_output_without_room_is_known_before_any_work(night, monkeypatch):
    def full(self: LocalStore, name: str, data: bytes) -> None:
        with told("written", self.locate(name)):
            raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "write", full)
        with pytest.raises(InputError, match="No space left on device"):
            night.run()
    assert night.told == []
    whole(night)


def test_a_worker_without_room_says_so_and_may_be_tried_again(tmp_path, monkeypatch):
    """The work itself, without its stages: what it cannot write is an error of the system, and no bug."""

    def run_twin(job: Any, progress: Any, *, write: Any) -> None:
        write({job.output: b"twin"})

    def full(contents: Any) -> None:
        with told("written", str(next(iter(contents)))):
            raise FULL

    monkeypatch.setattr("bodyscan.run.twin.run_twin", run_twin)
    monkeypatch.setattr(work, "write_all", full)
    text = make_demo_consent("anna").text
    for name, content in (("anna.ply", "ply"), ("anna.consent.json", text)):
        (tmp_path / name).write_text(content)
    place = str(tmp_path / "anna.consent.json")
    task = Task("anna", "anna-1", str(tmp_path / "anna.ply"), place, text, str(tmp_path / "out"))
    said: list[dict[str, Any]] = []
    work.work(task.values() | {"folder": str(tmp_path / "folder")}, said.append)
    result = said[-1]
    assert (result["event"], result["error"]["kind"], result["files"]) == ("result", "system", [])
    assert "anna.glb could not be written (No space left on device). Make room" in result["error"]["message"]
    assert list(Path(tmp_path / "folder" / "made").iterdir()) == []
