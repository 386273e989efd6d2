"""Runs in a process of its own: enables the installed add-on and calls `main(arguments)` of a script.

    python -I -S run_script.py BLENDER_FOLDER NAME arguments.json answer.json

Python sees its own library, Blender's packages, what the extension brings, and, last, the tests. With the
argument `enabled` false the script finds the add-on installed and not enabled.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path


def main() -> None:
    blender, name, given, answer = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    sys.path += [blender, str(Path(__file__).parents[1])]
    import bpy

    from addon import inside

    # Reading the factory settings instead would take the wheels away, and enabling would unpack them anew.
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    inside.use_short_name()
    arguments = json.loads(given.read_text())
    if arguments.pop("enabled", True):
        inside.enable()
    found = importlib.import_module(f"addon.scripts.{name}").main(arguments)
    answer.write_text(json.dumps(found))


try:
    main()
except BaseException:
    traceback.print_exc()
finally:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # Blender's own way out was seen to hang
