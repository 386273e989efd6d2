"""Reads what is given as a person's scan: a raw scan, or a depth capture that a scan is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bodyscan.errors import InputError

if TYPE_CHECKING:
    from bodyscan.pipeline.depth import DepthScan
    from bodyscan.run.hints import ScanHints
    from bodyscan.run.options import TwinOptions
    from bodyscan.run.progress import Progress
    from bodyscan.types import Capture, DepthCapture, ProvenanceStep

DEPTH_STAGES = ("frames", "poses", "first fit", "motion", "fusion")


@dataclass(frozen=True, eq=False)
class Scanned:
    """A person's scan, as it was read or made of a depth capture."""

    capture: Capture
    steps: tuple[ProvenanceStep, ...] = ()
    """Those that made it."""
    frames: DepthCapture | None = None
    """What it was made of."""
    depth: DepthScan | None = None
    """How."""


def is_depth(path: Path) -> bool:
    """Whether a path is to be read as a depth capture. A folder always is: no raw scan is one."""
    if path.is_dir():
        return True
    from bodyscan.capture.depth import is_depth_capture

    return is_depth_capture(path)


def read_depth_hinted(path: Path, hints: ScanHints) -> DepthCapture:
    """Read a depth capture with what was said of it.

    Raises `InputError` for one that is not recognised, and for hints that only a raw scan can have.
    """
    for name in ("unit", "up", "facing"):
        if getattr(hints, name) is not None:
            raise InputError(
                f"{path.name} is a depth capture: it is in metres, and where up and front are is found from "
                f"the person. Leave --{name} out."
            )
    from bodyscan.capture.depth import read_depth

    return read_depth(path, sensor=hints.sensor, depth_scale=hints.depth_scale)


def read_input(path: Path, options: TwinOptions) -> Capture | DepthCapture:
    """Read a raw scan or a depth capture with what was said of it. Raises `InputError`.

    Here the slow imports happen: Open3D and mediapipe, some seconds.
    """
    if is_depth(path):
        return read_depth_hinted(path, options.scan)
    return read_hinted(path, options.scan)


def read_hinted(scan: Path, hints: ScanHints) -> Capture:
    """Read a scan with what was said of it. Here the slow imports happen: Open3D, some seconds."""
    from bodyscan.capture import read_scan

    return read_scan(scan, unit=hints.unit, up=hints.up, facing=hints.facing)


def with_photos(found: Capture | DepthCapture, folder: Path) -> Capture:
    """Add the photos of a folder to a scan. Raises `InputError` for a depth capture."""
    from bodyscan.capture.photos import read_photos
    from bodyscan.types import Capture

    if not isinstance(found, Capture):
        raise InputError(
            f"{found.source} is a depth capture: no photo's camera is known in the frame of its scan. Make "
            "the scan with `bodyscan reconstruct` and solve the cameras in its frame, or leave --photos out."
        )
    return replace(found, photos=read_photos(folder))


def input_words(found: Capture | DepthCapture) -> str:
    """Return what was read, in a few words for the progress."""
    from bodyscan.types import Capture

    if isinstance(found, Capture):
        return f"{found.source}, {len(found.mesh.vertices):,} vertices"
    return f"{found.source}, {len(found.frames)} frames, format {found.file_format}, sensor {found.sensor}"


def depth_scan(capture: DepthCapture, options: TwinOptions, progress: Progress) -> DepthScan:
    """Make a scan of a depth capture, its stages shown; consent is the caller's to check.

    Raises as `depth_to_scan`.
    """
    from bodyscan.pipeline.depth import depth_to_scan

    return depth_to_scan(
        capture, options.depth, reconstruct=options.pipeline.reconstruct, on_stage=progress.on_stage
    )


def read_person(path: Path, options: TwinOptions, progress: Progress) -> Scanned:
    """Return a raw scan, or a scan made of a depth capture.

    Consent is the caller's to check. Raises `InputError` for what cannot be read, and as `depth_to_scan`.
    """
    with progress.stage("read") as remarks:
        found = read_input(path, options)
        remarks.append(input_words(found))
    return as_scan(found, options, progress)


def as_scan(found: Capture | DepthCapture, options: TwinOptions, progress: Progress) -> Scanned:
    """Return what `read_input` read as a scan. Raises as `depth_to_scan`."""
    from bodyscan.types import Capture

    if isinstance(found, Capture):
        return Scanned(found)
    progress.expect_more(len(DEPTH_STAGES))
    scan = depth_scan(found, options, progress)
    notes = dict.fromkeys((*scan.capture.notes, *scan.report.trajectory.notes))
    return Scanned(replace(scan.capture, notes=tuple(notes)), scan.stages, found, scan)
