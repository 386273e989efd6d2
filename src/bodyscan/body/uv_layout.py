"""Room for eyes, teeth and tongue on the body's texture.

The MakeHuman layout gives an eyeball 26 texels of 2048: an iris of 8. There is free space at the top right
of the square; the small islands move there and grow. All other islands stay where they are, so that a
texture painted for MakeHuman's skin still fits the skin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from bodyscan.types import F32, I32

BOXES: dict[tuple[str, str], tuple[float, float, float, float]] = {
    ("left_eye", "front"): (0.864, 0.008, 0.992, 0.136),
    ("right_eye", "front"): (0.731, 0.008, 0.859, 0.136),
    ("left_eye", "back"): (0.868, 0.136, 0.902, 0.170),
    ("right_eye", "back"): (0.822, 0.136, 0.856, 0.170),
    ("teeth", "upper"): (0.644, 0.010, 0.724, 0.044),
    ("teeth", "lower"): (0.644, 0.052, 0.724, 0.086),
    ("tongue", "upper"): (0.600, 0.008, 0.640, 0.092),
}
"""Region and half -> least u, least v, greatest u, greatest v (origin at the top left)."""


def enlarge_small_islands(
    uvs: F32, split_faces: I32, split_source: I32, template: F32, region_ids: I32, region_names: Sequence[str]
) -> F32:
    """(R, 2) uvs with the islands of eyes, teeth and tongue moved to their boxes, proportions kept.

    `split_faces` (F, 3) into the R split vertices, `split_source` (R,) the body vertex of each, `template`
    (V, 3) metres, `region_ids` (V,) into `region_names`. Of several islands of a region the foremost is
    `front` and the highest `upper`. A body without these regions keeps its uvs.
    """
    out = np.array(uvs, np.float64)
    island = uv_islands(split_faces, len(uvs))
    places = np.asarray(template, np.float64)[split_source]
    for name in dict.fromkeys(region for region, _ in BOXES):
        if name not in region_names:
            continue
        mine = region_ids[split_source] == list(region_names).index(name)
        halves = {half: box for (region, half), box in BOXES.items() if region == name}
        axis = 2 if "front" in halves else 1
        found = sorted(
            np.unique(island[mine]).tolist(), key=lambda k: -float(places[mine & (island == k), axis].mean())
        )
        for k, box in zip(found, halves.values(), strict=False):
            chosen = mine & (island == k)
            out[chosen] = _into(out[chosen], box)
    return out.astype(np.float32)


def uv_islands(split_faces: I32, count: int) -> NDArray[np.int32]:
    """(R,) number of the connected piece of the texture that each of `count` split vertices lies on."""
    links = np.asarray(split_faces)[:, [0, 1, 1, 2]].reshape(-1, 2)
    graph = sparse.coo_matrix((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), (count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)


def _into(uvs: NDArray[np.float64], box: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Scale `uvs` (K, 2) evenly to fill `box`, in its middle."""
    low, high = uvs.min(axis=0), uvs.max(axis=0)
    least, most = np.array(box[:2]), np.array(box[2:])
    scale = float(((most - least) / np.maximum(high - low, 1e-9)).min())
    return (uvs - (low + high) / 2) * scale + (least + most) / 2
