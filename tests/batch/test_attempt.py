from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from batch.fake_work import COMMAND
from batch.nights import TESTS
from bodyscan.batch.addresses import told
from bodyscan.batch.attempt import LOG_TAIL_BYTES, STAGING, run_attempt
from bodyscan.batch.scan_process import ScanProcess
from bodyscan.batch.storage import open_store
from bodyscan.batch.store import Store
from bodyscan.batch.task import Task


@pytest.fixture(scope="module")
def process() -> Iterator[ScanProcess]:
    """One host for all: it starts once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        process = ScanProcess(COMMAND)
        yield process
        process.close()


class Runs:
    """Runs attempts at one capture, and keeps what they told."""

    def __init__(self, folder: Path, process: ScanProcess) -> None:
        self.folder, self.process = folder, process
        self.told: list[Mapping[str, Any]] = []
        self.out = str(folder / "out")

    def __call__(self, do: str = "", seconds: float = 0.0, **more: Any) -> dict[str, Any]:
        capture = self.folder / "anna.ply"
        capture.write_text(f'{{"do": "{do}", "seconds": {seconds}}}')
        stopped = more.pop("stopped", lambda: False)
        task = Task("anna", "anna-1", str(capture), "", "the record", self.out, **more)
        return run_attempt(task.values(), self.process, self.told.append, stopped)

    def left(self, answer: Mapping[str, Any]) -> list[str]:
        """Return the files in the attempt's folder."""
        folder = Path(self.out) / answer["place"]
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def runs(tmp_path: Path, process: ScanProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    yield Runs(tmp_path, process)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_answer_says_all_that_is_needed_to_publish(runs):
    answer = runs(formats=("glb", "vrm"))
    assert answer["error"] is None
    assert answer["place"].startswith(f"{STAGING}/anna-1-")
    assert [(file["name"], file["kind"]) for file in answer["files"]] == [
        ("anna.glb", "twin"), ("anna.vrm", "vrm"),
    ]  # fmt: skip
    for file in answer["files"]:
        data = (Path(runs.out) / answer["place"] / "made" / file["name"]).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (file["sha256"], file["size_bytes"])
    assert answer["seconds"] > 0
    assert answer["peak_bytes"] > 1e6
    assert answer["log"] == "a line of the log\n"
    assert (answer["text"], answer["twin_id"]) == ("the record", "0" * 16)
    assert set(answer) >= {"quality", "measurements_cm", "warnings", "inputs", "stages"}
    assert "event" not in answer


def test_only_what_was_made_stays_in_the_attempts_folder(runs):
    assert runs.left(runs()) == ["made/anna.glb"]


@pytest.mark.parametrize(
    ("do", "kind"),
    [("input", "input"), ("quality", "quality"), ("raise", "bug"), ("exit", "bug"), ("kill", "killed"),
     ("crash", "crashed")],
)  # fmt: skip
def test_a_failure_is_an_answer_and_leaves_nothing(runs, do, kind):
    answer = runs(do)
    assert answer["error"]["kind"] == kind
    assert answer["error"]["message"]
    assert answer["files"] == []
    assert answer["log"].startswith("a line of the log\n")
    assert runs.left(answer) == []
    assert runs()["error"] is None, "the worker goes on"


def test_what_a_failing_scan_printed_is_in_the_log(runs):
    assert "RuntimeError: on purpose" in runs("raise")["log"]


def test_of_a_long_log_the_end_is_kept(runs):
    log = runs("talk")["log"]
    assert log.endswith("ä the end\n")
    assert len(log.encode()) <= LOG_TAIL_BYTES + 3  # half a character becomes a sign of its own


def test_a_scan_over_its_time_leaves_nothing(runs):
    answer = runs(seconds=30, time_limit_s=0.3)
    assert answer["error"]["kind"] == "time"
    assert runs.left(answer) == []


def test_an_attempt_that_is_given_up_is_killed_and_leaves_nothing(runs):
    answer = runs(seconds=30, stopped=lambda: True)
    assert (answer["error"]["kind"], answer["error"]["message"]) == ("killed", "It was stopped.")
    assert answer["seconds"] < 10
    assert runs.left(answer) == []


def test_two_attempts_never_share_a_folder(runs):
    first, second = runs(), runs()
    assert first["place"] != second["place"]
    assert runs.left(first) == runs.left(second) == ["made/anna.glb"]


def test_events_say_whose_they_are(runs):
    runs()
    assert {(event["id"], event["attempt"]) for event in runs.told} == {("anna", "anna-1")}
    assert [event["name"] for event in runs.told if event["event"] == "stage"] == [
        "read",
        "read",
        "fit",
        "fit",
    ]


def test_what_is_made_for_a_store_elsewhere_is_brought_there_and_nothing_stays_here(runs):
    runs.out = "memory://attempt/out"
    answer = runs()
    store = open_store(runs.out)
    assert answer["error"] is None
    assert store.list() == [f"{answer['place']}/made/anna.glb"]
    assert store.read(store.list()[0]).startswith(b"glb")
    store.remove(STAGING)
    assert runs("input")["error"]["kind"] == "input"
    assert store.list() == []


def test_a_store_that_cannot_be_reached_is_an_error_that_may_pass(runs, monkeypatch):
    def lost(self: Store, local: Path, name: str) -> None:
        with told("written", self.locate(name)):
            raise ConnectionResetError(104, "Connection reset by peer")

    runs.out = "memory://attempt/out"
    monkeypatch.setattr(type(open_store(runs.out)), "put", lost)
    answer = runs()
    assert answer["error"]["kind"] == "system"
    assert "anna.glb could not be written (Connection reset by peer)" in answer["error"]["message"]


def test_an_output_that_is_no_folder_is_an_error_of_that_scan(runs, tmp_path):
    (tmp_path / "file").write_text("")
    runs.out = str(tmp_path / "file")
    answer = runs()
    assert answer["error"]["kind"] == "input"
    assert "Not a directory" in answer["error"]["message"]
    assert answer["files"] == []
    runs.out = "unheard-of://bucket/out"
    answer = runs()
    assert answer["error"]["kind"] == "input"
    assert "unheard-of:// is not known" in answer["error"]["message"]


def test_a_disk_without_room_is_an_error_that_may_pass(runs, monkeypatch):
    def full(self: Path, *arguments: Any, **more: Any) -> None:
        raise OSError(28, os.strerror(28), str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", full)
        answer = runs()
    assert answer["error"]["kind"] == "system"
    assert "No space left on device" in answer["error"]["message"]


def test_a_folder_that_is_removed_meanwhile_is_an_error_of_that_scan(runs):
    """Somebody tidies up while it works."""

    def stopped() -> bool:
        shutil.rmtree(Path(runs.out) / STAGING, ignore_errors=True)
        return True

    answer = runs(seconds=30, stopped=stopped)
    assert answer["error"] is not None
    assert answer["files"] == []


def test_a_worker_of_another_version_does_not_take_the_task(runs):
    answer = runs(version="99.0")
    assert answer["error"]["kind"] == "missing"
    assert "Install the same version on both" in answer["error"]["message"]
    assert answer["files"] == []
