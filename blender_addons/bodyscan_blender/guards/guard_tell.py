# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a person why something was refused: in a window as a popup and in the panel, else on standard
error."""

from __future__ import annotations

import sys
import textwrap
from typing import Any

import bpy

TITLE = "Consent"
WIDTH = 90
"""Letters in a line of the popup."""
KEPT = 20

told: list[str] = []
"""What was told since the file was opened, newest last; the panel shows the last."""
_to_show: list[str] = []


def tell(words: str) -> None:
    """Say one thing to the person at this machine. Callable from handlers and from a render's thread."""
    told.append(words)
    del told[:-KEPT]
    print(f"bodyscan: {words}", file=sys.stderr, flush=True)
    if bpy.app.background:
        return
    _to_show.append(words)
    if not bpy.app.timers.is_registered(_show):
        bpy.app.timers.register(_show, first_interval=0.05)


def last_words() -> str:
    """Return what was told last, empty where nothing was."""
    return told[-1] if told else ""


def forget() -> None:
    """Another file: what was told of the last one is over."""
    told.clear()


def _show() -> None:
    lines = [line for words in _to_show for line in textwrap.wrap(words, WIDTH)]
    _to_show.clear()
    manager = bpy.context.window_manager
    if not lines or not manager.windows:
        return

    def draw(self: Any, context: Any) -> None:
        for line in lines:
            self.layout.label(text=line)

    with bpy.context.temp_override(window=manager.windows[0]):
        manager.popup_menu(draw, title=TITLE, icon="ERROR")


def register() -> None:
    told.clear()


def unregister() -> None:
    told.clear()
    _to_show.clear()
    if bpy.app.timers.is_registered(_show):
        bpy.app.timers.unregister(_show)
