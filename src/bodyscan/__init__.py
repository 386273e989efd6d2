"""bodyscan: from a raw scan of a person to a rigged, consented digital twin.

The public names load on first use, so that `import bodyscan` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bodyscan.capture import read_scan
    from bodyscan.gltf import read_glb, write_glb
    from bodyscan.pipeline import PipelineOptions, PipelineResult, QualityError, scan_to_twin

__version__ = "0.1.0"

__all__ = [
    "PipelineOptions",
    "PipelineResult",
    "QualityError",
    "__version__",
    "read_glb",
    "read_scan",
    "scan_to_twin",
    "write_glb",
]

_HOME = {
    "PipelineOptions": "bodyscan.pipeline",
    "PipelineResult": "bodyscan.pipeline",
    "QualityError": "bodyscan.pipeline",
    "scan_to_twin": "bodyscan.pipeline",
    "read_scan": "bodyscan.capture",
    "read_glb": "bodyscan.gltf",
    "write_glb": "bodyscan.gltf",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bodyscan' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
