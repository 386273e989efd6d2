# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One long-living `bodyscan steps` process: requests in, events out, never a wait in Blender's own thread.

It is started when it is needed, again after a crash or a cancel, and ends with Blender: by `stop`, at exit,
and by its standard input, which closes however Blender ends. To cancel is to kill it: it leaves nothing
half-written.
"""

from __future__ import annotations

import atexit
import json
import queue
import time
import weakref
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from bodyscan.errors import BodyscanError, InputError

from .child_process import ENDED, ChildProcess, how_it_ended
from .step_events import Done, Event, Failed, event_of

READY_S = 180.0
"""Seconds after which a process that has not said that it is ready is given up."""

_everyone: weakref.WeakSet[StepsProcess] = weakref.WeakSet()


class StepsProcess:
    """The process, whether it runs or not; serves one request at a time."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        check_version: Callable[[str], None] | None = None,
        ready_s: float = READY_S,
    ) -> None:
        """`words` is the command line; `check_version` raises where the version that it tells is not fit."""
        self.words = tuple(words)
        self._check_version = check_version
        self._ready_s = ready_s
        self._child: ChildProcess | None = None
        self._is_ready = False
        self._ids = count(1)
        self._request: dict[str, Any] | None = None
        self._asked_at = time.monotonic()
        _everyone.add(self)

    @property
    def pid(self) -> int | None:
        """Of the running process, or None."""
        return self._child.pid if self._child is not None and self._child.is_running else None

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way."""
        return self._request is not None

    @property
    def idle_s(self) -> float:
        """Seconds since it was last asked or looked at; 0 while a request is under way."""
        return 0.0 if self.is_busy else time.monotonic() - self._asked_at

    def start(self) -> None:
        """Start the process where it does not run, so that its imports are done when it is needed.

        Raises `InputError` where it cannot be started.
        """
        if self.pid is None:
            self.kill()
            self._child, self._is_ready = ChildProcess(self.words), False

    def request(self, step: str, **fields: Any) -> int:
        """Ask for a step and return the request's id; `poll` tells how it goes.

        `fields` hold what JSON can. Raises `InputError` where the process cannot be started, and while
        another request is under way.
        """
        if self._request is not None:
            raise InputError("A step is under way; wait for it, or cancel it.")
        request = {"id": next(self._ids), "step": step, **fields}
        json.dumps(request)  # what cannot be sent is told before a process is started for it
        self.start()
        self._request = request
        if self._is_ready and self._child is not None:
            self._child.send(request)
        return int(request["id"])

    def poll(self, wait_s: float = 0.0) -> list[Event]:
        """Return what came for the request since the last call, waiting at most `wait_s` seconds for it.

        The last event of a request is a `Done` or a `Failed`; a process that ended, is not ready in time or
        is of another version gives a `Failed` too, and is gone then.
        """
        events: list[Event] = []
        self._asked_at = time.monotonic()
        until = time.monotonic() + wait_s
        while self._request is not None and self._child is not None:
            left = 0.0 if events else max(until - time.monotonic(), 0.0)
            try:
                message = self._child.inbox.get(timeout=left) if left else self._child.inbox.get_nowait()
            except queue.Empty:
                break
            event = self._taken(self._child, message)
            if event is not None:
                events.append(event)
                if isinstance(event, Done | Failed):
                    self._request = None
                if isinstance(event, Failed) and event.kind == "bug":
                    self.kill()  # whatever its faults have left in it, the next step begins anew
        if self._is_late():
            events.append(self._given_up(f"was not ready after {self._ready_s:g} s and was ended"))
        return events

    def kill(self) -> None:
        """End the process and all that it started, at once; a request that was under way is forgotten."""
        child, self._child, self._request = self._child, None, None
        if child is not None:
            child.kill()

    def stop(self) -> None:
        """End the process: an idle one by closing its input, one at work by force."""
        if self._child is not None and self._request is None:
            self._child.close()
        self.kill()

    def _is_late(self) -> bool:
        child = self._child
        return (
            self._request is not None
            and child is not None
            and not self._is_ready
            and child.age_s > self._ready_s
        )

    def _taken(self, child: ChildProcess, message: dict[str, Any]) -> Event | None:
        """Handle a message of the child; return it where it is an event of the request."""
        kind, request = message["event"], self._request or {}
        if kind == ENDED:
            return self._given_up(how_it_ended(message["code"]))
        if kind == "ready" and not self._is_ready:
            return self._begun(child, str(message.get("version", "")))
        # Where nothing was read of a line that was sent, its error can have no id.
        if message.get("id") == request.get("id") or (kind == "error" and message.get("id") is None):
            return event_of(message)
        return None  # a late word on a request that nobody waits for

    def _begun(self, child: ChildProcess, version: str) -> Event | None:
        if self._check_version is not None:
            try:
                self._check_version(version)
            except BodyscanError as error:
                self.kill()
                return Failed("missing", str(error))
        self._is_ready = True
        if self._request is not None:
            child.send(self._request)
        return None

    def _given_up(self, how: str) -> Failed:
        child, step = self._child, (self._request or {}).get("step", "")
        when = f"during the step '{step}'" if self._is_ready else "before it was ready"
        self.kill()
        said = child.last_words() if child is not None else ""
        words = f"The bodyscan process {how} {when}"
        words += f"; its last words: {said}" if said else ", without a word"
        return Failed("crash", f"{words.rstrip('.')}. Nothing was changed; try again: it is started anew.")


def stop_all() -> None:
    """End every process that was started here."""
    for process in list(_everyone):
        process.kill()


atexit.register(stop_all)
