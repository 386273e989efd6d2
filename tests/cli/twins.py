"""Twins with images, face shapes and a consent of one's choice, for the tests of what is done with twins."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.consent import Evidence, Purpose, Use
from bodyscan.gltf import GltfOptions, write_glb
from bodyscan.twin.assemble import TwinParts, assemble_twin
from bodyscan.types import SkinTextures, Twin
from consent.people import STUDIO, changed, signed_values
from gltf.shapes import small_twin

MADE = datetime(2026, 6, 1, tzinfo=UTC)
LONG: dict[str, Any] = {
    # The commands read this computer's clock.
    "term__not_before": "2026-01-01T00:00:00Z",
    "term__not_after": "2125-01-01T00:00:00Z",
    "data__delete_by": "2126-01-01T00:00:00Z",
    "scope__purposes": ["make_twin", "render", "export"],
    "scope__redistribution": "licensees",
}


def soft_skin(size: int = 256) -> SkinTextures:
    """Return an image that goes softly from warm to cool and back across its width, with roughness."""
    share = 0.5 + 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size)[None, :, None]
    row = share * np.array([210.0, 120, 80]) + (1 - share) * np.array([80.0, 120, 210])
    albedo = np.repeat(np.round(row), size, axis=0).astype(np.uint8)
    return SkinTextures(albedo, roughness=np.full((size, size), 140, np.uint8), seen_share=0.9)


def annas_twin(
    pose: str = "t", evidence: Evidence | None = None, now: datetime = MADE, **changes: Any
) -> Twin:
    """Return Anna's small twin with images; a change names a place of her record: `scope__media=["web"]`."""
    made = small_twin()
    return assemble_twin(
        made.rig,
        made.morphs,
        made.measurements,
        made.landmarks,
        made.provenance,
        consent=signed_values(changed(**(LONG | changes))),
        use=Use(Purpose.MAKE_TWIN),
        now=now,
        controller_key=STUDIO,
        pose=pose,
        evidence=evidence,
        vertex_source=made.vertex_source,
        parts=TwinParts(textures=soft_skin()),
    )


def write_annas_twin(path: Path, options: GltfOptions | None = None, **changes: Any) -> Path:
    """Write Anna's twin to `path` and return it."""
    write_glb(annas_twin(**changes), path, options)
    return path
