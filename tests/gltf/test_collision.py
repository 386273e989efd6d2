from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.consent import geometry_digest
from bodyscan.consent.verify import verify_bound
from bodyscan.errors import InputError
from bodyscan.gltf import GltfOptions, read_consent, read_glb, twin_to_glb
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.collision import MANIFOLD_EXTENSION, is_manifold, merged_vertices
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.khronos import khronos_findings
from bodyscan.gltf.levels import collision_to_glb
from bodyscan.gltf.validate import check_glb
from bodyscan.types import Capsule, CollisionBody, Mesh
from gltf.complete import NOW, complete_small_twin, with_consent
from gltf.shapes import JOINTS, small_twin, tube
from gltf.skinning import pose_body, rotation
from gltf.tools import need_npm_package

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])


@pytest.fixture(scope="module")
def twin():
    return complete_small_twin()


def split_twin(*, holes: int = 0):
    """Return a twin whose collision body has doubled vertices at its seams and, with `holes`, some gaps."""
    base = small_twin()
    mesh = Mesh(base.rig.mesh.vertices, base.rig.mesh.faces[holes:])
    return with_consent(replace(base, collision=CollisionBody(replace(base.rig, mesh=mesh))))


def manifold_triangles(data: bytes) -> np.ndarray:
    """Return the triangles of the manifold primitive, as the extension's readers would."""
    document, binary = unpack_glb(data)
    primitive = document["meshes"][0]["extensions"][MANIFOLD_EXTENSION]["manifoldPrimitive"]
    assert set(primitive["attributes"]) == {"POSITION"}
    assert "material" not in primitive
    return AccessorReader(document, binary).read(primitive["indices"]).reshape(-1, 3)


@pytest.mark.parametrize(
    ("faces", "closed"),
    [
        (TETRAHEDRON, True),
        (np.concatenate([TETRAHEDRON, TETRAHEDRON + 4]), True),
        (TETRAHEDRON[:, ::-1], True),
        (TETRAHEDRON[1:], False),
        (np.concatenate([TETRAHEDRON[:1, ::-1], TETRAHEDRON[1:]]), False),
        (np.concatenate([TETRAHEDRON, TETRAHEDRON]), False),
        (np.concatenate([TETRAHEDRON, [[0, 0, 1]]]), False),
        (np.zeros((0, 3), int), False),
    ],
)
def test_a_surface_is_manifold_where_each_half_edge_has_one_opposite(faces, closed):
    assert is_manifold(faces) is closed


def test_copies_of_a_point_are_one_vertex():
    points = np.array([[1.0, 2, 3], [0, 0, 0], [1, 2, 3], [-0.0, 0, 0], [1, 2, 3.0001]])
    assert merged_vertices(points).tolist() == [0, 1, 0, 1, 4]


def test_a_closed_body_is_declared_manifold_with_its_own_triangles(twin):
    data = collision_to_glb(twin)
    document, _ = unpack_glb(data)
    mesh = document["meshes"][0]
    extension = mesh["extensions"][MANIFOLD_EXTENSION]
    assert MANIFOLD_EXTENSION in document["extensionsUsed"]
    assert set(extension) == {"manifoldPrimitive"}
    assert extension["manifoldPrimitive"]["indices"] == mesh["primitives"][0]["indices"]
    assert is_manifold(manifold_triangles(data))


def test_a_body_with_split_vertices_is_declared_manifold_with_merges():
    split = split_twin()
    assert split.collision is not None
    faces = split.collision.rig.mesh.faces
    assert not is_manifold(faces)
    data = collision_to_glb(split)
    document, binary = unpack_glb(data)
    extension = document["meshes"][0]["extensions"][MANIFOLD_EXTENSION]
    triangles = manifold_triangles(data)
    assert is_manifold(triangles)
    # Every merge is between equal positions: the surface is the same.
    body = read_glb(data)
    assert np.array_equal(body.faces, faces)
    assert np.array_equal(body.positions[triangles], body.positions[body.faces])
    # What is merged is said twice, on the same bytes.
    reader, accessors = AccessorReader(document, binary), document["accessors"]
    corners, values = (reader.read(extension[key]) for key in ("mergeIndices", "mergeValues"))
    flat = body.faces.ravel().copy()
    flat[corners] = values
    assert np.array_equal(flat.reshape(-1, 3), triangles)
    manifold = accessors[extension["manifoldPrimitive"]["indices"]]
    plain = accessors[document["meshes"][0]["primitives"][0]["indices"]]
    assert manifold["bufferView"] == plain["bufferView"]
    sparse = manifold["sparse"]
    assert sparse["count"] == len(corners) == accessors[extension["mergeIndices"]]["count"]
    assert sparse["indices"]["bufferView"] == accessors[extension["mergeIndices"]]["bufferView"]
    assert sparse["values"]["bufferView"] == accessors[extension["mergeValues"]]["bufferView"]
    assert sparse["indices"]["componentType"] == accessors[extension["mergeIndices"]]["componentType"]


def test_an_open_body_is_not_declared_manifold():
    document, _ = unpack_glb(collision_to_glb(split_twin(holes=2)))
    assert "extensions" not in document["meshes"][0]
    assert MANIFOLD_EXTENSION not in document["extensionsUsed"]


def test_a_false_declaration_is_found():
    document, binary = unpack_glb(collision_to_glb(split_twin(holes=2)))
    primitive = document["meshes"][0]["primitives"][0]
    document["meshes"][0]["extensions"] = {
        MANIFOLD_EXTENSION: {
            "manifoldPrimitive": {
                "indices": primitive["indices"],
                "attributes": {"POSITION": primitive["attributes"]["POSITION"]},
            }
        }
    }
    assert [f.code for f in check_glb(pack_glb(document, binary))] == ["NOT_MANIFOLD"]


def test_the_collision_body_is_plain_skinned_and_consented(twin):
    data = collision_to_glb(twin)
    document, _ = unpack_glb(data)
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    assert set(attributes) == {"POSITION", "NORMAL", "JOINTS_0", "WEIGHTS_0"}
    assert "images" not in document
    assert document["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] == [0.5, 0.5, 0.5, 1.0]
    text, positions, faces = read_consent(data)
    assert verify_bound(text, geometry_digest(positions, faces), now=NOW).ok
    body = read_glb(data)
    moved = pose_body(body, {"leftUpperArm": rotation("z", 70.0)}) - body.positions
    assert np.abs(moved).max() > 0.5
    assert check_glb(data) == ()


@pytest.mark.parametrize(("target", "pose"), [("gltf", "t"), ("mixamo", "t"), ("unreal", "a")])
def test_capsules_lie_where_they_are_in_the_frame_of_their_joint(twin, target, pose):
    posed = replace(twin, pose=pose)
    assert posed.collision is not None
    wanted = posed.collision.capsules[0]
    for data in (
        twin_to_glb(posed, GltfOptions(target=target)),
        collision_to_glb(posed, GltfOptions(target=target)),
    ):
        body = read_glb(data)
        document, _ = unpack_glb(data)
        (capsule,) = document["nodes"][0]["extras"]["bodyscan"]["capsules"]
        world = body.rest_world[body.skeleton.joint_names.index(capsule["joint"])]
        for end in ("start", "end"):
            point = world[:3, :3] @ capsule[end] + world[:3, 3]
            assert np.allclose(point, getattr(wanted, end), atol=2e-6)
        assert (capsule["start_radius_m"], capsule["end_radius_m"]) == (0.05, 0.04)


def test_a_capsule_on_a_joint_that_is_not_there_is_refused(twin):
    capsule = Capsule("tail", np.zeros(3), np.ones(3), 0.1, 0.1)
    bad = replace(twin, collision=replace(twin.collision, capsules=(capsule,)))
    with pytest.raises(InputError, match=r"collision body moves with 'tail', which is no joint"):
        twin_to_glb(bad)


def test_a_twin_without_a_collision_body_is_refused():
    with pytest.raises(InputError, match=r"The twin has no collision body; make it with one"):
        collision_to_glb(small_twin())


def test_normals_do_not_show_where_vertices_were_split():
    vertices, faces, _ = tube((0, 0, 0), (0, 1, 0), 0.1)
    first = merged_vertices(vertices)
    base = small_twin()
    count = len(vertices)
    rig = replace(
        base.rig,
        mesh=Mesh(vertices, faces),
        joint_indices=np.zeros((count, 4), np.uint16),
        joint_weights=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
    )
    body = read_glb(collision_to_glb(with_consent(replace(base, collision=CollisionBody(rig)))))
    assert body.normals is not None
    assert np.array_equal(body.normals, body.normals[first])
    assert body.skeleton.joint_names == JOINTS


@pytest.mark.node
def test_the_khronos_validator_accepts_collision_bodies(twin):
    modules = need_npm_package("gltf-validator")
    for each in (twin, split_twin(), split_twin(holes=2)):
        findings = khronos_findings(collision_to_glb(each), modules)
        assert [f for f in findings if f.severity in ("error", "warning")] == []
