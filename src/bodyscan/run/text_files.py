"""Reads the small text files that commands take: records, statements, lists, passphrases."""

from __future__ import annotations

from pathlib import Path

from bodyscan.errors import InputError

MAX_BYTES = 256 * 1024


def read_text(path: Path) -> str:
    """Return the UTF-8 text of a file of at most 256 KiB, or raise `InputError`."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    if data.startswith(b"glTF"):
        raise InputError(f"{path} is a GLB file; give the signed text itself (JSON).")
    if len(data) > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES} bytes, too large for what it should be.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text.") from None
