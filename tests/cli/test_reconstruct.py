from __future__ import annotations

import json
import typing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bodyscan.pipeline.depth
from bodyscan.capture import read_scan
from bodyscan.cli.progress import StageProgress
from bodyscan.consent.key_files import save_private_key
from bodyscan.errors import InputError, StageError
from bodyscan.ledger import Ledger
from bodyscan.pipeline import StageEvent
from bodyscan.pipeline.depth import DepthScan
from bodyscan.run.hints import Sensor
from bodyscan.run.options import load_options
from bodyscan.run.scan import read_person
from bodyscan.types import SENSORS
from capture.depth_writers import known_frames
from cli.depth_scans import COUNT, DEMO, command, consent_and_capture, run, stick_scan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return consent_and_capture(tmp_path)


def refused(folder: Path, *more: object, code: int) -> str:
    result = run(*command(folder, *more), code=code)
    assert not (folder / "scan.ply").exists()
    assert not list(folder.glob(".*"))
    assert result.stdout == ""
    return " ".join(result.stderr.split("error: ", 1)[1].split())


@pytest.fixture
def quick(folder, monkeypatch) -> DepthScan:
    """The stages are skipped; all around them is real."""
    scan = stick_scan(folder)

    def skipped(capture, options, *, reconstruct, on_stage):
        for step in scan.stages:
            on_stage(StageEvent(step.stage, "done", step.seconds))
        return scan

    monkeypatch.setattr(bodyscan.pipeline.depth, "depth_to_scan", skipped)
    return scan


def test_consent_is_checked_before_the_capture_is_read(folder):
    (folder / "capture" / "camera_intrinsic.json").write_text("no JSON")
    (folder / "consent.json").write_text("{}")
    assert refused(folder, code=4)
    (folder / "consent.json").unlink()
    assert "consent.json cannot be read" in refused(folder, code=3)
    (folder / "consent.json").write_text(DEMO.text)
    assert "does not allow AI training" in refused(folder, "--purpose", "ai_training", code=4)
    assert "camera_intrinsic.json" in refused(folder, code=3)


def test_an_altered_record_is_refused(folder):
    value = json.loads(DEMO.text)
    value["payload"] = value["payload"][:-8] + "AAAAAAAA"
    (folder / "consent.json").write_text(json.dumps(value))
    assert "The consent is altered" in refused(folder, code=4)


def test_what_is_no_depth_capture_is_told_what_to_do(folder):
    scan = folder / "scan.obj"
    scan.write_text("v 0 0 0\n")
    about = ("--consent", folder / "consent.json", "-o", folder / "out.ply")
    message = run("reconstruct", scan, *about, code=3).stderr
    assert "scan.obj is no depth capture" in message
    assert "`bodyscan twin`" in message
    (folder / "empty").mkdir()
    assert "is empty" in run("reconstruct", folder / "empty", *about, code=3).stderr
    assert "There is no file or folder" in run("reconstruct", folder / "none", *about, code=3).stderr
    assert not (folder / "out.ply").exists()


def test_an_output_that_cannot_be_is_refused_before_the_work(folder):
    about = ("reconstruct", folder / "capture", "--consent", folder / "consent.json", "-o")
    assert "must end in .ply" in run(*about, folder / "scan.obj", code=3).stderr
    assert "does not exist" in run(*about, folder / "none" / "scan.ply", code=3).stderr
    (folder / "folder.ply").mkdir()
    assert "is a folder" in run(*about, folder / "folder.ply", code=3).stderr
    assert "give a folder" in refused(folder, "--report", folder / "consent.json", code=3)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--voxel-mm", "50"), "possible: 1 to 10 mm"),
        (("--depth-scale", "0"), "depth_scale is 0"),
    ],
)
def test_an_option_out_of_its_range_is_refused(folder, option, words):
    assert words in refused(folder, *option, code=3)


def test_a_unit_of_a_raw_scan_is_no_option_of_a_depth_capture(folder):
    (folder / "quick.toml").write_text('[scan]\nunit = "mm"\n')
    assert "is in metres" in refused(folder, code=3)


def test_the_sensors_of_the_option_are_those_that_are_known():
    assert typing.get_args(Sensor) == SENSORS


def test_a_file_sets_the_options_of_every_stage_and_flags_win(tmp_path):
    file = tmp_path / "options.toml"
    file.write_text(
        '[scan]\nsensor = "azure-kinect"\n[depth]\nposes = "track"\nvoxel_mm = 4\n'
        "[depth.track]\nsamples = 900\n"
        "[depth.fuse]\ngood_sigma_m = 0.002\n"
    )
    options = load_options(file, {"depth": {"poses": "given", "motion": None}})
    assert (options.scan.sensor, options.depth.poses, options.depth.voxel_mm) == (
        "azure-kinect",
        "given",
        4.0,
    )
    assert (options.depth.track.samples, options.depth.fuse.good_sigma_m) == (900, 0.002)
    for text, words in (("[depth]\nvoxel = 4\n", "voxel_mm"), ("[depth.track]\nsample = 1\n", "samples")):
        file.write_text(text)
        with pytest.raises(InputError, match=f"known are: .*{words}"):
            load_options(file, {})


def test_a_capture_that_does_not_close_ends_with_5_and_leaves_nothing(folder, monkeypatch):
    def open_loop(*_, **__):
        raise StageError("The capture does not close: take a full turn, or --accept-open.")

    monkeypatch.setattr(bodyscan.pipeline.depth, "depth_to_scan", open_loop)
    assert "does not close" in refused(folder, "--report", folder / "report", code=5)
    assert not (folder / "report").exists()
    assert not (folder / "ledger.sqlite").exists()


def test_nobody_in_the_frames_is_an_input_error(folder):
    assert "show no person" in refused(folder, code=3)


def test_the_scan_is_written_with_all_that_is_known_and_the_use_before_it(folder, quick):
    told = json.loads(run(*command(folder, "--report", folder / "report", "--json")).stdout)
    scan = read_scan(folder / "scan.ply")
    assert np.allclose(scan.mesh.vertices, quick.capture.mesh.vertices, atol=1e-6)  # metres
    np.testing.assert_array_equal(scan.mesh.faces, quick.capture.mesh.faces)
    np.testing.assert_array_equal(scan.confidence, quick.capture.confidence)
    assert scan.mesh.normals is not None
    header = (folder / "scan.ply").read_bytes().split(b"end_header", 1)[0].decode()
    for line in ("unit m", "up +y", "facing +z", f"consent {DEMO.record.record_id}"):
        assert f"\ncomment {line}\n" in header
    entries = json.loads(run("ledger", "list", "--ledger", folder / "ledger.sqlite", "--json").stdout)
    assert [entry["kind"] for entry in entries] == ["export", "render"]
    assert {entry["purpose"] for entry in entries} == {"make_twin"}
    assert told["ledger_entry"] == 1
    with Ledger.open(folder / "ledger.sqlite", read_only=True) as ledger:
        assert len(list(ledger.entries())) == 2


def test_json_holds_the_numbers_and_the_page_shows_them(folder, quick):
    told = json.loads(run(*command(folder, "--report", folder / "report", "--json")).stdout)
    assert np.array(told["trajectory"]).shape == (COUNT, 4, 4)
    np.testing.assert_allclose(told["trajectory"], quick.report.trajectory.world_from_camera, atol=1e-6)
    assert told["loop_rms_mm"] is None  # no pair closes it, and JSON knows no NaN
    assert told["sway"] == {"head_mm": 12.0, "head_rms_mm": 5.0, "arms_mm": 20.0}
    error = told["range_error"]
    assert len(error["distance_m"]) == len(error["error_mm"]) > 0
    assert set(error["error_mm"]) == {1.5}
    assert told["coverage"] == {"all": 0.75, "head": 0.5, "torso": 1.0}
    assert (told["voxel_mm"], told["expected_error_mm"]) == (4.2, 0.8)
    assert told["notes"] == ["Left out.", "Moved."]
    assert (told["frames"]["used"], told["frames"]["in_capture"]) == (COUNT, COUNT)
    page = Path(told["report"]).read_text()
    for text in (
        "12 mm",
        "4.2 mm",
        "1.5 mm",
        "75 %",
        "Not all around",
        "none found",
        "Left out.",
        "Moved.",
        "4 of 4",
    ):
        assert text in page
    assert [stage["name"] for stage in told["stages"]] == ["read", "frames", "fusion", "write", "report"]


def test_rows_for_a_person_name_the_least_seen_part(folder, quick):
    text = run(*command(folder)).stdout
    assert "head 50 %, torso 100 %" in text
    assert "ledger" in text


def test_who_stood_like_a_statue_has_no_sway(folder, quick):
    told = json.loads(run(*command(folder, "--motion", "rigid", "--json")).stdout)
    assert told["sway"] is None


def test_a_single_instant_has_no_sway(folder, quick, monkeypatch):
    alone = replace(quick, report=replace(quick.report, agreement_mm={"rigid": 2.0}, followed=False))
    monkeypatch.setattr(bodyscan.pipeline.depth, "depth_to_scan", lambda *_, **__: alone)
    assert json.loads(run(*command(folder, "--json")).stdout)["sway"] is None


def test_the_same_capture_gives_the_same_file_and_is_one_use(folder, quick):
    run(*command(folder))
    first = (folder / "scan.ply").read_bytes()
    assert "billed once" in run(*command(folder)).stdout
    assert (folder / "scan.ply").read_bytes() == first


def test_a_full_disk_leaves_the_old_file_and_voids_the_use(folder, quick, monkeypatch):
    (folder / "scan.ply").write_bytes(b"old")
    move = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).suffix == ".ply":
            raise OSError(28, "No space left on device")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left" in run(*command(folder), code=3).stderr
    assert (folder / "scan.ply").read_bytes() == b"old"
    assert not [path for path in folder.iterdir() if path.suffix == ".tmp"]
    entries = json.loads(run("ledger", "list", "--ledger", folder / "ledger.sqlite", "--json").stdout)
    assert [(entry["kind"], entry["voids"]) for entry in entries] == [("export", None), ("void", 1)]


def test_inspect_tells_what_is_in_a_capture(folder):
    told = json.loads(run("inspect", folder / "capture", "--json").stdout)
    frame = known_frames(1)[0]
    known = frame.depth_m[frame.depth_m > 0]
    assert (told["kind"], told["format"], told["frames"]) == ("depth capture", "open3d", COUNT)
    assert told["sizes_px"] == [[frame.depth_m.shape[1], frame.depth_m.shape[0]]]
    assert told["poses"] == "all"
    assert known.min() - 0.1 < told["depth_m"]["p1"] < told["depth_m"]["p99"] < known.max() + 0.1  # metres
    text = run("inspect", folder / "capture").stdout
    assert "say which with --sensor" in text
    (folder / "capture" / "trajectory.log").unlink()
    assert "will be tracked" in run("inspect", folder / "capture").stdout


@pytest.mark.parametrize("name", ["twin", "measure", "body-data"])
def test_other_commands_take_a_capture_in_the_place_of_a_scan(folder, monkeypatch, name):
    save_private_key(DEMO.controller_key, folder / "studio.jwk")
    asked = []

    def stopped(capture, options, **_):
        asked.append((capture.file_format, options.accept_open, options.track.samples))
        raise StageError("This far.")

    monkeypatch.setattr(bodyscan.pipeline.depth, "depth_to_scan", stopped)
    (folder / "o.toml").write_text("[depth.track]\nsamples = 400\n")
    out = {"twin": ("-o", folder / "twin.glb"), "body-data": ("-o", folder / "out"), "measure": ()}[name]
    about = ("--consent", folder / "consent.json", "--accept-open", "--config", folder / "o.toml", *out)
    assert "This far." in run(name, folder / "capture", *about, code=5).stderr
    assert asked == [("open3d", True, 400)]
    (folder / "consent.json").write_text("{}")
    run(name, folder / "capture", *about, code=4)
    assert len(asked) == 1
    assert not (folder / "twin.glb").exists()
    assert not (folder / "out").exists()


def test_steps_and_notes_of_a_capture_go_along(folder, quick):
    with StageProgress((), quiet=True) as progress:
        scanned = read_person(folder / "capture", load_options(None, {}), progress)
    assert scanned.capture.notes == ("Left out.", "Moved.")
    assert [step.stage for step in scanned.steps] == ["frames", "fusion"]
    assert [stage.name for stage in progress.finished] == ["read", "frames", "fusion"]


def test_photos_have_no_place_in_a_depth_captures_frame(folder):
    save_private_key(DEMO.controller_key, folder / "studio.jwk")
    about = ("--consent", folder / "consent.json", "-o", folder / "twin.glb", "--photos", folder)
    assert "bodyscan reconstruct" in run("twin", folder / "capture", *about, code=3).stderr
