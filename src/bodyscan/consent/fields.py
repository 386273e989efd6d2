"""Field types that the consent models share. Their rules keep one value in one spelling."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)

from bodyscan.consent.territories import check_territory

_UTC_FORM = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class StrictModel(BaseModel):
    """Base of the consent models: nothing is converted, nothing is added, nothing changes later."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


def _check_text(text: str) -> str:
    """Refuse what would look different from what it is: control and direction characters."""
    if text != text.strip():
        raise ValueError("begins or ends with a space")
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cs") or char in _BIDI_CONTROLS:
            raise ValueError(f"holds the control character U+{ord(char):04X}")
    return text


def printable(text: str, limit: int = 1000) -> str:
    """Return `text` for a message: what a stranger's file put into it cannot steer a terminal."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:limit])
    return shown if len(text) <= limit else shown + " ..."


def parse_utc(text: str) -> datetime:
    """Return the UTC time of a text such as `2026-01-31T12:00:00Z`, or raise `ValueError`."""
    if not _UTC_FORM.fullmatch(text):
        raise ValueError(f"{text!r} is no time: write UTC to the second, as 2026-01-31T12:00:00Z")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def format_utc(time: datetime) -> str:
    """Return a UTC time as text, `2026-01-31T12:00:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time.year >= 1000 else time.isoformat()[:19] + "Z"


def _check_time(value: Any) -> Any:
    if isinstance(value, str):
        return parse_utc(value)
    if not isinstance(value, datetime):
        raise ValueError("write UTC to the second, as 2026-01-31T12:00:00Z")
    if value.utcoffset() != timedelta(0) or value.microsecond:
        raise ValueError(f"{value.isoformat()} must be in UTC, with its time zone, to the whole second")
    return value.astimezone(UTC)


def _check_address(text: str) -> str:
    web = re.fullmatch(r"https://[^\s/]+\.[^\s/]+(/\S*)?", text)
    mail = re.fullmatch(r"mailto:[^\s@:?]+@[^\s@:?]+\.[^\s@:?]+", text)
    if not (web or mail):
        raise ValueError(f"{text!r} is no address: give https://... or mailto:name@example.org")
    return text


ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_check_text)]
"""1 to 200 characters, none of them invisible."""

Address = Annotated[
    str, StringConstraints(max_length=400), AfterValidator(_check_text), AfterValidator(_check_address)
]
"""`https://` or `mailto:`."""

Territory = Annotated[str, AfterValidator(check_territory)]
"""`worldwide`, an ISO 3166-1 alpha-2 code, or a subdivision of one."""

UtcTime = Annotated[datetime, BeforeValidator(_check_time), PlainSerializer(format_utc, return_type=str)]
"""UTC, to the second."""

DecimalText = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,4})?$")]
"""A number as text, so that no reader rounds it: `12.50`."""

Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""64 lower-case hex digits."""
