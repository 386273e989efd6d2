from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.main import app
from bodyscan.gltf.container import pack_glb, unpack_glb
from gltf.shapes import small_twin

SAMPLES = Path(__file__).parents[2] / "sample_scans"


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["measure", *(str(argument) for argument in arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_a_twin_tells_its_stored_measurements(twin_file):
    values = json.loads(run(twin_file, "--json").stdout)
    made = small_twin().measurements
    assert values["kind"] == "twin"
    assert [(m["name"], m["value_cm"]) for m in values["measurements"]] == [
        (m.name, m.value_cm) for m in made
    ]


def test_the_table_has_a_line_a_measurement(twin_file):
    lines = run(twin_file).stdout.splitlines()
    for line, measurement in zip(lines, small_twin().measurements, strict=True):
        assert line.startswith(measurement.name)
        assert f"{measurement.value_cm:.1f} cm" in line


def test_a_twin_that_lost_its_measurements_is_refused(twin_file, tmp_path):
    document, binary = unpack_glb(twin_file)
    text = json.loads(json.dumps(document).replace('"measurements"', '"gone"'))
    bare = tmp_path / "bare.glb"
    bare.write_bytes(pack_glb(text, binary))
    assert "holds no measurements" in run(bare, code=3).stderr


def test_a_raw_scan_needs_consent(tmp_path):
    scan = tmp_path / "scan.ply"
    scan.write_text("ply\n")
    message = run(scan, code=4).stderr
    assert "scan.ply is a raw scan of a person" in message
    assert "--consent" in message


def test_consent_is_checked_before_the_scan_is_read(tmp_path):
    scan, record = tmp_path / "scan.ply", tmp_path / "consent.json"
    scan.write_text("this is no PLY at all")
    record.write_text("{}")
    assert run(scan, "--consent", record, code=4).stderr.startswith("error: ")
    assert "cannot be read" in run(scan, "--consent", tmp_path / "none.json", code=3).stderr


def test_a_missing_file_is_refused(tmp_path):
    assert "There is no file" in run(tmp_path / "none.glb", code=3).stderr


@pytest.mark.slow
def test_a_sample_scan_measures_as_tall_as_its_truth(tmp_path):
    import numpy as np

    from bodyscan.body.asset import load_body_model
    from bodyscan.body.measurements import measure_person
    from bodyscan.types import BodyParams

    result = run(SAMPLES / "man.ply", "--consent", SAMPLES / "man.consent.json", "--json", "-q")
    found = {m["name"]: m["value_cm"] for m in json.loads(result.stdout)["measurements"]}
    with np.load(SAMPLES / "man.truth.npz") as truth:
        params = BodyParams(truth["betas"], truth["pose_rotvec"], truth["translation"])
    expected = {m.name: m.value_cm for m in measure_person(load_body_model("adult"), params)}
    # The hips are not among them: the man wears briefs, and the surface shows them.
    for name in ("stature", "waist_girth", "bust_girth", "calf_girth"):
        assert found[name] == pytest.approx(expected[name], abs=1.5), name
