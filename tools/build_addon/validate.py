"""Blender's own check of an extension: the program behind `blender --command extension validate`.

It is a script of its own inside Blender, needs no Blender to run, and comes with `bpy` too.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from problem import BuildError

SCRIPT = "scripts/addons_core/bl_pkg/cli/blender_ext.py"
TAGS = "scripts/modules/_bpy_internal/extensions/tags.py"
PRAISE = "Success parsing TOML"


def blender_folder() -> Path:
    """The folder of this environment's `bpy` that holds Blender's `scripts`. It is not imported."""
    found = importlib.util.find_spec("bpy")
    folders = sorted(Path(found.origin).parent.glob("[0-9]*.[0-9]*")) if found and found.origin else []
    if not folders or not (folders[-1] / SCRIPT).is_file():
        raise BuildError(
            "Blender's own check of extensions is missing: install the extra `blender` (bpy, Python 3.11), "
            "or name a Blender's folder that holds `scripts` with --blender."
        )
    return folders[-1]


def validate(extension: Path, blender: Path) -> None:
    """Raise `BuildError` with every complaint that Blender has about an extension, a zip or a folder."""
    script = blender / SCRIPT
    if not script.is_file():
        raise BuildError(f"{blender} is no Blender's folder: it has no {SCRIPT}.")
    words = [sys.executable, "-I", str(script), "validate", f"--valid-tags={blender / TAGS}", str(extension)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    said = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    complaints = [line for line in said if not line.startswith(PRAISE)]
    if done.returncode or complaints or not said:
        raise BuildError("\n".join([f"Blender refuses {extension.name}:", *complaints]))
