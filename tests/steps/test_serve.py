"""Requests are served one after the other; what is wrong with one is told, and the next is served."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bodyscan.errors import ConsentError, MissingExtraError, StageError
from bodyscan.pipeline import StageEvent
from bodyscan.steps import fit_step, serve
from bodyscan.steps.folder import StepState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIT = '{"id": 7, "step": "fit", "folder": "f"}'


def events(*lines: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    serve.serve(lines, told.append, lambda: NOW)  # type: ignore[arg-type]
    assert told[0] == {"event": "ready", "version": serve.__version__}
    return told[1:]


def test_a_step_is_run_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(request: Any, now: datetime, on_stage: Any) -> StepState:
        assert (request.folder, now) == ("f", NOW)
        on_stage(StageEvent("fit", "start"))
        on_stage(StageEvent("fit", "done", 1.23456, "well"))
        return StepState("done", "fit-1", "scan-1", "It fits.", ("Look.",), {"n": 1})

    monkeypatch.setattr(fit_step, "run_fit", run)
    assert events("", FIT, "  \n") == [
        {"id": 7, "event": "stage", "stage": "fit", "state": "start"},
        {"id": 7, "event": "stage", "stage": "fit", "state": "done", "seconds": 1.235, "remark": "well"},
        {
            "id": 7,
            "event": "done",
            "summary": "It fits.",
            "warnings": ["Look."],
            "values": {"result": "fit-1", "n": 1},
        },
    ]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConsentError("no"), "consent"),
        (StageError("no"), "stage"),
        (MissingExtraError("no"), "missing"),
        (MemoryError(), "stage"),
    ],
)
def test_each_kind_of_error_is_told_and_the_next_request_served(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str
) -> None:
    def run(request: Any, now: datetime, on_stage: Any) -> StepState:
        raise error

    monkeypatch.setattr(fit_step, "run_fit", run)
    first, second = events(FIT, FIT.replace("7", "8"))
    assert (first["id"], first["event"], first["kind"]) == (7, "error", kind)
    assert second["id"] == 8
    assert first["message"]


@pytest.mark.parametrize("line", ["{", "3", "[]", '"fit"', "{}", '{"id": 1, "step": "dance"}', "ü" * 10])
def test_what_is_no_request_is_told(line: str) -> None:
    (told,) = events(line)
    assert (told["event"], told["kind"]) == ("error", "input")


def test_a_line_without_end_is_refused() -> None:
    (told,) = events('{"a": "' + "x" * serve.MAX_LINE + '"}')
    assert "longer than" in told["message"]


def test_a_bug_is_told_and_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(request: Any, now: datetime, on_stage: Any) -> StepState:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(fit_step, "run_fit", run)
    told: list[Any] = []
    with pytest.raises(ZeroDivisionError):
        serve.serve([FIT], told.append, lambda: NOW)
    assert told[-1]["kind"] == "bug"
    assert "ZeroDivisionError: oh" in told[-1]["message"]


class TestCommand:
    """The process that a front end talks to."""

    def test_events_stand_alone_on_standard_output(self, tmp_path: Path) -> None:
        lines = [{"id": 1, "step": "fit", "folder": str(tmp_path)}, {"id": 2, "step": "dance"}]
        done = subprocess.run(
            [sys.executable, "-m", "bodyscan", "steps"],
            input="".join(json.dumps(line) + "\n" for line in lines),
            capture_output=True,
            text=True,
        )
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0, done.stderr
        assert [event.get("id") for event in told] == [None, 1, 2]
        assert told[1]["kind"] == "consent"

    def test_it_ends_with_the_reader_of_its_events(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "bodyscan", "steps"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(b'{"id": 1, "step": "dance"}\n')
        process.stdin.flush()
        assert process.wait(timeout=60) == 0
        process.stdin.close()

    def test_a_front_end_that_is_gone_ends_a_step_that_runs(self, tmp_path: Path) -> None:
        """Nobody waits for a fit whose reader was killed."""
        script = (
            "import sys, time\n"
            "from bodyscan.steps import serve\n"
            "serve._serve_one = lambda *given: time.sleep(600)\n"
            "from bodyscan.cli.main import app\n"
            "app(['steps'])\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"{}\n")
        process.stdin.flush()
        process.stdout.readline()
        assert process.poll() is None
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        process.stdin.close()
