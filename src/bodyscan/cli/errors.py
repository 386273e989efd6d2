"""How a command ends: errors raised on purpose become one line on standard error and an exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from bodyscan.errors import BodyscanError

INTERRUPTED = 130

P = ParamSpec("P")
R = TypeVar("R")


def run_guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a typer command so that a `BodyscanError` prints `error: ...` and exits with its code.

    The codes: 3 input, 4 consent, 5 no acceptable result or a missing extra, 130 interrupted. Every
    other exception passes through with its traceback: it is a bug (exit code 1). Stand below
    `@app.command()`; the wrapped function keeps its signature, so typer reads its options.
    """

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except BodyscanError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return guarded
