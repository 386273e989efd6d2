"""A night of real scans: one that is good, two that are no scans, one whose fit is not accepted."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bodyscan.batch.batch import Batch, BatchDone, run_batch
from bodyscan.batch.job import Job, JobState
from bodyscan.batch.options import BatchOptions
from bodyscan.batch.prepare import Defaults
from bodyscan.cli.main import app
from bodyscan.ledger import Ledger, all_people
from bodyscan.ledger.people import outputs_of
from bodyscan.mark import detect_file
from bodyscan.run.config import read_toml
from render.small_pictures import SMALL_PICTURES

pytestmark = pytest.mark.slow

QUICK = """
bake_textures = false
collision_body = false
levels.count = 1
"""
POOR_FIT = {
    "body": "adult",
    "detail": False,
    "max_surface_mean_mm": 0.5,
    "levels": [
        {
            "num_points": 1000, "sigma_m": [0.06, 0.03], "num_betas": 4, "num_face_betas": 0,
            "fingers": False, "steps": 2, "landmark_weight": 1.0,
        }
    ],
}  # fmt: skip
"""One coarse level of two steps and no detail: it cannot meet a limit of 0.5 mm."""


@dataclass
class Real:
    """The night's folder, and how its first run ended."""

    batch: Batch
    done: BatchDone
    told: list[Job] = field(default_factory=list)

    @property
    def out(self) -> Path:
        """The output folder."""
        return Path(self.batch.out)

    def job(self, name: str) -> Job:
        return next(job for job in self.done.jobs if job.id == name)


def run(batch: Batch, told: list[Job]) -> BatchDone:
    return run_batch(
        batch, clock=lambda: datetime.now(UTC), on_change=lambda jobs, summary: told.extend(jobs)
    )


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, sample_scans: Path) -> Real:
    folder = tmp_path_factory.mktemp("real")
    (folder / "quick.toml").write_text(QUICK + SMALL_PICTURES)
    (folder / "empty.ply").touch()
    (folder / "text.ply").write_text("Dear studio, the scan is on the other disk.\n")
    shutil.copy(sample_scans / "woman.obj", folder / "poor.obj")
    consent = str(sample_scans / "woman.consent.json")
    rows: list[dict[str, Any]] = [
        {"id": "woman", "capture": str(sample_scans / "woman.obj")},
        {"capture": "empty.ply"},
        {"capture": "text.ply"},
        {"capture": "poor.obj", "options": {"fit": POOR_FIT}},
    ]
    manifest = folder / "night.jsonl"
    manifest.write_text("".join(json.dumps(row | {"consent": consent}) + "\n" for row in rows))
    batch = Batch(
        manifest,
        str(folder / "out"),
        folder / "ledger.sqlite",
        BatchOptions(workers=2, formats=("glb", "vrm"), report=True),
        Defaults(read_toml(folder / "quick.toml"), reference="night 1"),
    )
    told: list[Job] = []
    return Real(batch, run(batch, told), told)


def test_the_good_scan_is_done_and_the_others_fail_alone(night):
    states = {job.id: str(job.state) for job in night.done.jobs}
    assert states == {"woman": "done", "empty": "failed", "text": "failed", "poor": "failed"}
    woman = night.job("woman")
    assert [output.kind for output in woman.outputs] == ["twin", "level 1", "vrm", "picture", "report"]
    assert woman.quality["acceptable"] is True
    assert woman.quality["surface_mean_mm"] < 3.0
    assert 150 < woman.measurements_cm["stature"] < 190
    assert (woman.attempts, woman.demo, woman.person, woman.error) == (1, True, "DEMO woman", None)
    assert woman.peak_memory_bytes > 200e6
    assert {"fetch", "read", "fit", "twin", "vrm", "write"} <= {stage.name for stage in woman.stages}


def test_its_twin_and_its_vrm_verify_and_are_valid(night):
    for name in ("woman.glb", "woman.lod1.glb", "woman.vrm"):
        path = night.out / "woman" / name
        checked = CliRunner().invoke(app, ["consent", "verify", str(path), "--json"])
        assert checked.exit_code == 0, (name, checked.output)
        assert json.loads(checked.stdout)["geometry"] == "exact"
    checked = CliRunner().invoke(app, ["validate", str(night.out / "woman" / "woman.glb"), "--json"])
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["consent"]["state"] == "valid"


def test_its_picture_carries_label_watermark_and_metadata_and_stands_on_the_sheet(night):
    picture = night.job("woman").output("picture")
    found = detect_file(night.out / picture.place)
    assert found.info is not None
    assert found.info.record_id == night.job("woman").record_id
    assert found.search.watermark is not None
    assert found.search.watermark.payload.hex() == found.info.twin_id
    page = (night.out / "index.html").read_text()
    assert page.count("woman/woman.png") >= 1
    assert "poor.png" not in page


def test_the_ledger_has_one_use_with_every_file_of_the_twin(night):
    with Ledger.open(night.batch.ledger, create=False) as ledger:
        assert len(ledger) == night.job("woman").ledger_entry == 1
        (person,) = all_people(ledger)
        written = outputs_of(ledger, person)
    assert [(out.place, out.kind, out.sha256, out.written) for out in written] == [
        (str(night.out / output.place), output.kind, output.sha256, True)
        for output in night.job("woman").outputs
    ]


def test_what_is_no_scan_fails_with_the_readers_own_words(night):
    empty, text = night.job("empty"), night.job("text")
    assert (empty.error.kind, text.error.kind) == ("input", "input")
    assert "empty.ply is empty" in empty.error.message
    assert "text.ply" in text.error.message
    assert "PLY" in text.error.message
    for name in ("empty", "text"):
        assert not (night.out / name).exists()


def test_a_fit_below_the_stated_quality_leaves_its_report_and_no_twin(night):
    poor = night.job("poor")
    assert poor.error.kind == "quality"
    assert "The fit is below the stated quality" in poor.error.message
    assert [output.kind for output in poor.outputs] == ["report"]
    assert poor.ledger_entry == 0
    folder = night.out / "poor"
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == [
        "report/report.html"
    ]
    page = (folder / "report" / "report.html").read_text()
    assert "Not accepted" in page
    assert "poor.obj" in page


def test_a_log_of_what_failed_is_kept_and_nothing_lies_about(night):
    assert sorted(path.name for path in (night.out / ".batch" / "logs").iterdir()) == [
        "empty.log", "poor.log", "text.log",
    ]  # fmt: skip
    assert not (night.out / ".staging").exists()


def test_the_same_night_again_does_nothing(night):
    told: list[Job] = []
    done = run(night.batch, told)
    assert done.jobs == night.done.jobs
    assert all(job.state in (JobState.DONE, JobState.FAILED) for job in told)
    assert all(job.begun_at == night.job(job.id).begun_at for job in done.jobs)


@pytest.mark.blender
def test_fbx_is_made_of_the_twin_that_is_there(night):
    twin = night.out / "woman" / "woman.glb"
    before = twin.stat().st_mtime_ns
    batch = replace(night.batch, options=replace(night.batch.options, formats=("glb", "vrm", "fbx")))
    done = run(batch, [])
    woman = done.jobs[0]
    assert (woman.state, woman.error) == ("done", None)
    assert {output.kind for output in woman.outputs} == {
        "twin", "level 1", "vrm", "picture", "report", "fbx",
    }  # fmt: skip
    assert (night.out / "woman" / "woman.fbx").read_bytes().startswith(b"Kaydara FBX Binary")
    assert twin.stat().st_mtime_ns == before
    with Ledger.open(night.batch.ledger, create=False) as ledger:
        kinds = [json.loads(entry.body)["kind"] for entry in ledger.entries()]
    assert kinds == ["twin", "export"]
