from __future__ import annotations

import io

import pytest
from rich.console import Console

from bodyscan.cli.progress import StageProgress
from bodyscan.pipeline import StageEvent
from bodyscan.run.progress import Progress, Recorder


def test_a_recorder_hands_every_event_on_and_remembers_what_is_over():
    told: list[StageEvent] = []
    recorder = Recorder(told.append, total=2)
    with recorder.stage("read") as remarks:
        remarks += ["scan.ply", "9 photos"]
    recorder.on_stage(StageEvent("fit", "start"))
    recorder.expect_more(3)
    recorder.on_stage(StageEvent("fit", "done", 12.3, "0.8 mm"))
    assert [(event.stage, event.state) for event in told] == [
        ("read", "start"), ("read", "done"), ("fit", "start"), ("fit", "done"),
    ]  # fmt: skip
    assert [(stage.name, stage.remark) for stage in recorder.finished] == [
        ("read", "scan.ply; 9 photos"), ("fit", "0.8 mm"),
    ]  # fmt: skip
    assert recorder.finished[1].seconds == 12.3
    assert recorder.total == 5


def test_a_stage_that_fails_is_not_said_to_be_done():
    told: list[str] = []
    recorder = Recorder(lambda event: told.append(event.state))
    with pytest.raises(ValueError, match="no"), recorder.stage("read"):
        raise ValueError("no")
    assert (told, recorder.finished) == (["start"], [])


def test_the_bar_of_the_command_line_and_the_recorder_are_told_the_same():
    def run(progress: Progress) -> list[tuple[str, str]]:
        progress.expect_more(1)
        with progress.stage("read") as remarks:
            remarks.append("a")
        progress.on_stage(StageEvent("fit", "start"))
        progress.on_stage(StageEvent("fit", "done", 1.0, "b"))
        return [(stage.name, stage.remark) for stage in progress.finished]

    with StageProgress(("read",), console=Console(file=io.StringIO())) as bar:
        assert run(bar) == run(Recorder()) == [("read", "a"), ("fit", "b")]
