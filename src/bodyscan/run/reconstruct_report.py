"""What is written and told of a scan made of a depth capture: its file, the report's data, the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.capture.write_ply import ply_bytes
from bodyscan.consent import ConsentRecord
from bodyscan.consent.fields import format_utc
from bodyscan.geometry.normals import vertex_normals
from bodyscan.mark import MarkInfo
from bodyscan.pipeline import SOFTWARE
from bodyscan.pipeline.depth import DepthScan
from bodyscan.reconstruct.depth.range_error import RangeError
from bodyscan.render.depth_report import DepthReportData
from bodyscan.render.depth_report_pictures import Coverage, ExampleFrame
from bodyscan.render.report import StageTime
from bodyscan.run.options import TwinOptions
from bodyscan.run.progress import FinishedStage
from bodyscan.run.twin_report import consent_summary
from bodyscan.types import F64, Capture, DepthCapture

Number = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Made:
    """A reconstruction that is finished."""

    capture: DepthCapture
    scan: DepthScan
    options: TwinOptions


def scan_file(scan: Capture, record_id: str) -> bytes:
    """Return the scan as a PLY file: positions, normals, colours, confidence; the header says what it is."""
    mesh = scan.mesh
    normals = vertex_normals(mesh.vertices, mesh.faces).astype(np.float32)
    comments = (
        f"made by {SOFTWARE}",
        f"unit {scan.unit}",
        f"up {scan.up}",
        f"facing {scan.facing}",
        f"consent {record_id}",
    )
    return ply_bytes(replace(mesh, normals=normals), confidence=scan.confidence, comments=comments)


def scan_values(
    made: Made,
    output: Path,
    size_bytes: int,
    record: ConsentRecord,
    page: Path | None,
    stages: Sequence[FinishedStage],
) -> dict[str, Any]:
    """Return the result, whose scan lies in `output`, as JSON values."""
    capture, scan, report = made.capture, made.scan, made.scan.report
    trajectory, motion = report.trajectory, report.motion
    mesh = scan.capture.mesh
    size = np.ptp(mesh.vertices, axis=0)
    return {
        "scan": str(output),
        "size_bytes": size_bytes,
        "report": str(page) if page else None,
        "vertices": len(mesh.vertices),
        "triangles": len(mesh.faces),
        "size_m": size.round(4).tolist(),
        "voxel_mm": _number(report.voxel_mm),
        "capture": {
            "source": capture.source,
            "format": capture.file_format,
            "sensor": capture.sensor,
            "sha256": capture.sha256,
        },
        "frames": {
            "in_capture": len(capture.frames),
            "used": len(report.frames),
            "names": list(report.frames),
        },
        "poses": report.poses,
        "turn_deg": _number(trajectory.total_turn_deg),
        "closed": trajectory.closed,
        "all_around": trajectory.is_all_around,
        "loop_rms_mm": _number(trajectory.loop_rms_mm),
        "pair_rms_mm": _number(_median(trajectory.pair_rms_mm)),
        "range_error": _curve(trajectory.range_error),
        "sway": None
        if _stood_still(made)
        else {
            "head_mm": _number(motion.sway_mm),
            "head_rms_mm": _number(motion.sway_rms_mm),
            "arms_mm": _number(motion.arms_mm),
        },
        "followed": report.followed,
        "agreement_mm": {name: _number(value) for name, value in report.agreement_mm.items()},
        "expected_error_mm": _number(report.sigma_mm),
        "coverage": {name: round(float(share), 4) for name, share in report.coverage.items()},
        "trajectory": np.round(trajectory.world_from_camera, 7).tolist(),
        "consent": {
            "record_id": record.record_id,
            "person": record.subject.pseudonym,
            "until": format_utc(record.term.not_after),
            "demo": record.demo,
        },
        "stages": [asdict(stage) for stage in stages],
        "notes": list(notes(made)),
    }


def report_data(
    made: Made,
    outputs: Mapping[str, str],
    record: ConsentRecord,
    mark: MarkInfo,
    now: datetime,
    stages: Sequence[FinishedStage],
) -> DepthReportData:
    """Return what the report shows. One frame is loaded again and cut out alone, for its picture."""
    capture, scan, report = made.capture, made.scan, made.scan.report
    trajectory = report.trajectory
    confidence = scan.capture.confidence
    return DepthReportData(
        title=capture.source or "unnamed capture",
        date=format_utc(now.replace(microsecond=0)),
        surface=scan.capture.mesh,
        confidence=confidence
        if confidence is not None
        else np.ones(len(scan.capture.mesh.vertices), np.float32),
        half_trust_mm=1000 * made.options.depth.fuse.good_sigma_m,
        mark=mark,
        consent=consent_summary(record),
        frames=report.frames,
        num_frames=len(capture.frames),
        world_from_camera=trajectory.world_from_camera,
        is_all_around=trajectory.is_all_around,
        coverage=Coverage(report.coverage, report.body, report.seen),
        head_way_mm=None if _stood_still(made) else report.motion.head_way_mm,
        numbers=tuple(numbers(made)),
        tiles=_tiles(made),
        example=_example(made),
        stages=tuple(StageTime(stage.name, stage.seconds, stage.remark) for stage in stages),
        notes=notes(made),
        outputs=outputs,
        source={
            "Capture": capture.source,
            "Format": capture.file_format,
            "Sensor": capture.sensor,
            "SHA-256": capture.sha256,
        },
        picture_options=made.options.pictures,
    )


def numbers(made: Made) -> list[Number]:
    """Return what was found, each with its name, its value in words and what it means."""
    capture, report = made.capture, made.scan.report
    trajectory, motion = report.trajectory, report.motion
    loop = f"{trajectory.loop_rms_mm:.1f} mm" if np.isfinite(trajectory.loop_rms_mm) else "none found"
    rows = [
        ("Frames", f"{len(report.frames)} of {len(capture.frames)}", "Used, of those in the capture."),
        ("Sensor", capture.sensor, "Kind of camera: how its noise grows with distance."),
        ("Poses", report.poses, "Where the cameras' places come from."),
        ("Turn", f"{trajectory.total_turn_deg:.0f}°", "How far the camera went around the person."),
        ("Loop closure", loop, "Frames far apart in time that see one side: how far apart they lie."),
    ]
    if len(trajectory.pair_rms_mm):
        rows.append(
            (
                "Pair agreement",
                f"{_median(trajectory.pair_rms_mm):.1f} mm",
                f"Frames that see the same, {len(trajectory.pair_rms_mm)} pairs, before sway is followed; "
                "the sensor's noise is in it.",
            )
        )
    if trajectory.range_error is not None:
        greatest = f"{1000 * trajectory.range_error.greatest_m:.1f} mm"
        rows.append(("Range error", greatest, "Of the sensor over the distance, at most; it was taken off."))
    if not _stood_still(made):
        rows += [
            ("Sway", f"{motion.sway_mm:.0f} mm", f"Of the head at most; {motion.sway_rms_mm:.0f} mm RMS."),
            (
                "Arms",
                f"{motion.arms_mm:.0f} mm",
                "A wrist from its mean place, as the chest sees it, at most.",
            ),
            ("Motion", "followed" if report.followed else "not needed", _followed_words(made)),
        ]
    rows += [
        (f"Agreement, {how}", f"{value:.2f} mm", _AGREEMENT[how])
        for how, value in report.agreement_mm.items()
        if how in _AGREEMENT
    ]
    rows.append(("Cells", f"{report.voxel_mm:.1f} mm", "Side of the cells that the surface was made on."))
    rows.append(("Expected error", f"{report.sigma_mm:.2f} mm", "Of the surface, standard error, median."))
    if "all" in report.coverage:
        rows.append(("Coverage", f"{100 * report.coverage['all']:.0f} %", "Share of the body that was seen."))
    return rows


_AGREEMENT = {
    "rigid": "Single points to a surface of 5 mm cells, as if the person stood like a statue.",
    "body": "The same, with the person's sway taken out by the body model.",
}


def _curve(error: RangeError | None) -> dict[str, list[float]] | None:
    """Every two centimetres."""
    if error is None:
        return None
    distance = np.arange(error.start_m, error.end_m, 0.02)
    return {
        "distance_m": distance.round(3).tolist(),
        "error_mm": (1000 * error.at(distance)).round(3).tolist(),
    }


def _followed_words(made: Made) -> str:
    if made.scan.report.followed:
        return "All frames were brought to the mean pose by the body model."
    return "The frames agree as well when nobody moved: they were fused as they are."


def _tiles(made: Made) -> tuple[Number, ...]:
    report = made.scan.report
    items: list[Number] = [("Height", f"{100 * np.ptp(made.scan.capture.mesh.vertices[:, 1]):.1f}", "cm")]
    if "all" in report.coverage:
        items.append(("Seen", f"{100 * report.coverage['all']:.0f}", "%"))
    items += [
        ("Expected error", f"{report.sigma_mm:.2f}", "mm"),
        ("Turn", f"{report.trajectory.total_turn_deg:.0f}", "°"),
    ]
    if not _stood_still(made):
        items.append(("Sway", f"{report.motion.sway_mm:.0f}", "mm"))
    return tuple(items)


def notes(made: Made) -> tuple[str, ...]:
    """Return what a person should know of the scan, nothing twice."""
    return tuple(dict.fromkeys((*made.scan.capture.notes, *made.scan.report.trajectory.notes)))


def _stood_still(made: Made) -> bool:
    """Whether the person was taken to stand still: then nothing was found out about their motion."""
    return made.options.depth.motion == "rigid" or "body" not in made.scan.report.agreement_mm


def _example(made: Made) -> ExampleFrame:
    """The frame that sees the person most from the front, and the pixels of it that were used."""
    report = made.scan.report
    frame = made.capture.frames[report.front_id]
    used = np.zeros(frame.depth_m.shape, bool)
    row, column = report.front.corner
    height, width = report.front.index.shape
    used[row : row + height, column : column + width] = report.front.index >= 0
    pose = report.trajectory.world_from_camera[report.frames.index(report.front.name)]
    return ExampleFrame(frame, used, pose)


def _median(values: F64) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _number(value: float) -> float | None:
    """A number for JSON, which knows no NaN."""
    return round(float(value), 3) if np.isfinite(value) else None
