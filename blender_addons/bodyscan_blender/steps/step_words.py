# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel says of each step: its state, the quality of its result, and what to look at. No `bpy`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from bodyscan.fit.options import FitOptions
from bodyscan.pipeline.warnings import FULL_COVERAGE, MUCH_FILLED
from bodyscan.steps.folder import StepState
from bodyscan.steps.names import MADE_OF

TITLES = {
    "scan": "Import",
    "fit": "Fit",
    "texture": "Texture",
    "twin": "Rig",
    "export": "Export",
}
"""Step -> what the panel calls it, in the order of the steps."""
RESULTS = {"scan": "scan", "fit": "fit", "texture": "texture", "twin": "twin", "export": "exported file"}
GOOD_SHARE = 1 / 3
"""Of the distance that is accepted at most: a surface nearer to the scan is called good."""
FIELDS = {
    "--controller-key": "the field 'Controller's key'",
    "--passphrase-file": "the passphrase",
    "--accept-quality": "'Accept the quality'",
    "--photos": "the field 'Photos'",
    "--unit": "the field 'Unit'",
    "--up": "the field 'Up'",
    "--facing": "the field 'Facing'",
    "--surface skin": "The surface 'Under the cloth'",
    "--evidence": "the folder 'Evidence' in the preferences",
    "--ledger": "the file 'Ledger' in the preferences",
}
"""Options of the command line -> what they are called here."""
UNTIL = {
    "fit": "the scan was imported anew",
    "texture": "the fit has changed",
    "twin": "the fit or its texture has changed",
    "export": "the twin has changed",
}
"""Step -> why its result is out of date."""


@dataclass(frozen=True)
class StepView:
    """A step as it is shown."""

    step: str
    title: str
    state: str
    """`absent`, `running`, `done`, `stale`, `failed` or `lost`."""
    words: str
    """The state in words."""
    lines: tuple[str, ...] = ()
    """What came of it, and how good it is."""
    warnings: tuple[str, ...] = ()
    share: float = 0.0
    """0..1 of a step that runs."""


@dataclass(frozen=True)
class Facts:
    """What is known of a person's steps."""

    states: Mapping[str, StepState] = field(default_factory=dict)
    """As the working folder has them; empty where there is none."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Step -> why it failed the last time."""
    in_scene: Collection[str] = ()
    """Steps whose result has its object in the scene."""
    lost: Collection[str] = ()
    """Steps whose result the scene shows and the folder has no more."""
    running: str = ""
    """The step that runs, or empty."""
    share: float = 0.0
    """0..1 of what runs."""
    running_words: str = ""
    is_acceptable: bool = True
    """False for a fit below the stated quality."""
    exported: str = ""
    """Path that was exported last, or empty."""
    is_exported_current: bool = False


def step_views(facts: Facts) -> list[StepView]:
    """Return the steps in their order, as the panel shows them."""
    return [_view(step, facts) for step in TITLES]


def next_step(views: Collection[StepView]) -> str:
    """Return the step that comes next: the first that is not done; empty where all are."""
    return next((view.step for view in views if view.state != "done"), "")


def quality_lines(step: str, values: Mapping[str, Any]) -> list[str]:
    """Return what a result's values say of its quality, a line each."""
    try:
        match step:
            case "scan":
                return _scan_lines(values)
            case "fit":
                return _fit_lines(values)
            case "texture":
                return _texture_lines(values)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ["Its quality cannot be read: it was made by another version."]
    return []


def percent(share: float) -> str:
    """Return a share 0..1 in words, rounded down: 100 % is all of it."""
    return f"{int(100 * share + 1e-9)} %"


def in_panel_words(message: str) -> str:
    """Return a message of the command with the names of the panel's fields in the place of its options."""
    for option, name in FIELDS.items():
        message = re.sub(rf"{re.escape(option)}(?![\w-])", name, message)
    return message


def wrapped(text: str, width: int) -> list[str]:
    """Return a sentence as lines of at most `width` characters: a panel's labels do not wrap."""
    return textwrap.wrap(" ".join(text.split()), max(width, 12), break_on_hyphens=False) or [""]


def is_acceptable(states: Mapping[str, StepState]) -> bool:
    """Whether the fit, where there is one, meets the stated quality."""
    quality = states.get("fit", StepState("absent")).values.get("quality")
    return not isinstance(quality, Mapping) or bool(quality.get("acceptable", True))


def _view(step: str, facts: Facts) -> StepView:
    title, state = TITLES[step], facts.states.get(step, StepState("absent"))
    if step == "export":
        state = _export_state(facts)
    if facts.running == step:
        words = f"running {percent(facts.share)}: {facts.running_words}"
        return StepView(step, title, "running", words, share=facts.share)
    if step in facts.failures:
        words = f"failed: {facts.failures[step]}"
        return StepView(step, title, "failed", words, _lines(step, state), _warnings(state))
    if step in facts.lost:
        words = (
            f"the {RESULTS[step]} that the scene shows is not in the working folder any more; {_again(step)}"
        )
        return StepView(step, title, "lost", words)
    if state.state == "absent":
        return StepView(step, title, "absent", "not done")
    if state.state == "stale":
        words = f"out of date: {UNTIL.get(step, 'what it was made of has changed')}; {_again(step)}"
        return StepView(step, title, "stale", words, _lines(step, state), _warnings(state))
    words = "done" if step in ("texture", "export") or step in facts.in_scene else "done, not in the scene"
    return StepView(step, title, "done", words, _lines(step, state), _warnings(state))


def _again(step: str) -> str:
    return "import the capture again" if step == "scan" else "run it again"


def _export_state(facts: Facts) -> StepState:
    if not facts.exported:
        return StepState("absent")
    twin = facts.states.get("twin", StepState("absent"))
    is_current = facts.is_exported_current and twin.state == "done"
    return StepState("done" if is_current else "stale", summary=facts.exported)


def _lines(step: str, state: StepState) -> tuple[str, ...]:
    if state.state == "absent":
        return ()
    lines = quality_lines(step, state.values)
    is_told = step in ("fit", "texture") and lines  # the lines say what the summary says, and how good it is
    return tuple(lines) if is_told or not state.summary else (state.summary, *lines)


def _warnings(state: StepState) -> tuple[str, ...]:
    return tuple(in_panel_words(text) for text in state.warnings)


def _scan_lines(values: Mapping[str, Any]) -> list[str]:
    found = int(values.get("landmarks", 0))
    words = f"{found} landmarks found" if found else "No landmarks found"
    return [words, *(str(note) for note in values.get("notes", []))]


def _fit_lines(values: Mapping[str, Any]) -> list[str]:
    quality, limits = values["quality"], FitOptions()
    mean, share = float(quality["surface_mean_mm"]), float(quality["coverage"])
    most = limits.max_surface_mean_mm
    near = "good" if mean <= most * GOOD_SHARE else "fair" if mean <= most else "poor"
    full = "good" if share >= FULL_COVERAGE else "fair" if share >= limits.min_coverage else "poor"
    lines = [
        f"Surface {mean:.1f} mm from the scan on average: {near}",
        f"Scan data for {percent(share)} of the body: {full}",
        f"Expected error of the surface: {float(quality['expected_error_mm']):.1f} mm",
    ]
    if not quality["acceptable"]:
        lines.append("No twin is made of it unless you accept the quality")
    corrected = [
        f"{len(values[name])} {words}"
        for name, words in (("placed", "landmarks placed"), ("pinned", "regions pinned"))
        if values.get(name)
    ]
    return [*lines, f"By hand: {', '.join(corrected)}"] if corrected else lines


def _texture_lines(values: Mapping[str, Any]) -> list[str]:
    if not values.get("size"):
        return []
    seen = float(values["seen_share"])
    grade = "good" if seen >= MUCH_FILLED else "much is filled in"
    return [
        f"{values['size']} x {values['size']} pixels",
        f"Colour seen for {percent(seen)} of the skin: {grade}",
    ]


assert tuple(TITLES)[:-1] == tuple(MADE_OF), "the panel's steps are those of the working folder"
