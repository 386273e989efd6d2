"""Where attempts run: on this machine, one process a worker. `dask_cluster.py` is the other place.

Both are executors of `concurrent.futures` (`Executor.submit`, futures), and run the same `run_attempt`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from bodyscan.batch.attempt import run_attempt
from bodyscan.batch.scan_process import COMMAND, ScanProcess

Values = Mapping[str, Any]


class Pool(Protocol):
    """Workers that make attempts."""

    @property
    def capacity(self) -> int:
        """How many attempts run at once, now."""
        ...

    def submit(self, task: Values) -> Future[dict[str, Any]]:
        """Hand an attempt over; see `run_attempt` for task and answer."""
        ...

    def events(self) -> list[Values]:
        """Return what attempts told since the last call."""
        ...

    def wait(self, futures: Set[Future[Any]], seconds: float) -> Set[Future[Any]]:
        """Return those that are done, at the latest after `seconds`."""
        ...

    def stop(self, attempt: str) -> None:
        """Give an attempt up, as soon as its worker looks."""
        ...

    def close(self) -> None:
        """Give all attempts up and let the workers go."""
        ...


def first_done(futures: Set[Future[Any]], seconds: float) -> Set[Future[Any]]:
    """Wait for the first of these futures to be done, and return all that are."""
    if not futures:
        time.sleep(seconds)
        return set()
    return wait(futures, seconds, FIRST_COMPLETED).done


def drained(events: queue.SimpleQueue[Values]) -> list[Values]:
    """Take all out of a queue that is in it now."""
    found = []
    while not events.empty():
        found.append(events.get())
    return found


class LocalPool:
    """Workers on this machine: each thread holds one process, which forks one for every scan.

    Threads and not `ProcessPoolExecutor`: there a worker that is killed breaks the pool and with it every
    scan that runs; a thread sees its process end, and says so of that scan alone.
    """

    def __init__(self, workers: int, module: str | None = None) -> None:
        """`workers`: attempts at once; `module` does the work, see `host.main`."""
        self._command = (*COMMAND, module) if module else COMMAND
        self._workers = workers
        self._events: queue.SimpleQueue[Values] = queue.SimpleQueue()
        self._stopped: set[str] = set()
        self._closing = threading.Event()
        self._own = threading.local()
        self._processes: list[ScanProcess] = []
        self._executor = ThreadPoolExecutor(
            workers, thread_name_prefix="worker", initializer=self._begin_worker
        )

    @property
    def capacity(self) -> int:
        """The number of workers."""
        return self._workers

    def submit(self, task: Values) -> Future[dict[str, Any]]:
        """Hand an attempt over."""
        return self._executor.submit(self._run, task)

    def events(self) -> list[Values]:
        """Return what attempts told since the last call."""
        return drained(self._events)

    def wait(self, futures: Set[Future[Any]], seconds: float) -> Set[Future[Any]]:
        """Return those that are done, at the latest after `seconds`."""
        return first_done(futures, seconds)

    def stop(self, attempt: str) -> None:
        """Give an attempt up: its process is killed."""
        self._stopped.add(attempt)

    def close(self) -> None:
        """Kill what runs and end all workers."""
        self._closing.set()
        self._executor.shutdown(wait=True, cancel_futures=True)
        for process in self._processes:
            process.close()

    def _begin_worker(self) -> None:
        self._own.process = ScanProcess(self._command)
        self._processes.append(self._own.process)
        self._own.name = f"worker {len(self._processes)}"

    def _run(self, task: Values) -> dict[str, Any]:
        attempt, own = task["attempt"], {"worker": self._own.name}
        try:
            return run_attempt(
                task,
                self._own.process,
                lambda event: self._events.put({**event, **own}),
                lambda: self._closing.is_set() or attempt in self._stopped,
            )
        finally:
            self._stopped.discard(attempt)
