"""An unsigned record from a TOML or JSON file and single values: what `bodyscan consent new` starts from."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from bodyscan.consent import strict_json
from bodyscan.consent.fields import format_utc
from bodyscan.consent.keys import PublicJwk
from bodyscan.consent.record import ConsentRecord, record_from_values
from bodyscan.errors import InputError

DRAFT_FILE = Path(__file__).parent / "schema" / "draft.toml"
"""A draft in which every field is explained."""
_KEY_PLACES = (
    "subject.public_key",
    "guardian.public_key",
    "controller.public_key",
    "withdrawal.status.issuer",
)


def parse_draft(text: str, file_format: str, what: str = "the draft") -> dict[str, Any]:
    """Return the values of a draft in `toml` or `json`, times as text, or raise `InputError`."""
    if file_format == "json":
        value = strict_json.loads(text, what)
    elif file_format == "toml":
        try:
            value = _plain(tomllib.loads(text))
        except (tomllib.TOMLDecodeError, ValueError) as error:
            raise InputError(f"{what} cannot be read: {error}.") from None
    else:
        raise InputError(f"{what} must be a .toml or .json file; it is .{file_format}.")
    if not isinstance(value, dict):
        raise InputError(f"{what} must hold an object with the fields of a record.")
    return value


def merge(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with each `overrides` entry (`scope.purposes`) that is not None put in."""
    result: dict[str, Any] = {
        name: dict(value) if isinstance(value, dict) else value for name, value in values.items()
    }
    for path, value in overrides.items():
        if value is None:
            continue
        *groups, name = path.split(".")
        target = result
        for group in groups:
            target = target.setdefault(group, {})
            if not isinstance(target, dict):
                raise InputError(f"the draft's `{group}` must be a table of fields.")
        target[name] = value
    return result


def build_record(values: Mapping[str, Any], load_key: Callable[[str], PublicJwk]) -> ConsentRecord:
    """Return the record of plain values; a key that is text names a file that `load_key` reads.

    Raises `InputError` that names every wrong or missing field.
    """
    values = copy.deepcopy(dict(values))
    holders = [(values, place.split(".")) for place in _KEY_PLACES]
    licensees = values.get("licensees")
    if isinstance(licensees, list):
        holders += [(one, ["public_key"]) for one in licensees if isinstance(one, dict)]
    for holder, (*groups, name) in holders:
        for group in groups:
            inner = holder.get(group)
            holder = inner if isinstance(inner, dict) else {}
        if isinstance(holder.get(name), str):
            holder[name] = load_key(holder[name]).model_dump()
    return record_from_values(values)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return format_utc(value.astimezone(UTC))
    if isinstance(value, (date, time)):
        raise ValueError(f"the time {value} needs a date, a time and a zone: 2026-01-31T12:00:00Z")
    return value
