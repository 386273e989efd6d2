from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from bodyscan.consent.digest import geometry_digest
from bodyscan.errors import InputError
from bodyscan.gltf import GltfOptions, read_glb, twin_to_glb, write_glb
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.attributes import seamless_normals
from bodyscan.gltf.container import unpack_glb
from bodyscan.types import Mesh, Morph, ProvenanceStep, Rig, Skeleton
from gltf.full_size import full_size_twin
from gltf.shapes import CONSENT, JOINTS, MORPH_NAMES, PARENTS, POSITIONS, small_twin
from gltf.skinning import pose_body, rotation

JOINT_M = 5e-7
"""Half of the grid that joints are put on, metres."""
FLOAT32_M = 2e-7
"""Rounding of a metre-sized float32, metres."""


def test_everything_comes_back_from_the_file():
    twin = small_twin()
    body = read_glb(twin_to_glb(twin))
    mesh = twin.rig.mesh
    assert body.uvs is not None
    assert mesh.uvs is not None
    assert body.colors is not None
    assert mesh.colors is not None
    assert body.vertex_source is not None
    assert np.array_equal(body.positions, mesh.vertices.astype(np.float32))
    assert np.array_equal(body.faces, mesh.faces)
    assert np.array_equal(body.uvs, mesh.uvs)
    assert np.array_equal(body.colors, mesh.colors)
    assert np.array_equal(body.vertex_source, twin.vertex_source)
    assert body.skeleton.joint_names == JOINTS
    assert tuple(body.skeleton.parents) == PARENTS
    assert np.allclose(body.skeleton.positions, POSITIONS, atol=JOINT_M)
    assert body.measurements == twin.measurements
    assert body.landmarks == twin.landmarks
    assert body.provenance == twin.provenance
    assert (body.consent, body.pose) == (CONSENT, "t")


def test_morphs_come_back_with_names_and_empty_ones_stay_empty():
    twin = small_twin()
    body = read_glb(twin_to_glb(twin))
    assert body.morph_names == MORPH_NAMES
    for got, want in zip(body.morphs, twin.morphs, strict=True):
        assert np.array_equal(got.vertex_ids, want.vertex_ids)
        assert np.array_equal(got.deltas, want.deltas)
    assert len(body.morphs[2].vertex_ids) == 0


def test_the_same_twin_gives_the_same_bytes():
    assert twin_to_glb(small_twin()) == twin_to_glb(small_twin())


def test_without_a_pose_the_skinned_body_is_the_bind_pose():
    body = read_glb(twin_to_glb(small_twin()))
    assert np.allclose(pose_body(body, {}), body.positions, atol=1e-6)


def test_turning_the_upper_arm_carries_the_lower_arm_about_the_shoulder():
    twin = small_twin()
    body = read_glb(twin_to_glb(twin))
    turn = rotation("z", 70.0)
    posed = pose_body(body, {"leftUpperArm": turn})
    x = twin.rig.mesh.vertices[:, 0]
    names = np.array(JOINTS)[body.joint_indices[:, 0]]
    arm = np.char.startswith(names, "left") & (x > 0)
    shoulder = np.array(POSITIONS[JOINTS.index("leftUpperArm")])
    expected = (twin.rig.mesh.vertices[arm] - shoulder) @ turn.T + shoulder
    assert arm.sum() > 100
    assert np.allclose(posed[arm], expected, atol=2e-6)
    assert np.allclose(posed[~arm], twin.rig.mesh.vertices[~arm], atol=2e-6)


def test_a_bent_elbow_blends_between_the_two_bones():
    body = read_glb(twin_to_glb(small_twin()))
    posed = pose_body(body, {"leftLowerArm": rotation("y", 90.0)})
    moved = np.linalg.norm(posed - body.positions, axis=1)
    share = np.where(body.joint_indices == JOINTS.index("leftLowerArm"), body.joint_weights, 0).sum(axis=1)
    assert moved[share == 0].max() < 1e-6
    assert moved[share == 1].min() > 0.05
    assert ((share > 0) & (share < 1)).any()


def test_a_morph_moves_what_it_names_and_nothing_else():
    twin = small_twin()
    body = read_glb(twin_to_glb(twin))
    moved = pose_body(body, {}, {"jawOpen": 0.5}) - body.positions
    expected = np.zeros_like(moved)
    expected[twin.morphs[0].vertex_ids] = 0.5 * twin.morphs[0].deltas
    assert np.allclose(moved, expected, atol=1e-6)


def test_copies_of_a_vertex_at_the_seam_share_one_normal():
    twin = small_twin()
    body = read_glb(twin_to_glb(twin))
    assert len(np.unique(twin.vertex_source)) < len(twin.vertex_source)
    assert body.normals is not None
    assert np.array_equal(body.normals, body.normals[twin.vertex_source])


def test_normals_point_outward():
    twin = small_twin()
    body = read_glb(twin_to_glb(twin))
    arm = (body.positions[:, 0] > 0.2) & (body.positions[:, 0] < 0.7)
    radial = body.positions[arm] * (0, 1, 1) - (0, 1.4, 0)
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    assert body.normals is not None
    assert (np.sum(body.normals[arm] * radial, axis=1) > 0.95).all()


def test_weights_sum_to_one_and_unused_places_hold_joint_zero():
    twin = small_twin()
    indices, weights = np.array(twin.rig.joint_indices), np.array(twin.rig.joint_weights)
    indices[0], weights[0] = (1, 1, 2, 5), (0.3, 0.3, 0.4, 0.0)
    weights[1] = (0.999996, 0.0, 0.0, 0.0)
    rig = replace(twin.rig, joint_indices=indices, joint_weights=weights)
    body = read_glb(twin_to_glb(replace(twin, rig=rig)))
    assert np.abs(body.joint_weights.astype(np.float64).sum(axis=1) - 1).max() < FLOAT32_M
    assert (body.joint_indices[body.joint_weights == 0] == 0).all()
    assert body.joint_indices[0].tolist() == [1, 2, 0, 0]
    assert np.allclose(body.joint_weights[0], (0.6, 0.4, 0, 0))


def test_every_part_of_the_buffer_is_aligned_and_the_mesh_stands_at_the_root():
    document, binary = unpack_glb(twin_to_glb(small_twin()))
    assert all(view["byteOffset"] % 4 == 0 for view in document["bufferViews"])
    assert len(binary) == document["buffers"][0]["byteLength"]
    assert document["nodes"][0]["name"] == "body"
    assert 0 in document["scenes"][0]["nodes"]
    assert all(set(node) <= {"name", "translation", "children"} for node in document["nodes"][2:])
    assert document["materials"][0]["doubleSided"] is False
    assert document["meshes"][0]["weights"] == [0.0, 0.0, 0.0]


def test_weights_are_floats_and_joints_are_bytes_below_257_joints():
    twin = small_twin()
    document, _ = unpack_glb(twin_to_glb(twin))
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    assert document["accessors"][attributes["WEIGHTS_0"]]["componentType"] == 5126
    assert document["accessors"][attributes["JOINTS_0"]]["componentType"] == 5121
    count = 300
    skeleton = Skeleton(
        tuple(f"joint_{i}" for i in range(count)),
        np.arange(count) - 1,
        np.random.default_rng(0).random((count, 3)),
    )
    indices = np.array(twin.rig.joint_indices)
    indices[:, 0] = count - 1
    many = replace(twin, rig=replace(twin.rig, skeleton=skeleton, joint_indices=indices))
    data = twin_to_glb(many)
    document, _ = unpack_glb(data)
    assert document["accessors"][attributes["JOINTS_0"]]["componentType"] == 5123
    assert read_glb(data).joint_indices.max() == count - 1


def test_joints_added_up_along_the_chain_cancel_the_inverse_binds_to_the_bit():
    twin = small_twin()
    rng = np.random.default_rng(1)
    positions = np.cumsum(rng.normal(0, 0.05, (60, 3)), axis=0)
    skeleton = Skeleton(tuple(f"joint_{i}" for i in range(60)), np.arange(60) - 1, positions)
    data = twin_to_glb(replace(twin, rig=replace(twin.rig, skeleton=skeleton)))
    nodes = unpack_glb(data)[0]["nodes"][2:]
    world = np.zeros(3, np.float32)
    for node, inverse in zip(nodes, read_glb(data).inverse_binds, strict=True):
        world += np.array(node["translation"], np.float32)
        assert np.array_equal(world, -inverse[:3, 3])


def test_morph_normals_are_those_of_the_moved_surface():
    twin = small_twin()
    document, binary = unpack_glb(twin_to_glb(twin))
    reader = AccessorReader(document, binary)
    primitive = document["meshes"][0]["primitives"][0]
    base = reader.read(primitive["attributes"]["NORMAL"])
    moved = np.array(twin.rig.mesh.vertices)
    moved[twin.morphs[1].vertex_ids] += twin.morphs[1].deltas
    expected = seamless_normals(moved, twin.rig.mesh.faces, twin.vertex_source)
    assert np.abs(expected - base).max() > 0.05
    assert np.allclose(base + reader.read(primitive["targets"][1]["NORMAL"]), expected, atol=1.1e-3)
    assert not reader.read(primitive["targets"][2]["NORMAL"]).any()
    plain, _ = unpack_glb(twin_to_glb(twin, GltfOptions(morph_normals=False)))
    assert set(plain["meshes"][0]["primitives"][0]["targets"][1]) == {"POSITION"}


def test_options_leave_parts_out():
    data = twin_to_glb(small_twin(), GltfOptions(morphs=False, vertex_source=False, roughness=0.9))
    body = read_glb(data)
    assert body.morphs == ()
    assert body.vertex_source is None
    assert unpack_glb(data)[0]["materials"][0]["pbrMetallicRoughness"]["roughnessFactor"] == 0.9


def test_a_twin_without_colours_and_uvs_is_written_without_them():
    twin = small_twin()
    bare = replace(twin, rig=replace(twin.rig, mesh=Mesh(twin.rig.mesh.vertices, twin.rig.mesh.faces)))
    body = read_glb(twin_to_glb(bare))
    assert body.colors is None
    assert body.uvs is None


def test_trimesh_reads_the_same_surface():
    twin = small_twin()
    scene = trimesh.load_scene(trimesh.util.wrap_as_stream(twin_to_glb(twin)), file_type="glb")
    mesh = scene.geometry["body"]
    assert np.array_equal(np.asarray(mesh.vertices, np.float32), twin.rig.mesh.vertices.astype(np.float32))
    assert np.array_equal(mesh.faces, twin.rig.mesh.faces)
    assert mesh.volume > 0
    assert twin.rig.mesh.uvs is not None
    # trimesh counts the rows of an image from below.
    assert np.allclose(mesh.visual.uv * (1, -1) + (0, 1), twin.rig.mesh.uvs, atol=1e-6)


def test_a_file_is_moved_into_place_and_nothing_else_is_left(tmp_path):
    target = tmp_path / "twin.glb"
    target.write_bytes(b"old")
    written = write_glb(small_twin(), target)
    assert written.size_bytes == target.stat().st_size
    assert target.read_bytes() == twin_to_glb(small_twin())
    assert [path.name for path in tmp_path.iterdir()] == ["twin.glb"]


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"does not exist; make it"):
        write_glb(small_twin(), tmp_path / "no" / "twin.glb")


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(InputError, match="cannot be written to: Permission denied"):
        write_glb(small_twin(), tmp_path / "twin.glb")


def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "twin.glb"
    target.write_bytes(b"old")

    def refuse(self: Path, other: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(InputError, match=r"twin.glb could not be written: No space left on device. Nothing"):
        write_glb(small_twin(), target)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "twin.glb"
    target.write_bytes(b"old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_glb(small_twin(), target)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vertex_source": np.zeros(3, np.int32)}, r"vertex_source has the shape \(3,\); the mesh has"),
        ({"morphs": small_twin().morphs[:1] * 2}, r"two morphs of the name jawOpen"),
        (
            {"morphs": (Morph("x", np.array([9_999_999], np.int32), np.zeros((1, 3), np.float32)),)},
            r"The morph 'x' must name vertices 0 to \d+ once each, in ascending order",
        ),
        (
            {"landmarks": {"crown": (0.0, math.nan, 0.0)}},
            r"twin\.landmarks\.crown\[1\] is nan; a glTF file holds finite numbers",
        ),
    ],
)
def test_a_twin_that_glTF_cannot_hold_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        twin_to_glb(small_twin(**change))


def test_a_skeleton_without_joints_is_refused():
    twin = small_twin()
    empty = Skeleton((), np.zeros(0, np.int32), np.zeros((0, 3)))
    # A rig checks its joints when it is built; this one was tampered with afterwards.
    object.__setattr__(twin.rig, "skeleton", empty)
    with pytest.raises(InputError, match="skeleton has no joints"):
        twin_to_glb(twin)


def test_a_value_that_json_cannot_hold_is_refused_with_its_place():
    twin = small_twin()
    step = ProvenanceStep("fit", "1", 0.0, {"callback": print})
    with pytest.raises(InputError, match=r"provenance\.steps\[0\]\.options\.callback is of the type builtin"):
        twin_to_glb(replace(twin, provenance=replace(twin.provenance, steps=(step,))))


def test_a_cloud_is_refused():
    twin = small_twin()
    cloud = Rig(
        Mesh(twin.rig.mesh.vertices, np.zeros((0, 3), np.int32)),
        twin.rig.skeleton,
        twin.rig.joint_indices,
        twin.rig.joint_weights,
    )
    with pytest.raises(InputError, match="has no faces"):
        twin_to_glb(replace(twin, rig=cloud))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"roughness": 2.0}, r"roughness is 2.0; give a value from 0 to 1"),
        ({"morph_min_delta_m": -1.0}, r"morph_min_delta_m is -1.0; give 0 or more metres"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        GltfOptions(**options)


@pytest.mark.parametrize("degrees", [(30.0, 0.0, 0.0), (10.0, 200.0, -70.0)])
def test_normals_turn_with_the_surface(degrees):
    twin = small_twin()
    mesh = twin.rig.mesh
    turn = rotation("x", degrees[0]) @ rotation("y", degrees[1]) @ rotation("z", degrees[2])
    normals = seamless_normals(mesh.vertices, mesh.faces, twin.vertex_source)
    turned = seamless_normals(mesh.vertices @ turn.T, mesh.faces, twin.vertex_source)
    assert np.allclose(turned, normals @ turn.T, atol=1e-5)


def test_a_vertex_without_area_gets_a_unit_normal():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, 1], [5, 5, 5]])
    normals = seamless_normals(points, np.array([[0, 2, 1]], np.int32), np.arange(4, dtype=np.int32))
    assert np.allclose(normals, (0, 1, 0))


def test_a_twin_of_full_size_is_small_and_quick_to_write():
    twin = full_size_twin()
    begin = time.process_time()
    data = twin_to_glb(twin)
    seconds = time.process_time() - begin
    assert len(data) < 6_000_000
    # On two shared cores; measured 0.3 s.
    assert seconds < 1.0
    body = read_glb(data)
    assert len(body.morphs) == 52
    assert body.normals is not None
    assert np.array_equal(body.normals, body.normals[first_copies(twin.vertex_source)])
    assert geometry_digest(body.positions, body.faces) == geometry_digest(
        twin.rig.mesh.vertices, twin.rig.mesh.faces
    )


def first_copies(source):
    """Return for each twin vertex the first twin vertex that came from the same body vertex."""
    _, first, inverse = np.unique(source, return_index=True, return_inverse=True)
    return first[inverse]


def test_a_surface_of_more_than_65535_vertices_comes_back():
    side = 260
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, side), np.linspace(0, 1.7, side))
    points = np.stack([x.ravel(), y.ravel(), np.zeros(side * side)], axis=1)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + side], axis=1),
            np.stack([corner + 1, corner + side + 1, corner + side], axis=1),
        ]
    ).astype(np.int32)
    count = len(points)
    twin = small_twin()
    rig = Rig(
        Mesh(points, faces),
        twin.rig.skeleton,
        np.zeros((count, 4), np.uint16),
        np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
    )
    far = Morph("jawOpen", np.array([count - 1], np.int32), np.array([[0, 0.1, 0]], np.float32))
    data = twin_to_glb(replace(twin, rig=rig, morphs=(far,), vertex_source=np.arange(count, dtype=np.int32)))
    body = read_glb(data)
    assert count > 65535
    assert np.array_equal(body.faces, faces)
    assert body.morphs[0].vertex_ids.tolist() == [count - 1]
    assert body.vertex_source is not None
    assert np.array_equal(body.vertex_source, np.arange(count))
