from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial import KDTree

from bodyscan.consent.digest import geometry_digest
from bodyscan.errors import InputError
from bodyscan.gltf import read_consent, read_glb, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.khronos import khronos_findings
from bodyscan.gltf.levels import collision_to_glb
from bodyscan.gltf.pack import PROFILES, PackOptions, limited, over_budget, pack, part_sizes, profile
from bodyscan.gltf.pack.quantize import quantized_weights
from bodyscan.gltf.validate import ERROR, check_glb
from gltf.complete import complete_small_twin
from gltf.full_size import full_size_twin
from gltf.shapes import CONSENT, small_twin
from gltf.skinning import pose_body, rotation
from gltf.tools import need_module, need_npm_package

GLB = twin_to_glb(small_twin())
MESHOPT, QUANTIZED = PackOptions(compress="meshopt"), PackOptions(quantize=True)
BOTH = PackOptions(compress="meshopt", quantize=True)
FLOATS = PackOptions(compress="meshopt", quantize=True, float_positions=True)
LOSSY = {"quantized": QUANTIZED, "both": BOTH, "floats": FLOATS, "mobile": profile("mobile")}
STEP_MM = 0.0225
"""Half the diagonal of a step for a 1.7 m person in 16 bits; the grid of floats is finer."""


def packed(glb: bytes, options: PackOptions) -> bytes:
    return pack_glb(*pack(*unpack_glb(glb), options))


@pytest.fixture(scope="module")
def full_glb() -> bytes:
    return twin_to_glb(full_size_twin())


def distances_mm(a: Any, b: Any) -> np.ndarray:
    """Return for each point of `a` and `b` how far the nearest of the other is, mm."""
    return 1000 * np.concatenate([KDTree(a).query(b)[0], KDTree(b).query(a)[0]])


def test_the_master_is_the_file_as_it_was_written():
    assert packed(GLB, PROFILES["master"]) == GLB


@pytest.mark.parametrize("options", [MESHOPT, *LOSSY.values(), PROFILES["web"]])
def test_packing_is_deterministic_and_leaves_its_input_alone(options):
    document, binary = unpack_glb(GLB)
    before = copy.deepcopy(document)
    assert pack_glb(*pack(document, binary, options)) == pack_glb(*pack(document, binary, options))
    assert document == before


def test_meshopt_alone_loses_nothing():
    plain, small = read_glb(GLB), read_glb(packed(GLB, MESHOPT))
    text, positions, faces = read_consent(packed(GLB, MESHOPT))
    assert text == CONSENT
    assert geometry_digest(positions, faces) == geometry_digest(plain.positions, plain.faces)
    assert small.vertex_source is not None
    assert plain.vertex_source is not None
    # Vertices stand in another order; each brings all of its values along.
    mine = [(*p, *n, *w) for p, n, w in zip(small.positions, small.normals, small.joint_weights, strict=True)]
    theirs = [
        (*p, *n, *w) for p, n, w in zip(plain.positions, plain.normals, plain.joint_weights, strict=True)
    ]
    assert sorted(mine) == sorted(theirs)
    assert sorted(small.vertex_source) == sorted(plain.vertex_source)


@pytest.mark.parametrize("options", LOSSY.values(), ids=LOSSY)
def test_the_rest_pose_moves_by_less_than_a_step(full_glb, options):
    small = packed(full_glb, options)
    text, positions, faces = read_consent(small)
    plain = read_glb(full_glb)
    assert text == CONSENT
    assert len(faces) == len(plain.faces)
    assert distances_mm(positions, plain.positions).max() < STEP_MM
    body = read_glb(small)
    assert np.array_equal(body.positions, positions)
    assert np.allclose(body.skeleton.positions, plain.skeleton.positions, atol=1e-6)
    assert np.allclose(body.rest_world @ body.inverse_binds, np.eye(4), atol=1e-6)
    assert not [finding for finding in check_glb(small) if finding.severity == ERROR]


def test_floats_keep_the_inverse_binds_and_integers_change_them():
    def binds(glb):
        document, binary = unpack_glb(glb)
        view = document["bufferViews"][
            document["accessors"][document["skins"][0]["inverseBindMatrices"]]["bufferView"]
        ]
        begin = view.get("byteOffset", 0)
        return binary[begin : begin + view["byteLength"]]

    assert binds(packed(GLB, FLOATS)) == binds(GLB)
    assert binds(packed(GLB, QUANTIZED)) != binds(GLB)


@pytest.mark.parametrize(
    ("options", "limit_mm"), [(BOTH, 0.6), (replace(BOTH, weight_bits=16), 0.06), (profile("web"), 0.06)]
)
def test_a_posed_and_speaking_body_stays_where_it_is(full_glb, options, limit_mm):
    plain, small = read_glb(full_glb), read_glb(packed(full_glb, options))
    turns = {"leftUpperArm": rotation("z", 60), "rightUpperLeg": rotation("x", -45)}
    shapes = {"jawOpen": 1.0, "mouthSmileLeft": 1.0, "eyeBlinkRight": 1.0}
    there, here = pose_body(plain, turns, shapes), pose_body(small, turns, shapes)
    moved = distances_mm(there, here)
    assert moved.max() < limit_mm
    assert moved.mean() < limit_mm / 4


def test_shapes_keep_their_names_and_directions(full_glb):
    plain, small = read_glb(full_glb), read_glb(packed(full_glb, profile("web")))
    assert small.morph_names == plain.morph_names
    order = KDTree(small.positions + 0).query(plain.positions)[1]
    for mine, theirs in zip(small.morphs, plain.morphs, strict=True):
        dense = np.zeros((2, len(plain.positions), 3))
        dense[0, theirs.vertex_ids] = theirs.deltas
        dense[1, mine.vertex_ids] = mine.deltas
        # At a seam several vertices share one place, and one shape.
        assert np.abs(dense[1][order] - dense[0]).max() < 2e-5


@pytest.mark.parametrize("bits", [8, 16])
def test_weights_sum_to_exactly_one(bits):
    rng = np.random.default_rng(1)
    weights = rng.random((2000, 4)) ** 6
    weights[::3, 2:] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    whole = quantized_weights(weights, bits)
    total = 2**bits - 1
    assert (whole.astype(np.int64).sum(axis=1) == total).all()
    assert (whole[weights == 0] == 0).all()
    assert np.abs(whole / total - weights).max() < 1 / total


def test_normals_stay_within_half_a_degree(full_glb):
    plain, small = read_glb(full_glb), read_glb(packed(full_glb, BOTH))
    assert plain.normals is not None
    assert small.normals is not None
    # A byte's step is 1/127 a component; compare the sets of normals, for the order changes.
    angles = np.degrees(KDTree(small.normals).query(plain.normals)[0])
    assert angles.max() < 0.5


def test_the_profiles_of_a_person_without_images_are_small(full_glb):
    sizes = {name: len(packed(full_glb, options)) for name, options in PROFILES.items()}
    assert sizes["master"] == len(full_glb)
    assert sizes["web"] < 0.35 * sizes["master"]
    assert sizes["mobile"] < 0.22 * sizes["master"]


def test_mobile_leaves_out_what_it_says():
    document, _ = pack(*unpack_glb(GLB), profile("mobile"))
    primitive = document["meshes"][0]["primitives"][0]
    assert "_BODY_VERTEX" not in primitive["attributes"]
    assert "TANGENT" not in primitive["attributes"]
    assert all(set(target) == {"POSITION"} for target in primitive["targets"])


def test_a_file_above_its_budget_says_why():
    document, binary = unpack_glb(twin_to_glb(complete_small_twin()))
    options = PackOptions(compress="meshopt", budget_bytes=10_000)
    small, _ = pack(document, binary, options)
    reason = over_budget(small, options)
    assert reason is not None
    assert "its budget is 0.01 MB. It holds: " in reason
    for part in ("images", "geometry", "face shapes", "document"):
        assert part in reason
    assert over_budget(small, replace(options, budget_bytes=10_000_000)) is None
    assert over_budget(small, replace(options, budget_bytes=0)) is None


def test_the_parts_add_up_to_the_file():
    glb = twin_to_glb(complete_small_twin())
    for options in (PROFILES["master"], PROFILES["web"]):
        small = packed(glb, options)
        sizes = part_sizes(unpack_glb(small)[0])
        assert min(sizes.images, sizes.geometry, sizes.morphs, sizes.json) > 0
        assert abs(sizes.total - len(small)) < 300  # the container and its padding


def test_what_a_reader_does_not_take_is_left_out_and_named():
    options, left_out = limited(profile("web"), frozenset({"EXT_texture_webp"}))
    assert options == replace(profile("web"), quantize=False, compress="none")
    assert left_out == (
        "quantisation (KHR_mesh_quantization)",
        "compression (EXT_meshopt_compression)",
    )
    options, left_out = limited(profile("web"), frozenset())
    assert options.textures == "jpeg"
    assert "webp images, JPEG instead" in left_out
    assert limited(profile("web"), None) == (profile("web"), ())
    assert limited(profile("web"), profile("web").needed_extensions) == (profile("web"), ())


def test_a_declared_manifold_stays_one():
    glb = collision_to_glb(complete_small_twin())
    plain = read_glb(glb)
    for options in (MESHOPT, BOTH, FLOATS):
        small = packed(glb, options)
        assert "EXT_mesh_manifold" in unpack_glb(small)[0]["meshes"][0]["extensions"]
        assert not [finding for finding in check_glb(small) if finding.severity == ERROR]
        assert np.array_equal(read_glb(small).faces, plain.faces)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"compress": "zip"}, r"PackOptions.compress is 'zip'; possible are none, meshopt, draco"),
        ({"textures": "gif"}, r"PackOptions.textures is 'gif'; possible are keep, png, jpeg, webp, ktx2"),
        ({"weight_bits": 7}, r"PackOptions.weight_bits is 7; possible are 8, 16"),
        ({"position_bits": 8}, r"PackOptions.position_bits is 8; give 12 to 16"),
        ({"texture_size": 10}, r"PackOptions.texture_size is 10; give 64 to 16384"),
        ({"texture_quality": 0}, r"PackOptions.texture_quality is 0; give 1 to 100"),
        ({"budget_bytes": -1}, r"PackOptions.budget_bytes is -1; give 0 or more bytes"),
    ],
)
def test_options_out_of_range_are_refused(fields, message):
    with pytest.raises(InputError, match=message):
        PackOptions(**fields)


def test_an_unknown_profile_is_refused():
    with pytest.raises(InputError, match="no profile 'tiny'; the profiles are master, web, mobile"):
        profile("tiny")


def test_positions_that_are_not_finite_are_refused():
    document, binary = unpack_glb(GLB)
    view = document["bufferViews"][
        document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]["bufferView"]
    ]
    blob = bytearray(binary)
    blob[view["byteOffset"] : view["byteOffset"] + 4] = np.float32(np.inf).tobytes()
    for options in (QUANTIZED, FLOATS):
        with pytest.raises(InputError, match="position of the mesh is not finite"):
            pack(document, bytes(blob), options)


@pytest.mark.node
@pytest.mark.parametrize("options", [MESHOPT, *LOSSY.values()])
def test_the_khronos_validator_finds_nothing(options):
    found = khronos_findings(packed(GLB, options), need_npm_package("gltf-validator"))
    assert [finding for finding in found if finding.severity in ("error", "warning")] == []


@pytest.mark.blender
@pytest.mark.slow
def test_blender_reads_quantised_vertices_in_the_right_place(full_glb, tmp_path):
    need_module("bpy")
    import bpy

    path = tmp_path / "quantised.glb"
    path.write_bytes(packed(full_glb, QUANTIZED))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    body = next(item for item in bpy.data.objects if item.type == "MESH" and item.find_armature())
    mesh = body.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    world = np.array(body.matrix_world)
    x, z, y = (points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]).T
    assert distances_mm(np.stack([x, y, -z], axis=1), read_glb(full_glb).positions).max() < 0.03
