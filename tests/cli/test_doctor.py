from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

from typer.testing import CliRunner

from bodyscan.cli import doctor
from bodyscan.cli.doctor import Part, check_module, check_program
from bodyscan.cli.main import app


def test_a_module_is_ok_missing_or_broken(tmp_path, monkeypatch):
    (tmp_path / "breaks_here.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file')"
    )
    (tmp_path / "dies_here.py").write_text("import os; os.abort()")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    fine = check_module(Part("json", "maths"))
    assert (fine.state, fine.detail) == ("ok", "")
    gone = check_module(Part("not_there_at_all", "x", hint="pip install it"))
    assert (gone.state, gone.detail) == ("missing", "pip install it")
    broken = check_module(Part("breaks_here", "x"))
    assert broken.state == "broken"
    assert "libGL.so.1" in broken.detail
    dead = check_module(Part("dies_here", "x"))
    assert (dead.state, dead.detail.startswith("ended by signal 6")) == ("broken", True)


def test_programs_are_looked_for_on_the_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_program(Part("node", "x", hint="get it")).state == "missing"
    (tmp_path / "node").write_text("#!/bin/sh\n")
    (tmp_path / "node").chmod(0o755)
    assert check_program(Part("node", "x")).state == "ok"


def run(monkeypatch, *core: Part):
    monkeypatch.setattr(doctor, "CORE", core)
    monkeypatch.setattr(doctor, "EXTRAS", (Part("no_such_extra", "games", needed=False),))
    return CliRunner().invoke(app, ["doctor", "--json"])


def test_a_missing_extra_is_no_failure_and_a_missing_core_part_is(monkeypatch):
    result = run(monkeypatch, Part("json", "text"))
    values = json.loads(result.stdout)
    assert result.exit_code == 0
    assert values["complete"]
    assert values["python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    result = run(monkeypatch, Part("json", "text"), Part("no_such_core", "all"))
    assert result.exit_code == 5
    assert not json.loads(result.stdout)["complete"]


def test_every_extra_that_a_command_asks_for_is_among_the_parts():
    pyproject = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
    extras = pyproject["project"]["optional-dependencies"]
    parts = {part.package: part for part in doctor.EXTRAS}
    for extra in ("draco", "timestamp", "c2pa", "record3d"):
        (wanted,) = extras[extra]
        part = parts[re.split("[<>=]", wanted)[0]]
        assert not part.needed
        assert f"bodyscan[{extra}]" in part.hint
