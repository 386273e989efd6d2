"""A twin whose consent is bound to its geometry, for the tests of ids and names."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from bodyscan.consent import Purpose, Use
from bodyscan.consent.demo import make_demo_consent
from bodyscan.twin.assemble import assemble_twin
from bodyscan.types import Twin
from gltf.shapes import small_twin

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@cache
def bound_twin(name: str = "Alba") -> Twin:
    """A small twin under a demo consent."""
    made, demo = small_twin(), make_demo_consent(name)
    return assemble_twin(
        made.rig,
        made.morphs,
        made.measurements,
        made.landmarks,
        made.provenance,
        consent=demo.text,
        use=Use(Purpose.MAKE_TWIN),
        now=NOW,
        controller_key=demo.controller_key,
        pose="t",
    )
