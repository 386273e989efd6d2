from __future__ import annotations

import errno

import pytest

from bodyscan.batch.job import ErrorKind
from bodyscan.batch.job_errors import job_error
from bodyscan.errors import BodyscanError, ConsentError, InputError, MissingExtraError, StageError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InputError("x"), ErrorKind.INPUT),
        (ConsentError("x"), ErrorKind.CONSENT),
        (StageError("x"), ErrorKind.QUALITY),
        (MissingExtraError("x"), ErrorKind.MISSING),
        (MemoryError(), ErrorKind.MEMORY),
        (OSError(errno.ENOSPC, "full"), ErrorKind.SYSTEM),
        (FileNotFoundError(errno.ENOENT, "gone"), ErrorKind.INPUT),
        (ConnectionResetError(errno.ECONNRESET, "lost"), ErrorKind.SYSTEM),
        (KeyError("x"), ErrorKind.BUG),
    ],
)
def test_the_kind_follows_from_the_class(error, kind):
    assert job_error(error).kind is kind
    assert job_error(error).message


def caused(error: BodyscanError, cause: BaseException) -> BaseException:
    try:
        raise error from cause
    except BodyscanError as raised:
        return raised


def test_an_error_that_a_full_disk_led_to_may_pass():
    error = caused(InputError("twin.glb could not be written"), OSError(errno.ENOSPC, "full"))
    assert job_error(error).kind is ErrorKind.SYSTEM


def test_a_missing_consent_never_passes_by_itself():
    error = caused(ConsentError("no"), OSError(errno.ENOSPC, "full"))
    assert job_error(error).kind is ErrorKind.CONSENT


def test_a_bug_says_of_which_type_it_is():
    assert job_error(KeyError("x")).message == "KeyError: 'x'"
