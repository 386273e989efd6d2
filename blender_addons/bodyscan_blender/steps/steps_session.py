# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one `bodyscan steps` process of this Blender, and what every request says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from bodyscan.errors import InputError

from ..settings import PACKAGE, preference, use_of
from .command import check_version, find_command
from .steps_process import StepsProcess

FOLDER_NAME = "work"
"""Of the folder with all persons' folders, in the extension's own."""

IDLE_S = 600.0
"""After so long without a step the process, which holds up to a gigabyte, is ended."""
LOOK_S = 60.0

_process: StepsProcess | None = None


def steps_process(context: Any) -> StepsProcess:
    """Return the process, started or not; another one where the preferences name another command since.

    Raises `InputError` or `MissingExtraError` where there is no command.
    """
    global _process
    words = (str(find_command(preference(context, "command")).path), "steps")
    if _process is None or (_process.words != words and not _process.is_busy):
        if _process is not None:
            _process.stop()
        _process = StepsProcess(words, check_version=check_version)
    return _process


def work_root(context: Any) -> Path:
    """Return the folder in which persons have theirs; it may not exist yet."""
    chosen = preference(context, "work_root")
    if chosen is not None:
        return chosen
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, path=FOLDER_NAME))
    except ValueError:  # registered from its source, not installed as an extension
        return Path(bpy.utils.user_resource("CONFIG")) / "bodyscan" / FOLDER_NAME


def use_fields(scene: Any, purpose: str | None = None) -> dict[str, Any]:
    """Return the scene's use as a request has it, for another purpose where one is given.

    Raises `InputError` for a territory that is none.
    """
    use = use_of(scene)
    return {
        "purpose": purpose or str(use.purpose),
        "territory": use.territory,
        "medium": None if use.medium is None else str(use.medium),
        "licensee": use.licensee,
        "product_line": use.product_line,
    }


def path_field(path: Path | None) -> str | None:
    return None if path is None else str(path)


def private_folder(path: Path) -> Path:
    """Make a folder that its owner alone can read. Raises `InputError` where that cannot be done."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The working folder {path} cannot be made ({error.strerror}); name another place in the "
            "add-on's preferences."
        ) from None
    return path


def end_idle_process() -> float:
    """End a process that nobody asks any more; return when to look again, as Blender's timers want it."""
    if _process is not None and _process.pid is not None and _process.idle_s > IDLE_S:
        _process.stop()
    return LOOK_S


def register() -> None:
    bpy.app.timers.register(end_idle_process, first_interval=LOOK_S, persistent=True)


def unregister() -> None:
    """End the process with the add-on."""
    global _process
    if bpy.app.timers.is_registered(end_idle_process):
        bpy.app.timers.unregister(end_idle_process)
    if _process is not None:
        _process.stop()
        _process = None
