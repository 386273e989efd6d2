"""The installed extension: where everything comes from, and that it works with its wheels alone."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import addon_utils
import bpy
import numpy as np

from addon import inside


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    from addon.judged import judged

    short = importlib.import_module("bodyscan_blender.settings")
    found = {
        "addon": str(Path(str(inside.addon().__file__)).parent),
        "resources": bpy.utils.resource_path("USER"),
        "bodyscan": str(sys.modules["bodyscan"].__file__),
        "numpy": str(np.__file__),
        "importable": [name for name in arguments["not_there"] if importlib.util.find_spec(name)],
        "one_module": short is inside.addon("settings") and short.__spec__.name == short.__name__,
        "files": [str(getattr(module, "__file__", None)) for module in list(sys.modules.values())],
        "warnings": _warnings(),
        **judged(Path(arguments["glb"]), Path(arguments["folder"]), datetime.fromisoformat(arguments["now"])),
    }
    folder = Path(found["bodyscan"]).parent
    inside.disable()
    found["after_disabling"] = folder.exists()
    inside.enable()
    found["after_enabling"] = folder.exists()
    bpy.ops.extensions.package_uninstall(repo_index=_repository(), pkg_id="bodyscan_blender")
    found["after_uninstalling"] = [str(path) for path in (folder, Path(found["addon"])) if path.exists()]
    found["modules_left"] = [name for name in sys.modules if name.startswith(inside.NAME)]
    return found


def _repository() -> int:
    repositories = bpy.context.preferences.extensions.repos
    return next(number for number, item in enumerate(repositories) if item.module == "user_default")


def _warnings() -> list[str]:
    """What Blender would show beside the add-on in its preferences; the short name is the tests' own."""
    addon_utils.modules_refresh()
    warnings = addon_utils._extensions_warnings_get().get(inside.NAME, [])
    return [line for line in warnings if inside.SHORT not in line]
