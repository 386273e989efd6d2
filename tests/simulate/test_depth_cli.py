"""`bodyscan simulate depth` writes a capture and its truth, and refuses before it works."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from bodyscan.capture import depth_cameras
from bodyscan.cli.simulate import app

RUNNER = CliRunner()


@pytest.mark.slow
def test_depth_writes_capture_and_truth(tmp_path):
    folder, truth = tmp_path / "capture", tmp_path / "truth.npz"
    call = ["depth", "-o", str(folder), "--truth", str(truth), "--seed", "7", "--frames", "4", "--json"]
    call += ["--sensor", "azure-kinect", "--width", "160", "--height", "144", "--rig", "four-poles"]
    call += ["--sway-mm", "10", "--set", "shape_spread=0.2"]
    result = RUNNER.invoke(app, call)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["format"], told["frames"], told["sensor"]) == ("cameras", 4, "azure-kinect")
    found = depth_cameras.read(folder)
    assert [frame.camera for frame in found.frames] == ["pole-1", "pole-2", "pole-3", "pole-4"]
    with np.load(truth) as read:
        info = json.loads(str(read["info"]))
    assert info["person"]["shape_spread"] == 0.2
    assert info["rig"]["sway_mm"] == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "capture", "--truth", "truth.json"], "the truth is written as .npz"),
        (["-o", "capture", "--sensor", "sonar"], "possible: ideal, kinect-v1"),
        (["-o", "capture", "--width", "320"], "give both or neither"),
        (["-o", "capture", "--rig", "four-poles", "--format", "open3d"], "cannot be written as open3d"),
        (["-o", "capture", "--set", "noise_mm=1"], "give NAME=VALUE with a name of: shape_spread"),
        (["-o", "no/capture"], "does not exist; make it first"),
    ],
)
def test_a_mistake_is_refused_at_once(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, ["depth", *arguments])
    assert result.exit_code == 3
    assert message in result.stderr
    assert not list(tmp_path.iterdir())
