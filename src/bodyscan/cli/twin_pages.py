"""The pages of `bodyscan twin --report`: the twin's, and beside it that of the depth capture it came from."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bodyscan.cli.depth_scan import Scanned
from bodyscan.cli.progress import StageProgress
from bodyscan.cli.reconstruct_report import Made, report_data
from bodyscan.cli.twin_options import TwinOptions
from bodyscan.consent import ConsentRecord
from bodyscan.files import Writer, write_all
from bodyscan.mark import MarkInfo
from bodyscan.render import ReportData, write_report
from bodyscan.render.depth_report import DepthReportData, write_depth_report

CAPTURE_PAGE = "capture.html"
"""In the report's folder: how the scan was made of a depth capture."""


def capture_data(
    scanned: Scanned,
    options: TwinOptions,
    record: ConsentRecord,
    mark: MarkInfo,
    now: datetime,
    progress: StageProgress,
) -> DepthReportData | None:
    """Return what the page on the depth capture shows, where the scan was made of one."""
    if scanned.frames is None or scanned.depth is None:
        return None
    made = Made(scanned.frames, scanned.depth, options)
    return report_data(made, {}, record, mark, now, progress.finished)


def write_pages(
    folder: Path,
    data: ReportData,
    origin: DepthReportData | None,
    progress: StageProgress,
    write: Writer = write_all,
) -> Path:
    """Draw and write the report into `folder`, beside it the page on the capture; return the report's path.

    Raises as `write_report` and `write_depth_report`.
    """
    with progress.stage("report") as remarks:
        if origin is not None:
            write_depth_report(folder, origin, name=CAPTURE_PAGE, write=write)
        page = write_report(folder, data, write=write)
        remarks.append(str(page))
    return page
