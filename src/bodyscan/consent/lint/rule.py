"""What a rule of the lint is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from bodyscan.consent.record import ConsentRecord

NOT_ADVICE = (
    "This compares fields with a list of conditions. It is not legal advice, and a record without findings "
    "is not thereby lawful: ask somebody who knows the law of the place."
)

Check = Callable[[ConsentRecord, datetime], bool]
"""(record, now in UTC) -> True where the condition is met."""


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """The fields say plainly that a condition of the source is not met."""
    WARNING = "warning"
    """The fields leave the condition open, or the source asks for it without a sanction."""
    NOTE = "note"
    """Something a person should look at."""


@dataclass(frozen=True)
class Source:
    """Where a condition comes from."""

    name: str
    """The law or agreement, with its year."""
    place: str
    """Section, article or principle; empty where none is public."""
    address: str = ""
    """Official address, as text; nothing is fetched from it."""

    def __str__(self) -> str:
        return ", ".join(part for part in (self.name, self.place) if part)


@dataclass(frozen=True)
class Rule:
    """One condition on a record's fields."""

    id: str
    """For example `NYFWA-3`."""
    severity: Severity
    fields: tuple[str, ...]
    """Paths of the fields that are looked at, for example `pay.kind`."""
    check: str
    """The condition, as a sentence about fields."""
    source: Source
    change: str
    """What to change where the condition is not met."""
    met: Check
    yields_to: tuple[str, ...] = ()
    """Rules of other profiles that say the same more sharply; this one is silent where one of them speaks."""


@dataclass(frozen=True)
class Profile:
    """The rules of one law or agreement."""

    id: str
    """For example `new-york`."""
    title: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Finding:
    """A rule whose condition a record does not meet."""

    profile: str
    """Id of the profile."""
    rule: Rule
    found: tuple[tuple[str, str], ...]
    """(field path, its value as text), for the fields that the rule looks at."""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return {
            "rule": self.rule.id,
            "profile": self.profile,
            "severity": str(self.rule.severity),
            "check": self.rule.check,
            "found": dict(self.found),
            "change": self.rule.change,
            "source": str(self.rule.source),
            "source_address": self.rule.source.address,
        }


def field_text(record: ConsentRecord, path: str) -> str:
    """Return the value of a field as text; `absent` where it, or what holds it, is not there.

    Raises `AttributeError` where the record knows no such field.
    """
    value: Any = record
    for name in path.split("."):
        if value is None:
            return "absent"
        value = getattr(value, name)
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, tuple):
        return ", ".join(_text(item) for item in value) or "none"
    if isinstance(value, BaseModel):
        return "given"
    return str(value)
