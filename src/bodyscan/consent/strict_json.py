"""JSON read strictly, so that two readers can never see two different documents in one text.

Python's `json` keeps the last of two equal keys, accepts NaN, and reads integers that other readers
round. Each of these lets a signed text mean two things. The subset is I-JSON (RFC 7493), with a
limit on size and depth.
"""

from __future__ import annotations

import json
import math
from typing import Any

import rfc8785

from bodyscan.errors import InputError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1


def loads(text: str | bytes, what: str = "the JSON text") -> Any:
    """Return the value of a JSON text, or raise `InputError` whose message starts with `what`.

    Refused: more than 256 KiB, more than 16 levels, text that is not UTF-8, a key that stands twice
    in an object, NaN and infinities, numbers beyond 2^53 - 1 (doubles cannot tell them apart), and
    lone surrogates.
    """
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{what} cannot be read: it is not JSON (line {error.lineno}, column {error.colno})."
        ) from None
    except ValueError as error:  # UnicodeError is one
        raise InputError(f"{what} cannot be read: {error}.") from None


def canonical(value: Any) -> bytes:
    """Return the canonical JSON bytes (RFC 8785) of a JSON value, or raise `InputError`."""
    try:
        return rfc8785.dumps(value)
    except ValueError as error:
        raise InputError(f"the value has no canonical JSON form: {error}.") from None


def _loads(text: str | bytes) -> Any:
    data = text.encode("utf-8") if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has {len(data)} bytes, more than the {MAX_BYTES} that are allowed")
    decoded = data.decode("utf-8")
    _check_depth(decoded)
    value = json.loads(
        decoded,
        object_pairs_hook=_object_without_duplicates,
        parse_constant=_refuse_constant,
        parse_int=_exact_integer,
        parse_float=_finite_float,
    )
    _check_strings(value)
    return value


def _check_depth(text: str) -> None:
    """Count brackets outside strings before parsing: the parser itself recurses."""
    depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        elif char in "]}":
            depth -= 1


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!r} stands twice in one object")
        result[key] = value
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _exact_integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise ValueError(f"the integer {digits[:24]} lies beyond 2^53 - 1 and is not exact")
    return int(digits)


def _finite_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value) or abs(value) > MAX_INTEGER:
        raise ValueError(f"the number {digits[:24]} lies beyond 2^53 - 1 and is not exact")
    return value


def _check_strings(value: Any) -> None:
    if isinstance(value, str):
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise ValueError("a string holds half of a surrogate pair")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_strings(key)
            _check_strings(item)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
