"""What the Blender add-on may import, and that nothing imports it: its licence is the GPL, ours is not."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from test_architecture import BLENDER, FILES, MAX_LINES, NOWHERE, ROOT, SOURCE

ADDON = ROOT / "blender_addons" / "bodyscan_blender"
ADDON_FILES = sorted(ADDON.rglob("*.py"))
HEADER = (
    "# SPDX-FileCopyrightText: 2026 The bodyscan developers\n# SPDX-License-Identifier: GPL-3.0-or-later\n"
)
OF_BLENDER = BLENDER | {"io_scene_gltf2", "rigify", "bl_ui", "pxr", "numpy"}
"""What Blender itself brings: its modules, its own add-ons, USD and numpy."""
IMPORTS_BPY = {"src/bodyscan/convert/in_blender.py"}
"""Beside the add-on and the tests, which Blender runs."""


ROOMS: dict[str, set[str]] = {
    "": {""},
    "guards": {""},
    "scan": {""},
    "rig": {""},
    "twin": {"", "rig"},
    "steps": {"", "guards", "scan", "twin"},
    "edit": {"", "guards", "scan", "steps"},
    "consent": {"", "guards", "steps"},
}
"""Folder of the add-on -> the folders that it may import; `""` is its own. `__init__` registers all."""


def place_of(path: Path) -> str:
    return path.relative_to(ADDON).as_posix()


def in_the_wheels() -> set[str]:
    """The names under which the packages of `requirements/addon.txt` are imported."""
    locked = set(
        re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / "addon.txt").read_text(), re.MULTILINE)
    )
    return {
        name
        for name, distributions in importlib.metadata.packages_distributions().items()
        if any(re.sub(r"[-_.]+", "-", item).lower() in locked for item in distributions)
    }


def imports(path: Path, inside_functions: bool) -> Iterator[str]:
    """Yield the dotted names that a file imports absolutely; but for what only a type checker reads."""
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not inside_functions:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        todo += ast.iter_child_nodes(node)


def prefixes(module: str) -> Iterator[str]:
    """Yield `a`, `a.b` and `a.b.c` of `a.b.c`."""
    parts = module.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def file_of(module: str) -> Path | None:
    """The file of a module of the package."""
    path = ROOT / "src" / Path(*module.split("."))
    return next((item for item in (path / "__init__.py", path.with_suffix(".py")) if item.is_file()), None)


def loaded_with(modules: set[str]) -> dict[str, set[str]]:
    """Package -> the modules of ours that import it when the given ones are imported."""
    packages: dict[str, set[str]] = {}
    seen: set[str] = set()
    todo = set(modules)
    while todo:
        for name in prefixes(todo.pop()):
            path = file_of(name)
            if path is None or name in seen:
                continue
            seen.add(name)
            for other in imports(path, inside_functions=False):
                if other.startswith("bodyscan."):
                    todo.add(other)
                else:
                    packages.setdefault(other.split(".")[0], set()).add(name)
    return packages


def test_there_is_something_to_look_at() -> None:
    assert ADDON / "__init__.py" in ADDON_FILES
    assert {"pydantic", "PIL", "scipy"} <= in_the_wheels()
    assert "typer" in loaded_with({"bodyscan.cli.main"})


@pytest.mark.parametrize("path", ADDON_FILES, ids=place_of)
def test_a_file_of_the_addon_imports_only_what_blender_or_the_wheels_have(path: Path) -> None:
    there = sys.stdlib_module_names | OF_BLENDER | in_the_wheels() | {"bodyscan"}
    assert [name for name in imports(path, inside_functions=True) if name.split(".")[0] not in there] == []


@pytest.mark.parametrize("path", ADDON_FILES, ids=place_of)
def test_no_file_of_the_addon_uses_the_network_or_runs_code_out_of_a_file(path: Path) -> None:
    never = NOWHERE - BLENDER
    found = [name for name in imports(path, inside_functions=True) if never & set(prefixes(name))]
    assert found == []


def test_what_the_addon_loads_of_the_package_loads_only_what_the_wheels_have() -> None:
    ours = {
        name
        for path in ADDON_FILES
        for name in imports(path, inside_functions=True)
        if name.startswith("bodyscan.")
    }
    there = sys.stdlib_module_names | in_the_wheels() | {"numpy"}
    assert {name: users for name, users in loaded_with(ours).items() if name not in there} == {}


def test_blender_is_imported_in_one_other_place_alone() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    places = {name for name in listed.stdout.split() if not name.startswith(("blender_addons/", "tests/"))}
    places |= {path.relative_to(ROOT).as_posix() for path in FILES}
    names = BLENDER | {"bodyscan_blender", "bl_ext"}
    found = {
        place
        for place in places
        if any(name.split(".")[0] in names for name in imports(ROOT / place, inside_functions=True))
    }
    assert found == IMPORTS_BPY


def test_the_package_speaks_of_no_addon() -> None:
    texts = {path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
    assert [place for place, text in texts.items() if "bodyscan_blender" in text] == []


def test_every_file_of_the_addon_says_its_licence() -> None:
    assert [
        place_of(path) for path in ADDON_FILES if not path.read_text(encoding="utf-8").startswith(HEADER)
    ] == []
    assert "GNU GENERAL PUBLIC LICENSE\n                       Version 3" in (ADDON / "LICENSE").read_text()


def test_no_file_of_the_addon_is_longer_than_400_lines() -> None:
    lengths = {place_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ADDON_FILES}
    assert {name: count for name, count in lengths.items() if count > MAX_LINES} == {}


def rooms_in(path: Path) -> Iterator[str]:
    """Yield the folders of the add-on that a file imports from; its own is not one of them."""
    own = path.parent.relative_to(ADDON).parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = own[: len(own) - node.level + 1]
            for alias in node.names:
                parts = (*base, *(node.module.split(".") if node.module else []), alias.name)
                room = parts[0] if (ADDON / parts[0]).is_dir() else ""
                if room != "".join(own):
                    yield room


@pytest.mark.parametrize(
    "path", [p for p in ADDON_FILES if p.parent != ADDON or p.stem != "__init__"], ids=place_of
)
def test_a_room_of_the_addon_imports_only_what_lies_below_it(path: Path) -> None:
    own = "".join(path.parent.relative_to(ADDON).parts)
    assert set(rooms_in(path)) - ROOMS[own] == set()


def test_every_room_of_the_addon_is_in_the_table() -> None:
    assert {"".join(path.parent.relative_to(ADDON).parts) for path in ADDON_FILES} == set(ROOMS)
