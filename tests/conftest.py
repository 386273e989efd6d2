"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def sample_scans() -> Path:
    """Return the folder of the packaged samples."""
    return ROOT / "sample_scans"
