# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the `bodyscan` command is, and what to say when it is not there.

The heavy stages need packages that are not Blender's (Open3D, mediapipe ...); they live in a Python of their
own, behind this one command.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bodyscan import __version__
from bodyscan.errors import BodyscanError, InputError, MissingExtraError

NAME = "bodyscan"
VERSION_TIMEOUT_S = 60.0
"""Seconds for `bodyscan --version`: a cold disk takes its time."""
LOOK_AGAIN_S = 5.0
_VERSION = re.compile(r"\b(\d+)\.(\d+)(?:\.\w+)*\b")


@dataclass(frozen=True)
class Command:
    """The command, and how it was found."""

    path: Path
    found: str
    """`the preferences`, `the search path` or `beside Blender's Python`."""


def pip_command() -> str:
    """Return what to type into a terminal to get the command in the version of this add-on."""
    python = "py -3.11" if sys.platform == "win32" else "python3.11"
    return f"{python} -m pip install bodyscan=={__version__}"


@lru_cache(maxsize=4)
def _looked_up(preferred: Path | None, search_path: str, period: int) -> str:
    try:
        find_command(preferred, search_path=search_path)
    except BodyscanError as error:
        return str(error)
    return ""


def what_is_missing(preferred: Path | None) -> str:
    """Return why there is no command, empty where there is one; looks again every few seconds at most."""
    return _looked_up(preferred, os.environ.get("PATH", ""), int(time.monotonic() / LOOK_AGAIN_S))


def how_to_get() -> str:
    """Return one sentence that says how to get the command."""
    return (
        f"Type `{pip_command()}` into a terminal (Python 3.12 does as well), and where Blender does not find "
        "it then, name the program in the add-on's preferences."
    )


def find_command(
    preferred: Path | None, *, search_path: str | None = None, beside: Sequence[Path] | None = None
) -> Command:
    """Return the command of the preferences, else that on the search path, else one beside Blender's Python.

    `search_path` is as in the variable PATH, None for that of this process; `beside` are the folders of
    Python's programs, None for those of Blender's Python and of the user. Raises `InputError` where the
    preferences name something that cannot be run: nothing else is taken in its place. Raises
    `MissingExtraError` where there is no command.
    """
    if preferred is not None:
        return Command(_named(preferred), "the preferences")
    on_path = shutil.which(NAME, path=search_path)
    if on_path is not None:
        return Command(Path(on_path).absolute(), "the search path")
    for folder in script_folders() if beside is None else beside:
        program = shutil.which(NAME, path=str(folder))
        if program is not None:
            return Command(Path(program).absolute(), "beside Blender's Python")
    raise MissingExtraError(
        f"Scans are reconstructed and fitted by the `{NAME}` command, which was not found. {how_to_get()}"
    )


def script_folders() -> list[Path]:
    """Return where pip puts programs for Blender's Python, and for the user's.

    A Blender that was started from a dock or a menu does not see the terminal's search path.
    """
    folders = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    return list(dict.fromkeys([*folders, Path(user), Path.home() / ".local" / "bin"]))


def check_version(version: str) -> None:
    """Raise `InputError` where the command is of another release than this add-on (first two numbers)."""
    theirs, ours = _VERSION.search(version), _VERSION.search(__version__)
    if theirs is None or ours is None or theirs.groups() != ours.groups():
        raise InputError(
            f"The `{NAME}` command is version {version or '(none)'} and this add-on needs {__version__}: "
            f"type `{pip_command()}` into a terminal."
        )


def command_version(command: Command) -> str:
    """Return what the command says of its version, for example `0.1.0`. Raises `InputError`."""
    try:
        done = subprocess.run(
            [str(command.path), "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=VERSION_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{command.path} could not be run ({error}). {how_to_get()}") from None
    name, _, version = done.stdout.strip().partition(" ")
    if done.returncode != 0 or name != NAME or _VERSION.fullmatch(version) is None:
        raise InputError(f"{command.path} is not the `{NAME}` command. {how_to_get()}")
    return version


def _named(preferred: Path) -> Path:
    if not preferred.exists():
        raise InputError(
            f"The preferences name {preferred} as the `{NAME}` command, and there is no such file. Correct "
            "it, or leave it empty to have it looked for."
        )
    if preferred.is_dir() or not os.access(preferred, os.X_OK):
        raise InputError(
            f"The preferences name {preferred} as the `{NAME}` command, and it is no program. Correct it, or "
            "leave it empty to have it looked for."
        )
    return preferred.absolute()
