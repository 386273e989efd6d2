"""The manifest of the built extension: the one in the source, with what only the build knows.

That is the version, which stands in `src/bodyscan/__init__.py`, the platform and the list of wheels.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from problem import BuildError

NAME = "blender_manifest.toml"
WHEELS = "wheels"
"""Folder of the wheels inside the extension."""
OF_THE_BUILD = ("version", "platforms", "wheels")


def package_version(source: Path) -> str:
    """`__version__` of a package's `__init__.py`, which is read and not run."""
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    raise BuildError(f"{source} has no line `__version__ = ...`.")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an add-on's source. `BuildError` where it is none or says what the build says."""
    path = folder / NAME
    try:
        known = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BuildError(f"{folder} has no {NAME}.") from None
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{path} is no TOML: {error}.") from None
    if twice := [name for name in OF_THE_BUILD if name in known]:
        raise BuildError(f"{path} states {', '.join(twice)}, which the build writes: take it out.")
    if not isinstance(known.get("id"), str):
        raise BuildError(f"{path} has no `id`.")
    return known


def built_manifest(folder: Path, version: str, platform: str, wheels: Sequence[str]) -> str:
    """The manifest's text for one platform. `wheels`: file names, without a folder."""
    listed = "".join(f'  "./{WHEELS}/{name}",\n' for name in sorted(wheels))
    return (
        f'# Written by tools/build_addon.\nversion = "{version}"\nplatforms = ["{platform}"]\n'
        f"wheels = [\n{listed}]\n\n{(folder / NAME).read_text(encoding='utf-8')}"
    )
