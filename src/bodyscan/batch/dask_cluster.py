"""Workers of a Dask cluster that is there already: the extra `cluster`.

Every thread of a Dask worker makes one scan at a time, in a process of its own, as `pools.LocalPool` does it
on this machine. A worker that dies is Dask's to notice: it gives the attempt to another one, which begins
anew in a folder of its own.
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Mapping, Set
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from bodyscan.batch.attempt import run_attempt
from bodyscan.batch.pools import drained, first_done
from bodyscan.batch.scan_process import COMMAND, ScanProcess
from bodyscan.errors import InputError, MissingExtraError, StageError

Values = Mapping[str, Any]
CONNECT_LIMIT_S = 20
_own = threading.local()


class DaskPool:
    """Workers of the cluster whose scheduler is at an address."""

    def __init__(self, address: str, limit: int | None = None, module: str | None = None) -> None:
        """Connect. `limit`: attempts at once at most; `module` does the work, see `host.main`.

        Raises `MissingExtraError` without Dask, `InputError` where no scheduler answers.
        """
        try:
            from distributed import Client
        except ImportError:
            raise MissingExtraError(
                'A cluster needs Dask, which is not installed: pip install "bodyscan[cluster]", here and on '
                "the workers, in the same version."
            ) from None
        try:
            self._client = Client(
                address, timeout=CONNECT_LIMIT_S, set_as_default=False, name="bodyscan batch"
            )
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"No Dask scheduler answers at {address} ({error}). Start one with `dask scheduler`, and "
                "give the address that it prints, as tcp://host:8786."
            ) from None
        self._address = address
        self._limit = limit
        self._module = module
        self._topic = f"bodyscan-{secrets.token_hex(8)}"
        self._events: queue.SimpleQueue[Values] = queue.SimpleQueue()
        self._client.subscribe_topic(self._topic, lambda event: self._events.put(event[1]))
        self._executor = self._client.get_executor(pure=False)

    @property
    def capacity(self) -> int:
        """Threads of all workers, now, up to the limit. Raises `StageError` where the scheduler is gone."""
        if self._client.status not in ("running", "connecting"):
            raise StageError(
                f"The Dask scheduler at {self._address} went away. What was finished is kept: start it "
                "again, and run the same command."
            )
        # Without workers, too, in the moment in which the scheduler goes away.
        workers = self._client.scheduler_info(n_workers=-1).get("workers", {})
        threads = sum(worker["nthreads"] for worker in workers.values())
        return threads if self._limit is None else min(threads, self._limit)

    def submit(self, task: Values) -> Future[dict[str, Any]]:
        """Hand an attempt over."""
        return self._executor.submit(attempt_on_cluster, dict(task), self._topic, self._module)

    def events(self) -> list[Values]:
        """Return what attempts told since the last call."""
        return drained(self._events)

    def wait(self, futures: Set[Future[Any]], seconds: float) -> Set[Future[Any]]:
        """Return those that are done, at the latest after `seconds`."""
        return first_done(futures, seconds)

    def stop(self, attempt: str) -> None:
        """Do nothing: an attempt on a cluster runs to its end, and is not published."""

    def close(self) -> None:
        """Forget what runs, and disconnect; the cluster stays."""
        with suppress(Exception):  # where the scheduler is gone there is nobody to tell
            self._executor.shutdown(wait=False)
        with suppress(Exception):
            self._client.close()


def attempt_on_cluster(task: Values, topic: str, module: str | None = None) -> dict[str, Any]:
    """Run one attempt in a thread of a Dask worker; what it tells goes to a topic of the scheduler's."""
    from distributed import get_worker

    worker = get_worker()
    if not hasattr(_own, "process"):
        _own.process = ScanProcess((*COMMAND, module) if module else COMMAND)
    own = {"worker": worker.name if isinstance(worker.name, str) else worker.address}
    return run_attempt(task, _own.process, lambda event: worker.log_event(topic, {**event, **own}))
