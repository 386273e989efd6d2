# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that is talked to in JSON lines, read by threads, and killed with all that it started."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from bodyscan.errors import InputError

from .step_events import parse_line

ENDED = "\0ended"
"""Kind of the last message of an inbox, with the exit `code`; no JSON line has it."""
GRACE_S = 3.0
"""Seconds that a process has to end once its input is closed, or once it is killed."""
LINE_BYTES = 8_000_000
"""Longer lines are no events."""
TAIL_LINES = 12
"""Last lines of the process that are kept for the message of a crash."""
_CHUNK = 65536
_HELD_MESSAGES = 10_000
_NEW_GROUP_NO_WINDOW = 0x00000200 | 0x08000000
"""CREATE_NEW_PROCESS_GROUP and CREATE_NO_WINDOW, of Windows alone."""
_OWN_GROUP: dict[str, Any] = (
    {"creationflags": _NEW_GROUP_NO_WINDOW} if sys.platform == "win32" else {"start_new_session": True}
)


class ChildProcess:
    """One run of a program, in a process group of its own."""

    def __init__(self, words: Sequence[str]) -> None:
        """Start it. Raises `InputError` where that cannot be done."""
        self.inbox: queue.Queue[dict[str, Any]] = queue.Queue(_HELD_MESSAGES)
        """Messages in the order in which they came, then one of the kind `ENDED`."""
        self._said: deque[str] = deque(maxlen=TAIL_LINES)
        self._born = time.monotonic()
        self._unwanted = threading.Event()
        self._ended = threading.Event()
        self._reaping = threading.Lock()
        try:
            self._process = subprocess.Popen(
                list(words),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(),
                bufsize=0,
                **_OWN_GROUP,
            )
        except (OSError, ValueError, IndexError) as error:
            raise InputError(
                f"{words[0] if words else 'Nothing'} could not be started ({error}). Name the bodyscan "
                "command in the add-on's preferences."
            ) from None
        self._errors = self._thread(self._read_errors)
        self._thread(self._read_messages)
        self._thread(self._wait)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return not self._ended.is_set()

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._born

    def send(self, message: Mapping[str, Any]) -> None:
        """Write a line; where the process is gone, its end is told by the inbox."""
        with contextlib.suppress(OSError, ValueError):
            _pipe(self._process.stdin).write(json.dumps(dict(message)).encode() + b"\n")

    def close(self) -> None:
        """Close its input, and give it a little time to end."""
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()
        self._ended.wait(GRACE_S)

    def kill(self) -> None:
        """End it and all that it started, at once. Its inbox is not filled any more."""
        self._unwanted.set()
        with self._reaping:
            # Once it is reaped its number may be another's, who must not be killed.
            if not self._ended.is_set():
                self._kill_group()
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()
        self._ended.wait(GRACE_S)

    def last_words(self) -> str:
        """The last lines that it wrote and that are no messages."""
        return " | ".join(self._said)

    def _thread(self, target: Any) -> threading.Thread:
        thread = threading.Thread(target=target, name=f"bodyscan {target.__name__}", daemon=True)
        thread.start()
        return thread

    def _wait(self) -> None:
        """Wait for its end; then end what it started and left, so that the pipes close."""
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()
        with self._reaping:
            self._kill_group()
            self._process.wait()
            self._ended.set()

    def _kill_group(self) -> None:
        if sys.platform == "win32":
            words = ["taskkill", "/F", "/T", "/PID", str(self._process.pid)]
            subprocess.run(words, capture_output=True, check=False)
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _read_messages(self) -> None:
        for line in _lines(_pipe(self._process.stdout)):
            message = parse_line(line)
            if message is None:
                self._keep(line)
            else:
                self._put(message)
        # A program that closes its output has nothing more to say to us.
        if not self._ended.wait(GRACE_S):
            self.kill()
        self._errors.join(GRACE_S)  # its last words come before its end
        self._put({"event": ENDED, "code": self._process.returncode or 0})

    def _put(self, message: dict[str, Any]) -> None:
        """Hand a message over, as soon as there is room, unless nobody wants it any more."""
        while not self._unwanted.is_set() or message["event"] == ENDED:
            try:
                self.inbox.put(message, timeout=0.5)
            except queue.Full:
                if self._unwanted.is_set():
                    return
            else:
                return

    def _read_errors(self) -> None:
        for line in _lines(_pipe(self._process.stderr)):
            self._keep(line)

    def _keep(self, line: bytes) -> None:
        text = line[:1000].decode(errors="replace").strip()
        if text:
            self._said.append(text[:300])


def how_it_ended(code: int) -> str:
    """Return what an exit code says, as the end of a sentence; below 0 it is a signal's number."""
    if code >= 0:
        return f"ended (exit code {code})"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    memory = ", often a sign that the memory ran out" if name == "SIGKILL" else ""
    return f"crashed or was ended from outside (signal {name}{memory})"


def _environment() -> dict[str, str]:
    """The command has a Python of its own: what steers Blender's must not steer it."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    return kept | {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def _lines(pipe: IO[bytes]) -> Iterator[bytes]:
    """Yield a pipe's lines without their ends, the unfinished last one too; far too long ones are cut."""
    held = bytearray()
    with pipe:
        while True:
            try:
                data = os.read(pipe.fileno(), _CHUNK)
            except OSError:
                break
            if not data:
                break
            held += data
            if b"\n" in data:
                *whole, rest = bytes(held).split(b"\n")
                yield from whole
                held = bytearray(rest)
            elif len(held) > LINE_BYTES:
                yield bytes(held)
                held.clear()
    if held:
        yield bytes(held)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
