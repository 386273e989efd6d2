"""Left and right of the body: which vertex mirrors which, and quads cut along mirrored diagonals."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel


def mirror_map(model: BodyModel) -> np.ndarray:
    """(V,) the vertex on the other side; itself on the midline, -1 where there is none.

    The mean body is not quite symmetric: nearest mirrored places are right nearly everywhere, but not where
    vertices are dense. They are kept where all quads around a vertex land on quads; the others follow from
    the quads, of which three corners are known.
    """
    points = model.template.astype(np.float64)
    first = KDTree(points).query(points * [-1, 1, 1])[1]
    all_quads = quads(model.faces)
    place = {frozenset(quad): quad for quad in all_quads.tolist()}
    lands = np.array([frozenset(first[quad].tolist()) in place for quad in all_quads])
    sure = first[first] == np.arange(len(points))
    sure[np.unique(all_quads[~lands])] = False
    out = np.where(sure, first, -1)
    by_side: dict[frozenset[int], list[list[int]]] = {}
    for quad in all_quads.tolist():
        for k in range(4):
            by_side.setdefault(frozenset(quad[:k] + quad[k + 1 :]), []).append(quad)
    for _ in range(40):
        before = int((out < 0).sum())
        for quad in all_quads[(out[all_quads] < 0).sum(axis=1) == 1]:
            known = quad[out[quad] >= 0]
            unknown = quad[out[quad] < 0]
            images = by_side.get(frozenset(out[known].tolist()), [])
            if len(images) == 1 and len(unknown) == 1:
                (image,) = set(images[0]) - set(out[known].tolist())
                if out[image] in (-1, unknown[0]):
                    out[unknown[0]], out[image] = image, unknown[0]
        if int((out < 0).sum()) == before:
            break
    return out


def quads(faces: np.ndarray) -> np.ndarray:
    """(F, 3) triangles that come in pairs -> (F / 2, 4) the quads that they were cut from, in order."""
    out = []
    for a, b in zip(faces[0::2].tolist(), faces[1::2].tolist(), strict=True):
        (lone,) = set(a) - set(b)
        (other,) = set(b) - set(a)
        k = a.index(lone)
        out.append([lone, a[(k + 1) % 3], other, a[(k + 2) % 3]])
    return np.array(out)


def symmetric_diagonals(faces: np.ndarray, corners: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """(F, 3) corner ids with the diagonals of right-hand quads as the mirrored left-hand quads have them.

    `corners` (F, 3) are the split vertices of `faces`; a quad never spans a seam.
    """
    vertex_quads = quads(faces)
    corner_quads = quads(corners)
    place = {frozenset(quad): k for k, quad in enumerate(vertex_quads.tolist())}
    out = corners.copy()
    for k, quad in enumerate(vertex_quads):
        image = place.get(frozenset(mirror[quad].tolist()))
        if image is None or image <= k:
            continue
        diagonal = {int(mirror[quad[1]]), int(mirror[quad[3]])}
        other = vertex_quads[image]
        if {int(other[1]), int(other[3])} != diagonal:
            a, b, c, d = corner_quads[image]
            out[2 * image], out[2 * image + 1] = (a, b, d), (b, c, d)
            if diagonal == {int(other[0]), int(other[2])}:
                out[2 * image], out[2 * image + 1] = (a, b, c), (a, c, d)
    return out
