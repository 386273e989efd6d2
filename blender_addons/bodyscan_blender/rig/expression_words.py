# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The face in words: which shapes belong to which part, what they are called, and mixtures of them. No `bpy`.

Shapes are ARKit's 52, the 15 visemes and whatever else a twin has; some files write ARKit's names with a
large first letter, and both are known here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bodyscan.errors import InputError
from bodyscan.render.expressions import EXPRESSIONS
from bodyscan.twin.visemes import PHONEMES
from bodyscan.twin.visemes import PREFIX as VISEME

LEFT, RIGHT = "Left", "Right"
PARTS: Mapping[str, tuple[str, ...]] = {
    "Brows": ("brow",),
    "Eyes": ("eye",),
    "Cheeks and Nose": ("cheek", "nose"),
    "Jaw": ("jaw",),
    "Mouth": ("mouth",),
    "Tongue": ("tongue",),
    "Speech": (VISEME,),
    "Own": ("",),
}
"""Part of the face -> how its shapes' names begin; the last takes what no other took."""
MIXED = "bodyscan.gltf"
"""Package that holds the table of VRM's expressions."""
VRM_PRESETS = {"angry": "Angry", "sad": "Sad", "relaxed": "Content"}
"""Names in that table -> what they are called here; the rest are in `EXPRESSIONS`."""
SIMPLE = {
    "wink_left": ("Wink Left", {"eyeBlinkLeft": 1.0}),
    "wink_right": ("Wink Right", {"eyeBlinkRight": 1.0}),
    "look_up": ("Look Up", {"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0}),
    "look_down": ("Look Down", {"eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0}),
    "look_left": ("Look Left", {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}),
    "look_right": ("Look Right", {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}),
}
CALLED = {"smile": "Smile", "surprise": "Surprise", "eyes_closed": "Blink", "open_mouth": "Open Mouth"}


@dataclass(frozen=True)
class Row:
    """One line of the panel: a shape, or a pair of the left and the right one."""

    words: str
    left: str
    """The shape's name, or that of the person's left side."""
    right: str = ""
    """Empty where there is no pair."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.left, self.right) if self.right else (self.left,)


def base_name(name: str) -> str:
    """`MouthSmileLeft` -> `mouthSmileLeft`: the spelling that is compared."""
    return name if name.startswith(VISEME) else name[:1].lower() + name[1:]


def part_of(name: str) -> str:
    """The part of the face that a shape belongs to, one of `PARTS`."""
    spelled = base_name(name)
    return next(part for part, begins in PARTS.items() if spelled.startswith(begins))


def face_rows(names: Sequence[str], search: str = "") -> dict[str, list[Row]]:
    """Part of the face -> its lines, of the shapes `names` whose words or name hold every word of
    `search`."""
    known = {base_name(name): name for name in names}
    wanted = search.lower().split()
    rows: dict[str, list[Row]] = {part: [] for part in PARTS}
    done: set[str] = set()
    for spelled, name in known.items():
        if spelled in done:
            continue
        pair = _pair(spelled)
        if pair and pair[0] in known and pair[1] in known:
            row = Row(words_of(pair[0][: -len(LEFT)]), known[pair[0]], known[pair[1]])
            done |= set(pair)
        else:
            row = Row(words_of(spelled), name)
        text = f"{row.words} {' '.join(row.names)} {part_of(name)}".lower()
        if all(word in text for word in wanted):
            rows[part_of(name)].append(row)
    return {part: lines for part, lines in rows.items() if lines}


def words_of(name: str) -> str:
    """`browInnerUp` -> `Brow Inner Up`; of a viseme, what is said: `PP`, p b m."""
    if name.startswith(VISEME):
        sound = name[len(VISEME) :]
        return f"{sound}: {PHONEMES[sound].split(':')[0]}" if sound in PHONEMES else sound
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)
    return spaced[:1].upper() + spaced[1:]


def mirrored(name: str) -> str:
    """The shape that shows the mirror image of a shape; itself where it is symmetric."""
    for side, other in ((LEFT, RIGHT), (RIGHT, LEFT)):
        if name.endswith(side):
            return name[: -len(side)] + other
    return name


@cache
def presets() -> Mapping[str, tuple[str, Mapping[str, float]]]:
    """Name -> what it is called, and ARKit shape -> weight at full strength."""
    text = files(MIXED).joinpath("data", "vrm_expressions.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)["preset"]
    out = {name: (CALLED.get(name, words_of(name)), shapes) for name, shapes in EXPRESSIONS.items()}
    out |= {name: (words, _both_sides(table[name]["shapes"])) for name, words in VRM_PRESETS.items()}
    return out | SIMPLE


def preset_weights(name: str, strength: float, known: Sequence[str]) -> dict[str, float]:
    """Shape of the twin -> weight of a preset at a strength, 0 to 1.

    Raises `InputError` for an unknown preset, and where the twin lacks one of its shapes.
    """
    if name not in presets():
        raise InputError(f"There is no expression '{name}'; there are {', '.join(presets())}.")
    spelled = {base_name(one): one for one in known}
    words, shapes = presets()[name]
    if missing := [shape for shape in shapes if shape not in spelled]:
        raise InputError(f"The twin has no face shape {missing[0]}, which the expression {words} needs.")
    return {spelled[shape]: weight * strength for shape, weight in shapes.items()}


def _pair(name: str) -> tuple[str, str] | None:
    for side in (LEFT, RIGHT):
        base = name[: -len(side)]
        if name.endswith(side) and base and base not in ("jaw", "mouth"):
            return base + LEFT, base + RIGHT
    return None


def _both_sides(shapes: Mapping[str, float]) -> dict[str, float]:
    """Names that end in `*` stand for both sides."""
    out: dict[str, float] = {}
    for name, weight in shapes.items():
        out |= {name[:-1] + side: weight for side in (LEFT, RIGHT)} if name.endswith("*") else {name: weight}
    return out
