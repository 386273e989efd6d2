"""Files that a scan's file names: material libraries, textures, buffers. Without them it has no colour.

An OBJ names libraries, and these name textures; a glTF names buffers and images, a PLY images. They are told
by the rules of the readers in `bodyscan.capture`, so that what is fetched, and what a stamp covers, is what
will be read: only files in the scan's own folder or below, and of a path that leads elsewhere (`..`, `/tmp`,
`C:\\`) its bare name beside the scan, because exporters write the paths of the machine they ran on.

What was decided: all of a library's colour textures count, those too of materials that no face has, and all
images of a glTF; of several names in one `mtllib` line each.
A look from afar must be short, so that stamps and digests know what is named in the first MiB of an OBJ
(exporters write it into the first lines), in a PLY's header, and in glTF's JSON of at most 16 MiB.
"""

from __future__ import annotations

import json
import posixpath
import re
import struct
from collections.abc import Callable, Iterable
from mmap import mmap
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote

from bodyscan.batch.addresses import checked_name, is_address
from bodyscan.batch.store import StoredFile
from bodyscan.errors import InputError

MOST = 1000
"""Files that one scan may name."""
_OBJ_BYTES = 1 << 20
_JSON_BYTES = _MTL_BYTES = 16 << 20
_PLY_BYTES = 1 << 20
"""A header; the reader looks no further for its end."""
_FIRST_BYTES = 64 << 10
"""What is read first where the file says itself how much more there is to read."""
_LIBRARY = re.compile(rb"mtllib[ \t]((?:\\\r?\n|[^\r\n]){0,4096})")
_PLY_END = re.compile(rb"(?m)^end_header[ \t]*[\r\n]")


def companions_of(
    scan: StoredFile, name: str, find: Callable[[str], StoredFile | None], data: bytes | mmap | None = None
) -> list[StoredFile]:
    """Return the files that a scan's file names and that are there, those that its libraries name among them.

    `name` is the file's own name; `find` returns the file of a name beside the scan (`texture/skin.png`), or
    None; `data` is the whole content where it is at hand, otherwise the file's beginning is read. Raises
    `InputError` for a file that names more than 1000 others, and what reading and `find` raise.
    """
    kind = PurePosixPath(name).suffix[1:].lower()
    if kind not in _NAMED:
        return []
    names: dict[str, StoredFile | None] = {}

    def look(references: Iterable[str]) -> None:
        for reference in references:
            beside = name_beside(name, reference)
            if beside is None or beside in names:
                continue
            if len(names) == MOST:
                raise InputError(
                    f"{name} names more than {MOST} other files; it is damaged, or no single scan. "
                    "Export it again."
                )
            names[beside] = find(beside)

    look(named_in(kind, _head(kind, scan) if data is None else data))
    if kind == "obj":
        for library in [file for file in names.values() if file is not None]:
            look(named_in("mtl", _head("mtl", library)))
    return [file for file in names.values() if file is not None]


def named_in(kind: str, data: bytes | mmap) -> list[str]:
    """Return the files that a file names, as it writes them: `texture/skin.png`, `C:\\scans\\skin.png`.

    `kind` is its ending, lower case: `obj`, `mtl`, `ply`, `gltf`, `glb`; others name none. `data` is its
    content or the beginning of it. What is damaged names nothing: to say so is the reader's.
    """
    return _NAMED[kind](data) if kind in _NAMED else []


def name_beside(scan: str, reference: str) -> str | None:
    """Return the name, below the folder of the file named `scan`, under which a reader looks for a reference.

    None where it names no file there: an address, a folder, the scan itself, what no disk can hold.
    """
    reference = reference.strip().strip('"')
    if is_address(reference):
        return None
    windows = PureWindowsPath(reference)
    name = windows.name
    if not windows.drive and not windows.root:
        inside = posixpath.normpath(reference.replace("\\", "/"))
        if inside.partition("/")[0] != "..":
            name = inside
    try:
        too_long = any(len(part.encode()) > 255 for part in name.split("/"))
        return None if too_long or name.partition("/")[0] == scan else checked_name(name)
    except (InputError, UnicodeEncodeError):
        return None


def _head(kind: str, file: StoredFile) -> bytes:
    """Return as much of a file's beginning as can name others."""
    if kind == "obj":
        return file.head(_OBJ_BYTES)
    if kind in ("mtl", "gltf"):
        return file.head(_MTL_BYTES if kind == "mtl" else _JSON_BYTES)
    data = file.head(_FIRST_BYTES)
    more = 0
    if kind == "ply" and data.startswith(b"ply") and not _PLY_END.search(data):
        more = _PLY_BYTES
    elif kind == "glb" and data.startswith(b"glTF") and len(data) >= 20:
        more = min(20 + struct.unpack_from("<I", data, 12)[0], _JSON_BYTES)
    return file.head(more) if more > len(data) == _FIRST_BYTES else data


def _libraries(data: bytes | mmap) -> list[str]:
    """Of an OBJ. Looked for byte by byte, not line by line: 300 MB in a fraction of a second."""
    from bodyscan.capture.mtl import library_files

    names = []
    at = data.find(b"mtllib")
    while at >= 0:
        found = _LIBRARY.match(data, at)
        before = data[max(at - 64, 0) : at].rstrip(b" \t")
        if found and (not before or before.endswith((b"\n", b"\r"))):
            line = re.sub(rb"\\\r?\n", b" ", found[1]).partition(b"#")[0]
            text = line.decode("utf-8", "replace").strip()
            names += library_files(text)
        at = data.find(b"mtllib", at + 6)
    return names


def _textures(data: bytes | mmap) -> list[str]:
    """Of a material library."""
    # The readers take seconds to import; a batch has them already by the time it meets an OBJ.
    from bodyscan.capture.mtl import map_file

    names = []
    for line in bytes(data).decode("utf-8", "replace").splitlines():
        key, _, rest = line.strip().partition(" ")
        if key.lower() == "map_kd":
            names.append(map_file(rest.strip()))
    return names


def _images_of_ply(data: bytes | mmap) -> list[str]:
    head = bytes(data[:_PLY_BYTES])
    end = _PLY_END.search(head)
    if not head.startswith(b"ply") or end is None:
        return []
    names = []
    for line in head[: end.start()].splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0] in (b"comment", b"obj_info") and words[1].lower() == b"texturefile":
            try:
                names.append(words[2].decode("utf-8"))
            except UnicodeDecodeError:
                names.append(words[2].decode("latin-1"))
    return names


def _files_of_gltf(data: bytes | mmap) -> list[str]:
    try:
        document: Any = json.loads(bytes(data))
    except (ValueError, RecursionError):
        return []
    names = []
    for table in ("buffers", "images"):
        rows = document.get(table) if isinstance(document, dict) else None
        for row in rows if isinstance(rows, list) else []:
            uri = row.get("uri") if isinstance(row, dict) and "bufferView" not in row else None
            if isinstance(uri, str) and not uri.startswith("data:"):
                names.append(unquote(uri))
    return names


def _files_of_glb(data: bytes | mmap) -> list[str]:
    """A GLB holds its files as a rule; where it names some, its JSON comes first."""
    if data[:4] != b"glTF" or data[16:20] != b"JSON":
        return []
    return _files_of_gltf(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])


_NAMED: dict[str, Callable[[bytes | mmap], list[str]]] = {
    "obj": _libraries,
    "mtl": _textures,
    "ply": _images_of_ply,
    "gltf": _files_of_gltf,
    "glb": _files_of_glb,
}
