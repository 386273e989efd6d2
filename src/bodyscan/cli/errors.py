"""How a command ends: errors raised on purpose become one line on standard error and an exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import typer

from bodyscan.errors import BodyscanError, InputError

INTERRUPTED = 130

P = ParamSpec("P")
R = TypeVar("R")


def run_guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a typer command so that a `BodyscanError` prints `error: ...` and exits with its code.

    The codes: 3 input, 4 consent, 5 no acceptable result or a missing extra, 130 interrupted. What the
    operating system refuses (a full disk, a folder without permission) is one line and 3 as well. Every
    other exception passes through with its traceback: it is a bug (exit code 1). Stand below
    `@app.command()`; the wrapped function keeps its signature, so typer reads its options.
    """

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except BodyscanError as error:
            hint = list_hint(getattr(error, "status", None))
            typer.echo(f"error: {error}" + (f" {hint}" if hint else ""), err=True)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:  # the reader of the output went away, as `head` does: no error of ours
            raise
        except OSError as error:
            typer.echo(f"error: {_system_words(error)}", err=True)
            raise typer.Exit(InputError.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return guarded


def list_hint(status: Any) -> str:
    """Return what to do where a consent (`ConsentStatus`) cannot be judged for want of a status list."""
    if getattr(status, "state", "") != "unknown" or not status.clause.startswith("withdrawal.status"):
        return ""
    return "Fetch the newest lists there, lay them into FOLDER/lists, and give --evidence FOLDER."


def _system_words(error: OSError) -> str:
    """What the system refused, and for which file."""
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    where = f"{' and '.join(names)}: " if names else "a file could not be read or written: "
    return f"{where}{error.strerror or error}. Check the path, its permissions and the free space."
