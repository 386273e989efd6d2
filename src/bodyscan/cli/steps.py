"""`bodyscan steps`: the steps of a twin, for front ends that show each, such as the Blender add-on."""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from collections.abc import Mapping
from typing import Any

import typer

from bodyscan.cli.errors import run_guarded

app = typer.Typer()


@app.command(epilog="Exit codes: 0 no more requests, 1 bug, 130 interrupted. docs/steps.md has the requests.")
@run_guarded
def steps() -> None:
    """Make a twin a step at a time: JSON requests on standard input, JSON events on standard output.

    One request a line. It ends with its standard input, or with the reader of its output.
    """
    from bodyscan.steps.serve import serve

    # Libraries print: what they print goes to standard error, and the events stay alone.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(event: Mapping[str, Any]) -> None:
        events.write(json.dumps(event, ensure_ascii=False) + "\n")
        events.flush()

    _end_with_reader(events.fileno())
    try:
        serve(sys.stdin, tell)
    except BrokenPipeError:
        # Nobody reads any more: the front end is gone.
        os._exit(0)


def _end_with_reader(events: int) -> None:
    """End this process as soon as nobody reads its events: a front end that was killed wants no fit."""
    if not hasattr(select, "poll"):
        return  # Windows: the next event that cannot be written ends it

    def wait() -> None:
        poll = select.poll()
        poll.register(events, 0)  # errors are told unasked, and the end of a pipe's reader is one
        while not any(found & select.POLLERR for _, found in poll.poll()):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
