"""The other side of the body: for each texel the texel at its mirror image.

The body's topology is symmetric but for a few faces: vertices are paired on the template, a texel goes to the
face of its corners' partners and there to the same shares.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.texture.texels import Texels, body_texels
from bodyscan.types import I32


@lru_cache(maxsize=2)
def mirrored_texels(model: BodyModel, size: int) -> I32:
    """(T,) int32 place in `body_texels(model, size)` of each texel's mirror image, -1 where there is none."""
    texels = body_texels(model, size)
    partner = mirrored_vertices(model)
    face, order = _mirrored_faces(model.faces, partner)
    out = np.full(len(texels), -1, np.int32)
    lookup = texels.lookup().reshape(-1)
    block = 1 << 20
    for start in range(0, len(texels), block):
        part = slice(start, start + block)
        out[part] = _places(model, texels, lookup, face, order, part)
    out.flags.writeable = False
    return out


def mirrored_vertices(model: BodyModel) -> I32:
    """(V,) int32 the vertex on the other side of the body."""
    template = model.template.astype(np.float64)
    # The mean body is a fraction of a millimetre off the middle: pair around its own plane.
    flipped = template * [-1, 1, 1]
    middle = np.median(template[KDTree(template).query(flipped)[1]] - flipped, axis=0)
    return np.asarray(KDTree(template).query(flipped + middle)[1], np.int32)


def _mirrored_faces(faces: I32, partner: I32) -> tuple[I32, I32]:
    """(F,) the face of the partners, -1 without; (F, 3) the corner of it that each own corner goes to."""
    count = int(faces.max()) + 1
    mirrored = partner[faces].astype(np.int64)

    def keys(corners: np.ndarray) -> np.ndarray:
        low = np.sort(corners.astype(np.int64), axis=1)
        return (low[:, 0] * count + low[:, 1]) * count + low[:, 2]

    own, wanted = keys(faces), keys(mirrored)
    ranked = np.argsort(own, kind="stable")
    at = np.minimum(np.searchsorted(own[ranked], wanted), len(own) - 1)
    face = np.where(own[ranked[at]] == wanted, ranked[at], -1).astype(np.int32)
    order = (faces[face][:, None, :] == mirrored[:, :, None]).argmax(axis=2)
    return face, order.astype(np.int32)


def _places(model: BodyModel, texels: Texels, lookup: I32, face: I32, order: I32, part: slice) -> I32:
    triangle, shares = texels.triangle[part], texels.barycentric[part]
    target = face[triangle]
    corners = model.split_uvs[model.split_faces[target]]
    turned = np.take_along_axis(corners, order[triangle][:, :, None], axis=1)
    uv = np.einsum("tk,tkc->tc", shares, turned) * texels.size
    column, row = (np.clip(uv[:, k].astype(np.int64), 0, texels.size - 1) for k in (0, 1))
    return np.where(target >= 0, lookup[row * texels.size + column], -1).astype(np.int32)
