"""Several processes on one ledger, and processes that are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO

import pytest

from bodyscan.ledger.store import Ledger
from bodyscan.ledger.verify import verify_ledger
from ledger.uses import NOW, use

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")


def append_for_ever(path: Path, name: str, group: int, count: int, pipe: int) -> None:
    """What a child does: append, and only then say so."""
    with Ledger.open(path, now=NOW) as ledger, os.fdopen(pipe, "w") as told:
        for number in range(0, count, group):
            uses = [use(f"{name}-{number + more}") for more in range(group)]
            for receipt in ledger.append_many(uses):
                told.write(f"{receipt.sequence} {receipt.entry_hash}\n")
                told.flush()


def fork_child(path: Path, name: str, group: int, count: int) -> tuple[BaseProcess, IO[str]]:
    """Start a child that shares nothing but the file; return it and what it tells."""
    read, write = os.pipe()
    process = multiprocessing.get_context("fork").Process(
        target=append_for_ever, args=(path, name, group, count, write)
    )
    process.start()
    os.close(write)
    return process, os.fdopen(read)


@pytest.mark.parametrize("group", [1, 7])
def test_no_use_is_lost_when_the_process_is_killed(tmp_path, group):
    path = tmp_path / "ledger.sqlite"
    told: dict[int, str] = {}
    for turn in range(8):
        process, stream = fork_child(path, f"turn {turn}", group, 10**9)
        with stream:
            lines = [stream.readline()]
            time.sleep(0.013 * turn)
            os.kill(process.pid or 0, signal.SIGKILL)
            lines += stream.readlines()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        for line in lines:
            if line.endswith("\n"):
                told[int(line.split()[0])] = line.split()[1]
        with Ledger.open(path) as ledger:
            there = {stored.sequence: stored.hash.hex() for stored in ledger.entries()}
            assert told.items() <= there.items()  # all that was promised, and at most one group more
            assert len(there) % group == 0
            assert verify_ledger(ledger, []).ok
    assert len(told) > 8


def test_several_processes_append_at_once(tmp_path):
    path = tmp_path / "ledger.sqlite"
    children = [fork_child(path, f"process {number}", 3, 60) for number in range(4)]
    told = [line.split()[0] for _, stream in children for line in stream]
    for process, stream in children:
        process.join()
        stream.close()
    assert [process.exitcode for process, _ in children] == [0, 0, 0, 0]
    assert sorted(map(int, told)) == list(range(1, 241))
    with Ledger.open(path) as ledger:
        assert verify_ledger(ledger, []).ok
        assert len(ledger) == 240


def test_processes_that_begin_a_ledger_at_once_begin_one(tmp_path):
    path = tmp_path / "new" / "ledger.sqlite"
    children = [fork_child(path, f"process {number}", 1, 1) for number in range(8)]
    for process, stream in children:
        stream.read()
        process.join()
        stream.close()
    assert [process.exitcode for process, _ in children] == [0] * 8
    with Ledger.open(path) as ledger:
        assert verify_ledger(ledger, []).ok
        assert len(ledger) == 8
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]


def test_the_same_use_of_two_processes_is_billed_once(tmp_path):
    path = tmp_path / "ledger.sqlite"
    children = [fork_child(path, "the same", 1, 20) for _ in range(2)]
    told = [line for _, stream in children for line in stream]
    codes = []
    for process, stream in children:
        process.join()
        stream.close()
        codes.append(process.exitcode)
    with Ledger.open(path) as ledger:
        assert len(told) == len(ledger)
        assert len(set(told)) == len(told)
        assert verify_ledger(ledger, []).ok
    assert 1 in codes  # the slower one was refused
