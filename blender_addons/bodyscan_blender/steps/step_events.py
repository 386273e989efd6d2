# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the `bodyscan steps` process says, one JSON line an event, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Stage:
    """A stage of a step began or ended."""

    name: str
    done: bool
    seconds: float = 0.0
    remark: str = ""


@dataclass(frozen=True)
class Done:
    """The step is done, and its result lies in the working folder."""

    summary: str
    warnings: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Failed:
    """The step was not done; the folder is as it was."""

    kind: str
    """`input`, `consent`, `stage`, `missing`, `bug`; or `crash` where the process itself ended."""
    message: str
    """One sentence that says what to do."""


Event = Stage | Done | Failed


def parse_line(line: bytes) -> dict[str, Any] | None:
    """Return the event of a line, or None for what is none: native code likes to print, too."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("event"), str) else None


def event_of(message: Mapping[str, Any]) -> Event | None:
    """Return the event of a request as a value; None for a kind that is not known."""
    match message["event"]:
        case "stage":
            return Stage(
                str(message.get("stage", "")),
                message.get("state") == "done",
                _number(message.get("seconds")),
                str(message.get("remark") or ""),
            )
        case "done":
            warnings = message.get("warnings")
            values = message.get("values")
            return Done(
                str(message.get("summary") or ""),
                tuple(str(text) for text in warnings) if isinstance(warnings, list) else (),
                MappingProxyType(dict(values) if isinstance(values, dict) else {}),
            )
        case "error":
            words = str(message.get("message") or "The step failed and did not say why.")
            return Failed(str(message.get("kind") or "bug"), words)
    return None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
