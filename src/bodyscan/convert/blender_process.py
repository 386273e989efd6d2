"""Runs `in_blender.py` in a process of its own, and turns every way in which that may end into one error."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bodyscan.errors import InputError, MissingExtraError, StageError

SCRIPT = Path(__file__).with_name("in_blender.py")
MARK = "BODYSCAN-CONVERT "
"""Begins the line of the answer, as in the script."""
INSTALL = 'pip install "bodyscan[blender]"'
NOT_PASSED_ON = ("BLENDER_", "PXR_", "USD_", "OCIO", "PYTHONHASHSEED", "PYTHONINSPECT")
"""Beginnings of variables of the user's that would change what Blender writes."""


def need_blender() -> None:
    """Raise `MissingExtraError` where Blender is not installed; it is looked for, not imported."""
    if importlib.util.find_spec("bpy") is None:
        raise MissingExtraError(
            f"FBX, USDZ and .blend are written by Blender, which is not installed: {INSTALL} "
            "(Python 3.11 only)."
        )


def run_in_blender(
    job: Mapping[str, Any], folder: Path, timeout_s: float, *, hold: int | None = None
) -> dict[str, Any]:
    """Do a job in a process of its own and return its answer.

    `folder` is the job's working folder and `hold` the descriptor that keeps it (`WorkingFolder`). The
    process sees no settings of the user, and ends when this process ends in whatever way.

    Raises `MissingExtraError` where Blender cannot be loaded, `InputError` for a file that Blender cannot
    read and for a full disk, `StageError` for a crash, for more than `timeout_s` seconds, and for everything
    else.
    """
    work = folder / "job.json"
    (folder / "settings").mkdir()
    (folder / "temporary").mkdir()
    work.write_text(json.dumps(dict(job)), encoding="utf-8")
    # The child holds the reading end; the writing end closes with this process, however that ends.
    reading, writing = os.pipe()
    if hold is not None:
        os.set_inheritable(hold, True)
    try:
        process = subprocess.Popen(
            # -P: no file beside the script hides a module of Blender's or Python's.
            [sys.executable, "-P", str(SCRIPT), str(work)],
            stdin=reading,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(folder),
            # Inherited is what is made to be: `hold`, and on Windows nothing else would pass it on.
            close_fds=hold is None,
        )
    except OSError as error:
        os.close(writing)
        raise StageError(f"The process for Blender could not be started: {error.strerror}.") from error
    finally:
        os.close(reading)
        if hold is not None:
            os.set_inheritable(hold, False)
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise StageError(
            f"Blender was not done after {timeout_s:g} s and was ended; nothing was written. Allow more "
            "time, or convert on a machine that is less busy."
        ) from None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        os.close(writing)
    return _answer(output.decode(errors="replace"), errors.decode(errors="replace"), process.returncode)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_PASSED_ON)}
    # FBX numbers its objects by hashes of their names: with a seed the same twin gives the same bytes.
    settings = {"BLENDER_USER_RESOURCES": str(folder / "settings"), "PYTHONHASHSEED": "0"}
    # Blender makes a folder of its own for temporary files, and leaves it behind when it is ended.
    return kept | settings | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "temporary"))


def _answer(output: str, errors: str, code: int) -> dict[str, Any]:
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    if not lines:
        raise StageError(f"{_how_it_ended(code, errors)} Nothing was written; the twin's GLB is unchanged.")
    answer = json.loads(lines[-1].removeprefix(MARK))
    message = answer.get("message", "").rstrip(".")
    match answer.get("problem"):
        case None:
            return answer
        case "missing":
            raise MissingExtraError(
                f"Blender cannot be loaded ({message}). Install it with {INSTALL} (Python 3.11 only) and the "
                "system libraries that it names."
            )
        case "disk":
            raise InputError(
                f"There is no room for Blender's files: {message}. Nothing was written; make room, or give "
                "another output path."
            )
        case "input":
            raise InputError(f"{message}.")
        case _:
            raise StageError(f"{message}. Nothing was written.")


def _how_it_ended(code: int, errors: str) -> str:
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        return f"Blender crashed or was ended from outside (signal {name})."
    said = [line.strip() for line in errors.splitlines() if line.strip()]
    return f"Blender ended with {code} and no answer; its last words: {said[-1] if said else 'none'}."
