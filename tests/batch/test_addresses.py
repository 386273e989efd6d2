"""Paths and addresses: what is shown of them, and what their errors mean."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path
from typing import Any

import pytest

from bodyscan.batch.addresses import (
    StoreError,
    checked_name,
    is_address,
    local_path,
    name_of,
    told,
    without_secrets,
)
from bodyscan.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://bucket/key", True),
        ("file:///a/b", True),
        ("gs://b", True),
        ("a/b.ply", False),
        ("/a/b.ply", False),
        ("C:/scans/a.ply", False),
        ("C://scans/a.ply", False),
        ("C:\\scans\\a.ply", False),
        ("a//b", False),
        ("", False),
        ("://x", False),
    ],
)
def test_an_address_has_a_scheme_and_a_drive_is_none(text, expected):
    assert is_address(text) is expected


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://bucket/a@b.ply", "s3://bucket/a@b.ply"),
        ("s3://key:secret@bucket/a.ply", "s3://bucket/a.ply"),
        ("s3://key:sec/ret@bucket/a.ply", "s3://bucket/a.ply"),
        ("sftp://me:pa@ss@host/a.ply", "sftp://host/a.ply"),
        ("sftp://host:2222/a@b.ply", "sftp://host:2222/a@b.ply"),
        ("https://host/a.ply?X-Amz-Signature=secret", "https://host/a.ply"),
        ("https://host/a.ply?secret#more", "https://host/a.ply"),
        ("s3://bucket/a.ply?versionId=secret", "s3://bucket/a.ply"),
        ("s3://bucket/who is it?.ply", "s3://bucket/who is it?.ply"),
        ("me@host:a?b=c", "me@host:a?b=c"),
    ],
)
def test_what_is_shown_holds_no_user_password_or_query(address, shown):
    assert without_secrets(address) == shown


def test_the_name_is_the_last_part_without_its_query():
    assert name_of("https://host/scans/anna.ply?token=x") == "anna.ply"
    assert name_of("s3://bucket/turntable/") == "turntable"
    assert name_of("s3://bucket") == "bucket"
    assert name_of("scans/anna.ply") == "anna.ply"
    assert name_of("s3://") == ""
    assert name_of("https://host/scans/Zo%C3%AB%201.ply?token=x") == "Zoë 1.ply"
    assert name_of("https://host/a%2F..%2Fb.ply") == "b.ply"
    assert name_of("s3://bucket/50%25.ply") == "50%25.ply"


def test_a_file_address_is_a_path_of_this_machine(tmp_path):
    assert local_path(f"file://{tmp_path}/a") == tmp_path / "a"
    assert local_path("a/b") == Path("a/b")
    assert local_path("s3://b/a") is None
    with pytest.raises(StoreError, match="file://host/a names no path on this machine; write file:///folder"):
        local_path("file://host/a")


@pytest.mark.parametrize(
    "name", ["", "/a", "a/../b", "..", ".", "a//b", "a/", "a/./b", "a\\b", "a\0b", "C:a", "c:/a"]
)
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(InputError, match=r"cannot be a file's name in a store: it must be relative"):
        checked_name(name)


def test_a_name_of_letters_of_any_script_may_have_spaces_and_dots():
    for name in ("a", "Zoë/twin 1.glb", "..a", "a..b/.c", "体/x"):
        assert checked_name(name) == name


class Answer(Exception):
    """A vendor's error that holds the server's answer."""

    def __init__(self, status: int, text: str = "refused") -> None:
        super().__init__(text)
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


class ConnectTimeoutError(Exception):
    """No kin of Python's, as that of botocore."""


class HTTPClientError(Exception):
    """As that of botocore."""


class ReadError(HTTPClientError):
    """Known by its parent."""


class SSLError(HTTPClientError):
    """A certificate that is not trusted is not trusted tomorrow."""


def outcome(error: Exception, cause: BaseException | None = None, verb: str = "read") -> StoreError:
    """Return what becomes of an error."""
    error.__cause__ = cause
    with pytest.raises(StoreError) as caught, told(verb, "s3://me:secret@bucket/a"):
        raise error
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EIO, "Input/output error"),
        ConnectionRefusedError(111, "Connection refused"),
        TimeoutError("timed out"),
        Answer(500),
        Answer(503),
        Answer(429),
        ReadError("gone"),
    ],
)
def test_what_may_pass_says_so(error):
    found = outcome(error)
    assert found.passing
    assert not found.absent
    assert "try again" in str(found)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file or directory"),
        PermissionError(13, "Permission denied"),
        IsADirectoryError(21, "Is a directory"),
        Answer(400),
        Answer(403),
        Answer(404),
        Answer(501),
        SSLError("certificate verify failed"),
        ValueError("Invalid bucket name"),
        ConnectTimeoutError("a stranger's error is not known to pass"),
    ],
)
def test_what_will_not_pass_says_so(error):
    assert not outcome(error).passing


def test_the_servers_answer_counts_more_than_the_error_it_was_wrapped_in():
    assert not outcome(OSError(errno.EIO, "unknown"), Answer(400)).passing
    assert outcome(OSError(errno.EIO, "unknown"), Answer(500)).passing
    assert outcome(FileNotFoundError("x"), ConnectionRefusedError(111, "refused")).passing


def test_each_kind_of_error_says_what_to_do():
    assert (
        str(outcome(FileNotFoundError("gone")))
        == "There is no s3://bucket/a (gone). Check the name and bucket."
    )
    assert str(outcome(FileNotFoundError("no bucket"), verb="written")) == (
        "s3://bucket/a could not be written (no bucket): its bucket or folder is not there. Make it first."
    )
    assert "access is refused. Check whose it is." in str(outcome(Answer(403)))
    assert outcome(Answer(403)).refused
    assert not outcome(Answer(404)).refused
    assert "Make room, and try again." in str(outcome(OSError(errno.ENOSPC, "No space left on device")))
    named: Any = type("NoCredentialsError", (Exception,), {})
    assert "Set the store's credentials first." in str(outcome(named("Unable to locate credentials")))


def test_no_message_holds_a_secret_of_the_error_below_it():
    found = outcome(OSError("GET https://me:secret@host/a?token=secret failed"))
    assert "secret" not in str(found)
    assert "https://host/a failed" in str(found)
    assert found.__suppress_context__


def test_a_bug_stays_a_bug():
    with pytest.raises(TypeError), told("read", "s3://b/a"):
        raise TypeError("a bug")


def test_a_store_error_crosses_processes():
    found = pickle.loads(pickle.dumps(StoreError("x", passing=True, absent=True)))
    assert (str(found), found.passing, found.absent) == ("x", True, True)
