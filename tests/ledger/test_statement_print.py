"""The page as a browser prints it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bodyscan.ledger import find_person, make_statement, statement_html
from gltf.tools import need_program
from ledger.bills import END, JULY, JUNE, days, june
from ledger.uses import use

pytestmark = [pytest.mark.browser, pytest.mark.slow]
A4 = (595.0, 842.0)


def printed(page: str, folder: Path) -> bytes:
    """Return the PDF that Chromium prints of a page."""
    source, target = folder / "june.html", folder / "june.pdf"
    source.write_text(page, encoding="utf-8")
    subprocess.run(
        [
            need_program("chromium", "chromium-browser", "google-chrome"),
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"),
            f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={target}",
            source.as_uri(),
        ],
        capture_output=True,
        check=True,
        timeout=120,
    )
    return target.read_bytes()


def test_a_statement_prints_on_a4_and_goes_on_over_the_pages(tmp_path):
    with june(tmp_path) as ledger:
        person = find_person(ledger, "Anna 7")
        short = statement_html(make_statement(ledger, person, JUNE, JULY, END))
        ledger.append_many([use(f"look {n}", at=days(8), reference=f"Campaign {n}") for n in range(120)])
        long = statement_html(make_statement(ledger, person, JUNE, JULY, END))
    counts = []
    for name, page in (("short", short), ("long", long)):
        (tmp_path / name).mkdir()
        sheets = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed(page, tmp_path / name))
        counts.append(len(sheets))
        assert sheets
        for width, height in sheets:
            assert (float(width), float(height)) == pytest.approx(A4, abs=1)
    assert counts[0] <= 2
    assert 3 <= counts[1] <= 8
