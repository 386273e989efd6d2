"""The pages of a twin's report: its own, and beside it that of the depth capture it came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bodyscan.files import Writer
from bodyscan.gltf.export import Exported
from bodyscan.mark import MarkInfo
from bodyscan.pipeline import PipelineResult, QualityError
from bodyscan.render import ReportData, write_report
from bodyscan.render.depth_report import DepthReportData, write_depth_report
from bodyscan.run import twin_report
from bodyscan.run.progress import Progress
from bodyscan.run.reconstruct_report import Made, report_data

if TYPE_CHECKING:
    from bodyscan.run.twin import ReadJob

CAPTURE_PAGE = "capture.html"
"""In the report's folder: how the scan was made of a depth capture."""


def write_twin_report(
    read: ReadJob,
    folder: Path,
    result: PipelineResult,
    exported: Exported,
    mark: MarkInfo,
    progress: Progress,
    write: Writer,
) -> tuple[Path, ...]:
    """Write the report on a finished twin into `folder`; return its page, then that on the capture.

    Raises as `write_report` and `write_depth_report`.
    """
    origin = _capture_data(read, mark, progress)
    data = twin_report.report_data(
        result,
        read.record,
        read.job.use,
        read.job.now,
        progress.finished,
        exported,
        read.options.pictures,
        CAPTURE_PAGE if origin else "",
    )
    return _pages(folder, data, origin, progress, write)


def write_refusal(
    read: ReadJob, folder: Path, refused: QualityError, progress: Progress, write: Writer
) -> tuple[Path, ...]:
    """Write the report on a fit below the stated quality; else as `write_twin_report`."""
    mark = twin_report.scan_mark(read.record, read.job.use)
    origin = _capture_data(read, mark, progress)
    data = twin_report.refusal_data(
        refused,
        read.record,
        mark,
        read.job.now,
        read.scanned.capture.source,
        progress.finished,
        read.options.pictures,
        CAPTURE_PAGE if origin else "",
    )
    return _pages(folder, data, origin, progress, write)


def _capture_data(read: ReadJob, mark: MarkInfo, progress: Progress) -> DepthReportData | None:
    """What the page on the depth capture shows, where the scan was made of one."""
    scanned = read.scanned
    if scanned.frames is None or scanned.depth is None:
        return None
    made = Made(scanned.frames, scanned.depth, read.options)
    return report_data(made, {}, read.record, mark, read.job.now, progress.finished)


def _pages(
    folder: Path, data: ReportData, origin: DepthReportData | None, progress: Progress, write: Writer
) -> tuple[Path, ...]:
    with progress.stage("report") as remarks:
        beside = ()
        if origin is not None:
            beside = (write_depth_report(folder, origin, name=CAPTURE_PAGE, write=write),)
        page = write_report(folder, data, write=write)
        remarks.append(str(page))
    return (page, *beside)
