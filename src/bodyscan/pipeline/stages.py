"""The stages as they run: timed, told to a listener, and kept for the provenance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass

from bodyscan import __version__
from bodyscan.types import ProvenanceStep

SOFTWARE = f"bodyscan {__version__}"


@dataclass(frozen=True)
class StageEvent:
    """A stage began or ended."""

    stage: str
    """`reconstruct`, `fit`, `measure`, `texture`, `expressions`, `rig`, `levels` or `twin`."""
    state: str
    """`start` or `done`."""
    seconds: float = 0.0
    remark: str = ""
    """What came of it, in a few words."""


OnStage = Callable[[StageEvent], None]


class Stages:
    """Times the stages and tells the listener."""

    def __init__(self, on_stage: OnStage | None) -> None:
        self.steps: list[ProvenanceStep] = []
        self._tell = on_stage or (lambda event: None)

    @contextmanager
    def run(self, name: str, options: object = None) -> Iterator[list[str]]:
        """The block appends its remarks to the list it is given."""
        self._tell(StageEvent(name, "start"))
        remarks: list[str] = []
        start = time.perf_counter()
        yield remarks
        seconds = time.perf_counter() - start
        values = asdict(options) if is_dataclass(options) and not isinstance(options, type) else {}
        self.steps.append(ProvenanceStep(name, __version__, round(seconds, 3), values, tuple(remarks)))
        self._tell(StageEvent(name, "done", seconds, "; ".join(remarks)))
