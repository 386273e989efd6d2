"""Non-rigid ICP of trimesh (Amberg, Romdhani, Vetter 2007), from our mean body in an A-pose.

It gets the landmarks that clean-up found on the scan, as our fit does. The steps were chosen on one case out
of three: stiffer than the defaults at first, led by the landmarks, then ever softer.
"""

from __future__ import annotations

import numpy as np
import trimesh
from fit_cases import Case
from fit_metrics import Result, outer_faces
from peers import PeerFit
from scipy.spatial import KDTree

from bodyscan.body.landmarks import detector_points
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.geometry.decimate import simplify
from bodyscan.pipeline import model_of
from bodyscan.types import F64, BodyParams, ScanMesh

TARGET_FACES = 30_000
"""Its search for nearest points takes minutes on more."""
STEPS = ((0.1, 20.0, 0.0, 5), (0.03, 10.0, 0.0, 5), (0.02, 2.0, 0.5, 6), (0.01, 0.1, 0.5, 8))
"""Stiffness, weight of landmarks, weight of normals, iterations. Stiffer ones ended at 4 and 12 mm."""
THRESHOLD = 0.05
BODY_LANDMARKS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "foot_index")


def fit(case: Case, result: Result) -> PeerFit:
    model, scan = model_of(result.fit), result.scan
    start, points, names = standing_body(model, scan)
    faces = outer_faces(model)
    used = np.unique(faces)
    place = np.zeros(model.num_vertices, np.int64)
    place[used] = np.arange(len(used))
    source = trimesh.Trimesh(start[used], place[faces], process=False)
    light = simplify(scan.mesh, TARGET_FACES)
    target = trimesh.Trimesh(light.vertices, light.faces, process=False)
    ids, positions = surface_landmarks(scan, start[used], points, names)
    found = trimesh.registration.nricp_amberg(
        source, target, ids, positions, steps=STEPS, distance_threshold=THRESHOLD, use_faces=False
    )
    vertices = start.copy()
    vertices[used] = np.asarray(found)
    return PeerFit(vertices, None, in_truth=False)


def standing_body(model: BodyModel, scan: ScanMesh) -> tuple[F64, F64, tuple[str, ...]]:
    """The mean person (V, 3) scaled to the scan's height where the scan stands, and its landmarks (L, 3)."""
    shape = np.zeros(model.num_components)
    pose = standard_pose(model, shape, "a")
    posed = model.pose(BodyParams(shape, pose, np.zeros(3)))
    table = detector_points(model)
    points = table.positions(posed.vertices, posed.joints)
    outer = posed.vertices[~model.inner]
    low, high = np.percentile(scan.mesh.vertices[:, 1], [0.05, 99.95])
    factor = (high - low) / np.ptp(outer[:, 1])
    middle = np.median(scan.mesh.vertices, axis=0)
    shift = np.array([middle[0], low, middle[2]]) - factor * np.array(
        [np.median(outer[:, 0]), outer[:, 1].min(), np.median(outer[:, 2])]
    )
    return factor * posed.vertices + shift, factor * points + shift, tuple(table.names)


def surface_landmarks(
    scan: ScanMesh, vertices: F64, points: F64, names: tuple[str, ...]
) -> tuple[np.ndarray, F64]:
    """Vertex ids and where they belong: the vertex nearest to a landmark, carried along with it."""
    if scan.landmarks is None:
        return np.zeros(0, np.int64), np.zeros((0, 3))
    row = {name: k for k, name in enumerate(names)}
    ids, positions, tree = [], [], KDTree(vertices)
    for name, place, sure in zip(
        scan.landmarks.names, scan.landmarks.positions, scan.landmarks.confidence, strict=True
    ):
        if name in row and sure > 0.2 and (name == "nose" or name.endswith(BODY_LANDMARKS)):
            vertex = int(tree.query(points[row[name]])[1])
            ids.append(vertex)
            positions.append(place + vertices[vertex] - points[row[name]])
    return np.array(ids, np.int64), np.array(positions).reshape(-1, 3)
