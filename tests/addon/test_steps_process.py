"""The steps process: whatever it does, Blender hears of it, never waits, and leaves nothing running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.outside import ADDONS, outside
from bodyscan.errors import InputError

command, events = outside("steps.command"), outside("steps.step_events")
steps_process, child_process = outside("steps.steps_process"), outside("steps.child_process")
STAND_IN = Path(__file__).with_name("stand_in_steps.py")
PATIENCE_S = 60.0

Start = Callable[..., Any]


@pytest.fixture
def start() -> Iterator[Start]:
    made = []

    def make(*flags: str, **options: Any) -> Any:
        process = steps_process.StepsProcess((sys.executable, str(STAND_IN), *flags, "steps"), **options)
        made.append(process)
        return process

    yield make
    for process in made:
        process.kill()


def ask(process: Any, mode: str, step: str = "fit") -> list[Any]:
    """The events of one request, to its end."""
    process.request(step, mode=mode)
    found: list[Any] = []
    until = time.monotonic() + PATIENCE_S
    while process.is_busy:
        assert time.monotonic() < until, f"nothing more came after {found}"
        found += process.poll(0.05)
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_request_gives_its_stages_and_its_end(start: Start) -> None:
    first, second, last = ask(start(), "well")
    assert (first.name, first.done) == ("first", False)
    assert (second.name, second.done, second.seconds, second.remark) == ("first", True, 0.1, "made up")
    assert isinstance(last, events.Done)
    assert (last.summary, last.warnings) == ("All is well.", ("Look at it.",))
    assert last.values["said"] == {"id": 1, "step": "fit", "mode": "well"}


def test_one_process_serves_one_request_after_the_other(start: Start) -> None:
    process = start()
    assert process.pid is None
    pids = {ask(process, "well")[-1].values["pid"] for _ in range(3)}
    assert pids == {process.pid}


def test_a_second_request_waits_for_its_turn(start: Start) -> None:
    process = start()
    process.request("fit", mode="hang")
    with pytest.raises(InputError, match="under way; wait for it, or cancel"):
        process.request("fit", mode="well")


def test_a_poll_never_waits_longer_than_it_may(start: Start) -> None:
    process = start()
    begun = time.perf_counter()
    process.request("fit", mode="hang")
    for _ in range(20):
        process.poll()
    assert time.perf_counter() - begun < 1.0


def test_a_cancel_kills_the_process_and_what_it_started(start: Start) -> None:
    process = start()
    process.request("fit", mode="hang")
    found: list[Any] = []
    wait_until(lambda: bool(found.extend(process.poll(0.05)) or [e for e in found if "child" in e.name]))
    pid, child = process.pid, int(found[-1].name.split()[1])
    assert is_alive(child)
    process.kill()
    assert not process.is_busy
    wait_until(lambda: not is_alive(pid) and not is_alive(child))
    assert isinstance(ask(process, "well")[-1], events.Done), "it is started again on demand"
    assert process.pid != pid


def test_a_crash_is_told_with_the_last_words_and_the_next_request_starts_anew(start: Start) -> None:
    process = start()
    failed = ask(process, "crash")[-1]
    assert failed.kind == "crash"
    assert "signal SIGSEGV" in failed.message
    assert "during the step 'fit'" in failed.message
    assert "reading vertex 12 | Segmentation imminent" in failed.message
    assert "try again" in failed.message
    assert isinstance(ask(process, "well")[-1], events.Done)


def test_a_process_that_is_killed_from_outside_is_told_of_its_memory(start: Start) -> None:
    process = start()
    process.request("fit", mode="hang")
    wait_until(lambda: bool(process.poll(0.05)))
    os.kill(process.pid, signal.SIGKILL)
    found: list[Any] = []
    wait_until(lambda: bool(found.extend(process.poll(0.05)) or not process.is_busy))
    assert "SIGKILL, often a sign that the memory ran out" in found[-1].message


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("dies in mid-line", 'exit code 3.*its last words: {"id": 1, "event": "do'),
        ("leaves a child", "exit code 7.*gone before my child"),
        ("closes its output", "signal SIGKILL"),
    ],
)
def test_every_other_end_is_told_too(mode: str, words: str, start: Start) -> None:
    (failed,) = (event for event in ask(start(), mode) if isinstance(event, events.Failed))
    assert failed.kind == "crash"
    assert re.search(words, failed.message), failed.message


@pytest.mark.parametrize("mode", ["rubbish", "floods"])
def test_what_is_no_event_does_no_harm(mode: str, start: Start) -> None:
    assert isinstance(ask(start(), mode)[-1], events.Done)


def test_answers_for_another_request_are_not_ours(start: Start) -> None:
    found = [event for event in ask(start(), "another id") if isinstance(event, events.Done)]
    assert [event.values for event in found] == [{"whose": "ours"}]


def test_an_error_without_an_id_is_of_the_request_that_waits(start: Start) -> None:
    failed = ask(start(), "no id")[-1]
    assert (failed.kind, failed.message) == ("input", "The request is no JSON; give one object.")


def test_odd_values_are_read_as_nothing(start: Start) -> None:
    found = ask(start(), "odd values")
    assert (found[1].seconds, found[1].remark) == (0.0, "")
    assert (found[-1].warnings, dict(found[-1].values)) == ((), {})


@pytest.mark.parametrize("kind", ["input", "consent", "stage", "missing", "bug"])
def test_errors_keep_their_kind_and_words_and_the_next_request_is_served(kind: str, start: Start) -> None:
    process = start()
    failed = ask(process, kind)[-1]
    assert (failed.kind, failed.message) == (kind, f"This is an error of the kind {kind}.")
    assert isinstance(ask(process, "well")[-1], events.Done)


def test_a_process_that_is_never_ready_is_given_up(start: Start) -> None:
    failed = ask(start("--quiet-start", ready_s=1.0), "well")[-1]
    assert failed.kind == "crash"
    assert "was not ready after 1 s and was ended before it was ready" in failed.message
    assert "still importing" in failed.message


def test_a_process_that_cannot_start_is_told_with_its_reason(start: Start) -> None:
    failed = ask(start("--dies-at-start"), "well")[-1]
    assert "libGL.so.1: cannot open shared object file" in failed.message
    assert "before it was ready" in failed.message


def test_another_version_is_refused_before_anything_is_asked(start: Start) -> None:
    process = start("--other-version", check_version=command.check_version)
    (failed,) = ask(process, "well")
    assert failed.kind == "missing"
    assert "is version 99.3.0 and this add-on needs" in failed.message
    assert process.pid is None


@pytest.mark.parametrize("words", [("/nowhere/bodyscan", "steps"), (str(Path(__file__).parent),), ()])
def test_what_cannot_be_started_is_an_error_of_the_request(words: tuple[str, ...]) -> None:
    process = steps_process.StepsProcess(words)
    with pytest.raises(InputError, match=r"could not be started.*preferences"):
        process.request("fit")
    assert not process.is_busy


def test_what_json_cannot_hold_is_told_before_a_process_starts(start: Start) -> None:
    process = start()
    with pytest.raises(TypeError):
        process.request("fit", folder=Path("/tmp"))
    assert process.pid is None
    assert not process.is_busy


def test_stop_lets_an_idle_process_end_by_itself(start: Start) -> None:
    process = start()
    ask(process, "well")
    child = process._child
    process.stop()
    assert child._process.returncode == 0, "its input was closed, and it ended by itself"


def test_ten_rounds_leave_no_process_no_thread_and_no_open_file(start: Start) -> None:
    def threads() -> int:
        return sum(thread.name.startswith("bodyscan") for thread in threading.enumerate())

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    process = start()
    ask(process, "well")
    process.stop()
    wait_until(lambda: threads() == 0)
    before = open_files()
    for mode in ("well", "crash", "hang", "leaves a child") * 3:
        if mode == "hang":
            process.request("fit", mode=mode)
            wait_until(lambda: bool(process.poll(0.05)))
            process.kill()
        else:
            ask(process, mode)
    process.stop()
    wait_until(lambda: threads() == 0)
    assert open_files() <= before


PARENT = """
import sys, time
sys.path.append({addons!r})
from bodyscan_blender.steps.steps_process import StepsProcess
process = StepsProcess({words!r})
process.request("fit", mode={mode!r})
while process.is_busy and not any("child" in getattr(e, "name", "") for e in process.poll(0.05)):
    pass
print(process.pid, flush=True)
{end}
"""


@pytest.mark.parametrize(
    ("mode", "end"),
    [
        ("hang", "sys.exit(0)"),  # the end of Blender, at work
        ("well", "sys.exit(0)"),
        ("well", "import os; os.kill(os.getpid(), 9)"),  # Blender crashes, idle: its input closes
    ],
)
def test_it_ends_with_blender(mode: str, end: str) -> None:
    words = (sys.executable, str(STAND_IN), "steps")
    code = PARENT.format(addons=ADDONS, words=words, mode=mode, end=end)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S)
    pid = int(done.stdout)
    wait_until(lambda: not is_alive(pid))


@pytest.mark.slow
def test_the_real_command_speaks_the_protocol(tmp_path: Path) -> None:
    found = command.find_command(None, search_path="", beside=[Path(sys.executable).parent])
    process = steps_process.StepsProcess((str(found.path), "steps"), check_version=command.check_version)
    try:
        process.request("fit", folder=str(tmp_path / "none"))
        told: list[Any] = []
        wait_until(lambda: bool(told.extend(process.poll(0.05)) or not process.is_busy))
        assert told[-1].kind in ("consent", "input")
        process.request("dance", folder=str(tmp_path))
        wait_until(lambda: bool(told.extend(process.poll(0.05)) or not process.is_busy))
        assert "The step 'dance' is not known" in told[-1].message
        child = process._child
        process.stop()
        assert child._process.returncode == 0
    finally:
        process.kill()
