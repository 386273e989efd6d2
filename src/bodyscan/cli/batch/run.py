"""`bodyscan batch MANIFEST -o OUT`: a twin of every scan, and nothing lost."""

from __future__ import annotations

import math
import signal
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption
from bodyscan.cli.output import print_result
from bodyscan.cli.scan_job import (
    ConfigOption,
    ControllerKeyOption,
    JsonOption,
    MediumOption,
    PassphraseFileOption,
    PurposeOption,
    QuietOption,
    TerritoryOption,
)
from bodyscan.cli.uses import LedgerOption, ReferenceOption
from bodyscan.consent import Purpose
from bodyscan.errors import InputError

if TYPE_CHECKING:
    from bodyscan.batch.batch import Batch

app = typer.Typer()

WITH_FAILURES = 6
StateOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the job table. Default: .batch in the output, which must be on this machine."
    ),
]


@app.command(
    epilog="Exit codes: 0 every scan has its twin, 2 usage, 3 input, 5 a missing part, "
    "6 done, and some scans failed or were refused, 130 interrupted: run it again to go on."
)
@run_guarded
def run(
    manifest: Annotated[Path, typer.Argument(help="CSV or JSONL, a row a scan, or a folder of captures.")],
    output: Annotated[str, typer.Option("--output", "-o", help="Folder, or address (s3://bucket/folder).")],
    formats: Annotated[
        str, typer.Option("--format", help="What to write, with commas between: glb,vrm,fbx,usdz,blend.")
    ] = "glb",
    report: Annotated[bool, typer.Option("--report/--no-report", help="A quality report of each.")] = False,
    config: ConfigOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Scans at once. Default: as cores and memory allow.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask cluster to work on: tcp://host:8786. Extra: cluster.")
    ] = None,
    attempts: Annotated[int, typer.Option(min=1, help="How often a scan is begun whose error may pass.")] = 3,
    time_limit: Annotated[float, typer.Option(help="Longest time of one scan, seconds.")] = 3600.0,
    memory_limit: Annotated[float, typer.Option(help="Most memory of one scan, GiB.")] = 8.0,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try every failed scan again, whatever its error.")
    ] = False,
    state: StateOption = None,
    controller_key: ControllerKeyOption = None,
    passphrase_file: PassphraseFileOption = None,
    purpose: PurposeOption = Purpose.MAKE_TWIN,
    territory: TerritoryOption = None,
    medium: MediumOption = None,
    evidence: EvidenceOption = None,
    ledger: LedgerOption = None,
    reference: ReferenceOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a twin of every scan. Stopped or killed at any moment, the same command goes on from there."""
    from bodyscan.batch.batch import Batch, run_batch
    from bodyscan.batch.job import JobState
    from bodyscan.batch.options import BatchOptions
    from bodyscan.batch.prepare import Defaults
    from bodyscan.cli.batch.live import JsonLines, LiveBatch
    from bodyscan.run.config import read_toml
    from bodyscan.run.uses import ledger_place

    batch = Batch(
        manifest=manifest,
        out=output,
        ledger=ledger_place(ledger),
        options=BatchOptions(
            workers=workers,
            attempts=attempts,
            time_limit_s=time_limit,
            memory_limit_bytes=_bytes(memory_limit),
            formats=tuple(dict.fromkeys(name.strip() for name in formats.split(","))),
            report=report,
            retry_failed=retry_failed,
        ),
        defaults=Defaults(
            options=read_toml(config) if config else {},
            purpose=str(purpose),
            territory=territory,
            medium=str(medium) if medium else None,
            controller_key=str(controller_key.absolute()) if controller_key else None,
            passphrase_file=str(passphrase_file.absolute()) if passphrase_file else None,
            reference=reference,
        ),
        state=state,
        evidence=evidence,
        scheduler=scheduler,
    )
    # A machine that shuts down says so with SIGTERM: let go as for Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as views:
        shown: list[Any] = [views.enter_context(LiveBatch(quiet=quiet))]
        if as_json:
            shown.append(views.enter_context(JsonLines()))

        def show(changed: Any, summary: Any) -> None:
            for view in shown:
                view.update(changed, summary)

        done = run_batch(batch, clock=lambda: datetime.now(UTC), on_change=show)
    if not as_json:
        print_result({}, _rows(batch, done), False)
    counts = done.summary.counts
    if counts[JobState.FAILED] or counts[JobState.REFUSED]:
        raise typer.Exit(WITH_FAILURES)


def _bytes(memory_limit: float) -> int:
    from bodyscan.batch.options import GIB

    if not math.isfinite(memory_limit):
        raise InputError(f"--memory-limit must be a number of GiB above 0; it is {memory_limit}.")
    return int(memory_limit * GIB)


def _rows(batch: Batch, done: Any) -> list[tuple[str, str]]:
    from bodyscan.batch.status import status_rows

    rows = [*status_rows(done.jobs, done.summary), *(("note", note) for note in done.notes)]
    return [*rows, ("contact sheet", done.index), ("ledger", str(batch.ledger))]
