"""Reads the file of a consent record; what it holds is judged elsewhere."""

from __future__ import annotations

from pathlib import Path

from bodyscan.consent.strict_json import MAX_BYTES
from bodyscan.errors import InputError


def read_consent_file(path: Path) -> str:
    """Return the text of a consent file of at most 256 KiB, or raise `InputError`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"The consent {path} cannot be read: {error.strerror}.") from None
    if data.startswith(b"glTF"):
        raise InputError(f"The consent {path} is a GLB file; give the signed record itself (JSON).")
    if len(data) > MAX_BYTES:
        raise InputError(f"The consent {path} is larger than {MAX_BYTES} bytes; give a signed record (JSON).")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"The consent {path} is not UTF-8 text; give a signed record (JSON).") from None
