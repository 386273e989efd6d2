"""Runs in a process of its own: installs an extension from disk as a user does, and enables it.

python install_script.py BLENDER_FOLDER EXTENSION.zip
"""

from __future__ import annotations

import os
import sys
import traceback


def main() -> None:
    sys.path.append(sys.argv[1])
    import bpy

    bpy.ops.extensions.package_install_files(
        filepath=sys.argv[2], repo="user_default", enable_on_install=True
    )
    bpy.ops.wm.save_userpref()
    name = "bl_ext.user_default.bodyscan_blender"
    assert name in bpy.context.preferences.addons, "Blender did not enable the add-on."
    # Compiled once here, not in each test.
    import bodyscan.body.measurements
    import bodyscan.consent
    import bodyscan.gltf
    import bodyscan.ledger
    import bodyscan.mark  # noqa: F401

    print("INSTALLED")


try:
    main()
except BaseException:
    traceback.print_exc()
finally:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # Blender's own way out was seen to hang
