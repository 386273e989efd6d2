"""What this machine lends to a batch: cores and memory, a container's limits included."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from bodyscan.batch.options import GIB

WORKER_BYTES = 2 * GIB
"""Memory that one worker is counted with: a twin's process held 1.1 GB at most with scans of 30,000 vertices
and 1.4 GB with a depth capture (`docs/scale.md`), and needs room for larger ones."""
RESERVE_BYTES = 1 * GIB
"""Left to the system, the batch's own process and the file cache."""
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Machine:
    """What may be used."""

    cores: int
    memory_bytes: int
    """Available now."""

    @property
    def workers(self) -> int:
        """Scans at once: one a core, as far as the memory reaches; at least one."""
        by_memory = (self.memory_bytes - RESERVE_BYTES) // WORKER_BYTES
        return max(1, min(self.cores, by_memory))


def this_machine(cgroup: Path = CGROUP) -> Machine:
    """Return the cores and the memory that this process may use.

    Cores are those of the process's affinity, at most the quota of its control group (cgroup v2, kernel
    documentation `cgroup-v2`: `cpu.max`); memory is what is available, at most what `memory.max` leaves.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory().available
    quota = _words(cgroup / "cpu.max")
    if len(quota) == 2 and all(word.isdigit() for word in quota):
        cores = max(1, min(cores, int(quota[0]) // max(1, int(quota[1]))))
    limit, used = _words(cgroup / "memory.max"), _words(cgroup / "memory.current")
    if limit and used and limit[0].isdigit() and used[0].isdigit():
        memory = min(memory, max(0, int(limit[0]) - int(used[0])))
    return Machine(cores, memory)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []  # no control group, or another system


def resident_bytes(pid: int) -> int:
    """Return what a process and its children hold in memory; 0 where it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.Error:
            continue  # ended in between
    return total
