from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import trimesh
from typer.testing import CliRunner, Result

from bodyscan.cli.main import app
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.draft import build_record
from bodyscan.consent.key_files import save_private_key
from bodyscan.consent.keys import generate_key
from bodyscan.consent.sign import sign_record
from bodyscan.ledger import Ledger, all_people
from bodyscan.ledger.people import outputs_of
from render.small_pictures import SMALL_PICTURES

STAGES = ["read", "reconstruct", "fit", "measure", "texture", "rig", "levels", "twin", "write", "report"]
DEMO = make_demo_consent("Ada")


def run(*arguments: object, code: int = 0, env: dict[str, str] | None = None) -> Result:
    result = CliRunner(env=env).invoke(app, ["twin", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A consent with the controller's key beside it, and something that will not get far as a scan."""
    (tmp_path / "consent.json").write_text(DEMO.text)
    (tmp_path / "scan.ply").write_text("ply\n")
    save_private_key(DEMO.controller_key, tmp_path / "studio.jwk")
    return tmp_path


def refused(folder: Path, *more: object, code: int, env: dict[str, str] | None = None) -> str:
    arguments = [folder / "scan.ply", "--consent", folder / "consent.json", "-o", folder / "twin.glb", *more]
    result = run(*arguments, code=code, env=env)
    assert not (folder / "twin.glb").exists()
    assert not list(folder.glob(".*"))
    assert result.stdout == ""
    return result.stderr.splitlines()[-1]


def test_a_missing_scan_or_consent_is_an_input_error(folder):
    (folder / "scan.ply").unlink()
    assert "There is no file" in refused(folder, code=3)
    (folder / "scan.ply").write_text("ply\n")
    (folder / "consent.json").unlink()
    assert "consent.json cannot be read: No such file" in refused(folder, code=3)


def test_a_damaged_scan_is_named_after_the_consent_was_checked(folder):
    assert "scan.ply is truncated: its PLY header has no end" in refused(folder, code=3)


def test_a_record_that_nobody_signed_is_refused(folder):
    (folder / "consent.json").write_bytes(DEMO.record.canonical_json())
    assert "stripped: it is a record that nobody has signed" in refused(folder, code=4)


def test_an_altered_record_is_refused(folder):
    value = json.loads(DEMO.text)
    value["payload"] = value["payload"][:-8] + "AAAAAAAA"
    (folder / "consent.json").write_text(json.dumps(value))
    assert "The consent is altered" in refused(folder, code=4)


def signed_record(folder: Path, **changes: object) -> None:
    """Write a record of the demo's person with other contents, signed by the same keys."""
    values = DEMO.record.model_dump(mode="json", exclude_none=True)
    record = build_record({**values, **changes}, lambda name: None)
    assert DEMO.subject_key
    text = sign_record(record, controller=DEMO.controller_key, subject=DEMO.subject_key, guardian=None)
    (folder / "consent.json").write_text(text)


def test_an_expired_record_is_refused(folder):
    signed_record(folder, term={"not_before": "2020-01-01T00:00:00Z", "not_after": "2021-01-01T00:00:00Z"})
    assert "The consent is expired" in refused(folder, code=4)


def test_a_record_that_does_not_allow_a_twin_is_refused(folder):
    scope = {
        "description": "Pictures.",
        "purposes": ["render"],
        "territories": ["worldwide"],
        "media": ["all"],
    }
    signed_record(folder, scope=scope)
    assert "the purpose make_twin is not allowed; allowed: render" in refused(folder, code=4)


def test_a_use_beyond_the_record_is_refused(folder):
    assert "does not allow AI training" in refused(folder, "--purpose", "ai_training", code=4)


def test_without_the_controllers_key_it_says_where_one_may_be_given(folder):
    (folder / "studio.jwk").unlink()
    message = refused(folder, code=4)
    for word in ("DEMO studio", "--controller-key", "BODYSCAN_CONTROLLER_KEY"):
        assert word in message


def test_another_key_than_the_controllers_is_refused(folder):
    other = generate_key()
    save_private_key(other, folder / "other.jwk")
    message = refused(folder, "--controller-key", folder / "other.jwk", code=4)
    assert f"The key other.jwk ({other.thumbprint}) is not the controller's" in message


def test_the_key_may_be_named_in_the_environment_or_lie_among_the_demo_keys(folder):
    env = {"BODYSCAN_CONTROLLER_KEY": str(folder / "elsewhere" / "k.jwk")}
    (folder / "elsewhere").mkdir()
    (folder / "studio.jwk").rename(folder / "elsewhere" / "k.jwk")
    assert "its PLY header has no end" in refused(folder, code=3, env=env)  # past the consent
    (folder / "elsewhere").rename(folder / "demo_keys")
    assert "its PLY header has no end" in refused(folder, code=3)


def test_outputs_are_checked_before_anything_else(folder):
    arguments = [folder / "scan.ply", "--consent", folder / "consent.json", "-o"]
    assert "must end in .glb" in run(*arguments, folder / "twin.fbx", code=3).stderr
    assert "does not exist" in run(*arguments, folder / "no" / "twin.glb", code=3).stderr
    assert "is a file; give a folder" in refused(folder, "--report", folder / "scan.ply", code=3)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--expression", "smile"), "give NAME=SCAN, as smile=scan2.ply"),
        (("--expression", "a=scan.ply", "--expression", "a=scan.ply"), "--expression a was given twice"),
        (("--expression", "smile=nowhere.ply"), "There is no file nowhere.ply"),
        (("--photos", "nowhere"), "There is no folder nowhere"),
        (("--target", "vrm"), "must end in .vrm"),
        (("--target", "mixamo", "--pose", "a"), "wants the twin in the pose 't', and 'a' was asked for"),
        (("--texture-size", "1000"), "TextureOptions.size is 1000; possible: 1024, 2048, 4096"),
    ],
)
def test_what_a_twin_is_asked_to_be_is_checked_before_the_scan_is_read(folder, flags, words, monkeypatch):
    monkeypatch.chdir(folder)
    assert words in refused(folder, *flags, code=3)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[fit]\nbodi = 'adult'\n", "o.toml: fit.bodi is not a known option; known are: body,"),
        ("colour = 1\n", "o.toml: colour is not a known option; known are: accept_quality,"),
        ("[rig]\njoints = 'all'\n", "o.toml: RigOptions.joints is 'all'; possible are body, hands, full"),
        ("[scan]\nunit = 'ell'\n", "o.toml: scan.unit is 'ell'; possible are: m, cm, mm, in"),
        ("rig = \n", "o.toml is no TOML file"),
    ],
)
def test_a_wrong_options_file_is_told_by_name(folder, toml, words):
    (folder / "o.toml").write_text(toml)
    assert words in refused(folder, "--config", folder / "o.toml", code=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory, sample_scans) -> tuple[Path, Result]:
    """The main job, once, on a packaged sample."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "quick.toml").write_text(SMALL_PICTURES)
    result = run(
        *(sample_scans / "man.ply", "--consent", sample_scans / "man.consent.json"),
        *("-o", folder / "twin.glb", "--report", folder / "report", "--config", folder / "quick.toml"),
        *("--pose", "t", "--json", "--ledger", folder / "ledger.sqlite"),
    )
    return folder, result


@pytest.mark.slow
def test_a_sample_becomes_a_sound_twin_with_a_report(made):
    folder, result = made
    values = json.loads(result.stdout)
    assert sorted(path.name for path in folder.iterdir()) == [
        "ledger.sqlite", "quick.toml", "report", "twin.collision.glb", "twin.glb", "twin.lod1.glb",
        "twin.lod2.glb",
    ]  # fmt: skip
    assert [stage["name"] for stage in values["stages"]] == STAGES
    assert [file["kind"] for file in values["files"]] == ["twin", "level 1", "level 2", "collision body"]
    assert values["quality"]["acceptable"]
    assert values["quality"]["surface_mean_mm"] < 3.0
    assert (values["scan"]["unit"], values["scan"]["up"], values["scan"]["facing"]) == ("mm", "+z", "-y")
    assert set(values["scan"]["inferred"]) == {"unit", "up", "facing"}
    assert (values["pose"], values["joints"], values["face_shapes"]) == ("t", 52, 67)
    assert values["consent"]["demo"]
    assert values["ledger_entry"] == 1
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        (person,) = all_people(ledger)
        written = [output for output in outputs_of(ledger, person) if output.sequence == 1]
    assert [(output.place, output.kind) for output in written] == [
        (file["path"], file["kind"]) for file in values["files"]
    ]
    page = (folder / "report" / "report.html").read_text()
    assert page.count("<img") >= 10
    assert "DEMO man" in page


@pytest.mark.slow
def test_the_skin_twin_has_no_hair_and_is_as_sound(made, tmp_path, sample_scans):
    result = run(
        *(sample_scans / "man.ply", "--consent", sample_scans / "man.consent.json"),
        *("-o", tmp_path / "skin.glb", "--pose", "t", "--surface", "skin", "--json"),
    )
    assert json.loads(result.stdout)["face_shapes"] == 67
    checked = CliRunner().invoke(app, ["validate", str(tmp_path / "skin.glb"), "--json"])
    assert checked.exit_code == 0, checked.output
    skin, scanned = (
        trimesh.load(path, force="mesh") for path in (tmp_path / "skin.glb", made[0] / "twin.glb")
    )
    assert skin.faces.shape == scanned.faces.shape
    hair_m = np.ptp(scanned.vertices[:, 1]) - np.ptp(skin.vertices[:, 1])
    assert 0.001 < hair_m < 0.03


@pytest.mark.slow
def test_the_twin_passes_the_checks_and_its_consent_is_bound(made):
    folder, _ = made
    result = CliRunner().invoke(app, ["validate", str(folder / "twin.glb"), "--json"])
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    assert values["consent"]["state"] == "valid"
    assert [f for f in values["findings"] if f["severity"] != "info"] == []


@pytest.mark.slow
def test_every_stage_is_told_on_standard_error(made):
    stages = [line.split()[0] for line in made[1].stderr.splitlines() if " s   " in line]
    assert stages == STAGES


@pytest.mark.slow
def test_every_file_of_a_twin_verifies(made):
    for path in made[0].glob("*.glb"):
        checked = CliRunner().invoke(app, ["consent", "verify", str(path), "--json"])
        assert checked.exit_code == 0, (path.name, checked.output)
        assert json.loads(checked.stdout)["geometry"] == "exact"


@pytest.mark.slow
@pytest.mark.long
def test_a_vrm_for_the_web_is_small_stands_in_t_and_verifies(tmp_path, sample_scans):
    result = run(
        *(sample_scans / "child.glb", "--consent", sample_scans / "child.consent.json"),
        *("-o", tmp_path / "child.vrm", "--target", "vrm", "--profile", "web", "--json"),
    )
    values = json.loads(result.stdout)
    assert (values["pose"], values["joints"]) == ("t", 55)
    assert values["size_bytes"] < 5_000_000
    for file in values["files"]:
        checked = CliRunner().invoke(app, ["consent", "verify", file["path"], "--json"])
        assert checked.exit_code == 0, checked.output


@pytest.mark.slow
def test_a_fit_below_the_stated_quality_leaves_a_report_and_no_twin(tmp_path, sample_scans):
    # One coarse level of two steps and no detail cannot meet a limit of 0.5 mm.
    level = "num_points = 1000\nsigma_m = [0.06, 0.03]\nnum_betas = 4\nnum_face_betas = 0\n"
    level += "fingers = false\nsteps = 2\nlandmark_weight = 1.0\n"
    options = "[fit]\nbody = 'adult'\ndetail = false\nmax_surface_mean_mm = 0.5\n[[fit.levels]]\n"
    (tmp_path / "o.toml").write_text(options + level + SMALL_PICTURES)
    shutil.copy(sample_scans / "woman.consent.json", tmp_path)
    result = run(
        *(sample_scans / "woman.obj", "--consent", sample_scans / "woman.consent.json"),
        *("-o", tmp_path / "twin.glb", "--report", tmp_path / "report", "--config", tmp_path / "o.toml"),
        code=5,
    )
    assert result.stdout == ""
    assert "error: The fit is below the stated quality" in result.stderr
    assert "--accept-quality" in result.stderr
    assert not (tmp_path / "twin.glb").exists()
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Not accepted" in page
    assert "woman.obj" in page


def test_the_demo_records_of_the_samples_hold_now(sample_scans):
    from bodyscan.consent import Purpose, Use, require_consent

    files = sorted(sample_scans.glob("*.consent.json"))
    assert files
    for file in files:
        record = require_consent(file.read_text(), use=Use(Purpose.MAKE_TWIN), now=datetime.now(UTC))
        assert record.demo
