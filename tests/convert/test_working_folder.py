from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bodyscan.convert.working_folder import working_folder
from bodyscan.errors import InputError

GONE_S = 20.0
"""Within this time a folder of a killed process is gone, on a busy machine."""

WORKER = """
import sys, time
from pathlib import Path
for number in range(200):
    Path(sys.argv[1], "part").mkdir(parents=True, exist_ok=True)
    Path(sys.argv[1], "part", str(number)).write_text("half")
    time.sleep(0.005)
"""
PARENT = """
import os, subprocess, sys, time
from pathlib import Path
from bodyscan.convert.working_folder import working_folder
with working_folder(Path(sys.argv[1])) as working:
    command = [sys.executable, "-c", {worker!r}, str(working.path)]
    subprocess.Popen(command, pass_fds=(working.hold,))
    print("at work", flush=True)
    time.sleep(60.0)
"""


def test_it_is_beside_the_target_hidden_and_gone_afterwards(tmp_path):
    with working_folder(tmp_path / "twin.fbx") as working:
        assert working.path.parent == tmp_path
        assert working.path.name.startswith(".twin.fbx.")
        (working.path / "part").write_text("half")
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="in the middle"), working_folder(tmp_path / "twin.fbx"):
        raise RuntimeError("in the middle")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_told(tmp_path):
    with (
        pytest.raises(InputError, match=r"twin\.fbx could not be written: No space"),
        working_folder(tmp_path / "twin.fbx"),
    ):
        raise OSError(28, "No space left on device")
    with (
        pytest.raises(InputError, match="cannot be written to"),
        working_folder(tmp_path / "no" / "twin.fbx"),
    ):
        pass


def test_a_child_that_still_writes_keeps_it_and_nothing_comes_back(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(worker=WORKER), str(tmp_path / "twin.fbx")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "at work\n"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    written = largest_number(tmp_path)
    until = time.monotonic() + GONE_S
    while any(tmp_path.iterdir()) and time.monotonic() < until:
        written = max(written, largest_number(tmp_path))
        time.sleep(0.001)
    assert list(tmp_path.iterdir()) == []
    assert written > 150, "it went away before the child was done"


def largest_number(folder: Path) -> int:
    return max((int(path.name) for path in folder.glob(".*/part/*")), default=-1)
