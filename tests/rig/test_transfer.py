from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.errors import InputError
from bodyscan.rig.body_rig import rig_body
from bodyscan.rig.inpaint import inpaint
from bodyscan.rig.options import RigOptions
from bodyscan.rig.surface_graph import surface_graph
from bodyscan.rig.transfer import outer_faces, rig_scan, transfer_weights
from bodyscan.types import Mesh, ScanMesh
from rig.people import fitted_person

MODEL = load_body_model("adult")
TRUE = MODEL.skin_weights.toarray()
FIT = fitted_person(1, bumps_m=0.004)
OUTER = outer_faces(MODEL)
SKIN = np.unique(OUTER)


def _scan(vertices=None, faces=None, **keywords) -> ScanMesh:
    vertices = FIT.surface.vertices if vertices is None else vertices
    mesh = Mesh(vertices, OUTER if faces is None else faces, **keywords)
    return ScanMesh(mesh, np.ones(len(mesh.vertices), np.float32))


def _weights(mesh: Mesh, **options) -> np.ndarray:
    return transfer_weights(mesh, FIT.surface, OUTER, MODEL.skin_weights, RigOptions(**options))


def _error(weights: np.ndarray, true: np.ndarray) -> float:
    """Mean L1 difference, 0 to 2."""
    return float(np.abs(weights - true).sum(axis=1).mean())


def test_a_perfect_scan_gets_the_bodys_own_weights():
    got = _weights(_scan().mesh)
    assert _error(got[SKIN], TRUE[SKIN]) < 0.002


def test_weights_sum_to_one_and_are_not_negative():
    rng = np.random.default_rng(0)
    noisy = FIT.surface.vertices + 0.004 * rng.normal(size=FIT.surface.vertices.shape)
    got = _weights(Mesh(noisy, OUTER))
    assert got.min() >= 0
    assert np.abs(got.sum(axis=1) - 1).max() < 1e-9


def test_triangle_soup_gets_the_weights_of_the_mesh():
    soup = Mesh(
        FIT.surface.vertices[OUTER].reshape(-1, 3), np.arange(OUTER.size, dtype=np.int32).reshape(-1, 3)
    )
    got = _weights(soup)
    assert _error(got, TRUE[OUTER].reshape(-1, TRUE.shape[1])) < 0.01


@pytest.mark.parametrize("which", ["all", "half", "random"])
def test_inside_out_parts_get_the_same_weights(which):
    flip = {
        "all": np.ones(len(OUTER), bool),
        "half": FIT.surface.vertices[OUTER].mean(axis=1)[:, 1] > np.median(FIT.surface.vertices[:, 1]),
        "random": np.random.default_rng(0).random(len(OUTER)) < 0.3,
    }[which]
    faces = np.where(flip[:, None], OUTER[:, ::-1], OUTER)
    got = _weights(Mesh(FIT.surface.vertices, faces))
    assert _error(got[SKIN], TRUE[SKIN]) < 0.03


def test_a_point_cloud_gets_the_bodys_weights():
    got = _weights(Mesh(FIT.surface.vertices[SKIN], np.zeros((0, 3), np.int32)))
    assert _error(got, TRUE[SKIN]) < 0.01


def test_a_second_shell_gets_the_weights_of_what_it_covers():
    shell = FIT.surface.vertices + 0.012 * _normals()
    vertices = np.concatenate([FIT.surface.vertices, shell])
    faces = np.concatenate([OUTER, OUTER + len(shell)]).astype(np.int32)
    torso = np.flatnonzero(MODEL.region("torso") & np.isin(np.arange(len(TRUE)), SKIN))
    got = _weights(Mesh(vertices, faces))
    assert _error(got[len(shell) + torso], TRUE[torso]) < 0.06


def _normals() -> np.ndarray:
    from bodyscan.geometry.normals import vertex_normals

    return vertex_normals(FIT.surface.vertices, MODEL.faces).astype(np.float64)


def test_hair_that_stands_off_moves_with_the_head():
    vertices = np.array(FIT.surface.vertices)
    crown = MODEL.region("head") & (MODEL.template[:, 1] > 1.60)
    vertices[crown] += 0.09 * _normals()[crown]
    got = _weights(Mesh(vertices, OUTER))
    head = [MODEL.joint_index(name) for name in ("head", "jaw", "leftEye", "rightEye")]
    assert got[crown & np.isin(np.arange(len(TRUE)), SKIN)][:, head].sum(axis=1).min() > 0.95


def test_an_arm_that_touches_the_body_keeps_its_own_weights():
    """Where skin of arm and torso lie together the closest point alone is wrong."""
    torso = FIT.surface.vertices
    side = MODEL.joint_index("leftLowerArm")
    arm = np.flatnonzero((TRUE[:, side] > 0.95) & np.isin(np.arange(len(TRUE)), SKIN))
    # The forearm is laid against the thigh, 3 mm away from it.
    thigh = MODEL.region("left_upper_leg", "torso")
    moved = np.array(torso)
    inner = arm[np.argmin(torso[arm, 0])]
    target = torso[thigh][np.argmax(torso[thigh][:, 0])]
    forearm = np.flatnonzero(MODEL.skin_weights[:, side].toarray().ravel() > 0.05)
    hand = MODEL.region("left_hand")
    part = np.union1d(forearm, np.flatnonzero(hand))
    moved[part] += target - torso[inner] + np.array([0.003, 0, 0])
    body = Mesh(moved, MODEL.faces)
    rng = np.random.default_rng(3)
    noisy = moved + 0.002 * rng.normal(size=moved.shape)
    got = transfer_weights(Mesh(noisy, OUTER), body, OUTER, MODEL.skin_weights, RigOptions())
    arm_joints = [j for j, n in enumerate(MODEL.joint_names) if n.startswith("left") and "Leg" not in n]
    assert (got[arm][:, arm_joints].sum(axis=1) > 0.9).mean() > 0.99


def test_a_crumb_moves_as_one_piece():
    crumb = np.array([[0, 2.4, 0], [0.02, 2.4, 0], [0, 2.42, 0], [0.02, 2.42, 0.01]])
    start = len(FIT.surface.vertices)
    faces = np.concatenate([OUTER, start + np.array([[0, 1, 2], [1, 3, 2]])]).astype(np.int32)
    got = _weights(Mesh(np.concatenate([FIT.surface.vertices, crumb]), faces))[start:]
    assert np.abs(got - got[0]).max() < 1e-12
    assert abs(got[0].sum() - 1) < 1e-9


def test_inpainting_is_linear_along_a_chain():
    """The harmonic function on a strip between weight 0 and 1 grows evenly."""
    steps = np.linspace(0, 1, 11)
    vertices = np.stack([np.repeat(steps, 2), np.tile([0.0, 0.1], 11), np.zeros(22)], axis=1)
    quads = [(2 * k, 2 * k + 2, 2 * k + 3, 2 * k + 1) for k in range(10)]
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], np.int32)
    graph = surface_graph(Mesh(vertices, faces))
    known = np.zeros(22, bool)
    known[[0, 1, 20, 21]] = True
    weights = np.zeros((22, 2))
    weights[[0, 1], 0], weights[[20, 21], 1] = 1, 1
    filled, reached = inpaint(graph, weights, known)
    assert reached.all()
    assert np.abs(filled[:, 1] - vertices[graph.first_vertex, 0]).max() < 0.03


def test_the_rigged_scan_keeps_its_mesh_and_stands_where_the_body_rig_stands():
    colors = np.full((len(FIT.surface.vertices), 3), 90, np.uint8)
    scan = _scan(colors=colors)
    for pose in ("captured", "t"):
        options = RigOptions(pose=pose)
        rig, body = rig_scan(scan, MODEL, FIT, options), rig_body(MODEL, FIT, options)
        assert np.array_equal(rig.mesh.faces, scan.mesh.faces)
        assert rig.mesh.colors is not None
        assert np.array_equal(rig.mesh.colors, colors)
        assert rig.skeleton.joint_names == body.skeleton.joint_names
        assert np.array_equal(rig.skeleton.positions, body.skeleton.positions)
        away = np.linalg.norm(rig.mesh.vertices - body.mesh.vertices, axis=1)[SKIN]
        # Eyes, lids and lips are settled on the body alone.
        skin = ~MODEL.region("head", "left_eye", "right_eye", "tongue")[SKIN]
        assert np.median(away[skin]) < 0.0005
        assert away[skin].max() < (1e-6 if pose == "captured" else 0.02)


def test_a_scan_of_somewhere_else_is_refused():
    with pytest.raises(InputError, match="No vertex of the scan lies within 40 mm"):
        rig_scan(_scan(FIT.surface.vertices + np.array([5.0, 0, 0])), MODEL, FIT)
