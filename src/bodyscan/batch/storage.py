"""Inputs and outputs by path or by address: `s3://bucket/key`, `gs://`, `https://`, `memory://` ...

Addresses are read and written through fsspec, the extra `cloud`, which this file alone imports and only when
an address is met. Where a store is and who asks is not told here but by fsspec's and the vendor's own
settings: `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3` or `FSSPEC_S3_ENDPOINT_URL` for a server of one's own,
`AWS_ACCESS_KEY_ID`, `AWS_PROFILE` and so on, or fsspec's own files of settings. fsspec reads its variables
when it is first imported.

What was found and shaped this file: s3fs moves a tree by its folder markers and fails on them, so that files
are moved one by one, by a copy and a removal; listings are kept for ever unless that is switched off; an
open file system does not survive a fork, so that each process opens its own; s3fs repeats a request around
botocore's own repeats, five times five tries where nobody limits them; and a server that takes a file and
then stays silent is waited for without end (aiohttp, `Expect: 100-continue`), so that writing has a limit.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import ExitStack
from functools import partial
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from bodyscan.batch.addresses import (
    StoreError,
    checked_name,
    is_address,
    local_path,
    name_of,
    scheme_of,
    told,
    without_secrets,
)
from bodyscan.batch.companions import companions_of
from bodyscan.batch.store import (
    LocalStore,
    Store,
    StoredFile,
    arriving,
    local_beside,
    local_file,
    local_files,
)
from bodyscan.errors import InputError, MissingExtraError
from bodyscan.files import new_folder

__all__ = [
    "LocalStore",
    "Store",
    "StoreError",
    "digest_of",
    "fetch",
    "is_address",
    "name_of",
    "open_store",
    "read_small",
    "stamp_of",
    "without_secrets",
]

_APPEAR_WHOLE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")
"""Schemes whose files appear complete or not at all: outputs may go there."""
_S3_CLIENT = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "retries": {"total_max_attempts": 2, "mode": "standard"},
}
"""Seconds, and tries of botocore within each of the five of s3fs: a silent server is left after 5 minutes."""
_PATIENCE_S = 120
_SLOWEST_BYTES_S = 50_000
"""How long a file may take to be written: patience, and its size at this speed."""
_TOKENS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "mtime", "LastModified", "created")
"""What stores tell of a file that changes with its content, best first."""
_SMALL_BYTES = 1 << 20
_AT_ONCE = 16
"""Downloads of one folder."""
_OPENED: dict[tuple[int, str, str], Any] = {}
"""(process, scheme, settings) -> fsspec's file system: opening one for S3 takes a quarter of a second."""


def open_store(place: str | Path) -> Store:
    """Return the store at a folder's path or address. The folder need not exist yet; a bucket must.

    Raises `StoreError` for a scheme that is unknown or whose files can be seen half written, and
    `MissingExtraError` where the extra `cloud` (or the vendor's package) is not installed.
    """
    if not name_of(str(place)) and (not str(place) or is_address(str(place))):
        raise StoreError(
            f"'{place}' names no folder. Give a folder's path, or its address (s3://bucket/folder)."
        )
    local = local_path(str(place))
    if local is not None:
        return LocalStore(local.absolute())
    address = str(place).rstrip("/")
    scheme = scheme_of(address)
    _filesystem(address)
    if scheme not in _APPEAR_WHOLE:
        raise StoreError(
            f"{without_secrets(address)} cannot take outputs: on {scheme}:// files can be seen half written. "
            f"Give a folder, or an address that begins with {', '.join(_APPEAR_WHOLE)}."
        )
    return _RemoteStore(address)


def fetch(address: str, folder: Path) -> Path:
    """Return a local path of an input, a file or a folder of frames.

    A local path (or `file://`) is returned as it is, never copied. What lies elsewhere is downloaded into
    `folder` under its own name, in the place of what stood there; complete or not at all. A folder comes with
    all below it, a scan's file with the files that it names (`companions.py`), as they lie beside it; one of
    those that is not there is left out, which the reader notes. Give each input a folder of its own. Raises
    `StoreError` where it is not there or does not arrive, `MissingExtraError` as `open_store`.
    """
    local = local_path(address)
    if local is not None:
        if not local.exists():
            raise StoreError(f"There is no file or folder {local}. Check the path.", absent=True)
        return local
    name = checked_name(name_of(address))
    found = _files(address)
    target = folder / name
    with told("made", str(target)):
        folder.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
    if [file.name for file in found] == [""]:
        with told("read", address), arriving(target) as temporary:
            _download(address, found, [temporary])
            _fetch_companions(found[0], name, temporary, folder)
    else:
        with new_folder(target) as hidden, told("read", address):
            _download(address, found, [hidden / checked_name(file.name) for file in found])
    return target


def read_small(place: str) -> str:
    """Return the text of a small file (a consent record, a table of options) by path or address.

    Raises `StoreError` where it is not there or cannot be read, `InputError` where it has more than 1 MiB or
    is no UTF-8.
    """
    shown = without_secrets(place)
    (file, *more) = _files(place)
    if more or file.name:
        raise InputError(f"{shown} is a folder; give a file.")
    data = file.head(_SMALL_BYTES + 1)
    if len(data) > _SMALL_BYTES:
        raise InputError(f"{shown} has more than 1 MiB; it is another kind of file than is wanted here.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{shown} is no text in UTF-8; it is another kind of file.") from None


def stamp_of(address: str) -> str:
    """Return a text that changes when an input's content may have changed, by path or address.

    Of a file its size and time, or what its store tells; of a folder, or a file and the files that it names,
    the SHA-256 of all names and stamps. Raises `StoreError` where it is not there, `InputError` for a file
    that names too many.
    """
    return _joined([(file.name, file.stamp()) for file in _input(address)])


def digest_of(address: str) -> str:
    """Return the SHA-256 of an input's content, 64 hex digits.

    Of a folder, or a file and the files that it names, that of all names and contents. Raises `StoreError`
    where it is not there or cannot be read, `InputError` for a file that names too many.
    """
    return _joined([(file.name, file.digest()) for file in _input(address)])


class _RemoteStore(Store):
    """A folder at an address, through fsspec."""

    def __init__(self, root: str) -> None:
        self._root = root

    def exists(self, name: str) -> bool:
        try:
            self._info(name)
        except StoreError as error:
            if error.absent:
                return False
            raise
        return True

    def read(self, name: str) -> bytes:
        home, path = self._at(name)
        with told("read", self.locate(name)):
            return home.cat_file(path)

    def write(self, name: str, data: bytes) -> None:
        home, path = self._at(name)
        with told("written", self.locate(name)):
            _send(home, "pipe_file", len(data), path, data)

    def put(self, local: Path, name: str) -> None:
        home, path = self._at(name)
        with told("read", str(local)):
            size = local.stat().st_size
        with told("written", self.locate(name)):
            _send(home, "put_file", size, str(local), path)

    def get(self, name: str, local: Path) -> None:
        file = _remote_file(*self._at(name), self._info(name), "")
        with told("read", self.locate(name)), arriving(local) as temporary:
            _download(self.locate(name), [file], [temporary])

    def move(self, source: str, target: str) -> None:
        (home, path), (_, target_path) = self._at(source), self._at(target)
        with told("moved", self.locate(source)):
            home.cp_file(path, target_path)
            home.rm_file(path)

    def remove(self, name: str) -> None:
        home, path = self._at(name)
        with told("removed", self.locate(name)):
            for found in home.find(path):
                home.rm_file(found)

    def list(self, prefix: str = "") -> list[str]:
        home, path = self._at(prefix) if prefix else _filesystem(self._root)
        with told("listed", self.locate(prefix) if prefix else self._root):
            names = [file.name for file in _found_below(home, path) if file.name]
        return sorted(f"{prefix}/{name}" if prefix else name for name in names)

    def size(self, name: str) -> int:
        return int(self._info(name)["size"])

    def stamp(self, name: str) -> str:
        return _remote_file(*self._at(name), self._info(name), "").stamp()

    def locate(self, name: str) -> str:
        return without_secrets(f"{self._root}/{checked_name(name)}")

    def _info(self, name: str) -> dict[str, Any]:
        home, path = self._at(name)
        with told("read", self.locate(name)):
            return home.info(path)

    def _at(self, name: str) -> tuple[Any, str]:
        return _filesystem(f"{self._root}/{checked_name(name)}")


def _filesystem(address: str) -> tuple[Any, str]:
    """Return fsspec's file system of an address, opened once a process, and the path in it."""
    shown, scheme = without_secrets(address), scheme_of(address)
    try:
        import fsspec
        import fsspec.config

        kind = fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise MissingExtraError(
            f'{shown} needs packages that are not installed: pip install "bodyscan[cloud]" ({error}).'
        ) from None
    except ValueError:
        raise StoreError(
            f"{shown}: {scheme}:// is not known. Give a path, or an address of s3://, gs://, https:// ..."
        ) from None
    options: dict[str, Any] = dict(kind._get_kwargs_from_urls(address))
    if scheme in ("s3", "s3a"):
        given = fsspec.config.conf.get("s3", {}).get("config_kwargs")
        options["config_kwargs"] = _S3_CLIENT | (given if isinstance(given, dict) else {})
    key = (os.getpid(), scheme, repr((options, fsspec.config.conf.get(scheme))))
    with told("opened", address):
        if key not in _OPENED:
            _OPENED[key] = kind(skip_instance_cache=True, use_listings_cache=False, **options)
        return _OPENED[key], kind._strip_protocol(address)


def _send(home: Any, method: str, size: int, *arguments: Any) -> None:
    """Write `size` bytes by a method of fsspec's file system, in limited time."""
    if not home.async_impl:
        getattr(home, method)(*arguments)
        return
    from fsspec.asyn import sync

    limit_s = _PATIENCE_S + size / _SLOWEST_BYTES_S
    sync(home.loop, getattr(home, f"_{method}"), *arguments, timeout=limit_s)


def _files(address: str) -> list[StoredFile]:
    """Return the file at an address, or all below the folder that it is, sorted by name; at least one."""
    local = local_path(address)
    with told("read", address):
        if local is None:
            found = _found(*_filesystem(address))
        else:
            found = list(local_files(local)) if local.is_dir() else [local_file(local, "")]
    if not found:
        raise StoreError(f"There is no file in {without_secrets(address)}. Check the name.", absent=True)
    return sorted(found, key=lambda file: file.name)


def _input(address: str) -> list[StoredFile]:
    """Return all files of an input: a folder's, or a file and those that it names; sorted by name."""
    found = _files(address)
    if [file.name for file in found] == [""]:
        with told("read", address):
            found += companions_of(found[0], name_of(address), partial(_beside, found[0]))
    return sorted(found, key=lambda file: file.name)


def _beside(scan: StoredFile, name: str) -> StoredFile | None:
    """Return the file of a name beside a scan's file, or None where there is none."""
    if scan.home is None:
        return local_beside(Path(scan.path), name)
    if scan.on_web:
        parts = urlsplit(scan.path)
        path = urlunsplit(parts._replace(path=f"{parts.path.rpartition('/')[0]}/{quote(name)}"))
    else:
        path = f"{scan.path.rpartition('/')[0]}/{name}"
    try:
        with told("read", scan.home.unstrip_protocol(path)):
            info = scan.home.info(path)
    except StoreError as error:
        # The web calls refused what is not there, and an address may be signed for the scan's file alone.
        if error.absent or (error.refused and scan.on_web):
            return None
        raise
    return _remote_file(scan.home, path, info, name) if info["type"] == "file" else None


def _fetch_companions(scan: StoredFile, name: str, local: Path, folder: Path) -> None:
    """Download what a scan's file names, which is here as `local` already, so that all of it can be read."""
    if not local.stat().st_size:
        return
    with local.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as data:
        found = companions_of(scan, name, partial(_beside, scan), data)
    with ExitStack() as stack:
        targets = [stack.enter_context(arriving(folder / file.name)) for file in found]
        if found:
            _download(scan.shown, found, targets)


def _found(home: Any, path: str) -> list[StoredFile]:
    """Return the file at a path, or all below it. A file is asked for first: HTTP lists by reading it."""
    info = home.info(path)
    return [_remote_file(home, path, info, "")] if info["type"] == "file" else _found_below(home, path)


def _found_below(home: Any, path: str) -> list[StoredFile]:
    """Return all files below a path; folder markers are none."""
    path = path.rstrip("/")
    found = home.find(path, detail=True)
    return [
        _remote_file(home, one, info, one[len(path) :].lstrip("/"))
        for one, info in found.items()
        if info["type"] == "file" and not one.endswith("/")
    ]


def _remote_file(home: Any, path: str, info: dict[str, Any], name: str) -> StoredFile:
    token = next((str(info[key]).strip('"') for key in _TOKENS if info.get(key)), "")
    size = info["size"]  # a web server need not tell it
    return StoredFile(name, path, -1 if size is None else int(size), token, home)


def _download(address: str, files: list[StoredFile], targets: list[Path]) -> None:
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
    files[0].home.get([file.path for file in files], [str(one) for one in targets], batch_size=_AT_ONCE)
    sizes = [one.stat().st_size for one in targets]
    if any(file.size not in (size, -1) for file, size in zip(files, sizes, strict=True)):
        raise StoreError(
            f"{without_secrets(address)} did not arrive whole. It may pass: try again.", passing=True
        )


def _joined(parts: list[tuple[str, str]]) -> str:
    if [name for name, _ in parts] == [""]:
        return parts[0][1]
    lines = "".join(f"{name}\0{text}\n" for name, text in parts)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
