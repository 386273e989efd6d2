"""Files appear complete or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bodyscan.errors import InputError

Writer = Callable[[Mapping[Path, bytes]], object]
"""Writes several files, all of them or none: `write_all`, or what does more before they appear."""


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
    write_all({path: data})


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write several files as `write_atomic` writes one: all of them or none.

    All are written under temporary names before the first is moved into place, so that a full disk is met
    while nothing has changed; where a move fails, the files that stood there are put back.
    """
    temporaries: dict[Path, Path] = {}
    moved: dict[Path, Path | None] = {}
    try:
        for path, data in contents.items():
            temporaries[path] = _write_beside(path, data)
        for path, temporary in temporaries.items():
            # With one file there is nothing to put back: a move happens or does not.
            moved[path] = _second_name(path) if len(contents) > 1 else None
            _move(temporary, path)
    except BaseException:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)
        if len(contents) > 1:
            _put_back(moved)
        raise
    for old in moved.values():
        if old is not None:
            old.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder to write into, which becomes `folder` at the end; on any failure nothing is left.

    `folder` is not there yet, or is empty. Raises `InputError` where it cannot be written.
    """
    target = folder.absolute()
    try:
        hidden = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    except OSError as error:
        raise InputError(f"{target.parent} cannot be written to: {error.strerror}.") from error
    try:
        yield hidden
        umask = os.umask(0)
        os.umask(umask)
        hidden.chmod(0o777 & ~umask)
        hidden.replace(target)
    except OSError as error:
        shutil.rmtree(hidden, ignore_errors=True)
        raise InputError(
            f"The folder {folder} could not be written: {error.strerror}. Nothing was left there."
        ) from error
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def _write_beside(path: Path, data: bytes) -> Path:
    """Write `data` under a temporary name in the folder of `path`, or leave nothing."""
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
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _not_written(path, error) from error
        raise
    return temporary


def _move(temporary: Path, path: Path) -> None:
    try:
        temporary.replace(path)
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} could not be written: {error.strerror}. Nothing was left there; make room, or give another "
        "output path."
    )


def _second_name(path: Path) -> Path | None:
    """Give a file that stands at `path` a second name, and return it; None where there is no file."""
    if not path.is_file():
        return None
    old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    try:
        os.link(path, old)
    except OSError:
        try:
            shutil.copy2(path, old)  # a file system without hard links
        except OSError as error:
            old.unlink(missing_ok=True)
            raise InputError(f"{path} cannot be replaced: {error.strerror}.") from error
    return old


def _put_back(moved: Mapping[Path, Path | None]) -> None:
    for path, old in moved.items():
        if old is None:
            path.unlink(missing_ok=True)
        else:
            old.replace(path)
            # Two names of one file stay two where one is moved onto the other (POSIX rename).
            old.unlink(missing_ok=True)
