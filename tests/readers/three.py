"""three.js in Chromium: GLTFLoader, the body posed and drawn, GLTFExporter."""

from __future__ import annotations

from pathlib import Path

from readers.chromium import report_of
from readers.report import ReaderReport


def read(path: Path, arm: str, shape: str) -> ReaderReport:
    """Return what three.js sees; `arm` and `shape` are the file's names of what is moved."""
    return report_of("three.js", "three.html", path, ("three",), arm=arm, shape=shape)[0]
