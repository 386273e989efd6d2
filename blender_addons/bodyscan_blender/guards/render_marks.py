# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of twins leave Blender with label, watermark and metadata, and their use in the ledger.

Blender writes each picture into a folder of its own. From there it is marked, its use is written down, and
then it appears where the scene wants it; where one of these fails it appears nowhere. What stays in Blender
(Render Result) carries Blender's own stamp, burned in while it is rendered, as the visible label for whoever
saves it by hand; such a picture has no watermark and no metadata.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent

from bodyscan import __version__
from bodyscan.consent import verify_record
from bodyscan.consent.verify import record_or_raise
from bodyscan.errors import BodyscanError, InputError
from bodyscan.files import write_all
from bodyscan.ledger import EntryKind
from bodyscan.mark import LabelOptions, MarkInfo, draw_label, encode_marked
from bodyscan.mark.metadata import read_picture
from bodyscan.run.uses import UseWriter

from ..settings import preference
from . import guard, guard_evidence
from .guard_marks import MarkedTwin, joint_mark, marked_twin
from .guard_tell import tell
from .guard_view import boxes_to_avoid, is_rendered, share_of_picture
from .verdicts import Act

FORMATS = ("PNG", "JPEG", "WEBP")
SOFTWARE = f"bodyscan {__version__}"
STAMP_SHARE = 0.015
"""Height of the stamp's letters as a share of the picture's shorter side."""
STAMP_LETTER = 0.62
"""Width of a letter of the stamp as a share of its height."""
_STAMP = {
    "use_stamp": True,
    "use_stamp_note": True,
    "use_stamp_labels": False,
    "stamp_foreground": (1.0, 1.0, 1.0, 1.0),
    "stamp_background": (0.02, 0.02, 0.025, 0.86),
}


@dataclass
class Job:
    """One render, from its first frame to its last."""

    scene: Any
    folder: Path
    """Into which Blender writes."""
    anchor: str
    """What the paths of the pictures begin with: `/`, a drive."""
    twins: tuple[MarkedTwin, ...]
    info: MarkInfo
    label: LabelOptions
    boxes: list[tuple[int, int, int, int]]
    was: dict[str, Any]
    """The scene's own settings: name -> value."""
    during: dict[str, Any]
    """The settings while it renders."""
    reference: str | None
    done: set[Path] = field(default_factory=set)
    """Files in the folder that need nothing more."""


written: list[Path] = []
"""The pictures of the last render that appeared."""
failed: list[str] = []
"""Why pictures of the last render did not appear."""
asked: list[str] = []
"""Where an operator wants the next picture, in place of the scene's path."""
_jobs: list[Job] = []


def check(scene: Any) -> None:
    """Raise `InputError` where what the scene would write cannot be marked; the message names what can."""
    render = scene.render
    settings = render.image_settings
    if settings.file_format not in FORMATS:
        raise InputError(
            "Not rendered. Pictures of twins are written as PNG, JPEG or WebP, which hold label, watermark "
            f"and metadata; the scene's format is {settings.file_format}. Choose one of the three under "
            "Output; a film is put together of marked frames."
        )
    if render.film_transparent and settings.color_mode == "RGBA":
        raise InputError(
            "Not rendered. A transparent background cannot be marked. Switch Film > Transparent off, or "
            "write RGB instead of RGBA."
        )
    if render.use_multiview:
        raise InputError(
            "Not rendered. Stereo pictures cannot be marked. Switch Output > Stereoscopy off, and render "
            "each eye."
        )
    shown = settings if settings.color_management == "OVERRIDE" else scene
    device = shown.display_settings.display_device
    if device != "sRGB":
        raise InputError(
            f"Not rendered. Marked pictures are sRGB; the display device is {device}. Choose sRGB under "
            "Color Management."
        )
    if any(node.type == "OUTPUT_FILE" and not node.mute for node in compositor_nodes(scene)):
        raise InputError(
            "Not rendered. The compositor's File Output node writes pictures without marks. Mute it, and "
            "use the scene's own output."
        )


def prepare(scene: Any, twins: list[tuple[Any, Any]]) -> None:
    """Set the scene up for a render that shows `twins` (object, scene it stands in).

    Their consents allow it. Raises `InputError` where it cannot be marked, `ConsentError` where a record's
    signatures do not hold.
    """
    path = asked.pop() if asked else scene.render.filepath
    written.clear()
    failed.clear()
    items = {item.name_full: (item, one) for item, one in twins if is_rendered(item, one)}
    if not items:
        return
    check(scene)
    marked = [
        marked_twin(guard.allowed(item, one, Act.RENDER), share_of_picture(item, scene), SOFTWARE)
        for item, one in items.values()
    ]
    info, marked = joint_mark(marked)
    width, height = picture_size(scene.render)
    label = _drawable(info, width, height)
    folder = Path(tempfile.mkdtemp(prefix="bodyscan_render_"))
    target = _absolute(path)
    stamp = _stamp(info, width, height)
    during = {"filepath": _inside(folder, target), **stamp}
    for name in _other_stamps(scene.render):
        during[name] = False
    job = Job(
        scene,
        folder,
        Path(target).anchor,
        tuple(marked),
        info,
        label,
        [*boxes_to_avoid([item for item, _ in items.values()], scene, width, height), _stamp_box(stamp)],
        {name: _value(scene.render, name) for name in during},
        during,
        scene.bodyscan_reference or None,
    )
    if not scene.render.use_overwrite:
        _mirror(job, target)
    _jobs.append(job)
    _set(job, job.during)


@persistent
def after_writing(*ignored: object) -> None:
    """Mark what Blender has just written, and let it appear."""
    for job in _jobs:
        for path in sorted(p for p in job.folder.rglob("*") if p.is_file()):
            if path in job.done or path.stat().st_size == 0:
                continue
            job.done.add(path)
            target = Path(job.anchor) / path.relative_to(job.folder)
            try:
                _hand_out(job, path, target)
                written.append(target)
            except Exception as error:
                known = isinstance(error, (BodyscanError, OSError))
                words = f"{target.name} was not written. {error if known else repr(error)}"
                failed.append(words)
                tell(words)
            finally:
                path.unlink(missing_ok=True)


def _hand_out(job: Job, path: Path, target: Path) -> None:
    """Write the uses down, then the marked picture. The only way on which it leaves the render's folder."""
    now = datetime.now(UTC)
    known = guard_evidence.known(now)
    if known.problem:
        raise InputError(known.problem)
    records = [record_or_raise(verify_record(twin.text, now, twin.use, known.evidence)) for twin in job.twins]
    pixels, _ = read_picture(path)
    file_format = job.scene.render.image_settings.file_format
    data = encode_marked(pixels, job.info, file_format=file_format, label=job.label, avoid=job.boxes)
    target.parent.mkdir(parents=True, exist_ok=True)
    contents = {target: data}
    with ExitStack() as uses:
        for twin, record in zip(job.twins, records, strict=True):
            writer = UseWriter(
                place=preference(bpy.context, "ledger"),
                record=record,
                text=twin.text,
                use=twin.use,
                kind=EntryKind.RENDER,
                now=now,
                reference=job.reference,
                twin_id=twin.info.twin_id,
            )
            uses.enter_context(writer.recorded(contents))
        write_all(contents)


def restore() -> None:
    """Give the scenes their own settings again, and remove the folders."""
    while _jobs:
        job = _jobs.pop()
        _set(job, job.was)
        shutil.rmtree(job.folder, ignore_errors=True)


def suspend() -> None:
    """Give the scenes their own settings for a moment."""
    for job in _jobs:
        _set(job, job.was)


def resume() -> None:
    """Take them back."""
    for job in _jobs:
        _set(job, job.during)


def compositor_nodes(scene: Any) -> Iterator[Any]:
    """Yield the nodes of a scene's compositor, those in groups too; none where it is off."""
    if not scene.render.use_compositing:
        return
    tree = scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree
    if tree is None or not scene.use_nodes:
        return
    waiting, known = [tree], set()
    while waiting:
        one = waiting.pop()
        if one.name_full in known:
            continue
        known.add(one.name_full)
        for node in one.nodes:
            yield node
            if node.type == "GROUP" and node.node_tree is not None and not node.mute:
                waiting.append(node.node_tree)


def picture_size(render: Any) -> tuple[int, int]:
    """Return width and height of what is written, pixels."""
    share = render.resolution_percentage / 100
    width, height = int(render.resolution_x * share), int(render.resolution_y * share)
    if render.use_border and render.use_crop_to_border:
        width = int(width * (render.border_max_x - render.border_min_x))
        height = int(height * (render.border_max_y - render.border_min_y))
    return width, height


def _drawable(info: MarkInfo, width: int, height: int) -> LabelOptions:
    """Return the label's options, with a font of Blender's where the own one lacks a letter.

    Raises `InputError` where no font has it or the picture is too small.
    """
    paper = np.zeros((max(height, 1), max(width, 1), 3), np.uint8)
    first: InputError | None = None
    for font in ("", *_blender_fonts()):
        try:
            label = LabelOptions(text=info.label, font_file=font)
            draw_label(paper, info, label)
        except InputError as error:
            first = first or error
            continue
        return label
    raise InputError(f"Not rendered. {first}")


def _blender_fonts() -> list[str]:
    """Blender's own fonts, without the one that draws a box for every letter."""
    folder = Path(bpy.utils.system_resource("DATAFILES", path="fonts"))
    paths = [p for p in folder.glob("*") if p.suffix in (".ttf", ".otf", ".woff2") and p.stem != "lastresort"]
    return sorted(map(str, paths))


def _stamp(info: MarkInfo, width: int, height: int) -> dict[str, Any]:
    size = int(np.clip(STAMP_SHARE * min(width, height), 8, 64))
    return {**_STAMP, "stamp_font_size": size, "stamp_note_text": f"{info.label} · {info.short_id}"}


def _stamp_box(stamp: dict[str, Any]) -> tuple[int, int, int, int]:
    """The stamp at the top left with some room below it; its letters are all of one width."""
    size = stamp["stamp_font_size"]
    return (0, 0, int(STAMP_LETTER * size * len(stamp["stamp_note_text"])), 6 * size)


def _other_stamps(render: Any) -> list[str]:
    """What else Blender can stamp on pictures: names of the machine and of files do not go out with a
    twin."""
    names = [p.identifier for p in render.bl_rna.properties if p.identifier.startswith("use_stamp_")]
    return [name for name in names if name not in _STAMP]


def _absolute(path: str) -> str:
    """Return Blender's output path as a whole one; a folder keeps the separator at its end."""
    whole = bpy.path.abspath(path)
    if Path(whole).is_absolute():
        return whole
    end = "/" if whole.endswith(("/", "\\")) or not whole else ""
    return str(Path(whole).absolute()) + end


def _inside(folder: Path, target: str) -> str:
    anchor = Path(target).anchor
    return f"{folder}/{target[len(anchor) :]}"


def _mirror(job: Job, target: str) -> None:
    """Let Blender find the pictures that are there already, so that it leaves them as they are."""
    beside = Path(target) if target.endswith(("/", "\\")) else Path(target).parent
    if not beside.is_dir():
        return
    for path in beside.iterdir():
        if path.is_file():
            place = Path(_inside(job.folder, str(path)))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
            job.done.add(place)


def _value(render: Any, name: str) -> Any:
    value = getattr(render, name)
    return tuple(value) if name in ("stamp_foreground", "stamp_background") else value


def _set(job: Job, values: dict[str, Any]) -> None:
    try:
        for name, value in values.items():
            setattr(job.scene.render, name, value)
    except ReferenceError:  # the scene was deleted meanwhile
        return
