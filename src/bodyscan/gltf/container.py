"""The GLB container: one JSON chunk and one binary chunk (glTF 2.0 specification, chapter 4).

Reading is strict. A file that is cut short, or whose JSON names a key twice or holds NaN, is refused:
two readers could see two different things in it, and the consent record must be one thing for all.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from bodyscan.errors import InputError

MAGIC = b"glTF"
JSON_CHUNK = 0x4E4F534A
BINARY_CHUNK = 0x004E4942
MAX_BYTES = 1 << 30
"""Largest file that is read, bytes: a twin is a few megabytes."""


def pack_glb(document: dict[str, Any], binary: bytes) -> bytes:
    """Join a glTF document and its one buffer into GLB bytes.

    The length of the first of `document["buffers"]` is set here; further ones, which hold no data (the
    placeholders of meshopt compression), stay. Raises `InputError` where the document holds NaN or infinity.
    """
    binary += b"\0" * (-len(binary) % 4)
    buffers = document.get("buffers")
    further = buffers[1:] if isinstance(buffers, list) else []
    placeholders = [buffer for buffer in further if isinstance(buffer, dict) and "uri" not in buffer]
    document = {**document, "buffers": [{"byteLength": len(binary)}, *placeholders]}
    try:
        text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
    except ValueError as error:
        raise InputError(
            f"The twin holds a number that is NaN or infinite, which glTF forbids: {error}."
        ) from None
    text += b" " * (-len(text) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join(
        (
            MAGIC + struct.pack("<II", 2, length),
            struct.pack("<II", len(text), JSON_CHUNK) + text,
            struct.pack("<II", len(binary), BINARY_CHUNK) + binary,
        )
    )


def unpack_glb(source: str | Path | bytes) -> tuple[dict[str, Any], bytes]:
    """Return the glTF document and the binary chunk of a GLB file or of its bytes.

    Raises `InputError` for a missing file, another format, a file cut short, or ambiguous JSON.
    """
    data, name = _load(source)
    if data[:4] != MAGIC:
        hint = " It looks like glTF text; convert it to GLB first." if data.lstrip()[:1] == b"{" else ""
        raise InputError(f"{name} is no GLB file: it does not begin with 'glTF'.{hint}")
    if len(data) < 20:
        raise InputError(f"{name} is cut short: {len(data)} bytes, less than a GLB header.")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise InputError(f"{name} is GLB version {version}; version 2 can be read.")
    if length > len(data):
        raise InputError(
            f"{name} is cut short: it has {len(data)} of the {length} bytes that its header names."
        )
    chunks = _chunks(data[:length], name)
    if not chunks or chunks[0][0] != JSON_CHUNK:
        raise InputError(f"{name} is damaged: its first chunk is not JSON.")
    binary = chunks[1][1] if len(chunks) > 1 and chunks[1][0] == BINARY_CHUNK else b""
    return _parse(chunks[0][1], name), binary


def _load(source: str | Path | bytes) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, "The data"
    path = Path(source)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path.name} has {size} bytes; GLB files up to {MAX_BYTES} bytes are read.")
        return path.read_bytes(), path.name
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}. Give the path of a GLB file."
        ) from error


def _chunks(data: bytes, name: str) -> list[tuple[int, bytes]]:
    chunks = []
    offset = 12
    while offset + 8 <= len(data):
        size, kind = struct.unpack_from("<II", data, offset)
        if offset + 8 + size > len(data):
            raise InputError(f"{name} is damaged: chunk {len(chunks)} is longer than the file.")
        chunks.append((kind, data[offset + 8 : offset + 8 + size]))
        offset += 8 + size
    return chunks


def _parse(text: bytes, name: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{name} is ambiguous: its JSON names the key '{twice}' twice in one object.")
        return result

    def refuse(constant: str) -> Any:
        raise InputError(f"{name} is damaged: its JSON holds {constant}.")

    try:
        document = json.loads(text.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is damaged: its JSON cannot be read ({error}).") from None
    if not isinstance(document, dict) or not isinstance(document.get("asset"), dict):
        raise InputError(f"{name} is no glTF file: its JSON has no 'asset'.")
    return document
