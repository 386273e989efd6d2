from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.body_data import app
from bodyscan.consent import Purpose, Use, geometry_digest, require_bound_consent

SAMPLES = Path(__file__).parents[2] / "sample_scans"
RECORD = SAMPLES / "woman.consent.json"


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_consent_is_checked_before_the_scan_is_read(tmp_path):
    scan, record = tmp_path / "scan.ply", tmp_path / "consent.json"
    scan.write_text("this is no PLY at all")
    record.write_text("{}")
    out = tmp_path / "out"
    assert run(scan, "--consent", record, "-o", out, code=4).stderr.startswith("error: ")
    assert "cannot be read" in run(scan, "--consent", tmp_path / "none.json", "-o", out, code=3).stderr
    assert not out.exists()


def test_without_the_controllers_key_there_is_nothing_to_bind(tmp_path):
    scan, record = tmp_path / "scan.ply", tmp_path / "consent.json"
    scan.write_text("ply\n")
    record.write_text(RECORD.read_text())
    message = run(scan, "--consent", record, "-o", tmp_path / "out", code=4).stderr
    assert "private key of the controller" in " ".join(message.split())


def test_a_use_that_the_consent_does_not_cover_is_refused(tmp_path):
    scan = tmp_path / "scan.ply"
    scan.write_text("ply\n")
    given = (scan, "--consent", RECORD, "-o", tmp_path / "out")
    assert "does not allow AI training" in run(*given, "--purpose", "ai_training", code=4).stderr
    assert not (tmp_path / "out").exists()


def test_a_full_folder_an_unknown_pose_and_a_missing_scan_are_refused(tmp_path):
    scan = tmp_path / "scan.ply"
    scan.write_text("ply\n")
    given = ("--consent", RECORD)
    assert "is not empty" in run(scan, *given, "-o", tmp_path, code=3).stderr
    assert "possible are a45" in run(scan, *given, "-o", tmp_path / "o", "--pose", "lotus", code=3).stderr
    assert "possible are 0 to 70" in run(scan, *given, "-o", tmp_path / "o", "--pose", "a80", code=3).stderr
    assert "There is no file" in run(tmp_path / "none.ply", *given, "-o", tmp_path / "o", code=3).stderr


def test_a_twin_is_not_put_under_another_consent(twin_file, tmp_path):
    message = run(twin_file, "--consent", RECORD, "-o", tmp_path / "out", code=4).stderr
    assert "body data are made of the raw scan" in " ".join(message.split())


@pytest.mark.slow
def test_a_sample_scan_becomes_a_folder_whose_consent_belongs_to_its_body(tmp_path):
    out = tmp_path / "woman"
    told = json.loads(run(SAMPLES / "woman.obj", "--consent", RECORD, "-o", out, "-q", "--json").stdout)
    assert sorted(told["files"]) == sorted(path.name for path in out.iterdir())
    rows = [line.split() for line in (out / "body.obj").read_text().splitlines()]
    vertices = np.array([row[1:] for row in rows if row[0] == "v"], np.float32)
    faces = np.array([row[1:] for row in rows if row[0] == "f"], np.int32) - 1
    text, now = (out / "consent.json").read_text(), datetime.now(UTC)
    record = require_bound_consent(
        text, geometry_digest(vertices, faces), use=Use(Purpose.MAKE_TWIN), now=now
    )
    assert record.record_id == told["record_id"]
    taken = json.loads((out / "measurements.json").read_text())["measurements"]
    stature = next(m["value_cm"] for m in taken if m["name"] == "stature")
    assert 100 * np.ptp(vertices[np.unique(faces), 1]) == pytest.approx(stature, abs=1.0)
