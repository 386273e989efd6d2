"""A rig on the body's topology -> the same rig with vertices split at UV seams, as renderers want it."""

from __future__ import annotations

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.types import I32, Mesh, Morph, Rig


def split_at_seams(
    model: BodyModel, rig: Rig, morphs: tuple[Morph, ...]
) -> tuple[Rig, tuple[Morph, ...], I32]:
    """Return rig and morphs on R split vertices with uvs, and `vertex_source` (R,) int32.

    Without UVs in the model nothing is split. Raises `InputError` where the rig is not on the model's
    topology or a morph names a vertex that is not there.
    """
    count = model.num_vertices
    if len(rig.mesh.vertices) != count or rig.mesh.faces.shape != model.faces.shape:
        raise InputError(
            f"The rig has {len(rig.mesh.vertices)} vertices and {len(rig.mesh.faces)} faces, the body model "
            f"{count} and {len(model.faces)}; a rig on another surface is not split."
        )
    for morph in morphs:
        if len(morph.vertex_ids) and (morph.vertex_ids.min() < 0 or morph.vertex_ids.max() >= count):
            raise InputError(f"The morph '{morph.name}' names a vertex outside 0..{count - 1}.")
    if not len(model.split_source):
        return rig, morphs, np.arange(count, dtype=np.int32)
    source, colors = model.split_source, rig.mesh.colors
    mesh = Mesh(
        rig.mesh.vertices[source],
        model.split_faces,
        uvs=model.split_uvs,
        colors=None if colors is None else colors[source],
    )
    split = Rig(mesh, rig.skeleton, rig.joint_indices[source], rig.joint_weights[source])
    return split, tuple(_split_morph(morph, source, count) for morph in morphs), source


def _split_morph(morph: Morph, source: I32, count: int) -> Morph:
    place = np.full(count, -1, np.int64)
    place[morph.vertex_ids] = np.arange(len(morph.vertex_ids))
    ids = np.flatnonzero(place[source] >= 0)
    return Morph(morph.name, ids.astype(np.int32), morph.deltas[place[source[ids]]])
