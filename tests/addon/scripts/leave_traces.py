"""Leaves one trace of each kind, as an add-on that does not clear up would, and says which were seen."""

from __future__ import annotations

from typing import Any

import bpy

from addon import inside
from addon.scripts.register import difference
from addon.scripts.traces import Watch, traces

CARELESS = """
import subprocess, sys, threading
import bpy, bpy.utils.previews

def late(*given):
    return 60.0

class BODYSCAN_OT_left(bpy.types.Operator):
    bl_idname = "bodyscan.left_behind"
    bl_label = "Left behind"

bpy.app.handlers.load_post.append(late)
bpy.app.timers.register(late, first_interval=60.0)
bpy.types.SpaceView3D.draw_handler_add(late, (), "WINDOW", "POST_PIXEL")
owner = object()
bpy.msgbus.subscribe_rna(key=(bpy.types.Object, "name"), owner=owner, args=(), notify=late)
bpy.utils.register_class(BODYSCAN_OT_left)
bpy.types.Object.left_behind = bpy.props.BoolProperty()
bpy.types.VIEW3D_MT_object.append(late)
bpy.utils.register_manual_map(late)
keymap = bpy.context.window_manager.keyconfigs.addon.keymaps.new(name="Object Mode")
keymap.keymap_items.new("bodyscan.left_behind", "F13", "PRESS")
icons = bpy.utils.previews.new()
thread = threading.Thread(target=threading.Event().wait, name="left behind", daemon=True)
thread.start()
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
sys.path.append("left behind")
"""


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    watch = Watch()
    before = traces(watch)
    space = {"__name__": f"{inside.NAME}.careless"}
    exec(CARELESS, space)
    found = difference(before, traces(watch))
    space["child"].communicate()
    bpy.utils.previews.remove(space["icons"])
    return {"found": found}
