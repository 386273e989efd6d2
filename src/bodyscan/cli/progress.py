"""Progress on standard error: a moving bar on a terminal, one plain line a finished stage everywhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bodyscan.run.progress import FinishedStage


class Event(Protocol):
    """What `on_stage` of the pipeline is told."""

    @property
    def stage(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def remark(self) -> str: ...


class StageProgress:
    """Shows stages as they start and end, and remembers them. Use as a context manager."""

    def __init__(
        self, stages: tuple[str, ...], *, quiet: bool = False, console: Console | None = None
    ) -> None:
        """`stages` are all that will come, for the bar's length; `quiet` shows nothing."""
        self.finished: list[FinishedStage] = []
        self._quiet = quiet
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._total = len(stages)
        self._task = self._bar.add_task("", total=self._total)

    def __enter__(self) -> StageProgress:
        self._bar.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._bar.stop()

    def expect_more(self, count: int) -> None:
        """Make the bar longer by `count` stages: what comes was known only when the input was looked at."""
        self._total += count
        self._bar.update(self._task, total=self._total)

    def on_stage(self, event: Event) -> None:
        """Take an event of the pipeline."""
        if event.state == "start":
            self._bar.update(self._task, description=event.stage)
            return
        self.finished.append(FinishedStage(event.stage, event.seconds, event.remark))
        self._bar.advance(self._task)
        if not self._quiet:
            line = f"{event.stage:<12}{event.seconds:8.1f} s   {event.remark}".rstrip()
            self._console.print(escape(line))

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Time a block as a stage; it appends its remarks to the list it is given."""
        self._bar.update(self._task, description=name)
        remarks: list[str] = []
        start = time.perf_counter()
        yield remarks
        self.on_stage(_Done(name, "done", time.perf_counter() - start, "; ".join(remarks)))


@dataclass(frozen=True)
class _Done:
    stage: str
    state: str
    seconds: float
    remark: str
