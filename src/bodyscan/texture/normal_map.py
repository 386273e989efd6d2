"""Relief finer than the body mesh, as a tangent-space normal map.

At each texel the scan's smooth normal stands against the twin's interpolated one. Of the difference only what
the mesh cannot hold is kept: its means around vertices, interpolated, are the mesh's own affair and go. The
scan's normals are first spread over patches so wide that noise is below `LEAST_SLOPE`: a plane fitted to the
vertices in a disc of radius r has a slope error of 2 sigma h / (sqrt(pi) r^2), sigma the noise and h the
spacing of vertices (linear least squares). Where such a patch is as wide as the mesh's triangles nothing fine
is left that can be told from noise, and there is no map. What is left of noise is taken off as by N. Wiener:
slopes weaker than it fade, window by window.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, sparse

from bodyscan.body.model import BodyModel
from bodyscan.geometry.normals import area_vectors, vertex_normals
from bodyscan.geometry.tangents import vertex_tangents
from bodyscan.texture.sample import Correspondence
from bodyscan.texture.texels import Texels
from bodyscan.texture.vertex_means import vertex_means
from bodyscan.types import F32, F64, U8, ScanMesh

LEAST_SLOPE = 0.04
"""Radians of noise that the scan's normals may have before what is left of it is taken off."""
MESH_EDGE_M = 0.010
"""Patches as wide as this hold nothing that the mesh does not: the median edge is 7 mm, 16 on the trunk."""
MOST_ROUNDS = 24
COARSE_ROUNDS = 2
"""How often means around vertices are spread to their neighbours."""
STEEPEST = 1.0
"""Slope that relief is cut at: 45 degrees, and hairs or borders beyond it."""
WINDOW_SHARE = 0.008
"""Of the image's side: windows in which signal is weighed against noise, 16 texels of 2048."""
FLAT = (128, 128, 255)


def relief(
    model: BodyModel,
    texels: Texels,
    surface_vertices: F64,
    scan: ScanMesh,
    found: Correspondence,
    noise_mm: float | None = None,
) -> U8 | None:
    """Normal map at texels (T, 3) uint8, or None where the scan shows no relief finer than the mesh.

    `surface_vertices` (V, 3) metres, world frame; `found` says where the scan is at each texel; `noise_mm` is
    the standard deviation of the scan's vertices along the normal, by default as the scan shows it.
    """
    mesh = scan.mesh
    spacing = float(
        np.sqrt(np.linalg.norm(area_vectors(mesh.vertices, mesh.faces), axis=1).sum() / len(mesh.vertices))
    )
    noise = vertex_noise_m(mesh.vertices, mesh.faces) if noise_mm is None else noise_mm / 1000
    radius = max(np.sqrt(2 / np.sqrt(np.pi) * noise * spacing / LEAST_SLOPE), spacing)
    if radius >= MESH_EDGE_M / 2:
        return None
    rounds = int(np.clip(np.ceil((radius / spacing) ** 2), 1, MOST_ROUNDS))
    smooth = spread_normals(mesh.vertices, mesh.faces, rounds)
    left = 2 * noise * spacing / (np.sqrt(np.pi) * spacing**2 * rounds)
    return encoded(_slopes(model, texels, surface_vertices, smooth, mesh.faces, found, float(left)))


def _slopes(
    model: BodyModel, texels: Texels, vertices: F64, smooth: F32, faces: np.ndarray, found: Correspondence,
    noise: float,
) -> F32:  # fmt: skip
    """(T, 2) slopes towards the tangent and the bitangent."""
    seen = np.flatnonzero(found.weight > 0)
    normals = vertex_normals(vertices, model.faces)
    here = texels.interpolate(normals, seen)
    here /= np.maximum(np.linalg.norm(here, axis=1, keepdims=True), 1e-9)
    there = np.einsum("nk,nkc->nc", found.shares[seen], smooth[faces[found.face_ids[seen]]])
    there /= np.maximum(np.linalg.norm(there, axis=1, keepdims=True), 1e-9)
    along = np.einsum("nc,nc->n", here, there)
    lean = np.zeros((len(texels), 3), np.float32)
    lean[seen] = there / np.maximum(along, 0.2)[:, None] - here
    lean[seen] -= texels.interpolate(_coarse(model, texels, lean, found.weight), seen)
    tangents = vertex_tangents(
        vertices[model.split_source], model.split_faces, model.split_uvs, normals[model.split_source]
    )
    frame = texels.interpolate(tangents, seen)
    across = np.cross(here, frame[:, :3]) * np.sign(frame[:, 3:])
    slopes = np.zeros((len(texels), 2), np.float32)
    for k, axis in enumerate((frame[:, :3], across)):
        length = np.maximum(np.linalg.norm(axis, axis=1), 1e-9)
        slopes[seen, k] = np.einsum("nc,nc->n", lean[seen], axis) / length
    slopes *= found.weight[:, None]
    return np.clip(slopes * _told_from_noise(texels, slopes, found.weight, noise), -STEEPEST, STEEPEST)


def _coarse(model: BodyModel, texels: Texels, lean: F32, weight: F32) -> F64:
    """(V, 3) the part of `lean` (T, 3) that the mesh holds: means around vertices and their neighbours.

    Over neighbours too: on the trunk, waves as long as an edge would alias into the means of single vertices.
    """
    means, total = vertex_means(texels, lean, weight, model.num_vertices)
    both = model.faces[:, [0, 1, 1, 2, 2, 0, 1, 0, 2, 1, 0, 2]].reshape(-1, 2)
    graph = sparse.coo_matrix(
        (np.ones(len(both)), (both[:, 0], both[:, 1])), (len(means), len(means))
    ).tocsr()
    graph.data[:] = 1.0
    graph = sparse.csr_matrix(graph + sparse.identity(len(means)))
    for _ in range(COARSE_ROUNDS):
        wider = graph @ total
        means = (graph @ (means * total[:, None])) / np.maximum(wider, 1e-12)[:, None]
        total = wider / np.asarray(graph.sum(axis=1)).ravel()
    return means


def _told_from_noise(texels: Texels, slopes: F32, weight: F32, noise: float) -> F32:
    """(T, 1) 0..1: share of the variance around a texel that noise (radians) does not explain."""
    sigma = WINDOW_SHARE * texels.size / 4

    def blurred(values: F32) -> F32:
        image = texels.image(values).reshape(texels.size // 4, 4, texels.size // 4, 4).mean(axis=(1, 3))
        image = ndimage.gaussian_filter(image, sigma, truncate=2.5, mode="constant")
        return np.asarray(image[texels.rows // 4, texels.columns // 4], np.float32)

    power = blurred(np.square(slopes).sum(axis=1)) / np.maximum(blurred(weight), 1e-3)
    share = np.maximum(power - 2 * noise**2, 0) / np.maximum(power, 1e-9)
    return np.asarray(share[:, None], np.float32)


def encoded(slopes: F32) -> U8:
    """(T, 2) slopes -> (T, 3) uint8 as glTF reads normal textures: value / 255 * 2 - 1, green up."""
    normal = np.concatenate([slopes, np.ones((len(slopes), 1), np.float32)], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    # 128 for none, as is the habit: half a step off zero, which nobody sees.
    return np.clip(np.rint(127.5 * normal + 127.5 + 1e-3), 0, 255).astype(np.uint8)


def spread_normals(vertices: F64, faces: np.ndarray, rounds: int) -> F32:
    """(V, 3) float32 unit normals of patches that grow by the square root of `rounds`, in edges."""
    count = len(faces)
    corners = sparse.csr_matrix(
        (np.ones(3 * count, np.float32), np.asarray(faces, np.int32).reshape(-1), 3 * np.arange(count + 1)),
        shape=(count, len(vertices)),
    )
    around = corners.T.tocsr()
    summed = around @ area_vectors(vertices, faces).astype(np.float32)
    for _ in range(rounds - 1):
        summed = around @ (corners @ summed)
        summed /= max(float(np.abs(summed).max()), 1e-30)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return np.divide(summed, length, out=np.zeros_like(summed), where=length > 0)


def vertex_noise_m(vertices: F64, faces: np.ndarray) -> float:
    """Standard deviation of vertices along the normal, metres, as the mesh itself shows it.

    What a vertex differs from the mean of its neighbours, less what that mean differs from the mean of the
    neighbours' means: curvature is in both, noise mostly in the first. The median does not mind hems.
    """
    count = len(vertices)
    pairs = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    graph = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (count, count)).tocsr()
    graph = ((graph + graph.T) > 0).astype(np.float64)
    degree = np.asarray(graph.sum(axis=1)).ravel()
    mean = sparse.diags(1 / np.maximum(degree, 1)) @ graph
    normals = vertex_normals(vertices, faces)
    first = vertices - mean @ vertices
    height = np.einsum("vc,vc->v", first - mean @ first, normals)
    usable = degree > 3
    if not usable.any():
        return 0.0
    # 1.5: the same of independent noise with six neighbours, (I - M)^2 has that length.
    return 1.4826 * float(np.median(np.abs(height[usable]))) / 1.28
