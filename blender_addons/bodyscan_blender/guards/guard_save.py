# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A .blend with a person whose consent does not allow it is not written.

Blender asks no handler whether it may save. It writes to `NAME@` first and puts that in the place of the file
when it is whole; a folder of that name makes the writing fail as a full disk would: the operator reports an
error, nothing is written, the old file stays. The folder goes when Blender has given up. So it is for Save,
Save As, Save Copy, incremental saves and the startup file (4.2 to 5.0).

Not asked before they write, and so not caught: the backups that Blender makes by itself (`quit.blend` and
autosaves, in its temporary folder), Copy of objects to another Blender, and `bpy.data.libraries.write` of a
script. A person who comes back out of these is judged where it is opened.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from . import guard
from .guard_tell import tell
from .guard_withhold import withhold
from .verdicts import Act, refusal

TEMPORARY = "@"
"""What Blender adds to the name of a file while it writes it."""
STARTUP = "startup.blend"

_blocks: list[Path] = []


@persistent
def before_saving(path: str, *ignored: object) -> None:
    """Let the writing fail where a person in the file may not be saved."""
    unblock()
    try:
        verdicts = guard.refused(bpy.data.scenes, Act.SAVE, outside=True)
    except BaseException as error:  # what nobody judged is not saved
        _block_all(path, f"Not saved. The consents could not be judged: {error!r}.")
        raise
    if verdicts:
        _block_all(path, refusal(Act.SAVE, verdicts, "The file on the disk is as it was."))
    else:
        withhold()  # what was withheld until now is not saved as such


@persistent
def after_saving(*ignored: object) -> None:
    """Take the folders away. Where Blender wrote all the same, say so."""
    was_refused = bool(_blocks)
    unblock()
    if was_refused:
        tell("The file was saved although a consent forbids it: this Blender could not be held. Delete it.")


@persistent
def after_failing(*ignored: object) -> None:
    """Take the folders away."""
    unblock()


def unblock() -> None:
    """Remove the folders that stand in the way of a file."""
    while _blocks:
        place = _blocks.pop()
        if place.is_dir():
            place.rmdir()


def _block_all(path: str, words: str) -> None:
    for place in _temporary_names(path):
        _block(place)
    tell(words)


def _block(place: Path) -> None:
    """Put a folder where Blender would write. What lies there is what an earlier writing left behind."""
    try:
        if place.is_file() or place.is_symlink():
            place.unlink()
        place.mkdir(exist_ok=True)
    except OSError as error:
        # Where no folder can be made no file can be written either.
        tell(f"{place.name} cannot be made in {place.parent}: {error.strerror or error}.")
        return
    _blocks.append(place)


def _temporary_names(path: str) -> list[Path]:
    """Where Blender writes a file first; the startup file where it names none."""
    if path:
        given = Path(bpy.path.abspath(path))
        places = {given, given.resolve()}
    else:
        template = bpy.context.preferences.app_template
        names = {STARTUP, str(Path(template, STARTUP))}
        places = {Path(bpy.utils.user_resource("CONFIG", path=name)) for name in names}
    return sorted(place.with_name(place.name + TEMPORARY) for place in places if place.parent.is_dir())


_HANDLERS = (("save_pre", before_saving), ("save_post", after_saving), ("save_post_fail", after_failing))


def register() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    unblock()
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
