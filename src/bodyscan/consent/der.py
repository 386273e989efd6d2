"""The outline of DER (ITU-T X.690): one value after another, its tag and what is inside.

Only what time stamps need: to wrap a value, and to look into one without knowing what it means.
"""

from __future__ import annotations

from collections.abc import Iterator

SEQUENCE = 0x30
_MAX_LENGTH_BYTES = 4


def wrap(tag: int, *parts: bytes) -> bytes:
    """Return the value with a one-byte `tag` around the joined `parts`."""
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def unwrap(value: bytes, tag: int) -> bytes:
    """Return what is inside the one value that `value` is, or raise `ValueError`."""
    parts = list(split(value))
    if len(parts) != 1 or parts[0][0] != tag:
        raise ValueError(f"there should be one value with the tag {tag:#04x}")
    start, size = _measure(value, 0)
    return value[start : start + size]


def split(body: bytes) -> Iterator[bytes]:
    """Yield each of the values that stand one after another, tag and length included.

    Raises `ValueError` where one runs past the end, or its tag or length is of a form that is not read here.
    """
    place = 0
    while place < len(body):
        start, size = _measure(body, place)
        if start + size > len(body):
            raise ValueError("a value runs past the end")
        yield body[place : start + size]
        place = start + size


def _measure(body: bytes, place: int) -> tuple[int, int]:
    """Return (where the content of the value at `place` begins, its size)."""
    if place + 2 > len(body) or body[place] & 0x1F == 0x1F:
        raise ValueError("a value is cut off or has a long tag")
    size, start = body[place + 1], place + 2
    if size < 0x80:
        return start, size
    count = size & 0x7F
    if not 1 <= count <= _MAX_LENGTH_BYTES or start + count > len(body):
        raise ValueError("a value's length is cut off, without end or too large")
    return start + count, int.from_bytes(body[start : start + count], "big")
