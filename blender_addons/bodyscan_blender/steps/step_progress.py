# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a step is: by the time that its stages took before, for nobody knows how long they will take now.

Within a stage the share approaches its end and never passes it, so that a bar never stands at 100 % while
work goes on, and never goes back. What a stage took is remembered while Blender runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

from .step_events import Stage

SECONDS: dict[str, dict[str, float]] = {
    "scan": {"read": 0.5, "reconstruct": 15.3},
    "fit": {"fit": 17.9, "measure": 0.3},
    "texture": {"texture": 17.2},
    "twin": {"rig": 1.3, "levels": 21.2, "twin": 3.9},
    "export": {"export": 1.4},
}
"""Step -> stage -> seconds: what a scan of 60,000 faces took on two busy cores. The first run's guess."""
UNKNOWN_STAGE_S = 5.0
"""For a stage that was never seen."""
START_S = 6.0
"""Before the first stage begins: the process starts and imports."""
_START = ""

STAGE_WORDS = {
    "read": "reading the capture",
    "frames": "looking for the person in the frames",
    "poses": "finding where the camera was",
    "first fit": "a first body for the frames",
    "motion": "taking out the person's sway",
    "fusion": "making one surface of the frames",
    "reconstruct": "cleaning the scan and finding landmarks",
    "fit": "fitting the body",
    "measure": "taking measurements",
    "texture": "baking colours",
    "rig": "skeleton and weights",
    "expressions": "face shapes",
    "levels": "coarser levels",
    "twin": "assembling the twin and binding the consent",
    "export": "writing the file",
}

_learned: dict[str, dict[str, float]] = {}


class StepClock:
    """Times one run of a step, or of several in a row."""

    def __init__(self, steps: Iterable[str], now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._expected = {step: dict(_learned.get(step) or SECONDS.get(step, {})) for step in steps}
        self._taken: dict[str, dict[str, float]] = {}
        self._step, self._stage = "", _START
        self._begun = now()
        self._best = 0.0

    def begin_step(self, step: str) -> None:
        """A step begins: nothing of it is done."""
        self._step, self._stage, self._begun = step, _START, self._now()
        self._expected.setdefault(step, {})
        self._taken[step] = {}

    def take(self, event: Stage) -> None:
        """A stage of the current step began or ended."""
        if event.done:
            self._taken[self._step][event.name] = event.seconds
        else:
            self._skip_to(event.name)
            self._stage, self._begun = event.name, self._now()

    def end_step(self) -> None:
        """The current step is done: remember what its stages took, and take away those that did not come."""
        taken = self._taken[self._step]
        _learned[self._step] = dict(taken)
        self._expected[self._step] = dict(taken)

    def _skip_to(self, name: str) -> None:
        """Expect a stage now: those before it that have not come will not come any more."""
        stages, taken = self._expected[self._step], self._taken[self._step]
        if name in stages:
            names = list(stages)
            skipped = [one for one in names[: names.index(name)] if one not in taken]
            for one in skipped:
                del stages[one]
        stages.setdefault(name, UNKNOWN_STAGE_S)

    @property
    def share(self) -> float:
        """0..1, and never less than it was."""
        whole = done = 0.0
        for step, stages in self._expected.items():
            taken = self._taken.get(step)
            for name, seconds in {_START: START_S if step == self._step else 0.0, **stages}.items():
                whole += seconds
                if taken is None:
                    continue
                if name in taken or (name == _START and self._stage != _START):
                    done += seconds
                elif step == self._step and name == self._stage:
                    done += seconds * (1 - math.exp(-(self._now() - self._begun) / max(seconds, 0.1)))
        self._best = max(self._best, min(done / whole, 1.0) if whole else 0.0)
        return self._best

    @property
    def words(self) -> str:
        """What it is at, in words."""
        if self._stage == _START:
            return "starting bodyscan"
        return STAGE_WORDS.get(self._stage, self._stage)
