"""Folders that are named by the content they were made of, shared by test processes, the oldest forgotten."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KEPT = 3
"""How many contents are kept beside those in use."""


def digest_of(tops: Iterable[Path]) -> str:
    """A digest of files and of all that lies in folders, but for what Python leaves there."""
    digest = hashlib.sha256()
    for top in tops:
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                data = path.read_bytes()
                digest.update(f"{path.relative_to(top)}\0{len(data)}\0".encode())
                digest.update(data)
    return digest.hexdigest()[:16]


class Kept:
    """A folder of such folders."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._used: dict[str, int] = {}
        """Key -> the open lock file, which says until this process ends that the folder is in use."""

    @contextmanager
    def locked(self, key: str) -> Iterator[Path]:
        """Alone with the folder of a key, which is made; afterwards it is in use until this process ends."""
        busy = self._open(f"{key}.busy")
        try:
            fcntl.flock(busy, fcntl.LOCK_EX)
            if key not in self._used:
                self._used[key] = self._open(f"{key}.used")
                fcntl.flock(self._used[key], fcntl.LOCK_SH)
            folder = self.top / key
            if not folder.is_dir():
                self._forget_old()
                folder.mkdir()
            os.utime(folder)
            yield folder
        finally:
            os.close(busy)

    def newest_first(self) -> list[Path]:
        """The folders, the last used one first. Those of other processes may vanish."""
        times: dict[Path, float] = {}
        for item in self.top.iterdir():
            with suppress(FileNotFoundError):
                times[item] = item.stat().st_mtime
        times.pop(self._locks, None)
        return sorted(times, key=times.__getitem__, reverse=True)

    def _forget_old(self) -> None:
        """Remove all but the newest, unless a process uses them."""
        for folder in self.newest_first()[KEPT:]:
            used = self._open(f"{folder.name}.used")
            try:
                fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            except BlockingIOError:
                pass
            finally:
                os.close(used)

    def _open(self, name: str) -> int:
        """A lock file, which is never removed: who waits for it must wait for the same one."""
        self._locks.mkdir(parents=True, exist_ok=True)
        return os.open(self._locks / name, os.O_RDWR | os.O_CREAT, 0o644)

    @property
    def _locks(self) -> Path:
        return self.top / ".locks"
