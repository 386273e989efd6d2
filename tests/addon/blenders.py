"""Which Blenders there are to test in: each is a folder with Blender's own Python packages and nothing else.

The add-on must find everything that it needs in its own wheels. So a test's Blender may not see this
project's environment, where all of it is installed too.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterator
from pathlib import Path

from gltf.tools import need_module, need_path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ROOT / "build" / "blender"
OWN = "4.5"
"""The version whose `bpy` is in this project's environment."""
VERSIONS = ("4.2", OWN, "5.0")
"""All that the add-on is tested in: the oldest, the one in between, and the newest with Python 3.11."""


def blender_folder(version: str) -> Path:
    """The folder to put on Python's path. Where it is missing the test is skipped; in CI it fails."""
    if version not in VERSIONS:
        raise ValueError(f"There is no Blender {version} to test in; there are {', '.join(VERSIONS)}.")
    folder = FOLDERS / version
    if version != OWN:
        need_path(folder / ".made", f"Blender {version} is missing: run `make blenders`.")
        return folder
    need_module("bpy")
    _link_own(folder)
    return folder


def _link_own(folder: Path) -> None:
    """Fill `folder` with links to `bpy` and what it requires; other processes may be doing the same."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {path.name: path for name in _required("bpy") for path in _top_level(name)}
    for name, target in wanted.items():
        link = folder / name
        if not link.is_symlink() or link.readlink() != target:
            fresh = folder / f".{name}.{os.getpid()}"
            fresh.symlink_to(target)
            fresh.replace(link)
    for link in folder.iterdir():
        if link.is_symlink() and link.name not in wanted and not link.name.startswith("."):
            link.unlink(missing_ok=True)


def _required(name: str) -> set[str]:
    """A distribution and, all the way down, what it requires without extras."""
    found: set[str] = set()
    todo = [name]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            lines = importlib.metadata.requires(name) or []
            todo += [
                re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in lines if "extra ==" not in line
            ]
    return found


def _top_level(name: str) -> Iterator[Path]:
    """What a distribution has put directly into the folder of packages."""
    distribution = importlib.metadata.distribution(name)
    for part in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
        yield Path(str(distribution.locate_file(part)))
