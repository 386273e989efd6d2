"""Work of a scan that costs nothing, for the tests: what it does stands in the capture, as JSON.

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
from pathlib import Path
from typing import Any

from bodyscan.batch.task import MADE, Task

PRELOADED = ()
COMMAND = (sys.executable, "-P", "-m", "bodyscan.batch.host", "batch.fake_work")


def work(values: Mapping[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
    """Do what the option `do` says, then make a small twin of the capture's bytes."""
    task, folder = Task.of(values), Path(values["folder"])
    made = folder / MADE
    made.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(("read", "fit"), start=1):
        say(
            {"event": "stage", "name": name, "state": "start", "seconds": 0.0, "done": number - 1, "total": 2}
        )
        say({"event": "stage", "name": name, "state": "done", "seconds": 0.1, "done": number, "total": 2})
    print("a line of the log", flush=True)
    data = Path(task.capture).read_bytes() if task.capture else b"{}"
    told = json.loads(data)
    error = _do(told.get("do", ""), told.get("seconds", 0.0), folder)
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
        case "input" | "quality" | "system" | "bug":
            return {"kind": what, "message": f"A {what} error, on purpose."}
        case "raise":
            raise RuntimeError("on purpose")
        case "full":
            raise OSError(28, "No space left on device")
    return None
