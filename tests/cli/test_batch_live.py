from __future__ import annotations

import io
import json
import re
import sys

import pytest
from rich.console import Console

from batch.jobs import FAILURES, a_night, done, failed, refused, running, summary_of, waiting
from bodyscan.batch.job import ErrorKind, JobError, JobState
from bodyscan.cli.batch.live import LAST, JsonLines, LiveBatch, header

EVIL = "[red]a[/red] :smile: \x1b[2J\u202eb\nc"
"""Markup, an emoji's name, what clears a screen, what turns writing around, a line break."""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Shown:
    """A live view on a console that keeps what it writes."""

    def __init__(self, *, terminal: bool, width: int = 100, height: int = 24, quiet: bool = False, **console):
        self.stream = io.StringIO()
        self.clock = Clock()
        self.console = Console(
            file=self.stream, force_terminal=terminal, width=width, height=height, highlight=False, **console
        )
        self.view = LiveBatch(self.console, quiet=quiet, clock=self.clock)

    def tick(self, changed, jobs, seconds: float = 1.0, **summary) -> str:
        """Let time pass, tell what has changed, and return what was written because of it."""
        self.clock.now += seconds
        start = len(self.stream.getvalue())
        self.view.update(changed, summary_of(jobs, **summary))
        return self.stream.getvalue()[start:]

    def frame(self, changed, jobs, seconds: float = 1.0, **summary) -> list[str]:
        """The same, as the lines that then stand on the terminal."""
        return unstyled(self.tick(changed, jobs, seconds, **summary)).splitlines()


def unstyled(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", text)


def test_without_a_terminal_each_scan_that_ends_is_one_plain_line():
    shown = Shown(terminal=False)
    woman = done("woman", seconds=41.23, peak_memory_bytes=1_100_000_000, quality={"surface_mean_mm": 0.591})
    cut = failed("cut", error=JobError(ErrorKind.INPUT, "\nIt is cut.\nExport it again."))
    jobs = [woman, cut, refused("gone", seconds=0.0), running(), waiting()]
    with shown.view:
        text = shown.tick(jobs, jobs)
    lines = text.splitlines()
    assert lines == [
        "woman  done  41.2 s  0.59 mm  1.1 GB",
        "cut  failed  3.2 s  input: It is cut.",
        "gone  refused  consent: The consent was withdrawn on 3 May 2026. Delete what was made of it.",
    ]


def test_without_a_terminal_the_batch_is_told_once_a_minute_and_at_the_end():
    shown = Shown(terminal=False)
    jobs = [running(), waiting()]
    words = "0 of 2 done, 2 unfinished  12 min 34 s, about 9 min left"
    with shown.view:
        told = [shown.tick([], jobs, 0.5) for _ in range(400)]
    assert [line for line in told if line] == [f"{words}\n"] * 3
    assert shown.stream.getvalue().splitlines() == [words] * 4


def test_an_end_is_told_once_and_again_only_when_the_scan_ended_anew():
    shown = Shown(terminal=False)
    job = failed("x")
    assert shown.tick([job], [job]) != ""
    assert shown.tick([job], [job]) == ""
    assert shown.tick([running("x")], [job]) == ""
    assert shown.tick([failed("x", attempts=2)], [job]).startswith("x  failed")


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_shows_nothing(terminal):
    shown = Shown(terminal=terminal, quiet=True)
    jobs = [done(), failed(), running()]
    with shown.view:
        shown.tick(jobs, jobs)
        shown.tick(jobs, jobs, 120)
    assert shown.stream.getvalue() == ""


def test_a_long_line_is_not_broken_without_a_terminal():
    shown = Shown(terminal=False, width=40)
    job = failed("x", error=JobError(ErrorKind.BUG, "word " * 60))
    assert len(shown.tick([job], [job]).splitlines()) == 1


def test_on_a_terminal_the_batch_stands_first_then_what_runs_then_what_ended():
    shown = Shown(terminal=True)
    jobs = [done("woman"), failed("cut"), running("busy", attempts=2), running("b", stage=""), waiting()]
    with shown.view:
        shown.tick(jobs, jobs)
        lines = shown.frame([running("busy", attempts=2, stage="texture", stages_done=7)], jobs, 5)
    assert "1 of 5 done  1 failed  12 min 34 s  about 9 min left  4 workers" in lines[0]
    assert re.fullmatch(r"  busy  texture  stage 8 of 12  5\.0 s  attempt 2\s*", lines[1])
    assert re.fullmatch(r"  b     begins   stage 5 of 12  5\.0 s\s*", lines[2])
    assert re.match(r"  cut    failed   3\.2 s  input: scan\.ply ends after", lines[3])
    assert re.match(r"  woman  done     \d\d\.\d s  0\.\d\d mm  1\.\d GB", lines[4])


def test_on_a_terminal_nothing_stays_but_how_far_a_batch_came_that_was_broken_off():
    whole, broken = Shown(terminal=True), Shown(terminal=True)
    jobs = [done(), running()]
    end = "1 of 2 done, 1 unfinished  12 min 34 s, about 9 min left\n"
    with whole.view:
        whole.tick(jobs, jobs)
    assert end not in unstyled(whole.stream.getvalue())

    def break_off():
        with broken.view:
            broken.tick(jobs, jobs)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert unstyled(broken.stream.getvalue()).endswith(end)


def test_a_new_attempt_counts_its_seconds_anew():
    shown = Shown(terminal=True)
    jobs = [running("x")]
    with shown.view:
        shown.tick(jobs, jobs)
        assert "60.0 s" in shown.frame([], jobs, 60)[1]
        shown.tick([waiting("x", attempts=1)], jobs)
        shown.tick([running("x", attempts=2)], jobs)
        assert "2.0 s  attempt 2" in shown.frame([], jobs, 2)[1]


def test_a_scan_that_is_no_longer_running_leaves_the_table():
    shown = Shown(terminal=True)
    with shown.view:
        shown.tick([running("x")], [running("x")])
        lines = shown.frame([waiting("x")], [waiting("x")])
    assert len(lines) == 1


@pytest.mark.parametrize("height", [1, 2, 3, 5, 10, 24, 60])
@pytest.mark.parametrize("width", [10, 40, 80, 200])
def test_the_table_fits_every_terminal(height, width):
    shown = Shown(terminal=True, width=width, height=height)
    jobs = [*a_night(300), *(running(f"r{i}", 300 + i, worker="w" * 80) for i in range(100))]
    with shown.view:
        lines = shown.frame(jobs, jobs)
    assert len(lines) <= max(1, height - 1)
    assert max(map(len, lines)) <= width


def test_a_narrow_terminal_still_tells_which_scan_is_where():
    shown = Shown(terminal=True, width=40)
    with shown.view:
        lines = shown.frame([running("a_scan_with_a_long_name"), failed("another_long_name")], [running()])
    assert re.fullmatch(r"  a_scan_wit…  fit  0\.0 s\s*", lines[1])
    assert re.fullmatch(r"  another_lo…  failed   3\.2 s  input:…\s*", lines[2])


def test_what_does_not_fit_is_counted():
    shown = Shown(terminal=True, height=12)
    jobs = [*(running(f"r{i:02d}", i) for i in range(40)), *(done(f"d{i}", 40 + i) for i in range(20))]
    with shown.view:
        lines = shown.frame(jobs, jobs)
    assert len(lines) == 11
    names = [line.split()[0] for line in lines[1:]]
    assert names == ["r00", "r01", "r02", "r03", "r04", "r05", "and", "d19", "d18", "d17"]
    assert "and 34 more in work" in lines[7]


def test_however_often_it_is_told_it_draws_at_most_five_times_a_second():
    shown = Shown(terminal=True)
    jobs = [running(), waiting()]
    with shown.view:
        drawn = [bool(shown.tick([], jobs, 0.01)) for _ in range(500)]
    assert 20 <= sum(drawn) <= 26


def test_thousands_of_scans_are_told_quickly_and_few_are_kept():
    shown = Shown(terminal=True)
    jobs = a_night(5000)
    with shown.view:
        lines = shown.frame(jobs, jobs)
    assert len(lines) == 1 + LAST
    assert len(shown.stream.getvalue()) < 10_000


@pytest.mark.parametrize("terminal", [True, False])
def test_names_and_messages_cannot_steer_the_terminal(terminal):
    shown = Shown(terminal=terminal, width=200)
    jobs = [
        running(EVIL, 0, stage=EVIL),
        failed(f"f{EVIL}", 1, JobError(ErrorKind.BUG, EVIL)),
        done(f"d{EVIL}", 2),
    ]
    with shown.view:
        lines = shown.frame(jobs, jobs)
    text = "\n".join(lines)
    written = r"[red]a[/red] :smile: \x1b[2J\u202eb"
    assert f"d{written}\\nc" in text
    assert f"bug: {written}" in text
    assert "\x1b[2J" not in shown.stream.getvalue()
    assert "\u202e" not in shown.stream.getvalue()


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines():
    shown = Shown(terminal=True, _environ={"TERM": "dumb"})
    job = done("woman", seconds=41.2)
    with shown.view:
        assert shown.tick([job], [job]).startswith("woman  done  41.2 s")


def test_the_header_drops_what_does_not_fit_from_its_end():
    summary = summary_of([done("a", 0), failed("b", 1), waiting()])
    wide = header(summary, 120).plain
    assert wide.endswith("1 of 3 done  1 failed  12 min 34 s  about 9 min left  4 workers")
    assert header(summary, 75).plain.endswith("about 9 min left")
    assert header(summary, 45).plain.endswith("1 of 3 done  1 failed")
    for width in range(1, 130):
        assert header(summary, width).cell_len <= max(1, width - 1)


def test_the_bar_is_as_long_as_what_has_ended():
    jobs = [done("a", 0), done("b", 1), failed("c", 2), waiting()]
    bar = header(summary_of(jobs), 200, ascii_only=True).plain.split()[0]
    assert bar == "#" * 30 + "-" * 10
    assert header(summary_of([]), 200, ascii_only=True).plain.startswith("-" * 40)


def test_machines_get_one_object_a_line():
    stream = io.StringIO()
    clock = Clock()
    jobs = [done("woman"), failed("cut", error=FAILURES[0]), running()]
    with JsonLines(stream, clock=clock) as view:
        view.update(jobs, summary_of(jobs))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["job", "job", "job", "summary", "summary"]
    assert [line.get("id") for line in lines[:3]] == ["woman", "cut", "busy"]
    assert lines[1]["error"] == {"kind": "input", "message": FAILURES[0].message}
    assert (lines[2]["state"], lines[2]["stage"], lines[2]["stages_done"]) == ("running", "fit", 4)
    assert (lines[3]["total"], lines[3]["failed"], lines[3]["elapsed_s"]) == (3, 1, 754.0)
    assert ": " not in stream.getvalue().splitlines()[3]


def test_machines_get_a_summary_when_a_count_changes_and_every_ten_seconds():
    stream = io.StringIO()
    clock = Clock()
    view = JsonLines(stream, clock=clock)
    steps = [(waiting(), 0.0), (waiting(), 1.0), (running(), 1.0), (running(), 9.0), (running(), 1.0)]
    told = []
    for job, seconds in steps:
        clock.now += seconds
        before = stream.tell()
        view.update([], summary_of([job]))
        told.append(stream.tell() > before)
    assert told == [True, False, True, False, True]


def test_lines_for_machines_are_ascii_and_flushed():
    class Stream(io.StringIO):
        flushed = 0

        def flush(self):
            self.flushed = self.tell()

    stream = Stream()
    job = running(EVIL + "\ud800\u2028é", stage=EVIL)
    JsonLines(stream, clock=Clock()).update([job], summary_of([job]))
    assert stream.flushed == stream.tell()
    text = stream.getvalue()
    assert text.isascii()
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2
    assert json.loads(text.splitlines()[0])["stage"] == EVIL


def test_machines_read_standard_output(capsys):
    JsonLines(clock=Clock()).update([], summary_of([waiting()]))
    out, err = capsys.readouterr()
    assert json.loads(out)["event"] == "summary"
    assert err == ""


def test_what_others_print_to_standard_output_stays_there(capsys):
    shown = Shown(terminal=True)
    with shown.view:
        shown.tick([running()], [running()])
        sys.stdout.write("data\n")
    assert capsys.readouterr().out == "data\n"
    assert "data" not in shown.stream.getvalue()


def test_every_state_that_ends_has_a_colour():
    from bodyscan.cli.batch.live import COLORS

    assert set(COLORS) == {state for state in JobState if waiting(state=state).ended}
