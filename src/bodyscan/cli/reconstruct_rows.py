"""What `bodyscan reconstruct` tells a person of the scan that it made."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bodyscan.cli.twin_rows import consent_row
from bodyscan.consent import ConsentRecord
from bodyscan.run.outputs import size_words
from bodyscan.run.reconstruct_report import Made, notes, numbers


def scan_rows(
    made: Made, output: Path, size_bytes: int, record: ConsentRecord, page: Path | None
) -> list[tuple[str, str]]:
    """Return the result, whose scan lies in `output`, as rows for a person."""
    mesh, report = made.scan.capture.mesh, made.scan.report
    width, height, depth = np.ptp(mesh.vertices, axis=0)
    least = sorted((share, name) for name, share in report.coverage.items() if name != "all")[:3]
    rows = [
        ("scan", f"{output}, {size_words(size_bytes)}"),
        ("mesh", f"{len(mesh.vertices):,} vertices, {len(mesh.faces):,} triangles"),
        ("size", f"{height:.3f} m high, {width:.3f} m wide, {depth:.3f} m deep"),
        *((name.lower(), value) for name, value, _ in numbers(made)),
        ("least seen", ", ".join(f"{name.replace('_', ' ')} {100 * share:.0f} %" for share, name in least)),
        consent_row(record),
    ]
    if page:
        rows.append(("report", str(page)))
    return rows + [("note", note) for note in notes(made)]
