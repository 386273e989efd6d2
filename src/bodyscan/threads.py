"""How many threads bodyscan's own loops, SciPy's searches and Open3D's rays may use."""

from __future__ import annotations

import os

VARIABLE = "OMP_NUM_THREADS"
"""OpenMP's own variable (OpenMP 5.2, 21.1.2), which NumPy's BLAS and most numeric libraries follow as well:
one setting holds all of a process. Where it lists a number for each nesting level, the first counts."""


def usable_threads() -> int:
    """Return what `OMP_NUM_THREADS` says; without a usable number there, the cores of this process.

    A batch sets it to 1 for its workers, which would otherwise take each other's cores.
    """
    first = os.environ.get(VARIABLE, "").split(",")[0].strip()
    if first.isascii() and first.isdecimal() and int(first) > 0:
        return int(first)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
