"""A little of all that the add-on has the package do in Blender, to be done in this environment too."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.measurements import measure_person
from bodyscan.consent import Purpose, Use, geometry_digest, verify_content
from bodyscan.gltf import read_glb
from bodyscan.gltf.read_content import read_content
from bodyscan.ledger import Ledger
from bodyscan.mark import embed_watermark, find_watermark

PAYLOAD = b"8 bytes."


def judged(glb: Path, folder: Path, now: datetime) -> dict[str, Any]:
    """A twin's consent and geometry, the measurements of the mean body, a mark found again, a new ledger."""
    text, content = read_content(glb.read_bytes())
    status = verify_content(text, content, now, Use(Purpose.MAKE_TWIN))
    body = read_glb(glb)
    with Ledger.open(folder / "ledger.sqlite", now=now) as ledger:
        entries = len(ledger)
    model = load_body_model()
    measurements = measure_person(model, model.zero_params())
    found = find_watermark(embed_watermark(np.full((512, 512, 3), 128, np.uint8), PAYLOAD)).watermark
    return {
        "consent": [status.ok, status.reason],
        "digest": geometry_digest(body.positions, body.faces),
        "measurements_cm": {item.name: item.value_cm for item in measurements},
        "watermark": found.payload.decode() if found else None,
        "ledger": entries,
    }
