"""Wall and processor seconds of named stages, and the peak of memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Stopwatch:
    """Times stages; the peak of resident memory counts from when it was made."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._resets = _reset_peak()

    def run(self, stage: str, work: Callable[[], T]) -> T:
        """`work()`, whose seconds are kept as `<stage>_s` (wall) and `<stage>_cpu_s` (all threads)."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return work()
        finally:
            self.seconds[f"{stage}_s"] = time.perf_counter() - wall
            self.seconds[f"{stage}_cpu_s"] = time.process_time() - cpu

    def peak_mb(self) -> float:
        """Of this case where the system can reset its counter (Linux), else of the whole run so far."""
        if self._resets:
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) / 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _reset_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
