"""`bodyscan export`: hands a twin's file over, packed as asked, where the person's consent allows it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption
from bodyscan.cli.output import print_result
from bodyscan.cli.scan_job import JsonOption, MediumOption, PurposeOption, TerritoryOption
from bodyscan.cli.twin_file import (
    USE_EXIT_CODES,
    ContentOption,
    ProductLineOption,
    TwinArgument,
    use_of,
)
from bodyscan.cli.uses import LedgerOption, ReferenceOption, receipt_row
from bodyscan.consent import Purpose
from bodyscan.run.export import ExportDone, ExportJob, export_copy
from bodyscan.run.outputs import size_words

app = typer.Typer()


@app.command(epilog=USE_EXIT_CODES)
@run_guarded
def export(
    file: TwinArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, with the input's ending.")],
    purpose: PurposeOption = Purpose.EXPORT,
    territory: TerritoryOption = None,
    medium: MediumOption = None,
    licensee: Annotated[str | None, typer.Option(help="To whom it goes: a licensee's name or key.")] = None,
    product_line: ProductLineOption = None,
    content: ContentOption = None,
    evidence: EvidenceOption = None,
    profile: Annotated[
        Literal["master", "web", "mobile"], typer.Option(help="As it is, below 5 MB, or below 3 MB.")
    ] = "master",
    ledger: LedgerOption = None,
    reference: ReferenceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a copy of a twin's file for somebody else: as it is, or made small.

    The twin's consent is checked for this use before, and its binding to the written file after; the use is
    written into the ledger. Coarser levels and the collision body are files of their own. For another target
    make the twin again.
    """
    job = ExportJob(
        file=file,
        output=output,
        use=use_of(purpose, territory, medium, licensee, product_line, content),
        now=datetime.now(UTC),
        evidence=evidence,
        profile=profile,
        ledger=ledger,
        reference=reference,
    )
    done = export_copy(job)
    values, rows = _told(job, done)
    receipt = done.receipt
    print_result(values | {"ledger_entry": receipt.sequence}, [*rows, receipt_row(receipt)], as_json)


def _told(job: ExportJob, done: ExportDone) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    size, record, status, findings = job.output.stat().st_size, done.twin.record, done.status, done.findings
    values = {
        "path": str(job.output),
        "size_bytes": size,
        "profile": job.profile,
        "geometry": str(status.geometry),
        "moved_mm": round(status.moved_mm, 3),
        "record_id": record.record_id,
        "subject": record.subject.pseudonym,
        "demo": record.demo,
        "findings": list(findings),
    }
    rows = [
        ("file", f"{job.output}, {size_words(size)}"),
        ("binding", f"{status.geometry}" + (f", {status.moved_mm:.3f} mm" if status.moved_mm else "")),
        ("consent", f"{record.record_id} of {record.subject.pseudonym}: {status.reason}"),
        *(("note", finding) for finding in findings),
    ]
    if record.demo:
        rows.append(("DEMO", "sample data; it proves nothing about any person"))
    return values, rows
