"""What real scanners do to a good surface: noise, drift, holes, crumbs, wrong windings, soup."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.weld import used_vertices
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.smooth_noise import smooth_noise
from bodyscan.types import F64, Mesh

DRIFT_M = (0.2, 0.6)
SOLE_M = 0.008
RAGGED = 0.25
"""A hole's rim swings by this share of its radius."""


def add_noise(rng: np.random.Generator, mesh: Mesh, options: RawScanOptions) -> Mesh:
    """Move each vertex along its normal: Gaussian noise and slow drift."""
    normals = vertex_normals(mesh.vertices, mesh.faces)
    along = rng.normal(size=len(normals)) * options.noise_mm
    along += smooth_noise(rng, mesh.vertices, DRIFT_M) * options.drift_mm
    return Mesh(mesh.vertices + (along / 1000)[:, None] * normals, mesh.faces, colors=mesh.colors)


def hole_centres(joints: dict[str, F64], surface: F64) -> dict[str, list[F64]]:
    """Place -> centres (3,) metres. `surface` (N, 3): the points of the person's true surface."""
    head = surface[surface[:, 1] > joints["head"][1]]
    back = joints["chest"] * [1, 1, 0] + [0.03, 0.03, 0]
    near = surface[np.linalg.norm((surface - back)[:, :2], axis=1) < 0.05]
    legs = (joints["leftUpperLeg"] + joints["rightUpperLeg"]) / 2
    pits = [
        0.85 * joints[f"{side}UpperArm"] + 0.15 * joints["chest"] - [0.0, 0.06, 0.0]
        for side in ("left", "right")
    ]
    return {
        "crown": [head[head[:, 1].argmax()]],
        "armpits": pits,
        "back": [near[near[:, 2].argmin()]],
        "crotch": [legs - [0.0, 0.09, 0.0]],
    }


def cut_holes(
    rng: np.random.Generator, mesh: Mesh, centres: dict[str, list[F64]], options: RawScanOptions
) -> Mesh:
    """Remove ragged patches, and all within 8 mm of the floor for `soles` unless there is a floor to see."""
    lost = np.zeros(len(mesh.vertices), bool)
    radius = options.hole_radius_mm / 1000
    for place in options.holes:
        if place == "soles":
            if options.floor == "none":
                lost |= mesh.vertices[:, 1] < SOLE_M
            continue
        for centre in centres[place]:
            distance = np.linalg.norm(mesh.vertices - centre, axis=1)
            swing = np.clip(smooth_noise(rng, mesh.vertices, (0.02, 0.06)), -1, 1)
            lost |= distance < radius * (1 + RAGGED * swing)
    return _keep(mesh, ~lost[mesh.faces].any(axis=1))


def add_crumbs(rng: np.random.Generator, mesh: Mesh, count: int) -> Mesh:
    """Small floating shells of 4 to 25 mm around the person."""
    if not count:
        return mesh
    low, high = mesh.vertices.min(axis=0) - 0.15, mesh.vertices.max(axis=0) + 0.15
    vertices, faces, colors = [mesh.vertices], [mesh.faces], [_colors(mesh)]
    start = len(mesh.vertices)
    for _ in range(count):
        points = rng.normal(size=(int(rng.integers(5, 14)), 3))
        points *= (
            rng.uniform(0.004, 0.025)
            / np.linalg.norm(points, axis=1, keepdims=True)
            * rng.uniform(0.4, 1, (len(points), 1))
        )
        fan = np.stack(
            [np.zeros(len(points) - 2, int), np.arange(1, len(points) - 1), np.arange(2, len(points))], 1
        )
        vertices.append(points + rng.uniform(low, high))
        faces.append((fan + start).astype(np.int32))
        colors.append(np.tile(rng.integers(60, 200, 3, dtype=np.uint8), (len(points), 1)))
        start += len(points)
    return Mesh(np.concatenate(vertices), np.concatenate(faces), colors=np.concatenate(colors))


def flip_patches(rng: np.random.Generator, mesh: Mesh, share: float, patches: int = 40) -> Mesh:
    """Turn the winding of whole patches (nearest to random seeds) until `share` of the patches is turned."""
    if not share:
        return mesh
    from scipy.spatial import KDTree

    centres = mesh.vertices[mesh.faces].mean(axis=1)
    seeds = centres[rng.choice(len(centres), min(patches, len(centres)), replace=False)]
    _, patch = KDTree(seeds).query(centres)
    turned = np.zeros(len(seeds), bool)
    turned[rng.permutation(len(seeds))[: round(share * len(seeds))]] = True
    faces = np.array(mesh.faces)
    faces[turned[patch]] = faces[turned[patch]][:, ::-1]
    # Pieces that a scanner wrote the other way round do not share vertices with their neighbours.
    return split_vertices(Mesh(mesh.vertices, faces, colors=mesh.colors), turned[patch])


def split_vertices(mesh: Mesh, apart: np.ndarray) -> Mesh:
    """Give the triangles (F,) marked in `apart` their own copies of the vertices they share with others."""
    corner = mesh.faces.astype(np.int64) * 2 + apart[:, None]
    keys, faces = np.unique(corner, return_inverse=True)
    ids = keys // 2
    colors = None if mesh.colors is None else mesh.colors[ids]
    return Mesh(mesh.vertices[ids], faces.reshape(-1, 3).astype(np.int32), colors=colors)


def duplicate_vertices(rng: np.random.Generator, mesh: Mesh, share: float) -> Mesh:
    """Give a random `share` of the triangles three vertices of their own: 1 is soup."""
    if not share:
        return mesh
    loose = rng.random(len(mesh.faces)) < share
    ids = mesh.faces[loose].reshape(-1)
    faces = np.array(mesh.faces)
    faces[loose] = len(mesh.vertices) + np.arange(len(ids)).reshape(-1, 3)
    all_ids = np.concatenate([np.arange(len(mesh.vertices)), ids])
    colors = None if mesh.colors is None else mesh.colors[all_ids]
    return _keep(Mesh(mesh.vertices[all_ids], faces, colors=colors), np.ones(len(faces), bool))


def _colors(mesh: Mesh) -> np.ndarray:
    return mesh.colors if mesh.colors is not None else np.full((len(mesh.vertices), 3), 180, np.uint8)


def _keep(mesh: Mesh, faces: np.ndarray) -> Mesh:
    used, kept = used_vertices(mesh.faces[faces], len(mesh.vertices))
    colors = None if mesh.colors is None else mesh.colors[used]
    return Mesh(mesh.vertices[used], kept, colors=colors)
