"""Paths and addresses of files, their names, and what it means when one cannot be read or written."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from bodyscan.errors import BodyscanError, InputError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://")
"""Two characters at least: `C://` is a drive."""
PASSING_ERRNO = frozenset(
    getattr(errno, name)
    for name in (
        "ENOSPC", "EDQUOT", "EIO", "EAGAIN", "EBUSY", "EMFILE", "ENFILE", "ENOMEM", "ETIMEDOUT", "ESTALE",
        "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "EPIPE",
    )
    if hasattr(errno, name)
)  # fmt: skip
"""What the operating system may not refuse a second time: a full disk, a lost connection, a busy machine."""
_PASSING_AFAR = PASSING_ERRNO | {
    getattr(errno, name) for name in ("EINTR", "EREMOTEIO", "EHOSTDOWN") if hasattr(errno, name)
}
_PASSING_NAMES = {"ConnectionError", "HTTPClientError", "ClientConnectionError", "ClientPayloadError"}
"""Lost connections and time-outs of Python, botocore and aiohttp, by name: the last two may not be there."""
_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError"}
_BUGS = (TypeError, AttributeError, NameError, AssertionError, MemoryError)


class StoreError(InputError):
    """A file could not be read or written where it is said to be."""

    def __init__(
        self, message: str, *, passing: bool = False, absent: bool = False, refused: bool = False
    ) -> None:
        super().__init__(message)
        self.passing = passing
        """Another try may help: a lost connection, a time-out, an error of the server's own, a full disk."""
        self.absent = absent
        """It is not there, or the bucket to write it into is not."""
        self.refused = refused
        """It is not for whoever asks."""


def is_address(text: str) -> bool:
    """Whether a text is an address (`scheme://...`) and not a path. A drive (`C:`) is no scheme."""
    return _SCHEME.match(text) is not None


def scheme_of(address: str) -> str:
    """Return an address's scheme, lower case."""
    return address.partition("://")[0].lower()


def without_secrets(address: str) -> str:
    """Return an address as it may be shown: without user, password and query; a path as it is."""
    if not is_address(address):
        return address
    scheme, _, rest = address.partition("://")
    host = rest.partition("/")[0]
    if "@" in host:
        rest = rest[host.rindex("@") + 1 :]
    elif "@" in rest and not re.fullmatch(r"[^:]*(:\d+)?", host):
        rest = rest.rpartition("@")[2]  # a password that holds a slash; a port is no password
    query = r"[?#].*$" if scheme.lower() in ("http", "https") else r"\?[^?]*=.*$"
    return f"{scheme}://{re.sub(query, '', rest, flags=re.DOTALL)}"


def name_of(place: str) -> str:
    """Return the last part of a path or an address, without query; empty where there is none.

    A web address has percent signs where others hold the name itself: `anna%201.ply` is `anna 1.ply`.
    """
    if not is_address(place):
        return Path(place).name
    rest = without_secrets(place).partition("://")[2]
    if scheme_of(place) in ("http", "https"):
        rest = unquote(rest)
    return rest.rstrip("/").rpartition("/")[2]


def local_path(place: str) -> Path | None:
    """Return the path that a place on this machine has, `file://` among them; None for other addresses.

    Raises `StoreError` for a `file://` that names another machine.
    """
    if not is_address(place):
        return Path(place)
    if scheme_of(place) not in ("file", "local"):
        return None
    path = place.partition("://")[2]
    if os.name == "nt":
        path = re.sub(r"^/(?=[A-Za-z]:)", "", path)
    if not Path(path).is_absolute():
        raise StoreError(f"{place} names no path on this machine; write file:///folder/file, or the path.")
    return Path(path)


def checked_name(name: str) -> str:
    """Return a name within a store, or raise `InputError` for one that leads elsewhere.

    Refused: `..`, `.` and empty parts, absolute names and drives, backslashes, NUL.
    """
    parts = name.split("/")
    if (
        not name
        or any(part in ("", ".", "..") for part in parts)
        or any(char in name for char in "\\\0")
        or re.match(r"[A-Za-z]:", name)
    ):
        raise InputError(
            f"{name!r} cannot be a file's name in a store: it must be relative, with / between its parts and "
            "no part empty, . or .., without backslashes."
        )
    return name


@contextmanager
def told(verb: str, place: str) -> Iterator[None]:
    """Turn what goes wrong inside into a `StoreError` that says that `place` could not be `verb`.

    The message names no user, password or token, and the first error is not shown beside it: those of
    vendors' packages hold whole requests. Errors that only a bug can bring are let through.
    """
    try:
        yield
    except (BodyscanError, *_BUGS):
        raise
    except Exception as error:
        raise _store_error(verb, without_secrets(place), error) from None


def _store_error(verb: str, shown: str, error: Exception) -> StoreError:
    chain = list(causes(error))
    words = _words(error)
    said = "" if words in shown else f" ({words})"
    if _may_pass(chain):
        full = any(getattr(one, "errno", None) in (errno.ENOSPC, errno.EDQUOT) for one in chain)
        advice = "Make room, and try again." if full else "It may pass: try again."
        return StoreError(f"{shown} could not be {verb}{said}. {advice}", passing=True)
    # HTTP's file system calls it "not found" whatever the server says.
    refused = any(isinstance(one, PermissionError) or _status(one) in (401, 403) for one in chain)
    if not refused and any(isinstance(one, FileNotFoundError) or _status(one) == 404 for one in chain):
        if verb == "written":
            text = f"{shown} could not be written{said}: its bucket or folder is not there. Make it first."
        else:
            what = "name and bucket" if is_address(shown) else "name"
            text = f"There is no {shown}{said}. Check the {what}."
        return StoreError(text, absent=True)
    if refused:
        text = f"{shown} could not be {verb}{said}: access is refused. Check whose it is."
        return StoreError(text, refused=True)
    if any(type(one).__name__ in _NO_CREDENTIALS for one in chain):
        return StoreError(f"{shown} could not be {verb}{said}. Set the store's credentials first.")
    return StoreError(f"{shown} could not be {verb}{said}. Check the name and the store's settings.")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _may_pass(chain: list[BaseException]) -> bool:
    names = {kind.__name__ for error in chain for kind in type(error).__mro__}
    if any("Certificate" in name or "SSLError" in name for name in names):
        return False
    if names & _PASSING_NAMES or any(isinstance(error, TimeoutError) for error in chain):
        return True
    # The server's own number goes first: s3fs calls whatever it does not know an input/output error.
    if statuses := [status for status in map(_status, chain) if status is not None]:
        return statuses[0] in (408, 409, 425, 429) or (statuses[0] >= 500 and statuses[0] != 501)
    return any(isinstance(error, OSError) and error.errno in _PASSING_AFAR for error in chain)


def _status(error: BaseException) -> int | None:
    """Return the server's answer as HTTP numbers it, where an error holds one."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        response = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return response if isinstance(response, int) else None
    for value in (getattr(error, "status", None), getattr(error, "code", None)):
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _words(error: Exception) -> str:
    """Return the error's own words in one line, with addresses as they may be shown."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = re.sub(_SCHEME.pattern + r"[^\s\"']+", lambda found: without_secrets(found[0]), text or "")
    return (" ".join(text.split())[:200] or type(error).__name__).rstrip(".")
