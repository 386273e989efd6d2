"""Twin -> GLB bytes, and one plain file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bodyscan.files import OutputFile, write_atomic
from bodyscan.gltf.container import pack_glb
from bodyscan.gltf.document import part_document, twin_part
from bodyscan.gltf.export import check_suffix
from bodyscan.gltf.options import GltfOptions
from bodyscan.gltf.targets import load_target
from bodyscan.types import Twin

__all__ = ["GltfOptions", "twin_document", "twin_to_glb", "write_glb"]


def twin_document(twin: Twin, options: GltfOptions | None = None) -> tuple[dict[str, Any], bytes]:
    """Return `twin` as a glTF document and its one buffer, before `pack_glb` joins them.

    Raises as `twin_to_glb`.
    """
    return part_document(twin_part(twin), twin, options or GltfOptions())


def twin_to_glb(twin: Twin, options: GltfOptions | None = None) -> bytes:
    """Return `twin` as the bytes of a GLB file. Same twin and options, same bytes.

    Raises `InputError` where the twin has no surface, stands in another pose than the target wants, or holds
    a value that glTF cannot.
    """
    return pack_glb(*twin_document(twin, options))


def write_glb(twin: Twin, path: str | Path, options: GltfOptions | None = None) -> OutputFile:
    """Write `twin` to `path` (parents must exist) and return the file. Nothing half-written is left behind.

    Raises `InputError` where the path does not end as the target's files do, or the folder does not exist,
    cannot be written to, or has no room.
    """
    path, options = Path(path), options or GltfOptions()
    check_suffix(path, load_target(options.target))
    data = twin_to_glb(twin, options)
    write_atomic(path, data)
    return OutputFile(path=path, size_bytes=len(data))
