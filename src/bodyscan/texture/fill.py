"""Skin where the scan shows none: soles, armpits, between fingers, under an arm, specks.

Two layers. The slow one lives on the body's own graph of vertices, so that it runs across the seams of
the texture: log light of what was seen, and between that the solution of a Poisson equation (P. Perez,
M. Gangnet, A. Blake, "Poisson image editing", 2003) whose gradients are those of the body's other side where
the scan shows it, and zero where not (a harmonic function). Edges between skin and cloth hardly conduct. The
fast layer is what is left of the seen texels; beyond their border it runs out within a centimetre, and gives
way to that of the other side, or to grain as strong as that of this person's skin. Log light, because shades
of one skin are multiples of each other.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu

from bodyscan.body.model import BodyModel
from bodyscan.texture.mirror import mirrored_texels, mirrored_vertices
from bodyscan.texture.sample import TexelColors, step
from bodyscan.texture.texels import Texels
from bodyscan.texture.vertex_means import texels_around, vertex_means
from bodyscan.types import F32, F64, Bool

DARKEST = 2e-3
"""Linear light that logarithms are taken above."""
KNOWN_SHARE = 0.35
"""Of the texels around a vertex that must be seen for its colour to count."""
BARRIER = 1e-3
"""Conductance of edges between skin and cover."""
PULL = 1e-6
"""Towards the usual colour: loose parts without any colour of their own must not come out black."""
BLUR_SHARE = 0.004
"""Of the image's side: the width of transitions, 8 texels of 2048."""
MOST_GRAIN = 0.08
"""Standard deviation of log light: more is pattern, not grain."""
OTHER_SHADE = 0.5
"""Difference of log light at which the other side counts as something else."""


def fill_skin(
    model: BodyModel, texels: Texels, colors: TexelColors, *, grain: float = 1.0, cover: F32 | None = None
) -> F32:
    """Linear light (T, 3) float32 of all texels: as seen where `colors` has weight, filled elsewhere.

    `cover` (V,) 0..1 says where cloth or hair covers the body; colours do not spread between it and skin.
    `grain` scales the grain of what nobody shows. With nothing seen at all, zeros come back.
    """
    weight = colors.weight
    if not (weight > 0).any():
        return np.zeros_like(colors.light)
    light = np.log(np.maximum(colors.light, DARKEST))
    slow = texels.interpolate(slow_layer(model, texels, light, weight, cover))
    if weight.min() >= 1:
        return np.array(colors.light)
    fast = np.where(weight[:, None] > 0, light - slow, 0).astype(np.float32)
    near, share = _spread(texels, fast, weight)
    trust = weight * np.clip(2 * share - 1, 0, 1)
    detail = _other_side(model, texels, fast, slow, weight)
    bare = np.flatnonzero(trust < 1)
    own = _grain(texels, fast, near, weight)[bare] * np.float32(grain)
    made = near[bare] * step(0.0, 0.5, share[bare])[:, None]
    made += detail[0][bare] * detail[1][bare, None] + own[:, None] * (1 - detail[1][bare, None])
    out = np.array(colors.light)
    mixed = trust[bare, None] * fast[bare] + (1 - trust[bare, None]) * made
    out[bare] = np.exp(slow[bare] + mixed)
    return np.clip(out, 0, 1)


def slow_layer(model: BodyModel, texels: Texels, light: F32, weight: F32, cover: F32 | None) -> F64:
    """(V, 3) log light at vertices: means of what is seen, the solution of the Poisson equation elsewhere."""
    count = model.num_vertices
    means, total = vertex_means(texels, light, weight, count)
    known = total > KNOWN_SHARE * np.maximum(texels_around(texels, count), 1e-9)
    known &= total > 0
    if not known.any():
        known = total > 0
    graph = _graph(model, cover)
    unknown = np.flatnonzero(~known)
    if not len(unknown):
        return means
    partner = mirrored_vertices(model)
    guide, guided = means[partner], known[partner]
    # Skin beside cloth on the other side is an edge of the cloth, not of the skin: no guide for jumps.
    pairs = graph.tocoo()
    jump = guide[pairs.row] - guide[pairs.col]
    usable = guided[pairs.row] & guided[pairs.col] & (np.abs(jump).max(axis=1) < OTHER_SHADE)
    push = np.zeros((count, 3))
    for channel in range(3):
        push[:, channel] = np.bincount(pairs.row, pairs.data * jump[:, channel] * usable, count)
    usual = np.median(means[known], axis=0)
    degree = np.asarray(graph.sum(axis=1)).ravel() + PULL
    matrix = sparse.csc_matrix(sparse.diags(degree[unknown]) - graph[unknown][:, unknown])
    right = graph[unknown][:, known] @ means[known] + push[unknown] + PULL * usual
    low, high = means[known].min(axis=0), means[known].max(axis=0)
    means[unknown] = np.clip(splu(matrix).solve(np.asarray(right)), low, high)
    return means


def _graph(model: BodyModel, cover: F32 | None) -> sparse.csr_matrix:
    """(V, V) conductance of the body's edges: 1 over their length, next to none between skin and cover."""
    edges = model.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    ends = model.template.astype(np.float64)[edges]
    data = 0.01 / np.maximum(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1), 1e-4)
    if cover is not None:
        apart = np.abs(np.diff(np.asarray(cover, np.float64)[edges], axis=1))[:, 0]
        data *= BARRIER + (1 - BARRIER) * (1 - step(0.2, 0.6, apart))
    count = model.num_vertices
    graph = sparse.coo_matrix((data, (edges[:, 0], edges[:, 1])), shape=(count, count))
    return (graph + graph.T).tocsr()


def _spread(texels: Texels, fast: F32, weight: F32) -> tuple[F32, F32]:
    """Seen values blurred over their border, (T, 3), and the share (T,) of what is seen around a texel."""
    size = texels.size
    sigma = BLUR_SHARE * size / 2

    def blurred(values: F32) -> F32:
        image = texels.image(values).reshape(size // 2, 2, size // 2, 2).mean(axis=(1, 3))
        image = ndimage.gaussian_filter(image, sigma, truncate=3.0, mode="constant")
        return np.asarray(image[texels.rows // 2, texels.columns // 2], np.float32)

    covered = blurred(np.ones(len(weight), np.float32))
    total = blurred(weight)
    near = np.stack([blurred(weight * fast[:, c]) for c in range(3)], axis=1)
    near /= np.maximum(total, 1e-3)[:, None]
    return near, total / np.maximum(covered, 1e-3)


def _other_side(model: BodyModel, texels: Texels, fast: F32, slow: F32, weight: F32) -> tuple[F32, F32]:
    """Detail (T, 3) of the mirrored texel, and how far (T,) it can be taken."""
    place = mirrored_texels(model, texels.size)
    there = np.where(place >= 0, place, 0)
    alike = 1 - step(0.6 * OTHER_SHADE, OTHER_SHADE, np.abs(slow - slow[there]).max(axis=1))
    usable = step(0.5, 0.9, weight[there]) * alike * (place >= 0)
    return np.clip(fast[there], -0.4, 0.4), usable.astype(np.float32)


def _grain(texels: Texels, fast: F32, near: F32, weight: F32) -> F32:
    """(T,) noise in two octaves, as strong as the seen skin's own, the same in all channels."""
    seen = np.flatnonzero(weight > 0.9)
    if len(seen) < 100:
        return np.zeros(len(weight), np.float32)
    seen = seen[:: max(1, len(seen) // 200_000)]
    own: Bool | F32 = (fast[seen] - near[seen]).mean(axis=1)
    strength = min(1.4826 * float(np.median(np.abs(own - np.median(own)))), MOST_GRAIN)
    noise = np.random.default_rng(0).standard_normal((texels.size, texels.size), dtype=np.float32)
    octaves = [ndimage.gaussian_filter(noise, s * texels.size / 2048, truncate=2.5) for s in (1.0, 2.8)]
    mixed = sum(each / each.std() for each in octaves) * (strength / np.sqrt(2))
    return np.asarray(mixed.reshape(-1)[texels.index], np.float32)
