"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# A busy machine is no failure; the examples are the same on each run, so that a failure can be seen again.
settings.register_profile("bodyscan", deadline=None, derandomize=True)
settings.load_profile("bodyscan")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: a worker that begins one when the others are done holds up all."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True, scope="session")
def own_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Uses that tests make are written into a ledger of their own, never into the user's."""
    place = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BODYSCAN_LEDGER", str(place))
        yield place


@pytest.fixture(scope="session")
def sample_scans() -> Path:
    """Return the folder of the packaged samples."""
    return ROOT / "sample_scans"
