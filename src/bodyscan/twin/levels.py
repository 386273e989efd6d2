"""Coarser levels of detail of a twin on the packaged topology.

Which vertices stay, and the triangles over them, was designed once for everybody (`bodyscan.body.levels`); a
person's level is a gather of the twin's own positions, uvs, weights and face shapes, all exact. The design is
half-edge collapse by quadric error metrics (Garland and Heckbert, "Surface simplification using quadric error
metrics", 1997); `docs/levels.md` has the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.levels import LevelTopology, level_topologies
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.types import F64, I32, Level, Mesh, Morph, Rig

MAIN_SHAPES: tuple[str, ...] = (
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "jawOpen",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthPucker",
    "mouthClose",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "browInnerUp",
    "browDownLeft",
    "browDownRight",
)
"""What is still seen from afar: blinks, the jaw, smiles, the mouth's vowels and the brows."""


@dataclass(frozen=True)
class LevelOptions:
    """Which levels a twin gets, and which face shapes they carry."""

    count: int = 2
    """How many coarser levels, finest first, 0 to 2: about 10,000 and 3,000 triangles."""
    least_delta_m: float = 2e-4
    """A face shape's displacement is left out of a level where it is shorter, metres, at least 0."""
    far_shapes: tuple[str, ...] = MAIN_SHAPES
    """Names of the face shapes that the coarsest of the two levels carries; the finer one carries all."""

    def __post_init__(self) -> None:
        if not 0 <= self.count <= 2:
            raise InputError(f"LevelOptions.count is {self.count}; give 0, 1 or 2.")
        if not 0 <= self.least_delta_m < np.inf:
            raise InputError(f"LevelOptions.least_delta_m is {self.least_delta_m}; give 0 or more metres.")


def twin_levels(
    model: BodyModel, rig: Rig, morphs: tuple[Morph, ...], options: LevelOptions | None = None
) -> tuple[Level, ...]:
    """Return the coarser levels of a twin, finest first.

    `rig` and `morphs`: those of the twin, on the vertices that are split at UV seams (R of them). Each level
    has its own vertices, in the twin's bind pose, on the twin's skeleton; a morph that moves nothing visible
    there is left out. Raises `InputError` where the model is not the packaged one, the rig is not on its
    split vertices, or a far shape is not among the morphs.
    """
    options = options or LevelOptions()
    if options.count == 0:
        return ()
    topologies = level_topologies(model)[: options.count]
    count = len(model.split_source)
    if len(rig.mesh.vertices) != count or rig.mesh.uvs is None:
        raise InputError(
            f"Levels need the rig on the {count} vertices that are split at texture seams, with uvs; this "
            f"one has {len(rig.mesh.vertices)} vertices. Give the rig that split_at_seams returns."
        )
    known = {morph.name for morph in morphs}
    missing = sorted(set(options.far_shapes) - known) if morphs and options.count > 1 else []
    if missing:
        raise InputError(
            f"LevelOptions.far_shapes names {missing[0]!r}, which is not among the twin's {len(morphs)} face "
            f"shapes: {', '.join(sorted(known))}."
        )
    levels = []
    for k, topology in enumerate(topologies):
        chosen = morphs if k == 0 else tuple(m for m in morphs if m.name in options.far_shapes)
        levels.append(_level(model, rig, chosen, topology, options.least_delta_m))
    return tuple(levels)


def _level(
    model: BodyModel, rig: Rig, morphs: tuple[Morph, ...], topology: LevelTopology, least_m: float
) -> Level:
    kept = topology.split_vertices
    mesh, uvs = rig.mesh, rig.mesh.uvs
    assert uvs is not None  # `twin_levels` looked
    small = Mesh(
        mesh.vertices[kept],
        topology.faces,
        uvs=uvs[kept],
        colors=None if mesh.colors is None else mesh.colors[kept],
    )
    place = np.full(len(mesh.vertices), -1, np.int64)
    place[kept] = np.arange(len(kept))
    gathered = (_gathered(morph, place, least_m) for morph in morphs)
    return Level(
        rig=Rig(small, rig.skeleton, rig.joint_indices[kept], rig.joint_weights[kept]),
        vertex_source=_read_only(model.split_source[kept]),
        morphs=tuple(morph for morph in gathered if len(morph.vertex_ids)),
    )


def _gathered(morph: Morph, place: np.ndarray, least_m: float) -> Morph:
    """A morph at the vertices that stay; `place` (R,) their new numbers, -1 where they go."""
    stay = place[morph.vertex_ids] >= 0
    stay &= _length(morph.deltas) >= least_m
    return Morph(morph.name, place[morph.vertex_ids[stay]].astype(np.int32), morph.deltas[stay])


def _length(deltas: np.ndarray) -> F64:
    return np.linalg.norm(deltas.astype(np.float64), axis=1)


def _read_only(array: I32) -> I32:
    array = np.array(array, np.int32)
    array.flags.writeable = False
    return array
