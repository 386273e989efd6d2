from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from bodyscan import __version__
from bodyscan.cli.main import Commands, app

SLOW_TO_IMPORT = ("mediapipe", "open3d", "numpy", "pydantic", "cryptography", "PIL", "scipy")


def test_help_names_every_command_with_its_summary():
    text = CliRunner().invoke(app, ["--help"]).output
    for name, (_, summary) in Commands.table.items():
        assert name in text
        assert summary.split()[0] in text


@pytest.mark.parametrize("name", Commands.table)
def test_every_command_can_be_loaded_and_has_help(name):
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"Usage: root {name}" in result.output or name in result.output


def test_help_imports_nothing_that_is_slow():
    check = (
        "import sys\nfrom typer.testing import CliRunner\nfrom bodyscan.cli.main import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        f"print([name for name in {SLOW_TO_IMPORT!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_that_of_the_package():
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"bodyscan {__version__}\n")


@pytest.mark.parametrize("arguments", [["fly"], ["twin"], ["twin", "--colour", "red"], ["--nothing"]])
def test_wrong_usage_ends_with_code_2(arguments):
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_a_bug_shows_a_plain_traceback_and_code_1(tmp_path):
    # Decorated tracebacks print local variables, and a private key may be one of them.
    script = tmp_path / "bug.py"
    script.write_text(
        "from bodyscan.cli import doctor\nfrom bodyscan.cli.main import app\n"
        "def bug(part):\n    secret = 'd:private'\n    raise RuntimeError('boom')\n"
        "doctor.check_module = bug\napp(['doctor'])\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError: boom" in done.stderr
    assert "Traceback" in done.stderr
    assert "╭" not in done.stderr


def test_an_unknown_public_name_is_an_attribute_error():
    import bodyscan

    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        bodyscan.nothing  # noqa: B018
    assert callable(bodyscan.read_scan)
