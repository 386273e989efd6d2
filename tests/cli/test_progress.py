from __future__ import annotations

import io

import pytest
from rich.console import Console

from bodyscan.cli.progress import StageProgress
from bodyscan.pipeline import StageEvent


def shown(terminal: bool, quiet: bool = False) -> tuple[str, StageProgress]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, highlight=False, soft_wrap=True)
    with StageProgress(("read", "fit"), quiet=quiet, console=console) as progress:
        with progress.stage("read") as remarks:
            remarks.append("scan [1] of x.ply")
        progress.on_stage(StageEvent("fit", "start"))
        progress.on_stage(StageEvent("fit", "done", 12.34, "0.8 mm"))
    return stream.getvalue(), progress


def test_without_a_terminal_each_stage_is_one_plain_line():
    text, progress = shown(terminal=False)
    lines = text.splitlines()
    assert lines[0].startswith("read ")
    assert lines[0].endswith(" s   scan [1] of x.ply")
    assert lines[1] == "fit             12.3 s   0.8 mm"
    assert "\x1b" not in text
    assert [(s.name, s.remark) for s in progress.finished] == [
        ("read", "scan [1] of x.ply"),
        ("fit", "0.8 mm"),
    ]


def test_on_a_terminal_a_bar_moves_and_the_lines_stay():
    text, _ = shown(terminal=True)
    assert "\x1b" in text
    assert "12.3 s   0.8 mm" in text


def test_quiet_shows_nothing_and_remembers_all():
    for terminal in (False, True):
        text, progress = shown(terminal, quiet=True)
        assert text == ""
        assert len(progress.finished) == 2


def test_a_stage_that_fails_is_not_said_to_be_done():
    console = Console(file=io.StringIO(), width=100)
    progress = StageProgress(("read",), console=console)
    with progress, pytest.raises(ValueError, match="no"), progress.stage("read"):
        raise ValueError("no")
    assert progress.finished == []
