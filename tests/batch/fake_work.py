"""Work of a scan that costs nothing, for the tests: what it does stands in the capture, as JSON.

Where only formats of a twin are made there is no capture: then it stands in `ID.do` in the output folder.

`{"do": "crash", "seconds": 1}`; see `_do`.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bodyscan.batch.addresses import StoreError
from bodyscan.batch.job_errors import job_error
from bodyscan.batch.task import MADE, Task

PRELOADED = ()
_STAGES = (
    ("read", "start", 0.0, 0),
    ("read", "done", 0.1, 1),
    ("fit", "start", 0.0, 1),
    ("fit", "done", 0.1, 2),
)
"""What it tells; in the last stage it stays as long as the capture says."""
COMMAND = (sys.executable, "-P", "-m", "bodyscan.batch.host", "batch.fake_work")


def warm(values: Mapping[str, Any]) -> None:
    """Nothing is shared between fake scans; one whose id says so fails here, in the host."""
    if values["id"] == "cold":
        raise ValueError("nothing can be worked out for this one")


def work(values: Mapping[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
    """Do what the option `do` says, then make a small twin of the capture's bytes."""
    task, folder = Task.of(values), Path(values["folder"])
    made = folder / MADE
    made.mkdir(parents=True, exist_ok=True)
    for name, state, seconds, done in _STAGES[:3]:
        say({"event": "stage", "name": name, "state": state, "seconds": seconds, "done": done, "total": 2})
    print("a line of the log", flush=True)
    try:
        data = _fetched(task.capture, folder).read_bytes() if task.capture else _said_beside(task)
    except StoreError as problem:
        say({"event": "result", "error": asdict(job_error(problem)), "files": [], "stages": []})
        return
    told = json.loads(data)
    error = _do(told.get("do", ""), told.get("seconds", 0.0), folder)
    name, state, seconds, done = _STAGES[3]
    say({"event": "stage", "name": name, "state": state, "seconds": seconds, "done": done, "total": 2})
    files = []
    for kind in task.formats if error is None else ():
        path = made / f"{task.id}.{kind}"
        path.write_bytes(kind.encode() + data)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        size = path.stat().st_size
        name = "twin" if kind == "glb" else kind
        files.append({"name": path.name, "kind": name, "sha256": digest, "size_bytes": size})
    inputs = {task.capture: _stamp(task.capture)} if task.capture else {}
    said = {"text": task.text, "twin_id": "0" * 16, "quality": {"surface_mean_mm": 0.5, "acceptable": True}}
    more = {"measurements_cm": {"stature": 170.0}, "warnings": [], "inputs": inputs, "stages": []}
    say({"event": "result", "error": error, "files": files, **said, **more})


def _fetched(place: str, folder: Path) -> Path:
    from bodyscan.batch.storage import fetch, is_address

    return fetch(place, folder / "inputs") if is_address(place) else Path(place)


def _said_beside(task: Task) -> bytes:
    path = Path(task.out) / f"{task.id}.do"
    return path.read_bytes() if path.exists() else b"{}"


def _stamp(place: str) -> tuple[str, str]:
    from bodyscan.batch.storage import digest_of, stamp_of

    return stamp_of(place), digest_of(place)


def _do(what: str, seconds: float, folder: Path) -> dict[str, str] | None:
    time.sleep(seconds)
    match what:
        case "":
            return None
        case "crash":
            ctypes.string_at(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "kill once":
            mark = folder.parents[1] / f"{folder.name.split('-')[0]}.mark"
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "memory":
            held = bytearray(400_000_000)
            held[::4096] = b"x" * len(held[::4096])
            time.sleep(60)
        case "child":
            child = subprocess.Popen(["sleep", "60"])
            (folder.parent / "child.pid").write_text(str(child.pid))
            time.sleep(60)
        case "talk":
            print("ä" * 50_000, "the end", flush=True)
        case "input" | "quality" | "system" | "bug" | "missing":
            return {"kind": what, "message": f"A {what} error, on purpose."}
        case "raise":
            raise RuntimeError("on purpose")
        case "full":
            raise OSError(28, "No space left on device")
    return None
