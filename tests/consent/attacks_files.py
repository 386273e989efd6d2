"""Attacks on the reader: damaged, huge and ambiguous files. Each is refused before any verdict."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

import numpy as np

from consent.attacks_base import Glb, Rows, Unreadable, consent, honest

FILES = Rows("Files that cannot be read")


def _header(data: bytes) -> tuple[int, int]:
    """Return the length of the JSON chunk and where the binary chunk begins."""
    (length,) = struct.unpack_from("<I", data, 12)
    return length, 20 + length


def _json(change: Any) -> bytes:
    """The honest file with its JSON text changed; lengths are set right."""
    data = honest()
    begin = _header(data)[1]
    text = change(data[20:begin])
    text += b" " * (-len(text) % 4)
    rest = data[begin:]
    total = 20 + len(text) + len(rest)
    head = b"glTF" + struct.pack("<II", 2, total) + struct.pack("<II", len(text), 0x4E4F534A)
    return head + text + rest


def _patched(place: int, value: int) -> bytes:
    data = bytearray(honest())
    struct.pack_into("<I", data, place, value)
    return bytes(data)


@FILES.row("Bad chunk length: the JSON chunk is longer than the file.", Unreadable("chunk 0 is longer"))
def _long_json() -> bytes:
    return _patched(12, 2**31)


@FILES.row("Bad chunk length: the binary chunk is longer than the file.", Unreadable("chunk 1 is longer"))
def _long_binary() -> bytes:
    return _patched(_header(honest())[1], 2**32 - 1)


@FILES.row("Bad chunk length: the JSON chunk is cut in the middle.", Unreadable("is damaged"))
def _short_json() -> bytes:
    return _patched(12, 400)


@FILES.row("The file is cut short.", Unreadable("is cut short"))
def _cut() -> bytes:
    return honest()[:-1000]


@FILES.row("Nothing but the first four bytes.", Unreadable("is cut short"))
def _magic() -> bytes:
    return b"glTF"


@FILES.row("Another version of the container.", Unreadable("version 1"))
def _version() -> bytes:
    return _patched(4, 1)


for _name, _change, _reason in (
    (
        "The glTF names a key twice: two consents in one place.",
        lambda text: text.replace(b'"extensions":', b'"extensions":{},"extensions":', 1),
        "twice in one object",
    ),
    ("NaN in the glTF.", lambda text: text.replace(b'"metallicFactor":0.0', b'"metallicFactor":NaN'), "NaN"),
    ("Deep nesting in the glTF.", lambda text: text[:-1] + b',"x":' + b"[" * 200_000, "cannot be read"),
    ("A number of 5,000 digits in the glTF.", lambda text: _digits(text), "cannot be read"),
    (
        "Bytes that are no UTF-8 in the glTF.",
        lambda text: text.replace(b'"skin"', b'"sk\xffn"', 1),
        "cannot be read",
    ),
    ("The glTF is a list.", lambda text: b"[]", "no glTF file"),
):

    @FILES.row(_name, Unreadable(_reason))
    def _ambiguous(change: Any = _change) -> bytes:
        return _json(change)


def _digits(text: bytes) -> bytes:
    return text.replace(b'"metallicFactor":0.0', b'"metallicFactor":' + b"9" * 5000)


def _accessor(glb: Glb) -> dict[str, Any]:
    return glb.document["accessors"][glb.primitive["attributes"]["POSITION"]]


def _outside(glb: Glb) -> None:
    _accessor(glb)["byteOffset"] = 10**9


def _huge_count(glb: Glb) -> None:
    _accessor(glb)["count"] = 10**12


def _negative(glb: Glb) -> None:
    view = glb.document["bufferViews"][_accessor(glb)["bufferView"]]
    view["byteOffset"] = -16


def _nan(glb: Glb) -> None:
    glb.attribute("POSITION")[3] = np.nan


def _vertex(glb: Glb) -> None:
    glb.array(glb.primitive["indices"])[5] = 65_000


def _cycle(glb: Glb) -> None:
    glb.document["nodes"][-1]["children"] = [1]


def _buffer(glb: Glb) -> None:
    glb.document["buffers"].append({"uri": "../../../etc/passwd", "byteLength": 16})
    glb.document["bufferViews"][_accessor(glb)["bufferView"]]["buffer"] = 1


def _lines(glb: Glb) -> None:
    glb.primitive["mode"] = 1


def _joint(glb: Glb) -> None:
    glb.attribute("JOINTS_0")[0] = 200


def _compression(glb: Glb) -> None:
    glb.document["extensionsUsed"].append("EVIL_mesh_compression")
    glb.primitive["extensions"] = {"EVIL_mesh_compression": {}}


def _no_mesh(glb: Glb) -> None:
    glb.document["meshes"] = []
    for node in glb.document["nodes"]:
        node.pop("mesh", None)


def _bomb(glb: Glb) -> None:
    """A PNG of a few hundred bytes that claims 60,000 by 60,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    stream = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    stream.seek(0, io.SEEK_END)
    stream.write(chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)))
    stream.write(chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))
    glb.document["images"][0]["bufferView"] = glb.add_view(stream.getvalue())


def _broken_image(glb: Glb) -> None:
    glb.document["images"][0]["bufferView"] = glb.add_view(b"\x89PNG\r\n\x1a\n" + bytes(40))


for _name, _damage, _reason in (
    ("Positions from beyond the end of the file.", _outside, "damaged"),
    ("A million million vertices.", _huge_count, "damaged"),
    ("A view that begins before the file.", _negative, "damaged"),
    ("A position that is no number.", _nan, "NaN"),
    ("A triangle of a vertex that is not there.", _vertex, "triangles are damaged"),
    ("A joint that is not there.", _joint, "names joint"),
    ("Nodes that are their own ancestors.", _cycle, "cycle"),
    ("Path traversal: a buffer at `../../../etc/passwd`.", _buffer, "outside its own binary chunk"),
    ("A mesh of lines.", _lines, "mode 1"),
    ("A compression that nobody here knows.", _compression, "compressed with"),
    ("No mesh at all.", _no_mesh, "no triangle mesh"),
    ("An image that claims 60,000 by 60,000 pixels.", _bomb, "cannot be decoded"),
    ("An image that is none.", _broken_image, "cannot be decoded"),
):

    @FILES.row(_name, Unreadable(_reason))
    def _damaged(damage: Any = _damage) -> bytes:
        glb = Glb()
        damage(glb)
        return _raw(glb)


def _raw(glb: Glb) -> bytes:
    """The file as the attacker writes it: our own writer would drop foreign buffers."""
    text = json.dumps(glb.document).encode()
    text += b" " * (-len(text) % 4)
    binary = bytes(glb.binary) + b"\0" * (-len(glb.binary) % 4)
    total = 28 + len(text) + len(binary)
    head = b"glTF" + struct.pack("<II", 2, total) + struct.pack("<II", len(text), 0x4E4F534A) + text
    return head + struct.pack("<II", len(binary), 0x004E4942) + binary


@FILES.row("A consent text that is no JSON.", Unreadable("is not JSON"))
def _no_json() -> str:
    return consent()[:-5]
