#!/usr/bin/env python3
"""Gives the files of tests/readers to the readers and writes the table of docs/readers.md anew.

Arguments: names of readers as they stand in the table; none stands for all. A reader that is not named or not
installed keeps the rows that it had. Takes about three minutes for all.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "readers.md"
sys.path.insert(0, str(ROOT / "tests"))

import pytest  # noqa: E402

from bodyscan.gltf import read_glb  # noqa: E402
from readers.files import TwinFile  # noqa: E402
from readers.judge import faults  # noqa: E402
from readers.matrix import READERS, Reader  # noqa: E402
from readers.table import row, with_table  # noqa: E402


def main(names: list[str]) -> None:
    """Read, print each row as it comes, and write the page at the end."""
    known = [reader.name for reader in READERS]
    if unknown := set(names) - set(known):
        sys.exit(f"There is no reader {', '.join(sorted(unknown))}; the readers are {', '.join(known)}.")
    page = PAGE.read_text(encoding="utf-8")
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for reader in READERS:
            for file in reader.files:
                new = row_of(reader, file, Path(place)) if not names or reader.name in names else None
                start = f"| {reader.name} | {file.name} |"
                rows += [new] if new else [line for line in page.splitlines() if line.startswith(start)]
    PAGE.write_text(with_table(page, rows), encoding="utf-8")


def row_of(reader: Reader, file: TwinFile, folder: Path) -> str | None:
    """Give a file to a reader, print and return its row; None where the reader is not installed."""
    path = file.write(folder)
    try:
        report = reader.read(path, file.arm, file.shape)
    except pytest.skip.Exception as missing:
        print(f"{reader.name}: {missing}", file=sys.stderr)
        return None
    found = faults(report, file, read_glb(path))
    text = row(reader, file, report, found)
    print(text, flush=True)
    if found != set(reader.faults_of(file)):
        print("  not as known in tests/readers/matrix.py:", *report.problems, sep="\n  ")
    return text


if __name__ == "__main__":
    main(sys.argv[1:])
