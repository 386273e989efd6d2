"""Which points of a scan show the hand."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.fit.hand_chain import build_hand_chain
from bodyscan.fit.hand_scan import points_of_hand
from bodyscan.fit.scan_points import draw_scan_points
from bodyscan.fit.start import seen_faces
from bodyscan.types import BodyParams, Mesh, ScanMesh


def test_points_of_a_hand_beside_the_thigh_are_the_hands() -> None:
    model = load_body_model("adult")
    betas = np.zeros(model.num_components)
    pose = standard_pose(model, betas, "relaxed")
    pose[model.joint_index("leftUpperArm")] += [0.0, 0.0, -0.16]
    params = BodyParams(betas, pose, np.zeros(3))
    vertices = model.pose(params).vertices
    mesh = Mesh(vertices, model.faces[seen_faces(model)])
    scan = draw_scan_points(ScanMesh(mesh, np.ones(len(vertices), np.float32)), 40_000, 0)
    chain = build_hand_chain(model, params, "left")
    assert chain is not None
    found = points_of_hand(model, vertices, chain, [chain.pose_of(params)], scan)
    assert found is not None
    nearest = np.asarray(KDTree(vertices).query(found.points)[1])
    assert model.region("torso", "left_upper_leg", "left_lower_leg")[nearest].mean() < 0.02
    assert len(found.points) > 500
    assert np.allclose(np.linalg.norm(found.normals, axis=1), 1.0)
    far = [chain.pose_of(params).moved(np.r_[5.0, np.zeros(57)])]
    assert points_of_hand(model, vertices, chain, far, scan) is None
