# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of a person that their consent does not allow is not rendered, by whatever key or script.

Blender asks no handler whether it may render, but it calls them before it looks at the size of the picture: a
render border without any area lets it say "Image too small" and end, stills and animations, with every
engine, before anything is drawn. The border is put back when Blender has given up. What cannot be marked
afterwards is refused in the same way (`render_marks`).

Not caught: viewport renders (`render.opengl`), which call no handler. A refused twin is not in them, for it
is withheld; an allowed one is in them without marks, and no ledger knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy
from bpy.app.handlers import persistent

from bodyscan.errors import BodyscanError, InputError

from . import guard, render_marks
from .guard_tell import tell
from .guard_view import is_rendered
from .verdicts import Act

_BORDER = ("use_border", "border_min_x", "border_max_x", "border_min_y", "border_max_y")
_ORDER = ("border_max_x", "border_min_x", "border_max_y", "border_min_y", "use_border")
"""In which the border is put back: its least may not lie beyond its largest."""

refusals: list[str] = []
"""Why the last render was refused; empty where it was not."""
_blocked: dict[Any, dict[str, Any]] = {}
"""Scene -> its border as it was."""


def scenes_shown(scene: Any) -> list[Any]:
    """Return the scenes that a render of `scene` shows: itself, its set, and those in its strips and
    nodes."""
    found: list[Any] = []
    waiting = [scene]
    while waiting:
        one = waiting.pop()
        if one is None or one in found:
            continue
        found.append(one)
        waiting += [one.background_set, *_in_strips(one), *_in_nodes(one)]
    return found


def _in_strips(scene: Any) -> Iterator[Any]:
    editor = scene.sequence_editor
    if editor is None or not scene.render.use_sequencer:
        return
    strips = getattr(editor, "strips_all", None)
    for strip in strips if strips is not None else editor.sequences_all:
        if strip.type == "SCENE" and strip.scene is not None:
            yield strip.scene


def _in_nodes(scene: Any) -> Iterator[Any]:
    for node in render_marks.compositor_nodes(scene):
        if node.type == "R_LAYERS" and node.scene is not None:
            yield node.scene


@persistent
def before_render(scene: Any, *ignored: object) -> None:
    """Let the render end before it begins where somebody may not be shown; else prepare its marks."""
    restore()
    refusals.clear()
    try:
        shown = scenes_shown(scene)
        found = [(item, one) for one in shown for item in guard.likenesses_in(one)]
        if not found:
            return
        guard.require(shown, Act.RENDER)
        render_marks.prepare(scene, found)
    except BodyscanError as refusal:
        block(scene)
        refusals.append(str(refusal))
        tell(refusals[-1])
    except BaseException as error:  # a render that nobody judged does not take place
        block(scene)
        refusals.append(f"Not rendered. The consents could not be judged: {error!r}.")
        tell(refusals[-1])
        raise
    finally:
        render_marks.asked.clear()


def block(scene: Any) -> None:
    """Give the scene a render border without area."""
    render = scene.render
    _blocked[scene] = {name: getattr(render, name) for name in _BORDER}
    render.use_border = True
    render.border_min_x = render.border_max_x = render.border_min_y = render.border_max_y = 0.0


def restore() -> None:
    """Put back what was changed for a render."""
    while _blocked:
        scene, was = _blocked.popitem()
        try:
            for name in _ORDER:
                setattr(scene.render, name, was[name])
        except ReferenceError:  # the scene was deleted meanwhile
            continue
    render_marks.restore()


@persistent
def after_render(scene: Any, *ignored: object) -> None:
    """The render ended, or was cancelled, or never began."""
    restore()


@persistent
def before_frame(*ignored: object) -> None:
    """After an animation that was refused, Blender goes back to its frame and calls nothing else."""
    if _blocked:
        restore()


@persistent
def before_saving(*ignored: object) -> None:
    """A file that is saved during a render holds the scene's own settings."""
    if _blocked:
        restore()
    render_marks.suspend()


@persistent
def after_saving(*ignored: object) -> None:
    """Go on with the render's settings."""
    render_marks.resume()


class BODYSCAN_OT_render(bpy.types.Operator):
    """Render the scene with its marks, where the consents of its people allow it"""

    bl_idname = "bodyscan.render"
    bl_label = "Render with Marks"

    animation: bpy.props.BoolProperty(
        name="Animation", description="All frames of the scene instead of the current one", default=False
    )
    filepath: bpy.props.StringProperty(
        name="Picture",
        description="Where the picture goes (.png, .jpg, .webp). Empty: the scene's output path",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Any, event: Any) -> set[str]:
        """In a window Blender renders beside it, and the handlers do the rest."""
        return self._render(context, "INVOKE_DEFAULT")

    def execute(self, context: Any) -> set[str]:
        return self._render(context, "EXEC_DEFAULT")

    def _render(self, context: Any, how: str) -> set[str]:
        shown = scenes_shown(context.scene)
        try:
            found = [(item, scene) for scene in shown for item in guard.likenesses_in(scene)]
            if found:
                guard.require(shown, Act.RENDER)
                render_marks.check(context.scene)
            if self.filepath and not any(is_rendered(item, scene) for item, scene in found):
                raise InputError("This scene renders nobody; Blender's own Render writes its pictures.")
            render_marks.asked[:] = [self.filepath] if self.filepath else []
            render_marks.written.clear()
            render_marks.failed.clear()
            bpy.ops.render.render(how, animation=self.animation, write_still=not self.animation)
        except BodyscanError as refusal:
            self.report({"ERROR"}, str(refusal))
            return {"CANCELLED"}
        except RuntimeError as error:
            self.report({"ERROR"}, refusals[-1] if refusals else str(error))
            return {"CANCELLED"}
        if how == "INVOKE_DEFAULT":
            return {"FINISHED"}
        if render_marks.failed:
            self.report({"ERROR"}, render_marks.failed[-1])
            return {"CANCELLED"}
        written = render_marks.written
        self.report({"INFO"}, f"{len(written)} marked picture(s): {written[-1]}" if written else "Rendered.")
        return {"FINISHED"}


_HANDLERS = (
    ("render_init", before_render),
    ("render_complete", after_render),
    ("render_cancel", after_render),
    ("frame_change_pre", before_frame),
    ("save_pre", before_saving),
    ("save_post", after_saving),
    ("save_post_fail", after_saving),
)


def handlers() -> Iterable[tuple[str, Any]]:
    """Return (list of `bpy.app.handlers`, function)."""
    return (*_HANDLERS, ("render_write", render_marks.after_writing))


def register() -> None:
    bpy.utils.register_class(BODYSCAN_OT_render)
    for name, handler in handlers():
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    restore()
    for name, handler in handlers():
        getattr(bpy.app.handlers, name).remove(handler)
    bpy.utils.unregister_class(BODYSCAN_OT_render)
