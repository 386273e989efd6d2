"""A run without a command line: whose files are whose, what is written down, and what is refused."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from bodyscan.consent import Purpose, Use, open_consent, verify_content
from bodyscan.consent.key_files import save_private_key
from bodyscan.errors import ConsentError, InputError, StageError
from bodyscan.gltf.read_content import read_content
from bodyscan.ledger import Ledger, all_people
from bodyscan.ledger.people import outputs_of
from bodyscan.mark import detect_file
from bodyscan.run.progress import Recorder
from bodyscan.run.twin import TwinDone, TwinJob, run_twin

from .fakes import DEMO, folder_with_inputs, job_in, leave_out_the_fit

Contents = dict[Path, bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_with_inputs(tmp_path)


@pytest.fixture
def no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out_the_fit(monkeypatch)


def everything(folder: Path) -> TwinJob:
    return job_in(
        folder,
        report=folder / "report",
        preview=folder / "twin.png",
        also={"mixamo": folder / "twin.mixamo.glb"},
    )


def made(job: TwinJob) -> tuple[TwinDone, Contents]:
    """The run with a writer that keeps all files in memory."""
    contents: Contents = {}
    return run_twin(job, Recorder(), write=contents.update), contents


def entries(ledger: Path) -> list[tuple[int, str, str]]:
    """Number of the entry, the file's name and what it is, of all that was written down."""
    with Ledger.open(ledger) as opened:
        (person,) = all_people(opened)
        return [(each.sequence, Path(each.place).name, each.kind) for each in outputs_of(opened, person)]


def test_a_writer_that_is_given_takes_all_files_and_no_ledger_is_opened(no_fit, folder, capsys):
    done, contents = made(everything(folder))
    names = {path.relative_to(folder).as_posix(): kind for path, kind in done.kinds.items()}
    assert names == {
        "twin.glb": "twin",
        "twin.mixamo.glb": "mixamo",
        "twin.png": "picture",
        "report/report.html": "report",
    }
    assert contents.keys() == done.kinds.keys()
    assert {path.name for path in folder.iterdir() if path.is_file()} == {
        "consent.json", "scan.ply", "studio.jwk",
    }  # fmt: skip
    assert done.receipt is None
    assert "ledger_entry" not in done.values
    assert (done.report, done.values["preview"]) == (
        folder / "report" / "report.html",
        str(folder / "twin.png"),
    )
    assert capsys.readouterr() == ("", "")


def test_what_the_caller_needs_for_the_ledger_is_returned(no_fit, folder):
    done, _ = made(everything(folder))
    assert done.consent == DEMO.text
    assert done.record == DEMO.record
    assert open_consent(done.result.twin.consent).binding is not None
    assert done.values["warnings"] == ["Look here."]
    assert [(file["kind"], Path(file["path"]).name) for file in done.values["files"]] == [
        ("twin", "twin.glb"), ("mixamo", "twin.mixamo.glb"),
    ]  # fmt: skip


def test_without_a_writer_one_entry_covers_the_twins_and_checks_are_written_down_beside_it(no_fit, folder):
    done = run_twin(everything(folder), Recorder())
    assert done.receipt is not None
    assert done.receipt.sequence == done.values["ledger_entry"] == 1
    assert all(path.is_file() for path in done.kinds)
    assert entries(folder / "ledger.sqlite") == [
        (1, "twin.glb", "twin"),
        (1, "twin.mixamo.glb", "mixamo"),
        (2, "twin.png", "picture"),
        (3, "report.html", "render"),
    ]


def test_a_writer_that_fails_ends_the_run(no_fit, folder):
    def full(contents: Mapping[Path, bytes]) -> None:
        raise InputError("There is no room.")

    recorder = Recorder()
    with pytest.raises(InputError, match="There is no room"):
        run_twin(job_in(folder), recorder, write=full)
    assert [stage.name for stage in recorder.finished] == ["read", "fit"]


def test_each_twin_is_bound_to_its_own_geometry(no_fit, folder):
    job = everything(folder)
    done, contents = made(job)
    found = [read_content(contents[path]) for path in (job.output, job.also["mixamo"])]
    for text, body in found:
        assert verify_content(text, body, now=job.now, use=job.use).ok
    first, second = found
    swapped = verify_content(first[0], second[1], now=job.now, use=job.use)
    assert not swapped.ok
    assert done.result.twin.pose == "captured"


def test_the_preview_carries_label_watermark_and_metadata(no_fit, folder):
    job = everything(folder)
    done, contents = made(job)
    assert job.preview is not None
    data = contents[job.preview]
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("PNG", (480, 640))
    job.preview.write_bytes(data)
    found = detect_file(job.preview)
    assert found.info is not None
    assert (found.info.record_id, found.info.purpose) == (DEMO.record.record_id, "make_twin")
    assert found.search.watermark is not None
    assert found.search.watermark.payload.hex() == found.info.twin_id == done.twin_id


def test_a_refused_fit_leaves_its_report_with_the_writer_and_nothing_else(folder, monkeypatch):
    leave_out_the_fit(monkeypatch, refused="The fit is below the stated quality: too far off.")
    contents: Contents = {}
    with pytest.raises(StageError, match="below the stated quality"):
        run_twin(everything(folder), Recorder(), write=contents.update)
    assert [path.name for path in contents] == ["report.html"]
    assert b"Not accepted" in contents[folder / "report" / "report.html"]


def test_the_stages_are_told_before_they_come(no_fit, folder):
    told: list[tuple[str, str]] = []
    recorder = Recorder(lambda event: told.append((event.stage, event.state)))
    job = everything(folder)
    run_twin(job, recorder)
    came = [name for name, state in told if state == "done"]
    assert came == ["read", "fit", "mixamo", "write", "preview", "report"]
    assert [name for name in job.stages if name in came] == came
    assert job_in(folder).stages == (
        *("read", "reconstruct", "fit", "measure", "texture", "rig", "levels", "twin", "write"),
    )
    assert "expressions" in job_in(folder, expressions={"smile": folder / "scan.ply"}).stages


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scan": "no.ply"}, r"There is no file .*no\.ply\. Give the path of a scan"),
        ({"photos": "photos"}, r"There is no folder .*photos\. Give the folder of photos"),
        ({"preview": "twin.jpg"}, r"The output twin\.jpg must end in \.png"),
        ({"preview": "none/twin.png"}, r"none does not exist; make it"),
        ({"also": {"vrm": "other.glb"}}, r"The output other\.glb must end in \.vrm"),
        ({"also": {"vrml": "other.vrm"}}, r"vrml"),
        ({"also": {"mixamo": "twin.glb"}}, r"twin\.glb would be written twice; give each file a path"),
        ({"also": {"mixamo": "studio.glb"}, "controller_key": "studio.glb"}, "is an input of this very run"),
    ],
)
def test_what_cannot_be_is_refused_before_the_scan_is_read(folder, changes, words):
    save_private_key(DEMO.controller_key, folder / "studio.jwk", overwrite=True)
    (folder / "studio.glb").write_bytes((folder / "studio.jwk").read_bytes())

    def placed(value: object) -> object:
        return (
            {name: folder / path for name, path in value.items()}
            if isinstance(value, dict)
            else folder / str(value)
        )

    recorder = Recorder()
    job = job_in(folder, **{name: placed(value) for name, value in changes.items()})
    with pytest.raises(InputError, match=words):
        run_twin(job, recorder)
    assert recorder.finished == []


def test_a_record_that_does_not_cover_the_use_is_refused_before_the_scan_is_read(folder):
    recorder = Recorder()
    with pytest.raises(ConsentError, match="does not allow AI training"):
        run_twin(job_in(folder, use=Use(Purpose.AI_TRAINING)), recorder)
    assert recorder.finished == []


def test_a_locked_key_needs_somebody_who_knows_its_passphrase(no_fit, folder):
    (folder / "studio.jwk").unlink()
    save_private_key(DEMO.controller_key, folder / "studio.pem", passphrase="right")
    job = job_in(folder, controller_key=folder / "studio.pem")
    with pytest.raises(ConsentError, match=r"studio\.pem is locked, and nobody can be asked"):
        run_twin(job, Recorder())
    assert run_twin(job, Recorder(), passphrase=lambda path: "right").receipt


@pytest.mark.slow
def test_a_sample_becomes_a_twin_and_a_vrm_of_one_fit(sample_scans, tmp_path):
    recorder = Recorder()
    contents: Contents = {}
    job = job_in(
        sample_scans,
        scan=sample_scans / "child.glb",
        consent=sample_scans / "child.consent.json",
        output=tmp_path / "child.glb",
        ledger=tmp_path / "ledger.sqlite",
        also={"vrm": tmp_path / "child.vrm"},
        now=datetime.now(UTC),
        flags={"texture": {"size": 1024}, "levels": {"count": 1}},
    )
    done = run_twin(job, recorder, write=contents.update)
    names = [stage.name for stage in recorder.finished]
    assert (names.count("fit"), names.count("texture"), names.count("vrm")) == (1, 1, 1)
    assert tuple(names) == job.stages
    assert list(done.kinds.values()) == ["twin", "level 1", "collision body", "vrm"]
    assert "pose t, 55 joints" in next(stage.remark for stage in recorder.finished if stage.name == "vrm")
    for data in contents.values():
        text, body = read_content(data)
        assert verify_content(text, body, now=job.now, use=job.use).ok
