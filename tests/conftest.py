"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# A busy machine is no failure; the examples are the same on each run, so that a failure can be seen again.
settings.register_profile("bodyscan", deadline=None, derandomize=True)
settings.load_profile("bodyscan")


@pytest.fixture(scope="session")
def sample_scans() -> Path:
    """Return the folder of the packaged samples."""
    return ROOT / "sample_scans"
