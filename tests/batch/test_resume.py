"""What a run does with what earlier runs left: no twin of other inputs, and none twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.nights import Night, state_of
from bodyscan.batch.addresses import StoreError
from bodyscan.batch.job import JobState
from bodyscan.batch.prepare import prepare
from bodyscan.batch.publish import Publisher
from bodyscan.errors import InputError


@pytest.fixture
def night(tmp_path):
    night = Night(tmp_path)
    night.add("anna")
    return night


def twin(night: Night) -> dict[str, Any]:
    """What stood in the capture of the twin that is there."""
    return json.loads((night.out / "anna" / "anna.glb").read_bytes().removeprefix(b"glb"))


def beside(night: Night, **told: Any) -> None:
    """Say what the work does where it makes formats alone."""
    (night.out / "anna.do").write_text(json.dumps(told))


def interrupted(night: Night, **options: Any) -> None:
    """Stop a run while it works, as Ctrl-C does."""

    def interrupt(jobs: Any, summary: Any) -> None:
        if any(job.state is JobState.RUNNING for job in jobs):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        night.run(interrupt, **options)


def test_an_earlier_twin_is_never_taken_for_one_of_a_new_capture(night):
    """The new capture fails, its next try is stopped: the old twin is in its place all the time."""
    night.run()
    night.write("anna", do="kill once", seconds=0.2)
    assert state_of(night.run(attempts=1)) == {"anna": "failed"}
    assert twin(night)["do"] == ""
    interrupted(night)
    assert state_of(night.run()) == {"anna": "done"}
    assert twin(night)["do"] == "kill once"
    assert [use["kind"] for use in night.uses()] == ["twin", "twin"]


def test_a_failure_beside_an_earlier_twin_stays_one(night):
    night.run()
    night.write("anna", do="quality")
    assert state_of(night.run()) == {"anna": "failed"}
    (anna,) = night.run().jobs
    assert (anna.state, anna.error.kind) == ("failed", "quality")
    assert night.worked() == []
    assert state_of(night.run(retry_failed=True)) == {"anna": "failed"}
    assert night.worked() == ["anna"]


def test_a_format_that_failed_is_made_of_the_twin_that_is_there(night):
    night.run()
    before = (night.out / "anna" / "anna.glb").stat().st_mtime_ns
    beside(night, do="missing")
    (anna,) = night.run(formats=("glb", "fbx")).jobs
    assert (anna.state, anna.error.kind) == ("failed", "missing")
    beside(night)
    (anna,) = night.run(formats=("glb", "fbx")).jobs
    assert (anna.state, anna.error) == ("done", None)
    assert {output.kind for output in anna.outputs} == {"twin", "fbx"}
    assert (night.out / "anna" / "anna.glb").stat().st_mtime_ns == before
    assert [use["kind"] for use in night.uses()] == ["twin", "export"]


def test_a_format_that_failed_and_is_not_wanted_any_more_is_no_failure(night):
    night.run()
    beside(night, do="quality")
    assert state_of(night.run(formats=("glb", "fbx"))) == {"anna": "failed"}
    assert state_of(night.run(formats=("glb", "fbx"))) == {"anna": "failed"}
    assert night.worked() == []
    (anna,) = night.run().jobs
    assert (anna.state, anna.error) == ("done", None)
    assert night.worked() == []


@pytest.mark.parametrize("what", ["twin gone", "other capture", "nothing", "not wanted"])
def test_a_run_that_is_stopped_while_formats_are_made_leaves_nothing_wrong(night, what):
    night.run()
    beside(night, seconds=60)
    interrupted(night, formats=("glb", "fbx"))
    beside(night)
    if what == "twin gone":
        (night.out / "anna" / "anna.glb").unlink()
    elif what == "other capture":
        night.write("anna", seconds=0.01)
    formats = ("glb",) if what == "not wanted" else ("glb", "fbx")
    (anna,) = night.run(formats=formats).jobs
    assert (anna.state, anna.error, anna.stage) == ("done", None, "")
    assert sorted(output.kind for output in anna.outputs) == sorted(
        {"glb": "twin"}.get(f, f) for f in formats
    )
    assert twin(night)["seconds"] == (0.01 if what == "other capture" else 0.0)
    assert night.worked() == ([] if what == "not wanted" else ["anna"])
    kinds = {"other capture": ["twin", "twin"], "not wanted": ["twin"], "nothing": ["twin", "export"]}
    assert [use["kind"] for use in night.uses()] == kinds.get(what, ["twin", "twin"])


@pytest.mark.parametrize(("fails", "state", "attempts"), [(2, "done", 3), (9, "failed", 3)])
def test_a_store_of_inputs_that_is_not_to_be_reached_costs_a_try_and_not_the_scan(
    night, monkeypatch, fails, state, attempts
):
    left = [fails]

    def sometimes(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise StoreError("s3://studio/in could not be read. It may pass: try again.", passing=True)
        return prepare(*arguments)

    monkeypatch.setattr("bodyscan.batch.batch.prepare", sometimes)
    (anna,) = night.run().jobs
    assert (anna.state, anna.attempts) == (state, attempts)
    if anna.error:
        assert anna.error.kind == "system"
        assert "could not be read. It may pass: try again. It was tried 3 times." in anna.error.message


def test_a_bug_in_publishing_is_that_scans_alone_and_the_next_run_makes_it_anew(night, monkeypatch):
    night.add("ben")
    publish = Publisher.publish

    def broken(self: Publisher, plan: Any, before: Any = ()) -> Any:
        if plan.id == "anna":
            raise KeyError("on purpose")
        return publish(self, plan, before)

    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "publish", broken)
        done = night.run()
    assert state_of(done) == {"anna": "failed", "ben": "done"}
    assert done.jobs[0].error.kind == "bug"
    assert done.jobs[0].error.message == "KeyError: 'on purpose'"
    assert state_of(night.run()) == {"anna": "done", "ben": "done"}
    assert night.worked() == ["anna"]
    assert night.files() == ["anna/anna.glb", "ben/ben.glb", "index.html"]


# Evidence that somebody is writing to


def broken(night: Night) -> None:
    (night.folder / "evidence" / "trusted.toml").write_text("people = [")


def mended(night: Night) -> None:
    (night.folder / "evidence" / "trusted.toml").unlink()


@pytest.mark.slow
def test_evidence_that_cannot_be_read_for_a_moment_costs_no_scan(night):
    """It breaks while a scan runs, over several looks, and is mended before the scan ends."""
    night.write("anna", seconds=4.5)
    night.add("ben", seconds=4.5)
    seen: list[float] = []

    def meanwhile(jobs: Any, summary: Any) -> None:
        if not seen and any(job.state is JobState.RUNNING for job in jobs):
            broken(night)
            seen.append(summary.elapsed_s)
        elif len(seen) == 1 and summary.elapsed_s > seen[0] + 3.0:
            mended(night)
            seen.append(summary.elapsed_s)

    done = night.run(meanwhile)
    assert len(seen) == 2
    assert state_of(done) == {"anna": "done", "ben": "done"}
    assert len(night.handed) == 2


def test_where_evidence_stays_unreadable_nothing_is_published_and_the_next_run_does_it(night):
    night.write("anna", seconds=0.3)

    def then(jobs: Any, summary: Any) -> None:
        if any(job.state is JobState.RUNNING for job in jobs):
            broken(night)

    (anna,) = night.run(then).jobs
    assert (anna.state, anna.error.kind) == ("failed", "system")
    assert "trusted.toml cannot be read" in anna.error.message
    assert [name for name in night.files() if not name.startswith(".staging/")] == ["index.html"]
    assert night.uses() == []
    with pytest.raises(InputError, match=r"trusted\.toml cannot be read"):
        night.run()
    mended(night)
    assert state_of(night.run()) == {"anna": "done"}
    assert night.worked() == [], "it was made once"


def test_where_evidence_is_unreadable_at_the_end_no_sheet_tells_of_twins_as_good(night):
    night.run()
    before = (night.out / "index.html").read_bytes()

    def at_the_end(jobs: Any, summary: Any) -> None:
        broken(night)

    with pytest.raises(InputError, match=r"trusted\.toml cannot be read"):
        night.run(at_the_end)
    assert (night.out / "index.html").read_bytes() == before
    mended(night)
    assert state_of(night.run()) == {"anna": "done"}
