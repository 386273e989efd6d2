from __future__ import annotations

import os

from bodyscan.batch.machine import GIB, RESERVE_BYTES, WORKER_BYTES, Machine, resident_bytes, this_machine


def test_workers_are_as_many_as_cores_where_the_memory_reaches():
    assert Machine(8, RESERVE_BYTES + 100 * WORKER_BYTES).workers == 8


def test_little_memory_means_fewer_workers_and_never_none():
    assert Machine(8, RESERVE_BYTES + 3 * WORKER_BYTES).workers == 3
    assert Machine(8, 0).workers == 1


def test_the_quota_of_a_control_group_counts(tmp_path):
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "memory.max").write_text(f"{3 * GIB}\n")
    (tmp_path / "memory.current").write_text(f"{GIB}\n")
    machine = this_machine(tmp_path)
    assert machine.cores == 1
    assert machine.memory_bytes <= 2 * GIB


def test_a_control_group_without_limits_limits_nothing(tmp_path):
    free = this_machine(tmp_path / "nothing")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("5\n")
    held = this_machine(tmp_path)
    assert held.cores == free.cores
    assert abs(held.memory_bytes - free.memory_bytes) < GIB


def test_a_process_holds_memory_and_one_that_is_gone_holds_none():
    assert resident_bytes(os.getpid()) > 1_000_000
    assert resident_bytes(2**22 - 1) == 0
