from __future__ import annotations

import json

import numpy as np
from typer.testing import CliRunner, Result

from bodyscan.cli.main import app
from bodyscan.gltf import read_consent, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from gltf.shapes import small_twin

PLY = """ply
format ascii 1.0
element vertex 4
property float x
property float y
property float z
element face 2
property list uchar int vertex_indices
end_header
0 0 0
500 0 0
0 1700 0
0 0 300
3 0 1 2
3 0 2 3
"""


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_inspect_tells_what_is_in_a_twin(twin_file):
    values = json.loads(run("inspect", twin_file, "--json").stdout)
    made = small_twin()
    assert values["kind"] == "twin"
    assert values["triangles"] == len(made.rig.mesh.faces)
    assert values["joints"] == list(made.rig.skeleton.joint_names)
    assert values["face_shapes"] == [morph.name for morph in made.morphs]
    assert np.allclose(values["size_m"], np.ptp(made.rig.mesh.vertices, axis=0), atol=1e-4)  # metres
    assert values["consent"]["record"]["subject"]["pseudonym"] == "DEMO Alba"
    assert values["consent"]["binding"]["seal"]["geometry"].startswith("tri-sha256-v1:")
    text = run("inspect", twin_file).stdout
    assert "consent: person" in text
    assert "DEMO Alba" in text


def test_inspect_tells_who_is_in_a_depth_capture(sample_scans):
    turn = sample_scans / "turntable"
    assert "people" not in json.loads(run("inspect", turn, "--json").stdout)
    values = json.loads(run("inspect", turn, "--people", "--json").stdout)
    assert len(values["people"]) == values["frames_loaded"]
    with np.load(sample_scans / "turntable.truth.npz") as truth:
        tall = float(np.ptp(truth["vertices"][:, 1]))
    for seen in values["people"]:
        (person,) = seen["people"]
        assert tall - 0.045 < person["height_m"] < tall + 0.01  # metres: the crown is not seen from the chest
        assert 1.6 < person["distance_m"] < 2.1  # the camera stands 1.9 m from the axis
        assert person["cut_off"] == []
        assert seen["camera_height_m"] > 0.5
    assert "1 in 5 of 5 frames" in run("inspect", turn, "--people").stdout


def test_inspect_looks_for_people_in_depth_captures_alone(tmp_path):
    scan = tmp_path / "scan.ply"
    scan.write_text(PLY)
    assert "is no depth capture" in run("inspect", scan, "--people", code=3).stderr


def test_inspect_tells_of_a_scan_in_whose_unit_it_could_be(tmp_path):
    scan = tmp_path / "scan.ply"
    scan.write_text(PLY)
    values = json.loads(run("inspect", scan, "--json").stdout)
    assert (values["kind"], values["vertices"], values["triangles"]) == ("mesh", 4, 2)
    assert values["extent"] == [500, 1700, 300]
    assert values["units_of_a_person"] == ["mm"]
    assert "500 x 1700 x 300 in the file's unit" in run("inspect", scan).stdout


def test_inspect_shows_that_a_consent_is_not_sound(twin_file, tmp_path):
    document, binary = unpack_glb(twin_file)
    consent, _, _ = read_consent(twin_file)
    signature = json.loads(str(consent))["record"]["signatures"][0]["signature"]
    forged = ("B" if signature[0] == "A" else "A") + signature[1:]
    changed = tmp_path / "changed.glb"
    changed.write_bytes(pack_glb(json.loads(json.dumps(document).replace(signature, forged)), binary))
    assert json.loads(run("inspect", changed, "--json").stdout)["consent"]["problem"]


def test_what_is_not_there_is_an_input_error(tmp_path):
    for command in ("inspect", "validate"):
        result = run(command, tmp_path / "none.glb", code=3)
        assert "error: There is no file" in result.stderr
    other = tmp_path / "x.glb"
    other.write_bytes(b"glTF but no more")
    assert "error:" in run("validate", other, code=3).stderr


def test_validate_passes_a_sound_twin_with_a_valid_consent(twin_file):
    values = json.loads(run("validate", twin_file, "--json").stdout)
    assert values["sound"]
    assert values["consent"]["state"] == "valid"
    assert run("validate", twin_file).stdout.splitlines()[-1].split() == ["file", "sound"]


def test_validate_fails_a_twin_without_consent(tmp_path):
    path = tmp_path / "bare.glb"
    path.write_bytes(twin_to_glb(small_twin()))  # its record is signed and bound to nothing
    values = json.loads(run("validate", path, "--json", code=4).stdout)
    assert values["consent"]["state"] == "unbound"


def test_validate_denies_a_face_that_is_not_at_rest(twin_file, tmp_path):
    document, binary = unpack_glb(twin_file)
    count = len(document["meshes"][0]["primitives"][0]["targets"])
    document["meshes"][0]["weights"] = [0.5] + [0.0] * (count - 1)
    path = tmp_path / "face.glb"
    path.write_bytes(pack_glb(document, binary))
    told = run("validate", path, code=4).stdout
    assert "MORPH_NOT_AT_REST" in told
    assert "shows the face shape jawOpen from the start" in told


def test_validate_counts_warnings_where_it_is_told_to(twin_file, tmp_path):
    document, binary = unpack_glb(twin_file)
    del document["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]
    path = tmp_path / "facets.glb"
    path.write_bytes(pack_glb(document, binary))
    assert "NO_NORMALS" in run("validate", path).stdout
    assert run("validate", path, "--strict", code=5).stdout.splitlines()[-1].split() == [
        "file",
        "not",
        "sound",
    ]
