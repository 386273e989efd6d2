"""The extension's zip. The same content gives the same bytes: sorted names, one time, one mode."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold."""


def source_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (name in the zip, path) of an add-on's own files; what Python and editors leave is none."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        left = any(part == "__pycache__" or part.startswith(".") for part in parts) or path.suffix == ".pyc"
        if path.is_file() and not left:
            yield "/".join(parts), path


def write_zip(path: Path, content: Mapping[str, bytes | Path]) -> None:
    """Write `content`, name -> bytes or file, to a zip. Wheels are zips already and are only stored."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(content):
            info = zipfile.ZipInfo(name, TIME)
            info.create_system = 3  # Unix, on every system
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            held = content[name]
            archive.writestr(info, held if isinstance(held, bytes) else held.read_bytes(), compresslevel=9)
