"""Ctrl-C and the system's wish to end, taken at a moment that leaves nothing locked.

Python raises `KeyboardInterrupt` between any two steps of the main thread. Within `concurrent.futures.wait`
that can be between the taking of one future's lock and the next: then the worker that holds such a future
waits for ever to say that it is done, and the batch for it. So a signal is noted, and raised where asked for.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While it is entered, the first signal is noted; a second one is raised at once, as Python would.

    Signals that the process ignores, or that end it at once, are left as they are, and so are all where this
    is not the main thread.
    """

    def __init__(self) -> None:
        self._before: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._noted = False

    def check(self) -> None:
        """Raise `KeyboardInterrupt` where a signal was noted."""
        if self._noted:
            self._noted = False
            raise KeyboardInterrupt

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in NUMBERS:
                before = signal.getsignal(number)
                if callable(before):
                    self._before[number] = before
                    signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
        if kind is None:
            self.check()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted:
            self._before[number](number, frame)
        self._noted = True
