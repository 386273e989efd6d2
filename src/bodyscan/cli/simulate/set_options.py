"""`--set NAME=VALUE`: options of a simulated person or scan that have no flag of their own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from bodyscan.errors import InputError
from bodyscan.simulate.options import RawScanOptions

_DEFAULTS = RawScanOptions()


def parsed_options(entries: list[str], given: Collection[str]) -> dict[str, Any]:
    """NAME=VALUE texts -> values of `RawScanOptions`, of the type of their default.

    `given`: names that cannot be set so. Raises `InputError` that lists the possible names.
    """
    known = {field.name: getattr(_DEFAULTS, field.name) for field in fields(RawScanOptions)}
    rest = {name: value for name, value in known.items() if name not in given}
    found: dict[str, Any] = {}
    for entry in entries:
        name, equals, text = entry.partition("=")
        if not equals or name not in rest:
            raise InputError(f"--set {entry}: give NAME=VALUE with a name of: {', '.join(rest)}.")
        found[name] = _value(name, rest[name], text)
    return found


def _value(name: str, default: Any, text: str) -> Any:
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise InputError(f"--set {name}={text}: possible: true, false.")
        return text == "true"
    kind = int if isinstance(default, int) else float  # None stands for a number that is drawn
    try:
        return kind(text)
    except ValueError:
        raise InputError(f"--set {name}={text}: a number is wanted.") from None
