"""A turn before a depth camera, as a user gives it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bodyscan.capture import read_scan
from bodyscan.consent.key_files import save_private_key
from bodyscan.geometry.raycast import Raycaster
from bodyscan.gltf import read_glb
from bodyscan.simulate.depth import SimulatedDepth
from bodyscan.simulate.write_depth import write_depth
from cli.depth_scans import DEMO, command, consent_and_capture, run
from simulate.depth_captures import capture as simulated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return consent_and_capture(tmp_path)


@pytest.fixture(scope="session")
def turn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SimulatedDepth]:
    """A full turn before a perfect camera whose pixels are 7 mm apart on the person."""
    sim = simulated(frames=12, width=320, height=288)
    path = tmp_path_factory.mktemp("turn") / "capture"
    write_depth(sim, path, file_format="open3d")
    return path, sim


QUICKLY = ("--sensor", "ideal", "--motion", "rigid", "--quiet", "--json")


@pytest.mark.slow
def test_a_turn_before_a_camera_becomes_a_scan_with_a_report(turn, folder):
    path, sim = turn
    more = ("--voxel-mm", "5", "--report", folder / "report", *QUICKLY)
    told = json.loads(run(*[path if a == folder / "capture" else a for a in command(folder, *more)]).stdout)
    assert told["all_around"]
    assert told["coverage"]["all"] > 0.9
    assert told["frames"]["used"] == 12
    assert "One frame" in (folder / "report" / "report.html").read_text()
    scan = read_scan(folder / "scan.ply")
    assert scan.notes == ()
    assert scan.confidence is not None
    # The cameras are known in both worlds: they tell where the scan stands in the true one.
    truth_from_scan = sim.truth.world_from_camera @ np.linalg.inv(np.array(told["trajectory"]))
    assert np.abs(truth_from_scan - truth_from_scan[0])[:, :3, 3].max() < 0.001  # metres
    placed = scan.mesh.vertices @ truth_from_scan[0, :3, :3].T + truth_from_scan[0, :3, 3]
    distance = Raycaster(sim.truth.surface(None)).closest(placed)[0]
    assert np.median(distance) < 0.0003  # metres; the pixels are 7 mm apart
    assert np.percentile(distance, 95) < 0.0015


def put_together(path: Path, frames: list[int], target: Path) -> Path:
    """Write some frames of a capture, without their poses, as a capture of their own."""
    for kind in ("depth", "color"):
        (target / kind).mkdir(parents=True)
        files = sorted((path / kind).iterdir())
        for k, frame in enumerate(frames):
            (target / kind / f"{k:06d}{files[frame].suffix}").write_bytes(files[frame].read_bytes())
    for name in ("camera_intrinsic.json", "config.json"):
        (target / name).write_bytes((path / name).read_bytes())
    return target


@pytest.mark.slow
def test_who_steps_in_before_the_turn_and_out_after_it_is_no_part_of_it(turn, folder):
    path, sim = turn
    long = put_together(path, [6, 3, *range(12), 5], folder / "long")
    more = [long if a == folder / "capture" else a for a in command(folder, "--voxel-mm", "5", *QUICKLY)]
    told = json.loads(run(*more).stdout)
    assert told["all_around"]
    assert told["frames"]["used"] == 12
    assert told["frames"]["names"] == [f"{k:06d}.png" for k in range(2, 14)]
    (note,) = (note for note in told["notes"] if "follow" in note)
    assert note == (
        "Left out, because they do not follow the others: 000000.png, 000001.png, 000014.png (3 of 15)."
    )
    truth_from_scan = sim.truth.world_from_camera @ np.linalg.inv(np.array(told["trajectory"]))
    assert np.abs(truth_from_scan - truth_from_scan[0])[:, :3, 3].max() < 0.005  # metres; tracked


@pytest.mark.slow
def test_half_a_turn_does_not_close(turn, folder):
    path, _ = turn
    half = put_together(path, list(range(5)), folder / "half")
    lines = (path / "trajectory.log").read_text().splitlines()[:25]
    (half / "trajectory.log").write_text("\n".join(lines) + "\n")
    more = [half if a == folder / "capture" else a for a in command(folder, *QUICKLY)]
    message = run(*more, code=5).stderr
    assert "does not close" in message
    assert "--accept-open" in message
    assert not (folder / "scan.ply").exists()


@pytest.mark.slow
def test_a_turn_before_a_camera_becomes_a_twin_that_tells_how(turn, folder):
    path, _ = turn
    save_private_key(DEMO.controller_key, folder / "studio.jwk")
    (folder / "coarse.toml").write_text("[depth]\nvoxel_mm = 5\n[texture]\nsize = 1024\n")
    about = ("--consent", folder / "consent.json", "-o", folder / "twin.glb", "--levels", "1")
    about = (*about, "--report", folder / "report")
    more = ("--config", folder / "coarse.toml", "--no-collision", "--ledger", folder / "l.sqlite", *QUICKLY)
    run("twin", path, *about, *more)
    steps = [step.stage for step in read_glb(folder / "twin.glb").provenance.steps]
    assert steps[:5] == ["frames", "poses", "first fit", "fusion", "reconstruct"]
    assert 'href="capture.html"' in (folder / "report" / "report.html").read_text()
    assert "One frame" in (folder / "report" / "capture.html").read_text()
