"""One worker's hold on its host process: a scan handed over, watched, and ended where it exceeds a limit."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bodyscan.batch.host import ENVIRONMENT, kill_family
from bodyscan.batch.job import ErrorKind, JobError
from bodyscan.batch.machine import resident_bytes

Event = dict[str, Any]
COMMAND = (sys.executable, "-P", "-m", "bodyscan.batch.host")
"""`-P`: a folder of scans is no place to import from."""
START_LIMIT_S = 300.0
"""For the imports, on a busy machine with a cold disk."""
_LOOK_S = 0.25
MEMORY_LOOK_S = 1.0
_CRASHES = {
    getattr(signal, name).value: name
    for name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS")
    if hasattr(signal, name)
}


@dataclass(frozen=True)
class Ended:
    """How a scan's process ended."""

    result: Mapping[str, Any] | None
    """What it returned, beside an error too; None where it did not come to that."""
    error: JobError | None
    seconds: float
    peak_bytes: int = 0


@dataclass
class ScanProcess:
    """A host process, started when it is first needed. One thread uses it at a time."""

    command: tuple[str, ...] = COMMAND
    _host: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _held: bytes = field(default=b"", init=False)
    _lines: deque[bytes] = field(default_factory=deque, init=False)

    def run(
        self,
        task: Mapping[str, Any],
        *,
        time_limit_s: float,
        memory_limit_bytes: int,
        tell: Callable[[Event], None],
        stopped: Callable[[], bool] = lambda: False,
    ) -> Ended:
        """Run one scan, see `work.work`, and return how it ended; it never raises for what the scan does.

        `tell` gets the events of the scan's stages. `stopped` is asked four times a second: where it is
        true, the scan is killed.
        """
        started = time.monotonic()
        try:
            host = self._ready(stopped)
            assert host.stdin is not None
            host.stdin.write(json.dumps(dict(task)).encode() + b"\n")
            host.stdin.flush()
        except (OSError, _HostError) as error:
            self.close()
            return Ended(
                None,
                JobError(ErrorKind.SYSTEM, f"The worker's process did not start: {error}"),
                time.monotonic() - started,
            )
        watch = _Watch(time.monotonic() + time_limit_s, time_limit_s, memory_limit_bytes, stopped)
        try:
            return self._watched(watch, tell, started)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the host, and with it the scan that it runs."""
        host, self._host = self._host, None
        self._held = b""
        self._lines.clear()
        if host is None:
            return
        for stream in (host.stdin, host.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        try:
            host.wait(2.0)
        except subprocess.TimeoutExpired:
            host.kill()
            host.wait()

    def _ready(self, stopped: Callable[[], bool]) -> subprocess.Popen[bytes]:
        if self._host is not None and self._host.poll() is None:
            return self._host
        self.close()
        self._host = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
        )
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit and not stopped():
            event = self._next(_LOOK_S)
            if event is not None:
                if event["event"] == "ready":
                    return self._host
                code = self._host.wait()
                raise _HostError(
                    f"it ended with code {code} while it imported; run `bodyscan doctor` on this machine"
                )
        if stopped():
            raise _HostError("it was stopped")
        raise _HostError(f"its imports took more than {START_LIMIT_S:.0f} s")

    def _watched(self, watch: _Watch, tell: Callable[[Event], None], started: float) -> Ended:
        result: Mapping[str, Any] | None = None
        while True:
            event = self._next(_LOOK_S)
            watch.look()
            if event is None:
                continue
            match event["event"]:
                case "begun":
                    watch.pid = event["pid"]
                    tell(event)
                case "result":
                    result = event
                case "gone":
                    watch.kill()
                    self.close()
                    message = "The worker's process was killed while it made this twin."
                    error = watch.error or JobError(ErrorKind.KILLED, message)
                    return Ended(None, error, time.monotonic() - started, watch.peak_bytes)
                case "end":
                    seconds = time.monotonic() - started
                    peak = max(watch.peak_bytes, event["peak_bytes"])
                    error = watch.error or _error_of(result, event)
                    return Ended(result, error, seconds, peak)
                case _:
                    tell(event)

    def _next(self, wait_s: float) -> Event | None:
        """Return the host's next event; None where none came in time, `gone` where the host is."""
        if not self._lines:
            host = self._host
            assert host is not None
            assert host.stdout is not None
            with selectors.DefaultSelector() as selector:
                selector.register(host.stdout, selectors.EVENT_READ)
                if not selector.select(wait_s):
                    return None
            data = os.read(host.stdout.fileno(), 1 << 20)
            if not data:
                return {"event": "gone"}
            *lines, self._held = (self._held + data).split(b"\n")
            self._lines.extend(lines)
        return json.loads(self._lines.popleft()) if self._lines else None


class _HostError(Exception):
    """The host did not come up."""


@dataclass
class _Watch:
    """Ends a scan that goes over a limit, and remembers why."""

    deadline: float
    time_limit_s: float
    memory_limit_bytes: int
    stopped: Callable[[], bool]
    pid: int = 0
    held: int = 0
    """Bytes, at the last look."""
    next_look: float = 0.0
    peak_bytes: int = 0
    error: JobError | None = None

    def look(self) -> None:
        """Measure, and kill where it must be."""
        if not self.pid or self.error:
            return
        now = time.monotonic()
        if now >= self.next_look:  # looking through all processes costs some milliseconds
            self.next_look = now + MEMORY_LOOK_S
            self.held = resident_bytes(self.pid)
            self.peak_bytes = max(self.peak_bytes, self.held)
        if self.stopped():
            self.error = JobError(ErrorKind.KILLED, "It was stopped.")
        elif now > self.deadline:
            self.error = JobError(
                ErrorKind.TIME,
                f"It took longer than the limit of {self.time_limit_s:g} s and was stopped. Give a higher "
                "--time-limit, or look at the scan.",
            )
        elif self.held > self.memory_limit_bytes:
            self.error = JobError(
                ErrorKind.MEMORY,
                f"It held {self.held / 1e9:.2f} GB of memory, more than the limit of "
                f"{self.memory_limit_bytes / 1e9:.2f} GB, and was stopped. Give a higher --memory-limit, "
                "or a smaller scan.",
            )
        if self.error:
            self.kill()

    def kill(self) -> None:
        """Kill the scan's process and all that it started."""
        if self.pid:
            kill_family(self.pid)


def _error_of(result: Mapping[str, Any] | None, end: Event) -> JobError | None:
    """Return why there is no twin; None where there is one."""
    number = end["signal"]
    if number in _CRASHES:
        return JobError(
            ErrorKind.CRASHED,
            f"Native code broke off while it made this twin ({_CRASHES[number]}). Look at the scan; if it is "
            "sound, this is a bug: report it with the log.",
        )
    if number:
        name = signal.Signals(number).name if number in signal.valid_signals() else str(number)
        return JobError(
            ErrorKind.KILLED,
            f"The scan's process was killed from outside ({name}): by somebody, or by the system for want of "
            "memory.",
        )
    if result is None:
        return JobError(ErrorKind.BUG, f"The scan's process ended with code {end['code']} and no result.")
    if result.get("error"):
        return JobError(ErrorKind(result["error"]["kind"]), result["error"]["message"])
    return None
