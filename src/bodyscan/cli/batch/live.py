"""What `batch` shows while it runs: a live table, plain lines, or lines of JSON.

Both classes take the same `update` and nothing else: they keep no more than what they show, start no thread
(worker processes may be forked at any time) and leave time to the clock that they are given.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bodyscan.batch.job import BatchSummary, Job, JobState
from bodyscan.batch.status import count_words, job_values, summary_values, time_words
from bodyscan.batch.words import (
    KIND_WORDS,
    bytes_words,
    first_line,
    left_words,
    number,
    plain,
    seconds_words,
    stage_words,
    unfinished,
)

REDRAW_S = 0.2
"""The table is drawn anew at most so often."""
SUMMARY_S = 60.0
"""Without a terminal the summary is told at most so often."""
LAST = 8
"""How many of the scans that ended last stay in the table, where there is room."""
ROOMY = 60
"""Cells of width from which on a running scan is told in full."""
COLORS = {JobState.DONE: "green", JobState.FAILED: "red", JobState.REFUSED: "yellow"}


class LiveBatch:
    """Shows a batch on standard error. Use as a context manager.

    On a terminal a table that stays in its place; elsewhere one plain line for each scan that ends and, at
    most once a minute and at the end, one for the batch. The table's clocks move only with `update`: call it
    about twice a second, also where nothing has changed.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`quiet` shows nothing; `clock` gives seconds from any beginning."""
        self._console = console or Console(stderr=True, highlight=False)
        self._quiet = quiet
        self._clock = clock
        self._running: dict[str, tuple[Job, float]] = {}
        self._last: deque[Job] = deque(maxlen=LAST)
        self._told: dict[str, tuple[JobState, int, str]] = {}
        self._summary: BatchSummary | None = None
        self._updated_at = self._summed_at = clock()
        self._drawn_at = float("-inf")
        moving = self._console.is_terminal and not self._console.is_dumb_terminal
        self._live: Live | None = None
        if moving and not quiet:
            # What others print to standard output is data and must not move to standard error.
            self._live = Live(
                console=self._console, auto_refresh=False, transient=True, redirect_stdout=False
            )

    def __enter__(self) -> LiveBatch:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        if self._live:
            self._live.stop()
        # On a terminal the table goes; where the batch was broken off, how far it came is told in its place.
        if self._summary and not self._quiet and (kind or not self._live):
            self._say(_summary_line(self._summary))

    def update(self, jobs_changed: Sequence[Job], summary: BatchSummary) -> None:
        """Take the scans that have changed since the last call, and the batch as it stands."""
        now = self._clock()
        self._summary, self._updated_at = summary, now
        for job in jobs_changed:
            self._take(job, now)
        if self._quiet:
            return
        if self._live:
            if now - self._drawn_at >= REDRAW_S:
                self._drawn_at = now
                self._live.update(self._table(), refresh=True)
        elif now - self._summed_at >= SUMMARY_S:
            self._summed_at = now
            self._say(_summary_line(summary))

    def _take(self, job: Job, now: float) -> None:
        if job.state in (JobState.RUNNING, JobState.PUBLISHING):
            before = self._running.get(job.id)
            same = before is not None and before[0].attempts == job.attempts
            self._running[job.id] = (job, before[1] if same and before else now)
            return
        self._running.pop(job.id, None)
        end = (job.state, job.attempts, job.ended_at)
        if not job.ended or self._told.get(job.id) == end:
            return
        self._told[job.id] = end
        if self._live:
            self._last.append(job)
        elif not self._quiet:
            self._say("  ".join(_end_parts(job)))

    def _say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)

    def _table(self) -> Group:
        """Draw what fits: one line for the batch, then what runs, then what ended last."""
        assert self._summary
        room = max(1, self._console.height - 1)
        parts: list[Text | Table] = [
            header(self._summary, self._console.width, ascii_only=self._console.options.ascii_only)
        ]
        room -= 1
        # Some of the last ends stay in sight however many scans run.
        ends = min(len(self._last), max(room // 3, room - len(self._running) - 1))
        lines = max(0, room - ends)
        running = list(self._running.values())
        shown = running if len(running) <= lines else running[: max(0, lines - 1)]
        if shown:
            parts.append(self._running_rows(shown))
        if len(shown) < len(running) and lines:
            parts.append(_cut(f"  and {len(running) - len(shown)} more in work", "dim"))
        if ends:
            parts.append(_ended_rows(list(self._last)[-ends:][::-1], self._console.width))
        return Group(*parts)

    def _running_rows(self, running: Sequence[tuple[Job, float]]) -> Table:
        roomy = self._console.width >= ROOMY
        table = _grid(5 if roomy else 3, _name_width([job for job, _ in running], self._console.width))
        for job, since in running:
            stage = "files to their place" if job.state is JobState.PUBLISHING else plain(job.stage)
            cells = [
                Text(f"  {plain(job.id)}", style="bold"),
                Text(stage or "begins"),
                Text(seconds_words(self._updated_at - since), justify="right"),
            ]
            if roomy:
                attempt = f"attempt {job.attempts}" if job.attempts > 1 else ""
                cells.insert(2, Text(stage_words(job), style="dim"))
                cells.append(Text(attempt, style="yellow"))
            table.add_row(*cells)
        return table


class JsonLines:
    """Writes a batch as one JSON object a line, flushed. Use as a context manager.

    `{"event": "job", ...}` for a scan that has changed, with the keys of `job_values`; `{"event": "summary",
    ...}` with those of `summary_values` whenever a count has changed, every ten seconds, and at the end. The
    lines are ASCII: all else is escaped as JSON does it.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        every_s: float = 10.0,
    ) -> None:
        """`stream` is standard output by default; `every_s` is the longest time without a summary."""
        self._stream = stream or sys.stdout
        self._clock = clock
        self._every_s = every_s
        self._summary: BatchSummary | None = None
        self._counts: Mapping[JobState, int] | None = None
        self._summed_at = clock()

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._summary:
            self._write("summary", summary_values(self._summary))

    def update(self, jobs_changed: Sequence[Job], summary: BatchSummary) -> None:
        """Take the scans that have changed since the last call, and the batch as it stands."""
        for job in jobs_changed:
            self._write("job", job_values(job))
        now = self._clock()
        self._summary = summary
        counts = dict(summary.counts)
        if counts != self._counts or now - self._summed_at >= self._every_s:
            self._counts, self._summed_at = counts, now
            self._write("summary", summary_values(summary))

    def _write(self, event: str, values: Mapping[str, Any]) -> None:
        line = json.dumps({"event": event, **values}, separators=(",", ":"), allow_nan=False)
        self._stream.write(f"{line}\n")
        self._stream.flush()


def header(summary: BatchSummary, width: int, *, ascii_only: bool = False) -> Text:
    """Return the batch as one line of at most `width` cells: the bar first, then as much as fits."""
    count = {state: summary.counts.get(state, 0) for state in JobState}
    parts = [Text(f"{count[JobState.DONE]} of {summary.total} done", style="bold")]
    for state, word in ((JobState.FAILED, "failed"), (JobState.REFUSED, "refused")):
        if count[state]:
            parts.append(Text(f"{count[state]} {word}", style=COLORS[state]))
    parts.append(Text(seconds_words(summary.elapsed_s)))
    if summary.left_s is not None and unfinished(summary):
        parts.append(Text(f"{left_words(summary.left_s)} left"))
    if summary.workers:
        words = "1 worker" if summary.workers == 1 else f"{summary.workers} workers"
        parts.append(Text(words, style="dim"))
    least = 10
    while len(parts) > 1 and _width(parts) + least > width - 1:
        parts.pop()
    line = _bar(count, summary.total, max(0, min(40, width - 1 - _width(parts))), ascii_only)
    for part in parts:
        line.append("  ").append_text(part)
    line.truncate(max(1, width - 1), overflow="ellipsis")
    return line


def _width(parts: Sequence[Text]) -> int:
    return sum(part.cell_len + 2 for part in parts)


def _bar(count: Mapping[JobState, int], total: int, cells: int, ascii_only: bool) -> Text:
    """A bar of so many cells, coloured by how the scans ended."""
    bar, filled, ended = Text(), 0, 0
    for state, color in COLORS.items():
        ended += count[state]
        end = cells * ended // total if total else 0
        bar.append(("#" if ascii_only else "\u2501") * (end - filled), style=color)
        filled = end
    return bar.append(("-" if ascii_only else "\u2501") * (cells - filled), style="bright_black")


def _ended_rows(jobs: Sequence[Job], width: int) -> Table:
    names, states = _name_width(jobs, width), max(len(state.value) for state in COLORS)
    table = _grid(3, names)
    table.columns[1].min_width = states
    table.columns[2].max_width = max(1, width - names - states - 6)
    for job in jobs:
        name, state, *rest = _end_parts(job)
        table.add_row(
            Text(f"  {name}"), Text(state, style=COLORS[job.state]), Text("  ".join(rest), style="dim")
        )
    return table


def _name_width(jobs: Sequence[Job], width: int) -> int:
    """Cells for the ids: what the longest needs, a third of the terminal at most."""
    return min(max(Text(f"  {plain(job.id)}").cell_len for job in jobs), max(8, width // 3))


def _grid(columns: int, name_width: int) -> Table:
    """Columns that are cut rather than wrapped: a scan is one line, always."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", min_width=name_width, max_width=name_width)
    for _ in range(columns - 1):
        table.add_column(no_wrap=True, overflow="ellipsis")
    return table


def _cut(line: str, style: str) -> Text:
    return Text(line, style=style, no_wrap=True, overflow="ellipsis")


def _end_parts(job: Job) -> list[str]:
    """How a scan ended: id, state, seconds, then its quality and memory, or the error's first line."""
    parts = [plain(job.id), job.state.value]
    if job.seconds:
        parts.append(seconds_words(job.seconds))
    if job.state is JobState.DONE:
        mean = number(job, "surface_mean_mm")
        parts += [f"{mean:.2f} mm"] if mean is not None else []
        parts += [bytes_words(job.peak_memory_bytes)] if job.peak_memory_bytes else []
    elif job.error:
        parts.append(f"{KIND_WORDS[job.error.kind]}: {first_line(job.error.message)}")
    return parts


def _summary_line(summary: BatchSummary) -> str:
    return f"{count_words(summary)}  {time_words(summary)}"
