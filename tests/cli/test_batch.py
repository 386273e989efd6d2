from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner, Result

from batch.nights import FAKE, TESTS, Night
from bodyscan.batch.job import Job, JobState
from bodyscan.batch.pools import LocalPool
from bodyscan.cli.main import app
from bodyscan.ledger import Ledger
from bodyscan.ledger.people import all_people, outputs_of

ALONE = f"""
import bodyscan.batch.batch as batch
from bodyscan.batch.pools import LocalPool
from bodyscan.cli.main import app
batch._pool = lambda _: LocalPool(2, {FAKE!r})
app()
"""
"""The command in a process of its own, with work that costs nothing."""


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """Two captures; the command's workers make a small file of each."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setattr("bodyscan.batch.batch._pool", lambda batch: LocalPool(2, FAKE))
    handler = signal.getsignal(signal.SIGTERM)
    night = Night(tmp_path)
    night.add("anna")
    night.add("ben")
    yield night
    signal.signal(signal.SIGTERM, handler)


def call(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["batch", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def arguments(night: Night) -> tuple[object, ...]:
    return (night.batch.manifest, "-o", night.out, "--ledger", night.folder / "ledger.sqlite")


def test_a_manifest_is_enough_and_run_may_be_said(night):
    result = call(*arguments(night))
    assert night.files() == ["anna/anna.glb", "ben/ben.glb", "index.html"]
    assert "2 of 2 done" in result.stdout
    assert str(night.out / "index.html") in result.stdout
    assert str(night.folder / "ledger.sqlite") in result.stdout
    ends = [line.split()[:2] for line in result.stderr.splitlines()]
    assert [end for end in sorted(ends) if end[0] in ("anna", "ben")] == [["anna", "done"], ["ben", "done"]]
    again = call("run", *arguments(night))
    assert "2 of 2 done" in again.stdout
    assert "anna" not in again.stderr, "nothing was made again"
    assert len(night.uses()) == 2


def test_a_folder_that_is_called_like_a_command_is_given_with_its_path(night, monkeypatch):
    monkeypatch.chdir(night.folder)
    (night.folder / "run").mkdir()
    for name in ("anna.ply", "anna.consent.json"):
        (night.folder / name).rename(night.folder / "run" / name)
    call("./run", "-o", "out", "--ledger", "ledger.sqlite", "--quiet")
    assert night.files() == ["anna/anna.glb", "index.html"]
    assert "Missing argument" in call("run", "-o", "out", code=2).stderr


def test_help_names_the_commands_and_the_short_form():
    text = call("--help").stdout
    assert "run" in text
    assert "status" in text
    assert "bodyscan batch MANIFEST -o OUT" in text
    words = " ".join(call("run", "--help").stdout.split())
    for option in ("--format", "--workers", "--scheduler", "--retry-failed", "--state", "--evidence"):
        assert option in words
    assert "6 done, and some scans failed or were refused" in words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("nowhere.csv",), "There is no nowhere.csv (No such file or directory). Check the name."),
        (("anna.ply",), "anna.ply is a scan, not a manifest"),
        (("-o", "night.jsonl"), "could not be written"),
        (("-o", "memory://bucket/out"), "give --state FOLDER"),
        (("-o", "https://host/out"), "https://host/out cannot take outputs"),
        (("--format", "glb,stl"), "The format 'stl' is not known; possible are: glb, vrm, fbx, usdz, blend"),
        (("--time-limit", "0"), "time_limit_s must be above 0"),
        (("--memory-limit", "nan"), "--memory-limit must be a number of GiB above 0; it is nan."),
        (("--memory-limit", "-1"), "memory_limit_bytes must be above 0"),
        (("--config", "nowhere.toml"), "nowhere.toml cannot be read"),
        (("--evidence", "nowhere"), "nowhere is no folder; give the one that holds your evidence"),
        (("--ledger", "anna.ply"), "anna.ply"),
    ],
)
def test_what_cannot_be_used_is_one_error_before_any_work(night, monkeypatch, change, words):
    monkeypatch.chdir(night.folder)
    values = {"manifest": str(night.batch.manifest.name), "-o": "out", "--ledger": "ledger.sqlite"}
    values |= {"manifest": change[0]} if len(change) == 1 else {change[0]: change[1]}
    options = [part for name, value in values.items() if name != "manifest" for part in (name, value)]
    result = call(values["manifest"], *options, code=3)
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert result.stdout == ""
    assert [name for name in night.files() if name.endswith(".glb")] == []
    assert night.uses() == []


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("textre = 1\n", "The options for all scans are wrong: textre is not a known option; known are: "),
        ("[rig]\njoints = 'all'\n", "RigOptions.joints is 'all'; possible are body, hands, full"),
        ("levels = 2020-01-01\n", "levels is a table of options"),
        ("visemes = \n", "o.toml is no TOML file"),
    ],
)
def test_options_that_are_wrong_for_all_scans_are_one_error_and_nothing_is_made(night, toml, words):
    (night.folder / "o.toml").write_text(toml)
    result = call(*arguments(night), "--config", night.folder / "o.toml", code=3)
    (line,) = result.stderr.splitlines()
    assert words in line
    assert not night.out.exists()


def test_wrong_usage_is_told_with_2(night):
    assert "No such option" in call(*arguments(night), "--colour", code=2).stderr
    assert "--output" in call(night.batch.manifest, code=2).stderr
    assert "--workers" in call(*arguments(night), "--workers", "0", code=2).stderr


def test_failures_and_refusals_are_told_and_the_code_is_6(night):
    night.write("ben", do="quality")
    night.add("cleo")
    (night.folder / "cleo.consent.json").unlink()
    night.rows[2]["consent"] = ""
    result = call(*arguments(night), code=6)
    assert "1 of 3 done, 1 failed, 1 refused" in result.stdout
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "ben" in rows["failed"]
    assert "A quality error, on purpose." in rows["failed"]
    assert "There is no consent for cleo" in rows["refused"]
    assert call(*arguments(night), "--json", code=6).stderr.count("\n") <= 3
    assert "1 of 3 done" in call(*arguments(night), "--retry-failed", code=6).stdout


def test_json_is_a_line_for_each_change_with_the_promised_keys(night):
    night.write("anna", seconds=1.0)
    night.write("ben", do="input")
    result = call(*arguments(night), "--json", "--quiet", code=6)
    assert result.stderr == ""
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    jobs = [line for line in lines if line["event"] == "job"]
    sums = [line for line in lines if line["event"] == "summary"]
    assert len(jobs) + len(sums) == len(lines)
    assert all(set(job) == {"event", *(field.name for field in fields(Job))} for job in jobs)
    counts = {str(state) for state in JobState}
    own = {"workers", "elapsed_s", "left_s", "peak_memory_bytes"}
    assert all(set(line) == {"event", "total", *own, *counts} for line in sums)
    last = {job["id"]: job for job in jobs}
    assert (last["anna"]["state"], last["ben"]["state"]) == ("done", "failed")
    assert last["ben"]["error"] == {"kind": "input", "message": "A input error, on purpose."}
    assert last["anna"]["outputs"][0]["place"] == "anna/anna.glb"
    assert lines[-1]["event"] == "summary"
    assert (sums[-1]["total"], sums[-1]["done"], sums[-1]["failed"]) == (2, 1, 1)
    assert any(job["state"] == "running" for job in jobs)


def test_what_is_said_for_all_scans_reaches_each(night):
    call(
        *arguments(night), "--purpose", "render", "--territory", "DE", "--medium", "web", "--quiet",
        "--reference", "spring", "--format", "glb, vrm",
    )  # fmt: skip
    assert night.files() == ["anna/anna.glb", "anna/anna.vrm", "ben/ben.glb", "ben/ben.vrm", "index.html"]
    uses = night.uses()
    assert {(use["purpose"], use["territory"], use["medium"]) for use in uses} == {("render", "DE", "web")}
    assert all(use["reference"] for use in uses)
    with Ledger.open(night.folder / "ledger.sqlite", create=False) as ledger:
        kinds = [out.kind for person in all_people(ledger) for out in outputs_of(ledger, person)]
    assert kinds == ["twin", "vrm"] * 2


def test_a_use_that_the_records_do_not_allow_refuses_all(night):
    result = call(*arguments(night), "--purpose", "ai_training", code=6)
    assert "0 of 2 done, 2 refused" in result.stdout
    assert "AI training" in result.stdout
    assert night.files() == ["index.html"]


def test_limits_come_from_the_command_line(night):
    night.write("ben", seconds=20)
    result = call(*arguments(night), "--time-limit", "0.5", "--workers", "1", "--attempts", "1", code=6)
    assert "It took longer than the limit of 0.5 s" in result.stdout


# Status


def test_a_status_tells_what_became_of_each_and_changes_nothing(night):
    night.write("ben", do="input")
    call(*arguments(night), "--quiet", code=6)
    before = {path: path.stat().st_mtime_ns for path in night.out.rglob("*.glb")}
    result = call("status", night.out)
    assert "1 of 2 done, 1 failed" in result.stdout
    assert "A input error, on purpose." in result.stdout
    values = json.loads(call("status", night.out, "--json").stdout)
    assert set(values) == {"summary", "jobs"}
    assert (values["summary"]["done"], values["summary"]["workers"]) == (1, 0)
    assert [(job["id"], job["state"]) for job in values["jobs"]] == [("anna", "done"), ("ben", "failed")]
    assert all(set(job) == {field.name for field in fields(Job)} for job in values["jobs"])
    assert {path: path.stat().st_mtime_ns for path in night.out.rglob("*.glb")} == before


def test_the_job_table_may_lie_elsewhere(night):
    call(*arguments(night), "--state", night.folder / "state", "--quiet")
    assert not (night.out / ".batch").exists()
    assert "2 of 2 done" in call("status", night.out, "--state", night.folder / "state").stdout
    assert "There is no batch at" in call("status", night.out, code=3).stderr


def test_a_status_of_nothing_is_an_input_error(tmp_path):
    message = call("status", tmp_path / "out", code=3).stderr
    assert f"error: There is no batch at {tmp_path / 'out' / '.batch'}" in message
    assert not (tmp_path / "out").exists()
    assert "give --state FOLDER" in call("status", "s3://bucket/out", code=3).stderr


# Interruption


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_batch_says_how_far_it_is_and_goes_on_next_time(night, number):
    night.write("ben", seconds=60)
    command = [sys.executable, "-c", ALONE, "batch", *map(str, arguments(night)), "--json"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        # What runs in a shell's background ignores Ctrl-C, and so would its children.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    states: dict[str, str] = {}
    for line in process.stdout:
        value = json.loads(line)
        states |= {value["id"]: value["state"]} if value["event"] == "job" else {}
        if states == {"anna": "done", "ben": "running"}:
            break
    family = psutil.Process(process.pid).children(recursive=True)
    assert family
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told.splitlines()[-1] == "interrupted"
    assert "1 of 2 done, 1 unfinished" in told
    assert "Traceback" not in told
    assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    assert "1 of 2 done, 1 unfinished" in call("status", night.out).stdout
    night.write("ben")
    result = call(*arguments(night))
    assert "2 of 2 done" in result.stdout
    assert len(night.uses()) == 2
    assert night.files() == ["anna/anna.glb", "ben/ben.glb", "index.html"]
