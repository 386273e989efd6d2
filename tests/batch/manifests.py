"""What writes and reads a manifest in a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bodyscan.batch.manifest import Row, read_manifest
from bodyscan.errors import InputError


def table(folder: Path, text: str | bytes, name: str = "night.csv") -> Path:
    """Write a manifest, and return its path."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def rows(folder: Path, text: str | bytes, name: str = "night.csv") -> tuple[Row, ...]:
    """Return the rows of a manifest."""
    return read_manifest(table(folder, text, name)).rows


def refusal(folder: Path, text: str | bytes, name: str = "night.csv") -> str:
    """Return why a manifest is refused."""
    with pytest.raises(InputError) as caught:
        rows(folder, text, name)
    return str(caught.value)


def line(**values: object) -> str:
    """Return a JSON line with a capture and a consent."""
    return json.dumps({"capture": "a.ply", "consent": "a.json", **values})
