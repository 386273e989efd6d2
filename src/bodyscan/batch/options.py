"""Options of a batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bodyscan.errors import InputError

FORMATS = ("glb", "vrm", "fbx", "usdz", "blend")
"""What a twin can be written as; the GLB is always made."""
BLENDER_FORMATS = ("fbx", "usdz", "blend")
"""Those that are made of the GLB, in Blender: `convert.FORMATS`, which takes seconds to import."""
GIB = 1024**3


@dataclass(frozen=True)
class BatchOptions:
    """How a batch runs: nothing here changes a twin."""

    workers: int | None = None
    """Scans at once; None: as many as cores and memory allow, or as the cluster has threads."""
    attempts: int = 3
    """How often a scan is begun before an error that may pass counts as its outcome."""
    retry_wait_s: float = 5.0
    """Wait before the second try, seconds; it doubles with each further one."""
    time_limit_s: float = 3600.0
    """Longest time of one scan, seconds."""
    memory_limit_bytes: int = 8 * GIB
    """Most resident memory of one scan's process."""
    formats: tuple[str, ...] = ("glb",)
    """Of `FORMATS`."""
    report: bool = False
    """Write each scan's quality report."""
    retry_failed: bool = False
    """Try every failed scan again, also those whose error cannot pass by itself."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise InputError(f"A batch has at least one worker, not {self.workers}.")
        if self.attempts < 1:
            raise InputError(f"A scan is begun at least once, not {self.attempts} times.")
        for name in ("retry_wait_s", "time_limit_s", "memory_limit_bytes"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"BatchOptions.{name} must be above 0; it is {value}.")
        if unknown := [name for name in self.formats if name not in FORMATS]:
            raise InputError(f"The format '{unknown[0]}' is not known; possible are: {', '.join(FORMATS)}.")
