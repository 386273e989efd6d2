"""Who is told of the stages of a run while they come and go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bodyscan.pipeline import StageEvent


@dataclass(frozen=True)
class FinishedStage:
    """A stage that is over."""

    name: str
    seconds: float
    remark: str = ""


class Progress(Protocol):
    """Takes the stages of a run as they begin and end, and remembers those that are over."""

    @property
    def finished(self) -> Sequence[FinishedStage]: ...

    def stage(self, name: str) -> AbstractContextManager[list[str]]:
        """Time a block as a stage; it appends its remarks to the list it is given."""
        ...

    def expect_more(self, count: int) -> None:
        """Take note that `count` stages more will come than was said at first."""
        ...

    def on_stage(self, event: StageEvent) -> None:
        """Take an event of the pipeline."""
        ...


class Recorder:
    """Remembers the stages and hands each event on; shows nothing."""

    def __init__(self, on_event: Callable[[StageEvent], None] | None = None, *, total: int = 0) -> None:
        """`on_event` is told of every beginning and end; `total` is how many stages will come."""
        self.finished: list[FinishedStage] = []
        self.total = total
        self._tell = on_event

    def expect_more(self, count: int) -> None:
        """Raise `total` by `count` stages: what comes was known only when the input was looked at."""
        self.total += count

    def on_stage(self, event: StageEvent) -> None:
        """Take an event of the pipeline."""
        if event.state != "start":
            self.finished.append(FinishedStage(event.stage, event.seconds, event.remark))
        if self._tell is not None:
            self._tell(event)

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Time a block as a stage; one that fails is not said to be done."""
        start = time.perf_counter()
        from bodyscan.pipeline import StageEvent  # seconds the first time, which are the first stage's

        self.on_stage(StageEvent(name, "start"))
        remarks: list[str] = []
        yield remarks
        self.on_stage(StageEvent(name, "done", time.perf_counter() - start, "; ".join(remarks)))
