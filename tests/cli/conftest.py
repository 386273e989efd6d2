"""What the tests of several commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bodyscan.consent import Purpose, Use
from bodyscan.consent.demo import make_demo_consent
from bodyscan.gltf import write_glb
from bodyscan.twin.assemble import assemble_twin
from gltf.shapes import small_twin


@pytest.fixture(scope="module")
def twin_file(tmp_path_factory) -> Path:
    made, demo = small_twin(), make_demo_consent("Alba")
    twin = assemble_twin(
        made.rig,
        made.morphs,
        made.measurements,
        made.landmarks,
        made.provenance,
        consent=demo.text,
        use=Use(Purpose.MAKE_TWIN),
        now=datetime(2026, 6, 1, tzinfo=UTC),
        controller_key=demo.controller_key,
        pose="t",
    )
    path = tmp_path_factory.mktemp("twin") / "twin.glb"
    write_glb(twin, path)
    return path
