"""Whether a result, read again, is the twin that went in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bodyscan.errors import StageError
from bodyscan.gltf import GlbBody
from bodyscan.types import F64

LARGEST_MOVE_M = 1e-4
"""Ten times what float32 matrices were seen to cost at arm's length."""


@dataclass(frozen=True, eq=False)
class ReadAgain:
    """What a result held when it was opened again: unchecked, NaN included."""

    positions: F64
    """(V, 3) float64, metres, world frame, in the GLB's order."""
    joints: F64
    """(J, 3) float64, metres, world frame: where the joints stand at rest."""
    joint_names: Sequence[str]
    """J names, in any order."""
    shapes: Sequence[str]
    """Names of the face shapes, in any order."""
    triangles: int
    images: int


def how_far_moved(
    name: str, body: GlbBody, num_images: int, found: ReadAgain, *, plain_names: bool
) -> tuple[float, float]:
    """Return how far the skin and the joints are from the GLB's, at most, along an axis, in metres.

    `name` is the format's, for the message. `plain_names`: the format knows letters, digits and `_` alone.
    Raises `StageError` where joints, shapes, triangles, vertices or images differ, or where something moved
    by more than `LARGEST_MOVE_M`.
    """
    joints = [_plain(joint) if plain_names else joint for joint in body.skeleton.joint_names]
    shapes = [_plain(shape) if plain_names else shape for shape in body.morph_names]
    differing = [
        f"{what} ({was} there, {now} here)" if isinstance(was, int) else what
        for what, was, now in (
            ("the joints", sorted(joints), sorted(found.joint_names)),
            ("the face shapes", sorted(shapes), sorted(found.shapes)),
            ("the number of triangles", len(body.faces), found.triangles),
            ("the number of vertices", len(body.positions), len(found.positions)),
            ("the number of images", num_images, found.images),
        )
        if was != now
    ]
    if differing:
        raise StageError(
            f"The {name} as Blender wrote it is not the twin of the GLB: {', '.join(differing)}. Nothing was "
            "written."
        )
    place = {joint: i for i, joint in enumerate(found.joint_names)}
    in_order = found.joints[[place[joint] for joint in joints]]
    skin = _largest(found.positions - body.positions)
    bones = _largest(in_order - body.skeleton.positions)
    if not np.max([skin, bones]) <= LARGEST_MOVE_M:  # NaN is too far as well
        raise StageError(
            f"In the {name} as Blender wrote it the skin is up to {skin * 1000:.2f} mm and the joints are up "
            f"to {bones * 1000:.2f} mm away from where they are in the GLB. Nothing was written."
        )
    return skin, bones


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _largest(difference: F64) -> float:
    return float(np.abs(difference).max(initial=0.0))
