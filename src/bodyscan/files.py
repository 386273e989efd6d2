"""Files appear complete or not at all."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bodyscan.errors import InputError


@dataclass(frozen=True)
class OutputFile:
    """A file that a command wrote."""

    path: Path
    size_bytes: int


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to a temporary name beside `path` and move it into place, with the usual permissions.

    An interrupted run leaves nothing behind, a killed one at most `.NAME.XXXX.tmp`; a file that was there
    stays until the new one is whole. Raises `InputError` where the folder does not exist, cannot be written
    to, or has no room.
    """
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} does not exist; make it, or give another output path.")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise InputError(f"{path.parent} cannot be written to: {error.strerror}.") from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(
            f"{path} could not be written: {error.strerror}. Nothing was left there; make room, or give "
            "another output path."
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
