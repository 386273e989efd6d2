"""What a file's animations do beside posing: a body that is bound at rest must not move as another one.

Joints may turn, and the roots of the skeleton may move. A joint that grows, or moves away from its parent,
makes another body of the same skin; what `KHR_animation_pointer` changes (a colour, a scale) is no pose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.gltf.accessors import AccessorReader

POINTER = "KHR_animation_pointer"
SCALE_SHARE = 0.01
"""By how much a node may grow or shrink, as a share of its size in the file."""
MOVED_M = 0.01
"""How far a joint may move from where it stands beside its parent, metres."""


def motion_problem(document: Mapping[str, Any], reader: AccessorReader) -> str:
    """Return what an animation changes beside the pose, in words; empty where there is nothing.

    Raises what plain Python raises on a damaged document, and `InputError` for a damaged accessor.
    """
    nodes = document.get("nodes", [])
    bones = _bones(document)
    for node, path, values in _channels(document, reader):
        if node is None:
            return f"an animation of the file changes more than the pose ({POINTER})"
        item = nodes[node]
        if path == "scale":
            rest = np.asarray(item.get("scale", (1.0, 1.0, 1.0)), np.float64)
            if (np.abs(values - rest) > SCALE_SHARE * np.abs(rest)).any():
                return f"an animation of the file makes {_name(item, node)} larger or smaller"
        elif path == "translation" and node in bones:
            rest = np.asarray(item.get("translation", (0.0, 0.0, 0.0)), np.float64)
            moved = float(np.linalg.norm(values - rest, axis=1).max(initial=0.0))
            if moved > MOVED_M:
                return (
                    f"an animation of the file moves {_name(item, node)} {100 * moved:.0f} cm off its parent"
                )
    return ""


def _channels(
    document: Mapping[str, Any], reader: AccessorReader
) -> Iterator[tuple[int | None, str, NDArray[np.float64]]]:
    """Yield node, path and values (N, C) of channels that scale or move; None where a pointer names it."""
    for animation in document.get("animations", []):
        for channel in animation["channels"]:
            target = channel["target"]
            path = str(target.get("path", ""))
            if path == "pointer" or POINTER in target.get("extensions", {}):
                yield None, path, np.zeros((0, 3))
            if path not in ("scale", "translation") or "node" not in target:
                continue
            sampler = animation["samplers"][channel["sampler"]]
            values = reader.read(sampler["output"]).astype(np.float64)
            # A cubic spline's key is an in-tangent, a value and an out-tangent (glTF 2.0, 3.11).
            yield int(target["node"]), path, values[1::3] if _is_cubic(sampler) else values


def _is_cubic(sampler: Mapping[str, Any]) -> bool:
    return sampler.get("interpolation") == "CUBICSPLINE"


def _bones(document: Mapping[str, Any]) -> set[int]:
    """Return the joints that hang on another joint: these keep their distance in every pose."""
    joints = {joint for skin in document.get("skins", []) for joint in skin["joints"]}
    nodes = document.get("nodes", [])
    return {child for joint in joints for child in nodes[joint].get("children", []) if child in joints}


def _name(node: Mapping[str, Any], index: int) -> str:
    return str(node.get("name", f"node {index}"))
