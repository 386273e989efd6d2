"""Imports Open3D without its machine-learning part, which takes longer to import than all the rest.

`import open3d` runs `import open3d.ml`, and that scikit-learn and data sets, none of which is used here:
2.4 s of processor time with it, 1.0 s without. Open3D has no switch for it, so that an empty module stands in
its place while Open3D is imported and is taken away afterwards: who imports `open3d.ml` later gets the real
one.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

HEAVY = "open3d.ml"


def load_open3d() -> Any:
    """Return the module `open3d`. Where it was imported before, that one."""
    if "open3d" in sys.modules:
        return sys.modules["open3d"]
    stand_in = ModuleType(HEAVY)
    sys.modules[HEAVY] = stand_in
    try:
        import open3d
    finally:
        if sys.modules.get(HEAVY) is stand_in:
            del sys.modules[HEAVY]
    return open3d
