"""What the documentation points to is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bodyscan.cli.main import Commands, app
from bodyscan.run.options import load_options

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "index.md").read_text()
    assert [
        page.name for page in (ROOT / "docs").glob("*.md") if page.name not in ("index.md", *_named(index))
    ] == []


def _named(text: str) -> list[str]:
    return re.findall(r"\]\(([a-z0-9_]+\.md)\)", text)


def test_the_options_file_of_the_documentation_can_be_read(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "cli.md").read_text(), flags=re.DOTALL)
    file = tmp_path / "options.toml"
    file.write_text(block)
    options = load_options(file, {})
    assert options.pipeline.fit.max_surface_mean_mm == tomllib.loads(block)["fit"]["max_surface_mean_mm"]


def test_every_option_that_the_page_tells_of_exists():
    page = (ROOT / "docs" / "cli.md").read_text()
    table = page.split("## twin", 1)[1].split("The stages are", 1)[0]
    told = set(re.findall(r"`(--[a-z-]+)", table))
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["twin", "--help"]).output
    assert told
    assert sorted(option for option in told if option not in shown) == []


def test_every_command_is_told_of():
    page = (ROOT / "docs" / "cli.md").read_text()
    assert [name for name in Commands.table if f"`{name}" not in page] == []
