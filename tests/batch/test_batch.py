from __future__ import annotations

import json
from dataclasses import replace

import pytest

from batch.nights import Night, state_of
from bodyscan import convert
from bodyscan.batch.batch import read_status, run_batch
from bodyscan.batch.job import JobState
from bodyscan.batch.options import BLENDER_FORMATS
from bodyscan.errors import InputError


@pytest.fixture
def night(tmp_path):
    return Night(tmp_path)


def test_every_scan_gets_its_twin_its_entry_and_a_place_on_the_sheet(night):
    for name in ("anna", "ben", "cleo"):
        night.add(name)
    done = night.run()
    assert state_of(done) == {"anna": "done", "ben": "done", "cleo": "done"}
    assert night.files() == ["anna/anna.glb", "ben/ben.glb", "cleo/cleo.glb", "index.html"]
    assert [use["kind"] for use in night.uses()] == ["twin"] * 3
    assert sorted(job.ledger_entry for job in done.jobs) == [1, 2, 3]
    assert all(job.quality["surface_mean_mm"] == 0.5 for job in done.jobs)


def test_a_second_run_repeats_nothing(night):
    for name in ("anna", "ben"):
        night.add(name)
    night.run()
    before = {path: path.stat().st_mtime_ns for path in night.out.rglob("*.glb")}
    done = night.run()
    assert state_of(done) == {"anna": "done", "ben": "done"}
    assert night.begun() == []
    assert {path: path.stat().st_mtime_ns for path in night.out.rglob("*.glb")} == before
    assert len(night.uses()) == 2


def test_a_scan_more_is_one_scan_more(night):
    night.add("anna")
    night.run()
    night.add("ben")
    night.run()
    assert night.begun() == ["ben"]


@pytest.mark.parametrize(
    ("do", "kind", "attempts"),
    [
        ("input", "input", 1),
        ("quality", "quality", 1),
        ("bug", "bug", 1),
        ("crash", "crashed", 1),
        ("system", "system", 3),
        ("kill", "killed", 3),
    ],
)
def test_a_poisoned_scan_fails_alone_and_only_what_may_pass_is_tried_again(night, do, kind, attempts):
    night.add("anna", do=do)
    night.add("ben")
    done = night.run()
    assert state_of(done) == {"anna": "failed", "ben": "done"}
    (anna, _) = done.jobs
    assert (anna.error.kind, anna.attempts) == (kind, attempts)
    assert night.files() == ["ben/ben.glb", "index.html"]
    assert len(night.uses()) == 1


def test_what_passes_the_second_time_is_done(night):
    night.add("anna", do="kill once")
    (anna,) = night.run().jobs
    assert (anna.state, anna.attempts) == ("done", 2)


def test_a_failure_that_cannot_pass_is_not_repeated_unless_asked(night):
    night.add("anna", do="quality")
    night.run()
    night.run()
    assert night.begun() == []
    night.run(retry_failed=True)
    assert night.begun() == ["anna"]


def test_a_failure_that_may_pass_is_tried_by_the_next_run(night):
    night.add("anna", do="kill")
    night.run()
    (anna,) = night.run().jobs
    assert set(night.begun()) == {"anna"}
    assert anna.attempts == 3


def test_the_log_of_a_failure_is_kept_until_the_scan_succeeds(night):
    night.add("anna", do="input")
    night.run()
    log = night.out / ".batch" / "logs" / "anna.log"
    assert "a line of the log" in log.read_text()
    night.write("anna")
    night.run()
    assert not log.exists()


def test_a_changed_capture_is_made_anew_and_a_touched_one_is_not(night):
    night.add("anna")
    night.add("ben")
    night.run()
    (night.folder / "anna.ply").touch()
    night.write("ben", seconds=0.01)
    done = night.run()
    assert night.begun() == ["ben"]
    assert state_of(done) == {"anna": "done", "ben": "done"}
    assert len(night.uses()) == 3


def test_a_studio_that_moves_its_captures_makes_no_twin_again(night):
    night.add("anna")
    night.run()
    (night.folder / "archive").mkdir()
    (night.folder / "anna.ply").rename(night.folder / "archive" / "anna.ply")
    night.rows[0]["capture"] = "archive/anna.ply"
    assert state_of(night.run()) == {"anna": "done"}
    assert night.begun() == []


def test_changed_options_redo_exactly_their_rows(night):
    night.add("anna")
    night.add("ben")
    night.run()
    night.rows[0]["options"] = {"texture": {"size": 1024}}
    night.run()
    assert night.begun() == ["anna"]


def test_another_version_redoes_all(night, monkeypatch):
    night.add("anna")
    night.run()
    monkeypatch.setattr("bodyscan.batch.prepare.__version__", "99.0")
    night.run()
    assert night.begun() == ["anna"]


def test_a_twin_that_was_taken_away_is_made_anew(night):
    night.add("anna")
    night.run()
    (night.out / "anna" / "anna.glb").unlink()
    night.run()
    assert night.begun() == ["anna"]
    assert (night.out / "anna" / "anna.glb").exists()


def test_a_row_that_leaves_the_manifest_keeps_its_files_and_is_not_listed(night):
    night.add("anna")
    night.add("ben")
    night.run()
    night.rows.pop()
    done = night.run()
    assert state_of(done) == {"anna": "done"}
    assert (night.out / "ben" / "ben.glb").exists()
    night.add("ben")
    night.run()
    assert night.begun() == []


def test_an_option_that_is_not_known_fails_its_row_alone(night):
    night.add("anna", options={"textre": {"size": 1024}})
    night.add("ben")
    done = night.run()
    assert state_of(done) == {"anna": "failed", "ben": "done"}
    assert "textre is not a known option" in done.jobs[0].error.message


def test_a_capture_that_is_not_there_fails_its_row_alone(night):
    night.add("anna")
    night.add("ben")
    (night.folder / "anna.ply").unlink()
    done = night.run()
    assert state_of(done) == {"anna": "failed", "ben": "done"}
    assert "There is no" in done.jobs[0].error.message


def test_a_finished_scan_whose_capture_was_archived_stays_finished(night):
    night.add("anna")
    night.run()
    (night.folder / "anna.ply").unlink()
    assert state_of(night.run()) == {"anna": "done"}


# Consent


def test_without_a_consent_nothing_is_begun(night):
    night.add("anna", consent=None)
    night.rows[0]["consent"] = ""
    night.add("ben")
    (night.folder / "ben.consent.json").write_text("{}")
    done = night.run()
    assert state_of(done) == {"anna": "refused", "ben": "refused"}
    assert "There is no consent for anna" in done.jobs[0].error.message
    assert night.begun() == []
    assert night.files() == ["index.html"]
    assert night.uses() == []


def test_a_revocation_during_a_scan_stops_it_and_nothing_of_it_is_left(night):
    night.add("anna", seconds=60)
    night.add("ben")

    def revoke(jobs, summary):
        if any(job.id == "anna" and job.state is JobState.RUNNING for job in jobs):
            night.revoke("anna")

    done = night.run(revoke)
    assert state_of(done) == {"anna": "refused", "ben": "done"}
    assert "revoked" in done.jobs[0].error.message
    assert night.files() == ["ben/ben.glb", "index.html"]
    assert len(night.uses()) == 1


def test_a_revocation_just_before_the_export_leaves_no_file_and_no_use(night, monkeypatch):
    """The scan is made; between that and its place the person says no."""
    from bodyscan.batch.publish import Publisher

    night.add("anna")
    publish = Publisher.publish

    def late(self, plan, before=()):
        night.revoke("anna")
        return publish(self, plan, before)

    monkeypatch.setattr(Publisher, "publish", late)
    done = night.run()
    assert state_of(done) == {"anna": "refused"}
    assert night.files() == ["index.html"]
    assert night.uses() == []


def test_a_revocation_after_the_twin_was_made_takes_its_picture_from_the_sheet(night):
    night.add("anna")
    night.run()
    night.revoke("anna")
    done = night.run()
    assert state_of(done) == {"anna": "refused"}
    assert "does not hold any more" in done.jobs[0].error.message
    assert "anna.png" not in (night.out / "index.html").read_text()


def test_a_revocation_is_seen_where_the_capture_was_archived(night):
    night.add("anna")
    night.run()
    (night.folder / "anna.ply").unlink()
    night.revoke("anna")
    assert state_of(night.run()) == {"anna": "refused"}


# Formats


def test_the_formats_of_blender_are_those_that_are_converted():
    assert convert.FORMATS == BLENDER_FORMATS


def test_a_format_more_is_made_of_the_twin_that_is_there(night):
    night.add("anna")
    night.run()
    twin = (night.out / "anna" / "anna.glb").read_bytes()
    done = night.run(formats=("glb", "fbx"))
    assert night.files() == ["anna/anna.fbx", "anna/anna.glb", "index.html"]
    assert (night.out / "anna" / "anna.glb").read_bytes() == twin
    assert [use["kind"] for use in night.uses()] == ["twin", "export"]
    assert {output.kind for output in done.jobs[0].outputs} == {"twin", "fbx"}
    night.run(formats=("glb", "fbx"))
    assert night.begun() == []


# Limits and the output


def test_a_higher_limit_tries_again_what_went_over_it(night):
    night.add("anna", seconds=2.0)
    (anna,) = night.run(time_limit_s=0.3).jobs
    assert anna.error.kind == "time"
    night.run(time_limit_s=0.3)
    assert night.begun() == []
    (anna,) = night.run(time_limit_s=30.0).jobs
    assert anna.state == "done"


def test_two_runs_at_once_are_refused(night):
    night.add("anna", seconds=0.5)
    errors = []

    def second(jobs, summary):
        if not errors:
            with pytest.raises(InputError) as caught:
                run_batch(night.batch, clock=lambda: night.now, on_change=lambda jobs, summary: None)
            errors.append(str(caught.value))

    night.run(second)
    assert "Another run of this batch holds" in errors[0]


def test_a_status_can_be_read_while_it_runs_and_afterwards(night):
    night.add("anna", seconds=0.5)
    night.add("ben", do="input")
    seen = []

    def look(jobs, summary):
        if any(job.state is JobState.RUNNING for job in jobs):
            seen.append(read_status(night.out / ".batch"))

    night.run(look)
    jobs, summary = seen[0]
    assert {job.id for job in jobs} == {"anna", "ben"}
    assert any(job.state is JobState.RUNNING for job in jobs)
    assert summary.workers == 2
    jobs, summary = read_status(night.out / ".batch")
    assert summary.counts[JobState.DONE] == summary.counts[JobState.FAILED] == 1
    assert summary.workers == 0


def test_a_status_of_nothing_is_an_error(tmp_path):
    with pytest.raises(InputError, match="There is no batch at"):
        read_status(tmp_path)


def test_an_output_elsewhere_needs_a_folder_for_the_job_table(night):
    night.add("anna")
    with pytest.raises(InputError, match="give --state FOLDER"):
        run_batch(
            replace(night.batch, out="memory://bucket/out"),
            clock=lambda: night.now,
            on_change=lambda jobs, summary: None,
        )


def test_an_interrupted_run_gives_up_what_runs_and_costs_it_no_try(night):
    night.add("anna", seconds=60)

    def interrupt(jobs, summary):
        if any(job.state is JobState.RUNNING for job in jobs):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        night.run(interrupt)
    jobs, _ = read_status(night.out / ".batch")
    assert [(job.state, job.attempts) for job in jobs] == [("waiting", 0)]
    night.write("anna")
    assert state_of(night.run()) == {"anna": "done"}
    assert not (night.out / ".staging").exists()


def test_the_table_is_what_the_rows_told(night):
    night.add("anna")
    done = night.run()
    jobs, _ = read_status(night.out / ".batch")
    assert jobs == list(done.jobs)
    json.dumps([job.quality for job in jobs])
