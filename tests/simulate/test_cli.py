"""`bodyscan simulate raw` writes a scan and its truth, and refuses before it works."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from bodyscan.cli.simulate import app

RUNNER = CliRunner()


@pytest.mark.slow
def test_raw_writes_scan_and_truth(tmp_path):
    scan, truth = tmp_path / "scan.stl", tmp_path / "truth.npz"
    call = ["raw", "-o", str(scan), "--truth", str(truth), "--seed", "7", "--faces", "4000", "--hole", "none"]
    call += ["--set", "num_cameras=8", "--set", "voxel_mm=14", "--height-m", "1.7", "--json"]
    result = RUNNER.invoke(app, call)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert scan.stat().st_size == 84 + 50 * told["faces"]
    with np.load(truth) as read:
        info = json.loads(str(read["info"]))
        assert np.ptp(read["vertices"][:, 1]) == pytest.approx(1.7, abs=0.05)
    assert info["options"]["voxel_mm"] == 14.0
    assert info["options"]["holes"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "scan.fbx"], "scans are written as .ply, .obj, .stl, .glb"),
        (["-o", "scan.ply", "--truth", "truth.json"], "the truth is written as .npz"),
        (["-o", "scan.ply", "--hair", "mohawk"], "possible: bald, short, bob, long"),
        (["-o", "scan.ply", "--set", "colour=red"], "give NAME=VALUE with a name of: shape_spread"),
        (["-o", "scan.ply", "--set", "sway_deg=much"], "a number is wanted"),
        (["-o", "scan.ply", "--set", "pole=1"], "possible: true, false"),
    ],
)
def test_a_mistake_is_refused_at_once(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, ["raw", *arguments])
    assert result.exit_code == 3
    assert message in result.stderr
    assert not list(tmp_path.iterdir())
