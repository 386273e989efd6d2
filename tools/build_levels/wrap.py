"""A closed surface around the mean body: fingers joined to mittens, toes joined, mouth and nostrils shut.

The body, arms and legs apart, is a signed distance on a grid. A morphological closing (grown by a radius,
then shrunk by it; Serra, "Image analysis and mathematical morphology", 1982) fills what is narrower than
twice the radius. One half becomes triangles (marching cubes), is simplified, and is mirrored.
"""

from __future__ import annotations

import numpy as np
import open3d as o3d
from scipy import ndimage

from bodyscan.body.model import BodyModel
from bodyscan.geometry.components import link_components

CELL_M = 0.005
CLOSING_M = 0.011
HAND_CLOSING_M = 0.026
"""Wider between the fingers, which the mean person spreads."""
MARGIN_M = 0.04


def closed_half(model: BodyModel, body: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The wrapped left half (x >= 0) of a symmetric `body` (V, 3): points (P, 3), faces (Q, 3)."""
    low, high = body.min(axis=0) - MARGIN_M, body.max(axis=0) + MARGIN_M
    low[0] = -MARGIN_M
    axes = [np.arange(a, b, CELL_M) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3).astype(np.float32)
    shape = tuple(len(axis) for axis in axes)
    distance = np.min([_signed(part, grid) for part in _parts(model, body)], axis=0).reshape(shape)
    field = np.minimum(_closing(distance, CLOSING_M), distance)
    near_hand = _near_hand(model, body, grid).reshape(shape)
    field = np.where(near_hand, np.minimum(field, _closing(distance, HAND_CLOSING_M)), field)
    labels, count = ndimage.label(field < 0)
    sizes = ndimage.sum_labels(np.ones(shape), labels, np.arange(1, count + 1))
    solid = labels == 1 + int(np.argmax(sizes))
    outside, _ = ndimage.label(~solid)
    solid = outside != outside[0, 0, 0]  # rooms inside (mouth, sockets) are filled
    field = np.where(solid, np.minimum(field, -0.2 * CELL_M), np.maximum(field, 0.2 * CELL_M))
    field = ndimage.gaussian_filter(field, 1.0)
    points, faces = _marching_cubes(field, low)
    return _clip(points, faces)


def _parts(model: BodyModel, body: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The closed surfaces: skin and eyeballs."""
    faces = np.asarray(model.faces)
    labels = link_components(faces[:, [0, 1]].reshape(-1), faces[:, [1, 2]].reshape(-1), len(body))
    wanted = [np.bincount(labels).argmax()]
    wanted += [labels[np.flatnonzero(model.region(name))[0]] for name in ("left_eye", "right_eye")]
    return [(body, faces[labels[faces[:, 0]] == label]) for label in wanted]


def _signed(part: tuple[np.ndarray, np.ndarray], grid: np.ndarray) -> np.ndarray:
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(part[0].astype(np.float32), part[1].astype(np.uint32))
    return scene.compute_signed_distance(grid).numpy()


def _closing(distance: np.ndarray, radius: float) -> np.ndarray:
    grown = distance < radius
    inside = ndimage.distance_transform_edt(grown, sampling=CELL_M)
    assert isinstance(inside, np.ndarray)
    return np.where(grown, radius + CELL_M / 2 - inside, np.maximum(distance, radius))


def _near_hand(model: BodyModel, body: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Around and beyond the knuckles of the left hand."""
    names = [
        n
        for n in model.joint_names
        if n.startswith("left") and n.endswith(("Proximal", "Intermediate", "Distal"))
    ]
    fingers = [model.joint_index(n) for n in names if "Thumb" not in n]
    share = np.asarray(model.skin_weights[:, fingers].sum(axis=1)).ravel()
    points = body[share > 0.3]
    scene_low, scene_high = points.min(axis=0) - 0.02, points.max(axis=0) + 0.02
    return ((grid > scene_low) & (grid < scene_high)).all(axis=1)


def _marching_cubes(field: np.ndarray, low: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    volume = np.ascontiguousarray(field.transpose(2, 1, 0).astype(np.float32))
    surface = o3d.t.geometry.TriangleMesh.create_isosurfaces(volume, [0.0])
    points = surface.vertex.positions.numpy().astype(np.float64)
    return points * CELL_M + low, surface.triangle.indices.numpy()[:, ::-1]


def _clip(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What lies at x >= 0, with a border exactly on x = 0."""
    points = points.copy()
    points[np.abs(points[:, 0]) < 0.1 * CELL_M, 0] = 0.0
    cut: dict[tuple[int, int], int] = {}
    added: list[np.ndarray] = []

    def on_plane(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in cut:
            share = points[a, 0] / (points[a, 0] - points[b, 0])
            place = points[a] + share * (points[b] - points[a])
            added.append(place * [0, 1, 1])
            cut[key] = len(points) + len(added) - 1
        return cut[key]

    kept = []
    for face in faces.tolist():
        polygon: list[int] = []
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            if points[a, 0] >= 0:
                polygon.append(a)
            if points[a, 0] * points[b, 0] < 0:
                polygon.append(on_plane(a, b))
        if any(k >= len(points) or points[k, 0] > 0 for k in polygon[:3]):
            kept += [(polygon[0], polygon[k], polygon[k + 1]) for k in range(1, len(polygon) - 1)]
    everything = np.concatenate([points, np.array(added).reshape(-1, 3)])
    out = np.array(kept)
    out = out[(everything[out, 0] > 0).any(axis=1)]
    used, small = np.unique(out, return_inverse=True)
    return everything[used], small.reshape(-1, 3)
