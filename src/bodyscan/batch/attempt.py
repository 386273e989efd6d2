"""One attempt at one scan, as every executor runs it: its folder, its process, its files into the store.

An attempt changes nothing but its own folder below `.staging/` of the output: run twice, or given up in the
middle, it does no harm. What it made is published by the one who keeps the job table.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bodyscan import __version__
from bodyscan.batch.addresses import local_path
from bodyscan.batch.job_errors import job_error
from bodyscan.batch.scan_process import Ended, ScanProcess
from bodyscan.batch.storage import open_store
from bodyscan.batch.task import MADE, Task
from bodyscan.errors import MissingExtraError

STAGING = ".staging"
LOG_TAIL_BYTES = 20_000

Tell = Callable[[Mapping[str, Any]], None]


def run_attempt(
    values: Mapping[str, Any],
    process: ScanProcess,
    tell: Tell,
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Run one attempt, and return what became of it, as plain values.

    `values` are those of a `Task`; `process` is this worker's; `tell` gets the events of its stages, with
    `id` and `attempt`; `stopped`, asked often, says whether to give it up. The answer: `place`, the folder in
    the store that holds the files; `files`; `error` or None; `seconds`; `peak_bytes`; `log`, the end of what
    was printed; and what `work` says of the twin. Never raises for what may go wrong with one scan.
    """
    task = Task.of(values)
    name = f"{STAGING}/{task.attempt}-{secrets.token_hex(4)}"
    answer: dict[str, Any] = {"place": name, "files": [], "log": "", "error": None}
    try:
        _check_version(task)
        with _workplace(task.out, name) as folder:
            ended = _run(task, folder, process, tell, stopped)
            answer |= {"seconds": ended.seconds, "peak_bytes": ended.peak_bytes}
            answer["log"] = _tail(folder / "log.txt")
            answer |= {key: value for key, value in (ended.result or {}).items() if key != "event"}
            answer["error"] = asdict(ended.error) if ended.error else None
            _keep(task.out, name, folder, answer["files"])
    except Exception as error:
        answer["error"] = asdict(job_error(error))
    return answer


def _check_version(task: Task) -> None:
    """The key of a scan says by which version it was made; that must be true."""
    if task.version != __version__:
        raise MissingExtraError(
            f"This worker has bodyscan {__version__}, and the batch is run by {task.version}. Install "
            "the same version on both."
        )


def _run(task: Task, folder: Path, process: ScanProcess, tell: Tell, stopped: Callable[[], bool]) -> Ended:
    own = {"id": task.id, "attempt": task.attempt}
    work = task.values() | {"folder": str(folder), "log": str(folder / "log.txt")}
    return process.run(
        work,
        time_limit_s=task.time_limit_s,
        memory_limit_bytes=task.memory_limit_bytes,
        tell=lambda event: tell({**event, **own}),
        stopped=stopped,
    )


@contextmanager
def _workplace(out: str, name: str) -> Iterator[Path]:
    """Yield an empty folder: in the output itself where that is on this machine, so that nothing is copied.

    Only what is to be kept stays there.
    """
    root = local_path(out)
    if root is None:
        with tempfile.TemporaryDirectory(prefix="bodyscan-batch-") as text:
            yield Path(text)
        return
    folder = root / name
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        for entry in folder.iterdir():
            if entry.name != MADE and entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != MADE:
                entry.unlink()


def _keep(out: str, name: str, folder: Path, files: list[Mapping[str, Any]]) -> None:
    """Bring the files to the output's folder of this attempt, where they are not there already."""
    if local_path(out) is not None:
        return
    store = open_store(out)
    for file in files:
        store.put(folder / MADE / file["name"], f"{name}/{MADE}/{file['name']}")


def _tail(log: Path) -> str:
    try:
        data = log.read_bytes()[-LOG_TAIL_BYTES:]
    except OSError:
        return ""
    return data.decode("utf-8", errors="replace")
