"""The real command, from a raw scan to an exported twin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
from bodyscan_blender import people  # pyright: ignore[reportMissingImports]

from addon.inside import NAME
from addon.scripts.stepping import person, run


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    home = Path(arguments["home"])
    preferences = bpy.context.preferences.addons[NAME].preferences
    preferences.work_root, preferences.ledger = str(home / "people"), str(home / "ledger.sqlite")
    os.environ["PATH"] = os.pathsep.join([arguments["programs"], os.environ["PATH"]])
    told = {
        "import_capture": run("import_capture", filepath=arguments["scan"]),
        "make_twin": run("make_twin", size="1024"),
        "export_twin": run("export_twin", filepath=str(home / "twin.glb")),
    }
    one = person()
    return {
        "errors": {name: words for name, words in told.items() if words},
        "roles": sorted(str(item[people.ROLE]) for item in one.collection.all_objects),
        "size": (home / "twin.glb").stat().st_size,
    }
