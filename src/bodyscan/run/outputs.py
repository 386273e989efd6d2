"""Files that will be written: whether they can be at all, and how large they are in words."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bodyscan.errors import InputError


def size_words(num_bytes: int) -> str:
    """Return a file size in words, in powers of 1000."""
    if num_bytes < 1000:
        return f"{num_bytes} bytes"
    if num_bytes < 1_000_000:
        return f"{num_bytes / 1e3:.0f} kB"
    return f"{num_bytes / 1e6:.1f} MB"


def check_output_file(path: Path, suffix: str, inputs: Sequence[Path] = ()) -> None:
    """Raise `InputError` where a file could not be written to `path`, before the long work begins.

    `inputs` are the files that are read: none of them may be the output.
    """
    if path.suffix.lower() != suffix:
        raise InputError(f"The output {path.name} must end in {suffix}.")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the path of a file.")
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} does not exist; make it, or give another output path.")
    for given in inputs:
        if path.exists() and given.exists() and path.samefile(given):
            raise InputError(f"{path} is an input of this very run; give another output path.")
    _check_writable(path.parent)


def check_output_folder(path: Path) -> None:
    """Raise `InputError` where `path` is no folder and could not become one, or cannot be written to."""
    for part in (path, *path.absolute().parents):
        if part.is_dir():
            _check_writable(part)
            return
        if part.exists() or part.is_symlink():
            what = "a file" if part.exists() else "a link that leads nowhere"
            raise InputError(f"{part} is {what}; give a folder.")


def _check_writable(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder} cannot be written to: {error.strerror}.") from None
