"""Blender with the installed add-on in it, in a process of its own for each script."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.blenders import OWN, VERSIONS, blender_folder
from addon.installed import copy_user_folder, installed, run_python

HERE = Path(__file__).parent
TIMEOUT_S = 240.0
VERSION = os.environ.get("BODYSCAN_BLENDER", OWN)
"""Of the Blender that `in_blender` runs: `BODYSCAN_BLENDER=5.0 pytest tests/addon` runs all tests in 5.0."""

InBlender = Callable[..., dict[str, Any]]


@pytest.fixture
def in_blender(tmp_path: Path) -> Iterator[InBlender]:
    """Run `main(arguments)` of `scripts/NAME.py` in Blender; return what it returns (JSON)."""
    yield from _runner(VERSION, tmp_path)


@pytest.fixture(params=VERSIONS)
def in_every_blender(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InBlender]:
    """The same in each Blender that there is."""
    yield from _runner(request.param, tmp_path)


def _runner(version: str, folder: Path) -> Iterator[InBlender]:
    """Processes of one test share a user folder, so that what one saves the next one finds."""
    blender, user = blender_folder(version), folder / "blender"
    copy_user_folder(installed(version), user)

    def run(script: str, **arguments: Any) -> dict[str, Any]:
        answer = folder / f"{script}.answer.json"
        answer.unlink(missing_ok=True)
        given = folder / f"{script}.arguments.json"
        given.write_text(json.dumps(arguments, default=str))
        words = [str(HERE / "run_script.py"), str(blender), script, str(given), str(answer)]
        done = run_python(words, user, TIMEOUT_S)
        assert answer.exists(), f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return {**json.loads(answer.read_text()), "output": done.stdout + done.stderr}

    yield run
    shutil.rmtree(user, ignore_errors=True)
