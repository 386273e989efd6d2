"""A worker's process: imports the stages once, then forks a fresh process for each scan.

Run as `python -m bodyscan.batch.host`. One JSON line a scan on standard input, JSON lines back on standard
output:

    {"event": "ready"}                                  the imports are done
    {"event": "begun", "pid": 123}                      a process was forked for the scan
    {"event": "stage", ...}  {"event": "result", ...}   what the scan's process says, see work.py
    {"event": "end", "code": 0, "signal": 0, "peak_bytes": 1}   that process is gone

Importing Open3D, mediapipe and the rest takes 10 s, a third of a small scan's time; forked, a scan begins at
once, with memory that no earlier scan has touched, and a crash takes that scan alone. What all scans with the
same options need is worked out before the fork as well, once. A fork is sound only
while no other thread holds a lock: the number of OpenMP and BLAS threads must be 1 before the imports
(`ENVIRONMENT`), or the first parallel loop of the fork waits forever for threads that it has not got. Open3D
starts one thread of its own when it is imported; nothing that is used here misses it.

The host ends when its input ends, and so, when whoever started it is killed; a scan's process ends with its
host.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    # glibc gives large arrays back to the system and asks for them anew, over and over: 3.3 s of a scan's 29
    # went into that, and 9.9 s with the threshold that Dask sets for its workers; with these 1.6 s.
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "JAX_PLATFORMS": "cpu",
    "GLOG_minloglevel": "2",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}
"""Set before Python starts in the host."""
WORK = "bodyscan.batch.work"
IDLE_S = 600.0
"""A host without work for this long ends: on a cluster nobody tells it that the batch is over."""
_LOOK_S = 0.05

Work = Callable[[dict[str, Any], Callable[[dict[str, Any]], None]], None]


def main(module: str = WORK) -> None:
    """Serve scans until standard input ends.

    `module` has `work(task, say)`, which does one, `PRELOADED`, the modules that it needs, and
    `warm(task)`, which fills caches that the next such tasks find filled, and starts no thread that lasts.
    """
    # Nobody but us writes to what was standard output: native code likes to print there.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = import_module(module)
    for name in worker.PRELOADED:
        import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the batch's to handle
    _say(answers, {"event": "ready"})
    requests = _Lines(0)
    while (line := requests.next_line(IDLE_S)) is not None:
        try:
            worker.warm(json.loads(line))
        except Exception:  # of the scan's own options: its process meets the same, and tells of it
            traceback.print_exc()
        _give_back_memory()
        _serve(line, worker.work, answers, requests)


def _serve(line: str, work: Work, answers: IO[str], requests: _Lines) -> None:
    """Run one scan in a fork, and tell how it ended."""
    life_read, life_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(life_write)
        _child(line, work, answers, life_read)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # by both, so that the group is there whoever comes first
    os.close(life_read)
    _say(answers, {"event": "begun", "pid": pid})
    try:
        while True:
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                break
            if requests.has_ended(_LOOK_S):
                kill_family(pid)
                os.wait4(pid, 0)
                raise SystemExit  # whoever asked is gone
    finally:
        os.close(life_write)
    code, signal_number = (os.WEXITSTATUS(status), 0) if os.WIFEXITED(status) else (1, os.WTERMSIG(status))
    kill_family(pid)  # what the scan started and left running
    unit = 1 if sys.platform == "darwin" else 1024
    peak = usage.ru_maxrss * unit
    _say(answers, {"event": "end", "code": code, "signal": signal_number, "peak_bytes": peak})


def _give_back_memory() -> None:
    """Give back what working things out has freed: the allocator keeps it for scans; the host makes none."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _child(line: str, work: Work, answers: IO[str], life: int) -> None:
    """The scan's process: never returns."""
    try:
        os.setpgid(0, 0)  # so that it is killed with all that it started
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        threading.Thread(target=_end_with, args=(life,), daemon=True).start()
        task = json.loads(line)
        log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        work(task, lambda event: _say(answers, event))
        code = 0
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
    os._exit(code)


def _end_with(life: int) -> None:
    """Wait until the host is gone: nobody else holds the other end of this pipe."""
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


def kill_family(pid: int) -> None:
    """Kill a scan's process and all that it started; nothing happens where they are gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _say(answers: IO[str], event: dict[str, Any]) -> None:
    answers.write(json.dumps(event) + "\n")
    answers.flush()


class _Lines:
    """Lines from a file descriptor, read without blocking longer than asked."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._selector = selectors.DefaultSelector()
        self._selector.register(descriptor, selectors.EVENT_READ)
        self._held = b""
        self._ended = False

    def has_ended(self, wait_s: float) -> bool:
        """Wait for input, and tell whether there will be none any more."""
        if not self._ended and self._selector.select(wait_s):
            data = os.read(self._descriptor, 65536)
            self._held += data
            self._ended = not data
        return self._ended

    def next_line(self, wait_s: float) -> str | None:
        """Return the next line; None at the end, or where none came in time."""
        while b"\n" not in self._held:
            before = len(self._held)
            if self.has_ended(wait_s) or len(self._held) == before:
                return None
        line, self._held = self._held.split(b"\n", 1)
        return line.decode()


if __name__ == "__main__":
    main(*sys.argv[1:2])
