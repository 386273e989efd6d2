from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from bodyscan.cli.consent import app
from bodyscan.viewer import verifier_page


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["page", *map(str, arguments)])


def test_the_page_is_written_as_one_file(tmp_path: Path):
    path = tmp_path / "verify.html"
    result = run("-o", path)
    assert result.exit_code == 0, result.output
    assert path.read_text(encoding="utf-8") == verifier_page()
    assert [file.name for file in tmp_path.iterdir()] == ["verify.html"]
    assert "open it in a browser" in result.output


def test_a_file_that_is_there_is_replaced_only_when_told(tmp_path: Path):
    path = tmp_path / "verify.html"
    path.write_text("mine")
    result = run("-o", path)
    assert result.exit_code == 3
    assert path.read_text() == "mine"
    assert "--overwrite" in result.output
    assert run("-o", path, "--overwrite").exit_code == 0
    assert path.read_text().startswith("<!doctype html>")


def test_a_page_is_called_html(tmp_path: Path):
    result = run("-o", tmp_path / "verify.pdf")
    assert result.exit_code == 3
    assert "must end in .html" in result.output
