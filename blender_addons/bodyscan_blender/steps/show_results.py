# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of the working folder brought into the scene: read in a thread, built from whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import bpy

from bodyscan.run.evidence import read_evidence
from bodyscan.steps.folder import WorkFolder
from bodyscan.types import BodyFit

from ..guards.guard_withhold import WITHHELD
from ..people import Person
from ..scan.pictures import SkinPictures, skin_pictures
from ..scan.scan_object import leave_edit_mode, show_fit, show_scan, show_textures
from ..scan.scan_view import ScanView, view_scan
from ..settings import preference
from ..task import Progress, in_thread
from ..twin.twin_import import Found, build_twin, read_twin
from .shown_results import note

ROLES = {"scan": "scan", "fit": "surface", "twin": "twin"}
"""Step -> role of the object that shows its result."""

AfterSteps = Callable[[Person, tuple[str, ...]], None]
AFTER: list[AfterSteps] = []
"""Called when the scene shows new results, in Blender's thread: the person, and the steps that were done."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a folder's current results hold; None for what was not asked for, or is not there."""

    scan: ScanView | None = None
    fit: BodyFit | None = None
    textures: SkinPictures | None = None
    is_skin: bool = False
    """Whether the textures are those of the body under cloth and hair."""
    twin: Found | None = None


def load_results(folder: WorkFolder, steps: Collection[str], evidence: Path | None) -> Loaded:
    """Read results; touches nothing of Blender's. `evidence` is the folder that a twin is judged with.

    Raises `InputError` for a result that is missing or damaged, `ConsentError` for a twin whose consent does
    not hold.
    """
    now = datetime.now(UTC)
    textured = "texture" in steps
    is_skin = textured and folder.told("texture").get("values", {}).get("surface") == "skin"
    return Loaded(
        scan=view_scan(folder.scan()) if "scan" in steps else None,
        fit=folder.fit() if "fit" in steps or textured else None,
        textures=skin_pictures(folder.textures()) if textured else None,
        is_skin=is_skin,
        twin=read_twin(folder.twin_path, now, read_evidence(evidence, now=now)) if "twin" in steps else None,
    )


def show_results(person: Person, steps: Collection[str], wait_s: float) -> Generator[Progress, None, None]:
    """Bring the folder's current results of some steps into the scene, and take note of it.

    Raises as `load_results`: then the scene is as it was.
    """
    folder = WorkFolder(str(person.folder))
    states = folder.state()
    progress = Progress(1.0, "showing the result")
    evidence = preference(bpy.context, "evidence")
    loaded = yield from in_thread(lambda: load_results(folder, steps, evidence), progress, wait_s)
    if loaded.twin is not None:  # first: it alone can still be refused
        active = bpy.context.view_layer.objects.active
        if active is not None:
            leave_edit_mode(active)  # bones are made in a mode of their own
        build_twin(bpy.context, loaded.twin, person)
    if loaded.scan is not None:
        show_scan(person, loaded.scan)
    if loaded.fit is not None:
        show_fit(person, loaded.fit, skin=loaded.is_skin)
        show_textures(person, loaded.textures)
    note(person, states)
    for after in AFTER:
        after(person, tuple(steps))
    shown = [ROLES[step] for step in ("twin", "fit", "scan") if step in steps and step in ROLES]
    if shown:
        bring_forward(person, shown[0])


def bring_forward(person: Person, role: str) -> None:
    """Hide the scan, the surface and the twin, all but one: they stand in the same place."""
    layer = bpy.context.view_layer
    layer.update()  # without it, the layer does not know new objects yet
    for other in dict.fromkeys(ROLES.values()):
        for item in person.objects(other):
            if item.name in layer.objects:
                item.hide_set(other != role)
                if WITHHELD not in item:
                    item.hide_render = other != role
    item = person.object(role)
    if item is not None and item.name in layer.objects:
        layer.objects.active = item


def in_scene(person: Person) -> set[str]:
    """Return the steps whose result has its object in the scene."""
    return {step for step, role in ROLES.items() if person.object(role) is not None}
