from __future__ import annotations

import contextlib
import copy
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.digest import geometry_digest
from bodyscan.errors import BodyscanError, ConsentError, InputError
from bodyscan.gltf import read_consent, read_glb, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.validate import check_glb
from gltf.shapes import CONSENT, small_twin

GLB = twin_to_glb(small_twin())
JSON_END = 20 + struct.unpack_from("<I", GLB, 12)[0]


def edited(edit: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the small twin's GLB after `edit` changed its document in place."""
    document, binary = unpack_glb(GLB)
    document = copy.deepcopy(document)
    edit(document)
    return pack_glb(document, binary)


def exported(scene: trimesh.Scene) -> bytes:
    """Return the scene as trimesh writes it."""
    data = scene.export(file_type="glb")
    assert isinstance(data, bytes)
    return data


def drop_extension(document: dict[str, Any]) -> None:
    del document["extensions"]["BODYSCAN_consent"]


def drop_xmp(document: dict[str, Any]) -> None:
    del document["extensions"]["KHR_xmp_json_ld"]


def drop_extras(document: dict[str, Any]) -> None:
    del document["nodes"][0]["extras"]


def test_consent_comes_with_the_geometry_that_it_is_bound_to():
    text, positions, faces = read_consent(GLB)
    mesh = small_twin().rig.mesh
    assert text == CONSENT
    assert positions.dtype == np.float32
    assert np.array_equal(positions, mesh.vertices.astype(np.float32))
    assert np.array_equal(faces, mesh.faces)


@pytest.mark.parametrize(
    "drops",
    [
        (drop_extension,),
        (drop_xmp,),
        (drop_extras,),
        (drop_xmp, drop_extras),
        (drop_extension, drop_extras),
        (drop_extension, drop_xmp),
    ],
)
def test_any_one_copy_of_the_consent_is_enough(drops):
    assert read_consent(edited(lambda document: [drop(document) for drop in drops]))[0] == CONSENT


def test_a_file_without_any_copy_has_no_consent():
    def strip(document):
        for drop in (drop_extension, drop_xmp, drop_extras):
            drop(document)

    assert read_consent(edited(strip))[0] is None


@pytest.mark.parametrize("place", ["extension", "xmp", "extras"])
def test_copies_that_differ_are_refused(place):
    def forge(document):
        if place == "extension":
            document["extensions"]["BODYSCAN_consent"]["record"] = "{}"
        elif place == "xmp":
            document["extensions"]["KHR_xmp_json_ld"]["packets"][0]["bodyscan:consent"] = "{}"
        else:
            document["nodes"][0]["extras"]["bodyscan"]["consent"] = "{}"

    forged = edited(forge)
    with pytest.raises(ConsentError, match="holds 2 different consent records"):
        read_consent(forged)
    with pytest.raises(ConsentError, match="One of them was exchanged"):
        read_glb(forged)


@pytest.mark.parametrize("value", [None, "", 7, {"record": "x"}])
def test_a_copy_that_is_no_text_is_refused(value):
    def forge(document):
        document["extensions"]["BODYSCAN_consent"]["record"] = value

    with pytest.raises(ConsentError, match="in the extension BODYSCAN_consent is not a record"):
        read_consent(edited(forge))


def test_a_second_body_cannot_hide_beside_the_consented_one():
    def add(document):
        document["meshes"].append(copy.deepcopy(document["meshes"][0]))
        document["nodes"].append({"mesh": 1})

    _, positions, faces = read_consent(edited(add))
    assert len(positions) == 2 * len(small_twin().rig.mesh.vertices)
    assert len(faces) == 2 * len(small_twin().rig.mesh.faces)


def test_strips_and_fans_are_refused():
    def strip(document):
        document["meshes"][0]["primitives"][0]["mode"] = 5

    with pytest.raises(InputError, match="'body' is drawn with mode 5; a twin holds triangles alone"):
        read_consent(edited(strip))


def test_consent_survives_a_round_through_trimesh():
    scene = trimesh.load_scene(trimesh.util.wrap_as_stream(GLB), file_type="glb")
    text, positions, faces = read_consent(exported(scene))
    assert text == CONSENT
    mesh = small_twin().rig.mesh
    assert geometry_digest(positions, faces) == geometry_digest(mesh.vertices, mesh.faces)
    assert np.array_equal(positions[faces], small_twin().rig.mesh.vertices.astype(np.float32)[faces])


def test_joints_in_another_order_are_sorted_with_their_weights():
    def reverse(document):
        skin = document["skins"][0]
        skin["joints"].reverse()

    document, binary = unpack_glb(edited(reverse))
    accessors, views = document["accessors"], document["bufferViews"]
    inverse = accessors[document["skins"][0]["inverseBindMatrices"]]
    view = views[inverse["bufferView"]]
    begin, end = view["byteOffset"], view["byteOffset"] + view["byteLength"]
    matrices = np.frombuffer(binary[begin:end], np.float32).reshape(-1, 16)[::-1]
    joints = views[accessors[document["meshes"][0]["primitives"][0]["attributes"]["JOINTS_0"]]["bufferView"]]
    at, to = joints["byteOffset"], joints["byteOffset"] + joints["byteLength"]
    flipped = len(matrices) - 1 - np.frombuffer(binary[at:to], np.uint8)
    blob = bytearray(binary)
    blob[begin:end], blob[at:to] = matrices.tobytes(), flipped.astype(np.uint8).tobytes()
    body, plain = read_glb(pack_glb(document, bytes(blob))), read_glb(GLB)
    used = plain.joint_weights > 0
    names, plain_names = np.array(body.skeleton.joint_names), np.array(plain.skeleton.joint_names)
    assert (body.skeleton.parents < np.arange(len(names))).all()
    assert (names[body.joint_indices][used] == plain_names[plain.joint_indices][used]).all()
    assert np.allclose(body.rest_world @ body.inverse_binds, np.eye(4), atol=1e-6)


@pytest.mark.parametrize("keep", [0, 3, 11, 19, 40, 5_000, len(GLB) // 2, len(GLB) - 1])
def test_a_file_cut_short_is_refused(keep, tmp_path):
    path = tmp_path / "cut.glb"
    path.write_bytes(GLB[:keep])
    for read in (read_glb, read_consent):
        with pytest.raises(InputError, match=r"cut\.glb is (cut short|no GLB file)"):
            read(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ply\nformat ascii 1.0\n", r"is no GLB file: it does not begin with 'glTF'\."),
        (b'  {"asset": {"version": "2.0"}}', r"looks like glTF text; convert it to GLB first"),
        (b"glTF" + (1).to_bytes(4, "little") + GLB[8:], r"is GLB version 1; version 2 can be read"),
        (GLB.replace(b'"scene":0', b'"nodes":0'), r"ambiguous: its JSON names the key 'nodes' twice"),
        (GLB.replace(b'"meshes":[', b'"meshes":{'), r"is damaged: its JSON cannot be read"),
        (GLB.replace(b'"roughnessFactor":0.6', b'"roughnessFactor":NaN'), r"is damaged: its JSON holds NaN"),
        (GLB.replace(b'"asset":', b'"asSet":'), r"is no glTF file: its JSON has no 'asset'"),
    ],
)
def test_another_or_damaged_file_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        read_glb(data)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"no\.glb cannot be read: No such file.*Give the path of a GLB file"
    ):
        read_glb(tmp_path / "no.glb")


def test_a_foreign_glb_without_a_skin_is_refused():
    sphere = exported(trimesh.Scene(trimesh.creation.icosphere(1)))
    with pytest.raises(InputError, match="is no twin: it must hold one skinned mesh node named 'body'"):
        read_glb(sphere)
    assert read_consent(sphere)[0] is None


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda d: d["accessors"][1].update(count=10**6),
            r"Accessor 1 of the file is damaged.*outside its buffer",
        ),
        (lambda d: d["accessors"][8]["sparse"].update(count=10**6), r"Accessor 8 of the file is damaged"),
        (lambda d: d["bufferViews"][1].update(byteLength=10**9), r"the file is cut short"),
        (lambda d: d["accessors"][1].update(componentType=1), r"Accessor 1 of the file is damaged"),
        (lambda d: d.update(accessors=[]), r"Accessor \d+ of the file is damaged"),
        (lambda d: d["nodes"][3].update(children=[2]), r"cycle"),
        (lambda d: d["meshes"][0]["extras"].update(targetNames=[]), r"3 morph targets and 0 names"),
        (lambda d: d["meshes"][0]["primitives"][0]["attributes"].pop("WEIGHTS_0"), r"has no WEIGHTS_0"),
        (lambda d: d["skins"][0].update(joints=[2]), r"the skin has 1|inverse bind matrices"),
        (lambda d: d.update(extensionsRequired=["EXT_other_compression"]), r"compressed with EXT_other_comp"),
        (
            lambda d: d["nodes"][0]["extras"]["bodyscan"].update(landmarks={"a": [1]}),
            r"'a' in the file is \[1\]",
        ),
        (
            lambda d: d["nodes"][0]["extras"]["bodyscan"].update(measurements=[{}]),
            r"Measurement is incomplete",
        ),
        (
            lambda d: d.update(extensionsUsed=["KHR_other_mesh_compression"]),
            r"with KHR_other_mesh_compression",
        ),
        (
            lambda d: d["meshes"][0]["primitives"][0].update(extensions={"X_mesh_compression": {}}),
            r"with X_mesh_compression; give the uncompressed master file\. What can be read is EXT_meshopt",
        ),
        (
            lambda d: d["meshes"][0]["primitives"][0].update(extensions={"KHR_draco_mesh_compression": {}}),
            r"glTF document is damaged: KeyError\('bufferView'\)",
        ),
        (
            lambda d: d["bufferViews"][1].update(extensions={"X_compression": {}}),
            r"with X_compression",
        ),
        (
            lambda d: d["bufferViews"][1].update(extensions={"EXT_meshopt_compression": {}}),
            r"Accessor 1 of the file is damaged: KeyError\('count'\)",
        ),
        (lambda d: d["bufferViews"][1].update(buffer=1), r"its buffer is not the one in the file"),
        (lambda d: d["meshes"][0]["primitives"].append({}), r"body mesh has 2 primitives; a twin's has one"),
        (
            lambda d: d["meshes"][0]["primitives"][0].update(indices=3),
            r"triangles are damaged: their indices are no whole numbers",
        ),
        (lambda d: d["accessors"][0].update(count=10), r"triangles are damaged: 10 indices for 684 vertices"),
        (
            lambda d: d["skins"][0].update(inverseBindMatrices=1),
            r"7 joints and inverse bind matrices \(684, 3\)",
        ),
        (lambda d: d["skins"][0]["joints"].pop(), r"7 joints|6 joints and inverse bind matrices"),
        (
            lambda d: d["accessors"][7].update(componentType=5125),
            r"_BODY_VERTEX holds values that are no vertex",
        ),
        (lambda d: d["nodes"][0].update(skin=5), r"glTF document is damaged"),
    ],
)
def test_a_damaged_document_is_refused(edit, message):
    with pytest.raises(InputError, match=message):
        read_glb(edited(edit))


def test_nan_in_the_geometry_is_refused():
    document, binary = unpack_glb(GLB)
    view = document["bufferViews"][1]
    blob = bytearray(binary)
    blob[view["byteOffset"] : view["byteOffset"] + 4] = np.float32(np.nan).tobytes()
    with pytest.raises(InputError, match="Accessor 1 of the file holds NaN or infinity"):
        read_consent(pack_glb(document, bytes(blob)))


def test_an_inverse_bind_without_an_inverse_is_refused():
    document, binary = unpack_glb(GLB)
    view = document["bufferViews"][
        document["accessors"][document["skins"][0]["inverseBindMatrices"]]["bufferView"]
    ]
    blob = bytearray(binary)
    blob[view["byteOffset"] : view["byteOffset"] + 64] = bytes(64)
    with pytest.raises(InputError, match="inverse bind matrix of the file is singular"):
        read_glb(pack_glb(document, bytes(blob)))


def test_a_joint_at_no_finite_place_is_refused():
    with pytest.raises(InputError, match="A joint node of the file stands at no finite place"):
        check_glb(edited(lambda d: [n.update(scale=[1e300] * 3) for n in d["nodes"][2:]]))


def test_a_file_without_a_mesh_has_nothing_to_bind():
    with pytest.raises(InputError, match="holds no triangle mesh; a twin has a body"):
        read_consent(edited(lambda d: d.update(meshes=[])))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (GLB[:12] + (10**9).to_bytes(4, "little") + GLB[16:], r"damaged: chunk 0 is longer than the file"),
        (GLB[:16] + b"BIN\0" + GLB[20:], r"damaged: its first chunk is not JSON"),
    ],
)
def test_damaged_chunks_are_refused(data, message):
    with pytest.raises(InputError, match=message):
        read_glb(data)


def test_a_giant_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "giant.glb"
    path.write_bytes(GLB)
    monkeypatch.setattr("bodyscan.gltf.container.MAX_BYTES", 1000)
    with pytest.raises(InputError, match=r"giant\.glb has \d+ bytes; GLB files up to 1000 bytes are read"):
        read_glb(path)


def test_data_from_outside_the_file_is_refused():
    document, binary = unpack_glb(GLB)
    document["buffers"] = [{"byteLength": len(binary), "uri": "data:application/octet-stream;base64,AAAA"}]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    length = 28 + len(text) + len(binary)
    data = b"".join(
        (
            struct.pack("<4sII", b"glTF", 2, length),
            struct.pack("<I4s", len(text), b"JSON") + text,
            struct.pack("<I4s", len(binary), b"BIN\0") + binary,
        )
    )
    for read in (read_glb, read_consent):
        with pytest.raises(InputError, match="takes data from outside its own binary chunk"):
            read(data)


def test_sparse_indices_that_do_not_ascend_are_refused():
    document, binary = unpack_glb(GLB)
    sparse = document["accessors"][8]["sparse"]
    view = document["bufferViews"][sparse["indices"]["bufferView"]]
    blob = bytearray(binary)
    blob[view["byteOffset"] : view["byteOffset"] + 4] = np.array([9, 3], np.uint16).tobytes()
    with pytest.raises(InputError, match="sparse indices must ascend"):
        read_glb(pack_glb(document, bytes(blob)))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_damage_escapes_as_another_error(data):
    """Bytes changed anywhere end in our own error, or in a twin that can be read."""
    blob = bytearray(GLB)
    for _ in range(data.draw(st.integers(1, 4))):
        # Half of the changes hit the JSON, which decides the structure.
        last = data.draw(st.sampled_from([JSON_END, len(GLB)])) - 1
        blob[data.draw(st.integers(0, last))] = data.draw(st.integers(0, 255))
    for read in (read_glb, read_consent):
        with contextlib.suppress(BodyscanError):
            read(bytes(blob))


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a JSON value."""
    items = list(
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [(value, key) for key, _ in items] + [spot for _, inner in items for spot in spots(inner)]


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_malformed_document_escapes_as_another_error(data):
    """Any value of the document replaced by any other ends in our own error, or in a readable twin."""
    document, binary = unpack_glb(GLB)
    container, key = data.draw(st.sampled_from(spots(document)))
    strange = st.sampled_from(
        [None, True, -1, 0, 3, 10**12, 1.5, 1e308, "x", [], [0], [[]], {}, {"bodyscan": 1}]
    )
    container[key] = data.draw(strange)
    broken = pack_glb(document, binary)
    for use in (read_glb, read_consent, check_glb):
        with contextlib.suppress(BodyscanError):
            use(broken)
