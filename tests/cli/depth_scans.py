"""The command that reconstructs, and a scan as it could give it, without the minute that one takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from typer.testing import CliRunner, Result

from bodyscan.capture.depth import read_depth
from bodyscan.cli.main import app
from bodyscan.consent.demo import make_demo_consent
from bodyscan.pipeline.depth import DepthReport, DepthScan
from bodyscan.pipeline.depth_motion import MotionFound
from bodyscan.reconstruct.depth.points import frame_points
from bodyscan.reconstruct.depth.range_error import RangeError
from bodyscan.reconstruct.depth.track import Trajectory
from bodyscan.types import Capture, ProvenanceStep
from capture.depth_writers import known_frames, write_open3d
from render.shapes import made_twin
from render.small_pictures import SMALL_PICTURES
from render.test_depth_report import ring

COUNT = 4
DEMO = make_demo_consent("Ada")


def run(*arguments: object, code: int = 0) -> Result:
    """Run a command; it must end with `code`."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def consent_and_capture(folder: Path) -> Path:
    """Write a consent and a capture of a ball, which is recognised and shows nobody; return the folder."""
    (folder / "consent.json").write_text(DEMO.text)
    (folder / "quick.toml").write_text(SMALL_PICTURES)
    write_open3d(folder / "capture", known_frames(COUNT))
    return folder


def command(folder: Path, *more: object) -> list[object]:
    """`reconstruct` of that capture, quickly, into `scan.ply`."""
    about = ("--consent", folder / "consent.json", "-o", folder / "scan.ply")
    about = (*about, "--config", folder / "quick.toml")
    return ["reconstruct", folder / "capture", *about, "--ledger", folder / "ledger.sqlite", *more]


def stick_scan(folder: Path) -> DepthScan:
    """What a reconstruction of the capture in `folder` could have given."""
    mesh = made_twin()[0].mesh
    frames = read_depth(folder / "capture").frames
    names = tuple(frame.name for frame in frames)
    front = frame_points(frames[0], frames[0].depth_m > 0, "ideal")
    nan = float("nan")
    pairs, turns = np.array([0.5, 0.7]), np.arange(COUNT) * 90.0
    way = np.arange(3 * COUNT, dtype=np.float64).reshape(COUNT, 3)
    error = RangeError.none([front])
    error = error.changed(np.full(len(error.values_m), 0.0015))
    trajectory = Trajectory(ring(count=COUNT), turns, False, pairs, nan, False, ("Moved.",), error)
    report = DepthReport(
        frames=names,
        trajectory=trajectory,
        poses="given",
        motion=MotionFound(12.0, 5.0, 20.0, way),
        followed=True,
        coverage={"all": 0.75, "head": 0.5, "torso": 1.0},
        sigma_mm=0.8,
        voxel_mm=4.2,
        agreement_mm={"rigid": 2.0, "body": 1.0},
        front_id=0,
        front=front,
        body=mesh,
        seen=np.ones(len(mesh.vertices), bool),
        notes=("Left out.",),
    )
    trust = np.linspace(0, 1, len(mesh.vertices), dtype=np.float32)
    capture = Capture(mesh, unit="m", up="+y", facing="+z", notes=("Left out.",), confidence=trust)
    steps = (ProvenanceStep("frames", "1", 0.1), ProvenanceStep("fusion", "1", 0.2))
    return DepthScan(capture, report, steps)
