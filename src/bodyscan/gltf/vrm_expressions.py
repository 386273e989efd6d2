"""VRM 1.0 expressions out of ARKit face shapes (VRMC_vrm-1.0, expressions), by the table in `data/`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from bodyscan.twin.visemes import PREFIX, VISEMES

OVERRIDES = {
    "override_blink": "overrideBlink",
    "override_look_at": "overrideLookAt",
    "override_mouth": "overrideMouth",
}


def expressions(morph_names: Sequence[str], node: int) -> dict[str, dict[str, Any]]:
    """Return the `expressions` of VRMC_vrm: `preset` and `custom`.

    `morph_names`: the mesh's targets in the file's order; `node`: the node that carries the mesh. An
    expression uses the shapes that are there and is left out where none of its own is. Each shape is a
    custom expression of its own name too, and so is each of the 15 visemes: a shape of its own where the
    twin has it, else a mixture.
    """
    index = {name: i for i, name in enumerate(morph_names)}
    table = _table()
    preset = {
        name: made
        for name, entry in table["preset"].items()
        if (made := _expression(entry, index, node)) is not None
    }
    custom = {
        name: _bound({name: 1.0}, index, node)
        for name in morph_names
        if name not in table["preset"]  # VRM forbids a custom expression of a preset's name
    }
    for viseme in VISEMES:
        name = PREFIX + viseme
        if name not in custom and (made := _expression({"viseme": viseme}, index, node)) is not None:
            custom[name] = made
    return {"preset": preset, "custom": custom}


def _expression(entry: Mapping[str, Any], index: Mapping[str, int], node: int) -> dict[str, Any] | None:
    shapes = VISEMES[entry["viseme"]] if "viseme" in entry else _both_sides(entry["shapes"])
    if shapes and not shapes.keys() & index.keys():
        return None
    overrides = {name: entry.get(key, "none") for key, name in OVERRIDES.items()}
    return _bound(shapes, index, node) | overrides


def _bound(shapes: Mapping[str, float], index: Mapping[str, int], node: int) -> dict[str, Any]:
    binds = [
        {"node": node, "index": index[name], "weight": weight}
        for name, weight in shapes.items()
        if name in index
    ]
    made: dict[str, Any] = {"isBinary": False}
    return made | {"morphTargetBinds": binds} if binds else made


def _both_sides(shapes: Mapping[str, float]) -> dict[str, float]:
    named = {}
    for name, weight in shapes.items():
        sides = [name[:-1] + side for side in ("Left", "Right")] if name.endswith("*") else [name]
        named.update(dict.fromkeys(sides, weight))
    return named


@cache
def _table() -> dict[str, Any]:
    text = files("bodyscan.gltf").joinpath("data", "vrm_expressions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
