"""What `bodyscan twin` tells a person of the twin that it made."""

from __future__ import annotations

from bodyscan.cli.uses import receipt_row
from bodyscan.consent import ConsentRecord
from bodyscan.consent.fields import format_utc
from bodyscan.run.outputs import size_words
from bodyscan.run.twin import TwinDone


def twin_rows(done: TwinDone) -> list[tuple[str, str]]:
    """Return a finished run as rows of label and text."""
    values, scan, quality = done.values, done.result.scan, done.result.fit.quality
    verdict = "accepted" if quality.acceptable else "BELOW THE STATED QUALITY"
    inferred = f" (inferred: {', '.join(scan.inferred)})" if scan.inferred else ""
    rows = [
        *((file["kind"], f"{file['path']}, {size_words(file['size_bytes'])}") for file in values["files"]),
        (
            "mesh",
            f"{values['vertices']:,} vertices, {values['triangles']:,} triangles, {values['joints']} joints, "
            f"{values['face_shapes']} face shapes",
        ),
        ("scan", f"unit {scan.unit}, up {scan.up}, facing {scan.facing}{inferred}"),
        (
            "quality",
            f"{quality.surface_mean_mm:.2f} mm from the scan on average, 95 % within "
            f"{quality.surface_p95_mm:.1f} mm; {verdict}",
        ),
        consent_row(done.record),
    ]
    if done.report is not None:
        rows.append(("report", str(done.report)))
    rows += [("warning", warning) for warning in values["warnings"]]
    return rows if done.receipt is None else [*rows, receipt_row(done.receipt)]


def consent_row(record: ConsentRecord) -> tuple[str, str]:
    """Return under which record the result was made, as a row for a person."""
    return (
        "consent",
        f"{record.record_id} of {record.subject.pseudonym}, until {format_utc(record.term.not_after)}"
        + (", DEMO: sample data" if record.demo else ""),
    )
