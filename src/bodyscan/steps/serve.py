"""The steps served to a front end: one JSON request a line in, JSON events out.

The process keeps what is slow to import, so that a second fit takes seconds. A front end that wants a step to
stop kills the process: a result appears complete or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bodyscan import __version__
from bodyscan.errors import BodyscanError, ConsentError, InputError, MissingExtraError, StageError

Tell = Callable[[Mapping[str, Any]], None]
KINDS: tuple[tuple[type[BodyscanError], str], ...] = (
    (InputError, "input"),
    (ConsentError, "consent"),
    (StageError, "stage"),
    (MissingExtraError, "missing"),
)
MAX_LINE = 4 << 20
"""Bytes of one request."""


def serve(
    lines: Iterable[str], tell: Tell, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Do what each line asks, one after the other, until there are no more.

    `tell` takes each event. What is wrong with a request is told, and the next one is served; only what is
    no error of bodyscan's leaves here, after it was told.
    """
    tell({"event": "ready", "version": __version__})
    for line in lines:
        if line.strip():
            _serve_one(line, tell, clock)


def _serve_one(line: str, tell: Tell, clock: Callable[[], datetime]) -> None:
    number: Any = None
    try:
        values = _object(line)
        number = values.get("id")
        state = _run(values, tell, clock())
    except BodyscanError as error:
        kind = next((word for known, word in KINDS if isinstance(error, known)), "bug")
        tell({"id": number, "event": "error", "kind": kind, "message": str(error)})
        return
    except MemoryError:
        message = "There is not enough memory for this step. Close other programs, or give a smaller scan."
        tell({"id": number, "event": "error", "kind": "stage", "message": message})
        return
    except Exception as error:
        message = f"This is a mistake of bodyscan itself: {type(error).__name__}: {error}"
        tell({"id": number, "event": "error", "kind": "bug", "message": message})
        raise
    tell(
        {
            "id": number,
            "event": "done",
            "summary": state.summary,
            "warnings": list(state.warnings),
            "values": {"result": state.result, **state.values},
        }
    )


def _object(line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise InputError(f"A request of {len(line)} characters is longer than the {MAX_LINE} that are read.")
    try:
        values = json.loads(line)
    except ValueError as error:
        raise InputError(f"The request is no JSON: {error}. Give one object on one line.") from None
    if not isinstance(values, dict):
        raise InputError("The request is no JSON object; give one object on one line.")
    return values


def _run(values: Mapping[str, Any], tell: Tell, now: datetime) -> Any:
    """Import what the step needs, which takes seconds the first time, and run it."""
    from bodyscan.pipeline import StageEvent
    from bodyscan.steps.request import (
        ExportRequest,
        FitRequest,
        ScanRequest,
        TextureRequest,
        TwinRequest,
        read_request,
    )

    def on_stage(event: StageEvent) -> None:
        told: dict[str, Any] = {"id": values.get("id"), "event": "stage", "stage": event.stage}
        told["state"] = event.state
        if event.state != "start":
            told |= {"seconds": round(event.seconds, 3), "remark": event.remark}
        tell(told)

    match request := read_request(values):
        case ScanRequest():
            from bodyscan.steps.scan_step import run_scan

            return run_scan(request, now, on_stage)
        case FitRequest():
            from bodyscan.steps.fit_step import run_fit

            return run_fit(request, now, on_stage)
        case TextureRequest():
            from bodyscan.steps.texture_step import run_texture

            return run_texture(request, now, on_stage)
        case TwinRequest():
            from bodyscan.steps.twin_step import run_twin_step

            return run_twin_step(request, now, on_stage)
        case ExportRequest():
            from bodyscan.steps.export_step import run_export

            return run_export(request, now, on_stage)
