"""A folder of files that appear complete or not at all: what every store can do, and the one on a disk."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodyscan.batch.addresses import StoreError, checked_name, told

BLOCK_BYTES = 8 << 20
"""What is read at once where a whole file is read."""


class Store(ABC):
    """A folder of files, on a disk or elsewhere, by names relative to it with `/`.

    Every method raises `StoreError` where the store refuses, and `InputError` for a name that leads out of
    the folder, is absolute, or holds a backslash or NUL. A file appears complete or not at all, and one of
    the same name is replaced. Stores can be pickled, and used after a fork.
    """

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is such a file or folder."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return a file's content."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a file; folders are made."""

    @abstractmethod
    def put(self, local: Path, name: str) -> None:
        """Copy a file of this machine, of any size, into the store; folders are made."""

    @abstractmethod
    def get(self, name: str, local: Path) -> None:
        """Copy a file, of any size, to this machine; folders are made."""

    @abstractmethod
    def move(self, source: str, target: str) -> None:
        """Give a file another name. Elsewhere than on a disk, a killed move leaves both: move again."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file or a whole folder; nothing happens where there is none."""

    @abstractmethod
    def list(self, prefix: str = "") -> list[str]:
        """Return the names of all files in the folder `prefix` and below, sorted; "" is the store itself."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Return a file's size, bytes."""

    @abstractmethod
    def stamp(self, name: str) -> str:
        """Return a text that changes when a file's content may have changed, without reading the file."""

    @abstractmethod
    def locate(self, name: str) -> str:
        """Return the absolute path or the full address, without secrets: for people and the ledger."""

    def check(self) -> None:
        """Write, read and remove a small file: whether outputs can go here is better known at once."""
        name, data = f"bodyscan-check-{secrets.token_hex(8)}", secrets.token_bytes(16)
        self.write(name, data)
        found = self.read(name)
        self.remove(name)
        if found != data:
            raise StoreError(f"{self.locate(name)} does not hold what was written; give another output.")


class LocalStore(Store):
    """A folder of this machine. A killed writer leaves at most a hidden `.XXXX.tmp`, which is not listed."""

    def __init__(self, root: Path) -> None:
        """`root`: the folder, absolute; it need not exist yet."""
        self._root = root

    def exists(self, name: str) -> bool:
        """Whether there is such a file or folder; a link that leads nowhere is none."""
        with told("read", self.locate(name)):
            return self._path(name).exists()

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        with told("read", self.locate(name)):
            return self._path(name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Write a file under a hidden name, and move it into place."""
        path = self._path(name)
        with told("written", str(path)), arriving(path) as temporary:
            temporary.write_bytes(data)

    def put(self, local: Path, name: str) -> None:
        """Copy a file under a hidden name, and move it into place."""
        path = self._path(name)
        with told("read", str(local)):
            local.stat()
        with told("written", str(path)), arriving(path) as temporary:
            shutil.copyfile(local, temporary)

    def get(self, name: str, local: Path) -> None:
        """Copy a file to its place, as `put` does."""
        with told("read", self.locate(name)), arriving(local) as temporary:
            shutil.copyfile(self._path(name), temporary)

    def move(self, source: str, target: str) -> None:
        """Give a file another name, in one step; content and name are on the disk when this returns.

        A machine that loses its power otherwise keeps a job table that says "done", and an empty file.
        """
        old, new = self._path(source), self._path(target)
        with told("moved", self.locate(source)):
            new.parent.mkdir(parents=True, exist_ok=True)
            _flush(old)
            old.replace(new)
            for folder in (new.parent, self._root):
                _flush(folder)

    def remove(self, name: str) -> None:
        """Remove a file, a link or a whole folder; nothing happens where there is none."""
        path = self._path(name)
        with told("removed", self.locate(name)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def list(self, prefix: str = "") -> list[str]:
        """Return the names of all files in a folder and below, sorted."""
        folder = self._path(prefix) if prefix else self._root
        with told("listed", str(folder)):
            names = [file.name for file in local_files(folder)] if folder.is_dir() else []
        return sorted(f"{prefix}/{name}" if prefix else name for name in names)

    def size(self, name: str) -> int:
        """Return a file's size, bytes."""
        with told("read", self.locate(name)):
            return self._path(name).stat().st_size

    def stamp(self, name: str) -> str:
        """Return the size and the time of the last change."""
        with told("read", self.locate(name)):
            return local_file(self._path(name), "").stamp()

    def locate(self, name: str) -> str:
        """Return the absolute path."""
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        return self._root / checked_name(name)


@dataclass(frozen=True)
class StoredFile:
    """A file of an input or a store, as a listing tells of it."""

    name: str
    """Below the folder that was asked for; empty where it is itself what was asked for."""
    path: str
    """As `home` wants it."""
    size: int
    """Bytes; -1 where a web server does not tell."""
    token: str
    """Changes with the content; empty where its place tells nothing of that kind."""
    home: Any = None
    """fsspec's file system; None for this machine's."""

    def stamp(self) -> str:
        """Return a text that changes when the content may have; read only where nothing else tells it."""
        return f"{self.size}-{self.token or self.digest()}"

    def digest(self) -> str:
        """Return the SHA-256 of the content, 64 hex digits. Raises `StoreError`."""
        total = hashlib.sha256()
        with told("read", self.shown), self.opened() as stream:
            while block := stream.read(BLOCK_BYTES):
                total.update(block)
        return total.hexdigest()

    @property
    def on_web(self) -> bool:
        """Whether a web server holds it: its path is then a whole address, with its query."""
        return self.home is not None and self.path.startswith(("http://", "https://"))

    @property
    def shown(self) -> str:
        """Its path or address."""
        return self.path if self.home is None else str(self.home.unstrip_protocol(self.path))

    def opened(self) -> Any:
        """Open it for reading bytes. Raises `OSError`, or what fsspec's file system raises."""
        if self.home is None:
            return Path(self.path).open("rb")
        # Many web servers give no parts of a file, so that it must come in one stream (0).
        return self.home.open(self.path, "rb", 0 if self.on_web else BLOCK_BYTES)

    def head(self, size: int) -> bytes:
        """Return the first `size` bytes, or all where there are fewer. Raises `StoreError`."""
        with told("read", self.shown):
            if self.home is not None and not self.on_web:
                size = min(size, self.size)
                return self.home.cat_file(self.path, start=0, end=size) if size else b""
            data = b""
            with self.opened() as stream:
                # A stream from the web gives what has arrived, not what was asked for.
                while len(data) < size and (part := stream.read(size - len(data))):
                    data += part
            return data


def local_files(folder: Path, below: str = "", above: tuple[Path, ...] = ()) -> Iterator[StoredFile]:
    """Yield all files in a folder and below, those behind links too; what a killed writer left is none.

    `below` and `above` are this function's own: the names' beginning, and the folders that lead here, so that
    a link to one of them is not followed for ever.
    """
    real = folder.resolve()
    for path in folder.iterdir() if real not in above else ():
        if path.is_dir():
            yield from local_files(path, f"{below}{path.name}/", (*above, real))
        elif path.is_file() and not (path.name.startswith(".") and path.suffix == ".tmp"):
            yield local_file(path, below + path.name)


def local_file(path: Path, name: str) -> StoredFile:
    """Return a file of this machine. Raises `OSError` where it is not there."""
    status = path.stat()
    return StoredFile(name, str(path), status.st_size, str(status.st_mtime_ns))


def local_beside(scan: Path, name: str) -> StoredFile | None:
    """Return the file of a name beside another, or None where there is none, or a link leads out of there."""
    folder = scan.parent.resolve()
    path = (folder / name).resolve()
    return local_file(path, name) if path.is_relative_to(folder) and path.is_file() else None


def _flush(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def arriving(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to; it is moved there at the end, and on a failure nothing is left.

    Files of any size stream through it, where `bodyscan.files` writes what is in memory.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
