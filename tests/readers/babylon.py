"""Babylon.js in Chromium: its glTF loader, the body posed and drawn, its glTF serializer."""

from __future__ import annotations

from pathlib import Path

from readers.chromium import report_of
from readers.report import ReaderReport

PACKAGES = ("babylonjs", "babylonjs-loaders", "babylonjs-serializers", "three")
"""three is there for its Draco and meshopt decoders, which Babylon would fetch from the internet."""


def read(path: Path, arm: str, shape: str) -> ReaderReport:
    """Return what Babylon sees; `arm` and `shape` are the file's names of what is moved."""
    return report_of("Babylon.js", "babylon.html", path, PACKAGES, arm=arm, shape=shape)[0]
