from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from batch.fake_work import COMMAND
from bodyscan.batch.job import ErrorKind
from bodyscan.batch.scan_process import ScanProcess
from bodyscan.batch.task import Task

GB = 10**9


@pytest.fixture(scope="module")
def host():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        found = ScanProcess(COMMAND)
        yield found
        found.close()


@pytest.fixture
def process(host):
    yield host
    host.command = COMMAND


@pytest.fixture
def run(process, tmp_path):
    """Run one scan that does what it is told; the events are kept in `run.events`."""
    capture = tmp_path / "capture.ply"
    events: list[dict] = []

    def run(do="", seconds=0.0, time_limit_s=30.0, memory_limit_bytes=GB, stopped=lambda: False, name="anna"):
        capture.write_text(json.dumps({"do": do, "seconds": seconds}))
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        task = Task(name, f"{name}-1", str(capture), "c.json", "{}", str(tmp_path))
        values = task.values() | {"folder": str(folder), "log": str(folder / "log.txt")}
        return process.run(
            values,
            time_limit_s=time_limit_s,
            memory_limit_bytes=memory_limit_bytes,
            tell=events.append,
            stopped=stopped,
        )

    run.events = events
    return run


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def gone_within(pid: int, seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < limit:
        time.sleep(0.05)
    return not alive(pid)


def test_a_scan_is_done_and_its_stages_are_told(run):
    ended = run()
    assert ended.error is None
    assert ended.result["files"][0]["kind"] == "twin"
    assert ended.peak_bytes > 1_000_000
    assert [event["name"] for event in run.events if event["event"] == "stage"] == [
        "read",
        "read",
        "fit",
        "fit",
    ]


def test_every_scan_has_a_process_of_its_own_and_the_host_stays(run, process):
    run()
    host = process._host.pid
    run()
    pids = [event["pid"] for event in run.events if event["event"] == "begun"]
    assert len(set(pids)) == 2
    assert process._host.pid == host


def test_what_cannot_be_worked_out_before_is_left_to_the_scan(run, process):
    run()
    host = process._host.pid
    assert run(name="cold").error is None
    assert process._host.pid == host


def test_what_is_printed_goes_into_the_log(run, tmp_path):
    run()
    assert (tmp_path / "work" / "log.txt").read_text() == "a line of the log\n"


@pytest.mark.parametrize(
    ("do", "kind", "words"),
    [
        ("crash", ErrorKind.CRASHED, "SIGSEGV"),
        ("kill", ErrorKind.KILLED, "SIGKILL"),
        ("exit", ErrorKind.BUG, "code 3"),
        ("raise", ErrorKind.BUG, "no result"),
        ("input", ErrorKind.INPUT, "on purpose"),
    ],
)
def test_a_scan_that_fails_says_how_and_the_next_one_is_done(run, do, kind, words):
    ended = run(do)
    assert ended.error is not None
    assert ended.error.kind is kind
    assert words in ended.error.message
    assert run().error is None


def test_the_log_of_an_exception_holds_its_traceback(run, tmp_path):
    run("raise")
    assert "RuntimeError: on purpose" in (tmp_path / "work" / "log.txt").read_text()


def test_a_scan_over_the_time_limit_is_stopped(run):
    began = time.monotonic()
    ended = run(seconds=60, time_limit_s=0.5)
    assert ended.error.kind is ErrorKind.TIME
    assert "0.5 s" in ended.error.message
    assert time.monotonic() - began < 10
    assert run().error is None


def test_a_scan_over_the_memory_limit_is_stopped(run):
    ended = run("memory", memory_limit_bytes=200_000_000)
    assert ended.error.kind is ErrorKind.MEMORY
    assert "0.20 GB" in ended.error.message
    assert ended.peak_bytes > 200_000_000
    assert run().error is None


def test_a_scan_that_is_given_up_is_stopped(run):
    began = time.monotonic()
    ended = run(seconds=60, stopped=lambda: time.monotonic() > began + 0.3)
    assert ended.error.kind is ErrorKind.KILLED
    assert time.monotonic() - began < 10


def test_a_host_that_is_killed_is_replaced(run, process):
    run()
    threading.Timer(0.5, lambda: os.kill(process._host.pid, signal.SIGKILL)).start()
    ended = run(seconds=60)
    assert ended.error.kind is ErrorKind.KILLED
    scan = [event["pid"] for event in run.events if event["event"] == "begun"][-1]
    assert gone_within(scan, 5)
    assert run().error is None


def test_what_a_scan_started_ends_with_it(run, tmp_path):
    ended = run("child", time_limit_s=1.0)
    assert ended.error.kind is ErrorKind.TIME
    assert gone_within(int((tmp_path / "child.pid").read_text()), 5)


def test_a_host_that_cannot_start_is_an_error_that_may_pass(run, process):
    process.close()
    process.command = (sys.executable, "-c", "raise SystemExit(3)")
    ended = run()
    assert ended.error.kind is ErrorKind.SYSTEM
    assert "did not start" in ended.error.message


def test_host_and_scan_end_when_their_owner_is_killed(tmp_path):
    """As `kill -9` of the batch does it: nobody is left to tell them."""
    capture = tmp_path / "capture.ply"
    capture.write_text(json.dumps({"seconds": 60}))
    text = f"""
from batch.fake_work import COMMAND
from bodyscan.batch.scan_process import ScanProcess
from bodyscan.batch.task import Task
task = Task("a", "a-1", {str(capture)!r}, "c", "t", {str(tmp_path)!r})
values = task.values() | {{"folder": {str(tmp_path)!r}, "log": {str(tmp_path / "log.txt")!r}}}
process = ScanProcess(COMMAND)
def tell(event):
    if event["event"] == "begun":
        print(process._host.pid, event["pid"], flush=True)
process.run(values, time_limit_s=99, memory_limit_bytes=10**9, tell=tell)
"""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    owner = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, env=env)
    host, scan = map(int, owner.stdout.readline().split())
    owner.kill()
    owner.wait()
    assert gone_within(host, 5)
    assert gone_within(scan, 5)
