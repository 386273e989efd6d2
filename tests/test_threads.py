"""How many threads a process may use: what it was told, or its cores."""

from __future__ import annotations

import os

import pytest

from bodyscan.threads import VARIABLE, usable_threads


@pytest.mark.parametrize(("said", "threads"), [("1", 1), ("3", 3), ("4,2", 4), (" 2 ", 2)])
def test_what_was_said_holds(monkeypatch, said, threads):
    monkeypatch.setenv(VARIABLE, said)
    assert usable_threads() == threads


@pytest.mark.parametrize("said", ["", "0", "-1", "all", "1.5", "²"])
def test_without_a_number_it_is_the_cores_of_this_process(monkeypatch, said):
    monkeypatch.delenv(VARIABLE, raising=False)
    cores = usable_threads()
    assert 1 <= cores <= (os.cpu_count() or 1)
    monkeypatch.setenv(VARIABLE, said)
    assert usable_threads() == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_a_process_held_to_one_core_has_one_thread(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_threads() == 1
    finally:
        os.sched_setaffinity(0, before)
