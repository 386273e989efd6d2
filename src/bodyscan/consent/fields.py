"""Field types that the consent models share. Their rules keep one value in one spelling."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
)

from bodyscan.consent import strict_json
from bodyscan.consent.territories import check_territory

UTC_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
_UTC_FORM = re.compile(UTC_PATTERN)
_UNSEEN = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u3164\ufeff\uffa0"
    + "".join(map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))))
)
"""Characters that show nothing or turn the direction of what follows (Unicode TR 36, section 2)."""
_LOOKALIKE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
"""Scripts whose letters are taken for each other's; one word is written in one of them."""


class StrictModel(BaseModel):
    """Base of the consent models: nothing is converted, nothing is added, nothing changes later."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", serialize_by_alias=True)


class SignedModel(StrictModel):
    """Base of what is signed: its canonical JSON is the payload."""

    def canonical_json(self) -> bytes:
        """Return the bytes that are signed: canonical JSON (RFC 8785), absent fields left out."""
        return strict_json.canonical(self.model_dump(mode="json", exclude_none=True))

    def sha256(self) -> str:
        """Return the hex digest of `canonical_json`."""
        return hashlib.sha256(self.canonical_json()).hexdigest()


def signed_schema(model: type[SignedModel]) -> dict[str, Any]:
    """Return the JSON Schema of a payload as it is signed: every default written out, no null."""
    schema = model.model_json_schema(by_alias=True)
    for part in (schema, *schema.get("$defs", {}).values()):
        properties = part.get("properties", {})
        optional = {name for name, field in properties.items() if field.get("default", ...) is None}
        for field in properties.values():
            field.pop("title", None)
            kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
            if len(kinds) == 1:
                del field["anyOf"], field["default"]
                field.update(kinds[0])
        if properties:
            part["required"] = [name for name in properties if name not in optional]
    return schema


def explain(error: ValidationError) -> str:
    """Return the first thing that is wrong, in one clause: `place: what`."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def check_text(text: str) -> str:
    """Return `text`, or raise `ValueError` where it would look different from what it is.

    Refused are control and direction characters, invisible ones, text that is not in the Unicode normal
    form C, and words that mix scripts whose letters look alike (Unicode TR 39, section 5).
    """
    if text != text.strip():
        raise ValueError("begins or ends with a space")
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn") or char in _UNSEEN:
            raise ValueError(f"holds the control character U+{ord(char):04X}")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("is not in the Unicode normal form C (NFC); write its letters as single characters")
    for word in re.findall(r"\w+", text):
        scripts = {unicodedata.name(char, "?").split(" ")[0] for char in word if char.isalpha()}
        if len(mixed := sorted(scripts & _LOOKALIKE_SCRIPTS)) > 1:
            raise ValueError(
                f"the word {word!r} mixes {' and '.join(mixed)} letters, which look alike; use one script"
            )
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


def _check_web_address(text: str) -> str:
    if not text.startswith("https://"):
        raise ValueError(f"{text!r} must begin with https://")
    return _check_address(text)


ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(check_text)]
"""1 to 200 characters, none of them invisible."""

LabelText = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(check_text)]
"""1 to 60 characters: what fits on a picture."""

LongText = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(check_text)]
"""1 to 2,000 characters on one line, none of them invisible."""

Address = Annotated[
    str, StringConstraints(max_length=400), AfterValidator(check_text), AfterValidator(_check_address)
]
"""`https://` or `mailto:`."""

WebAddress = Annotated[
    str, StringConstraints(max_length=400), AfterValidator(check_text), AfterValidator(_check_web_address)
]
"""`https://`."""

Territory = Annotated[str, StringConstraints(max_length=9), AfterValidator(check_territory)]
"""`worldwide`, an ISO 3166-1 alpha-2 code, or a subdivision of one."""

UtcTime = Annotated[
    datetime,
    BeforeValidator(_check_time, json_schema_input_type=Annotated[str, Field(pattern=UTC_PATTERN)]),
    PlainSerializer(format_utc, return_type=str),
]
"""UTC, to the second."""

DecimalText = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,4})?$")]
"""A number as text, so that no reader rounds it: `12.50`."""

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""

Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""64 lower-case hex digits."""

LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
"""BCP 47: `de`, `pt-BR`."""

Duration = Annotated[
    str,
    StringConstraints(pattern=r"^P([1-9][0-9]{0,2}Y([1-9][0-9]?M)?([1-9][0-9]?D)?|[1-9][0-9]{0,3}[MD])$"),
]
"""ISO 8601: `P3Y`, `P1Y6M`, `P90D`."""

Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""A UUID in lower case."""

Thumbprint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""SHA-256 thumbprint of a key (RFC 7638), base64url."""
