"""Every error that bodyscan raises on purpose. Anything else that escapes is a bug.

The exit code of the command line stands beside each class: 3 input, 4 consent, 5 no acceptable
result or a missing extra. A message states the fact and the choice: what was given, what is
possible, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class BodyscanError(Exception):
    """Base of every error that bodyscan raises on purpose."""

    exit_code: int = 1


class InputError(BodyscanError):
    """What was given cannot be used: a file, an option, an array of the wrong shape."""

    exit_code = 3


class ConsentError(BodyscanError):
    """Consent is missing, not valid, does not cover the use, or does not belong to this geometry."""

    exit_code = 4


class StageError(BodyscanError):
    """A stage ran and reached no acceptable result."""

    exit_code = 5


class MissingExtraError(BodyscanError):
    """An optional dependency is needed and not installed; the message names the extra."""

    exit_code = 5


def some_names(names: Sequence[str]) -> str:
    """The first three of `names`, for a message, and dots where there are more."""
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
