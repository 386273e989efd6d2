from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.gltf import read_consent, read_glb, twin_to_glb
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.rest_pose import common_matrix, rest_surfaces
from gltf.shapes import small_twin
from gltf.skinning import pose_body, rotation

GLB = twin_to_glb(small_twin())
PLAIN = read_glb(GLB)
HALF_TURN = [0.0, 0.0, float(np.sin(np.pi / 8)), float(np.cos(np.pi / 8))]
"""45 degrees about Z, as a quaternion."""


def edited(edit) -> bytes:
    document, binary = unpack_glb(GLB)
    document = copy.deepcopy(document)
    edit(document)
    return pack_glb(document, binary)


def node_named(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(node for node in document["nodes"] if node.get("name") == name)


def test_the_bits_of_a_plain_twin_pass_untouched():
    _, positions, _ = read_consent(GLB)
    assert positions.tobytes() == np.asarray(small_twin().rig.mesh.vertices, np.float32).tobytes()


def test_joints_that_stand_apart_from_the_bind_pose_move_the_surface():
    """A file whose joints are turned shows another pose; the consent is judged on what is shown."""
    data = edited(lambda d: node_named(d, "leftUpperArm").update(rotation=HALF_TURN))
    _, positions, _ = read_consent(data)
    expected = pose_body(PLAIN, {"leftUpperArm": rotation("z", 45)})
    assert np.allclose(positions, expected, atol=1e-6)
    assert np.abs(positions - PLAIN.positions).max() > 0.2


def test_a_skinned_mesh_ignores_where_its_own_node_stands():
    data = edited(lambda d: d["nodes"][0].update(translation=[5.0, 0.0, 0.0], scale=[3.0, 3.0, 3.0]))
    assert np.array_equal(read_consent(data)[1], PLAIN.positions)


def test_moving_the_whole_armature_moves_the_surface():
    data = edited(lambda d: node_named(d, "armature").update(translation=[0.0, 0.5, 0.0]))
    _, positions, _ = read_consent(data)
    assert np.allclose(positions - PLAIN.positions, (0.0, 0.5, 0.0), atol=1e-6)


def test_a_mesh_without_a_skin_takes_its_node_s_place():
    def unskin(document):
        del document["nodes"][0]["skin"]
        document["nodes"][0].update(translation=[1.0, 2.0, 3.0], scale=[2.0, 2.0, 2.0])

    _, positions, _ = read_consent(edited(unskin))
    assert np.allclose(positions, PLAIN.positions * 2.0 + (1.0, 2.0, 3.0), atol=1e-6)


def test_a_mesh_counts_once_for_each_node_and_also_without_one():
    def twice(document):
        document["nodes"].append({"mesh": 0, "translation": [0.0, 0.0, 1.0]})
        document["meshes"].append(copy.deepcopy(document["meshes"][0]))

    document, binary = unpack_glb(edited(twice))
    surfaces = rest_surfaces(document, AccessorReader(document, binary))
    shown = [(surface.mesh, surface.node) for surface in surfaces]
    assert shown == [(0, 0), (0, len(document["nodes"]) - 1), (1, None)]
    assert np.allclose(surfaces[1].positions - surfaces[0].positions, (0.0, 0.0, 1.0), atol=1e-6)
    assert np.array_equal(surfaces[2].positions, PLAIN.positions)
    assert len(read_consent(pack_glb(document, binary))[1]) == 3 * len(PLAIN.positions)


def test_a_second_set_of_influences_counts():
    def add(document):
        attributes = document["meshes"][0]["primitives"][0]["attributes"]
        attributes["JOINTS_1"], attributes["WEIGHTS_1"] = attributes["JOINTS_0"], attributes["WEIGHTS_0"]
        node_named(document, "leftUpperArm")["translation"][1] += 0.1

    _, positions, _ = read_consent(edited(add))
    # Every weight twice: the surface stands twice as far from the origin, the moved arm included.
    arm = PLAIN.positions[:, 0] > 0.25
    assert np.allclose(
        positions[~arm & (PLAIN.positions[:, 0] < 0)],
        2 * PLAIN.positions[~arm & (PLAIN.positions[:, 0] < 0)],
        atol=1e-5,
    )
    assert positions[arm, 1].mean() > 2 * PLAIN.positions[arm, 1].mean() + 0.1


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_one_matrix_for_all_joints_is_found(noise):
    rng = np.random.default_rng(0)
    one = np.diag([0.8, 0.8, 0.8, 1.0])
    one[:3, 3] = (0.1, 0.9, 0.0)
    found = common_matrix(one + noise * rng.normal(size=(20, 4, 4)), 1.0)
    assert found is not None
    assert np.allclose(found, one, atol=1e-6)
    assert common_matrix(one + 1e-4 * rng.normal(size=(20, 4, 4)), 1.0) is None


def test_what_float32_leaves_of_the_identity_is_the_identity():
    rng = np.random.default_rng(0)
    found = common_matrix(np.eye(4) + 1e-7 * rng.normal(size=(20, 4, 4)), 2.0)
    assert found is not None
    assert np.array_equal(found, np.eye(4))


def test_a_mesh_at_no_finite_place_is_refused():
    def fling(document):
        del document["nodes"][0]["skin"]
        document["nodes"][0]["scale"] = [1e300] * 3

    with pytest.raises(InputError, match="at no finite place"):
        read_consent(edited(fling))
    with pytest.raises(InputError, match="joint node of the file stands at no finite place"):
        read_consent(edited(lambda d: [node.update(scale=[1e300] * 3) for node in d["nodes"][2:]]))
