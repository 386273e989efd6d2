"""A twin's GLB becomes a person to the bit, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from addon.conftest import VERSION, _runner
from addon.consented import twin_file
from addon.rig_people import write_person
from bodyscan.consent import Purpose, Use, verify_content
from bodyscan.gltf import read_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.read_content import read_content
from gltf.shapes import small_twin

Told = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twins")
    write_person(folder)
    twin_file(folder / "small.glb", body=small_twin())
    twin_file(folder / "expired.glb", expired=True)
    data = (folder / "twin.glb").read_bytes()
    document, binary = unpack_glb(data)
    bent = bytearray(binary)
    positions = document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    start = document["bufferViews"][document["accessors"][positions]["bufferView"]].get("byteOffset", 0)
    moved = np.frombuffer(bytes(bent[start : start + 12 * 4000]), np.float32) * np.float32(1.2)
    bent[start : start + 12 * 4000] = moved.tobytes()
    (folder / "bent.glb").write_bytes(pack_glb(document, bytes(bent)))
    bare = json.loads(json.dumps(document))
    for key in ("extensions", "extensionsUsed"):
        del bare[key]
    del bare["asset"]["extensions"]
    del bare["nodes"][0]["extras"]
    (folder / "bare.glb").write_bytes(pack_glb(bare, binary))
    (folder / "cut.glb").write_bytes(data[: len(data) // 2])
    (folder / "text.glb").write_text("no glTF")
    for name, size in (("strange", 64), ("strange.collision", None)):
        source = folder / ("small.glb" if size is None else "twin.glb")
        (folder / f"{name}.glb").write_bytes(source.read_bytes())
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Iterator[Told]:
    refused = ("expired", "bent", "bare", "cut", "text", "gone", "strange")
    for in_blender in _runner(VERSION, folder):
        yield in_blender(
            "twin_import",
            folder=folder,
            twin=folder / "twin.glb",
            small=folder / "small.glb",
            refused={name: folder / f"{name}.glb" for name in refused},
        )


@pytest.fixture(scope="module")
def arrays(found: Told, folder: Path) -> Any:
    return np.load(folder / "mesh.npz")


def test_positions_triangles_and_uvs_are_the_files_to_the_bit(arrays, folder):
    body = read_glb(folder / "twin.glb")
    assert np.array_equal(arrays["positions"].view(np.int32), body.positions.view(np.int32))
    assert np.array_equal(arrays["corners"].reshape(-1, 3), body.faces)
    turned = body.uvs.copy()
    turned[:, 1] *= -1
    turned[:, 1] += 1
    assert np.array_equal(arrays["uvs"], turned[body.faces.ravel()])
    assert np.array_equal(arrays["source"], body.vertex_source)


def test_weights_are_the_files_to_the_bit(arrays, found, folder):
    body = read_glb(folder / "twin.glb")
    assert found["mesh"]["groups"] == list(body.skeleton.joint_names)
    expected = np.zeros_like(arrays["weights"])
    rows = np.arange(len(expected))
    for place in range(4):
        some = body.joint_weights[:, place] > 0
        expected[rows[some], body.joint_indices[some, place]] = body.joint_weights[some, place]
    assert np.array_equal(arrays["weights"].view(np.int32), expected.view(np.int32))


def test_face_shapes_have_the_files_names_and_displacements(arrays, found, folder):
    body = read_glb(folder / "twin.glb")
    assert found["mesh"]["shapes"] == ["Basis", *body.morph_names]
    assert np.array_equal(arrays["shapes"][0], body.positions)
    for points, morph in zip(arrays["shapes"][1:], body.morphs, strict=True):
        expected = body.positions.copy()
        expected[morph.vertex_ids] += morph.deltas
        assert np.array_equal(points, expected)


def test_normals_hide_the_seams_and_the_rest_is_the_bind_pose(arrays, folder):
    body = read_glb(folder / "twin.glb")
    given = body.normals[body.faces.ravel()]
    cosine = np.einsum("ci,ci->c", arrays["normals"], given)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 0.5
    assert np.abs(arrays["seen"] - body.positions).max() < 1e-6


def test_the_person_has_all_parts_in_their_roles(found):
    told = found["mesh"]
    assert told["person"] == "DEMO Alba"
    assert told["roles"]["twin"] == ["body"]
    assert told["roles"]["level"] == ["body.lod1"]
    assert told["roles"]["collision"] == ["body.collision"]
    assert told["roles"]["armature"] == ["armature"]
    assert told["parent"] == told["level parent"] == "armature"
    assert told["modifiers"] == [["ARMATURE", "armature", False]]
    assert told["identity"] == [True, True]
    assert told["active"] == "body"
    assert all(all(hidden) for hidden in told["hidden"].values())
    assert told["is twin"]["body"]
    assert told["is twin"]["body.lod1"]
    assert not told["is twin"]["armature"]


def test_consent_and_extras_stand_where_the_rest_of_the_add_on_looks(found, folder):
    told, consent = found["mesh"], read_glb(folder / "twin.glb").consent
    assert told["consents"] == [consent] * 3
    for part in ("lod1", "collision"):
        own = read_glb(folder / f"twin.{part}.glb").consent
        assert told["own consents"][f"body.{part}"] == own
        assert own != consent
    document, _ = unpack_glb(folder / "twin.glb")
    assert told["extras"] == document["nodes"][0]["extras"]["bodyscan"]


def test_the_skin_is_no_metal_and_has_nothing_that_an_export_would_show_as_another_skin(found):
    told = found["mesh"]
    assert told["metallic"] == [False, 0.0]
    assert told["linked"] == {"Base Color": True, "Roughness": True, "Normal": True}
    assert told["not exported"] == {
        "Sheen Weight": 0.0,
        "Coat Weight": 0.0,
        "Transmission Weight": 0.0,
        "Emission Strength": 0.0,
    }
    assert 0 < told["scatter"] < 1
    assert told["spaces"] == {"albedo": "sRGB", "normal": "Non-Color", "roughness": "Non-Color"}
    assert all(told["packed"])


def test_only_what_is_asked_for_is_loaded(found):
    assert found["alone"] == {"twin": 1, "level": 0, "collision": 0}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("expired", ["Not imported.", "The consent is expired", "Clause: term.not_after"]),
        ("bent", ["Not imported.", "its body"]),
        ("bare", ["Not imported.", "The consent is stripped"]),
        ("cut", ["cut.glb"]),
        ("text", ["text.glb is no GLB file"]),
        ("gone", ["gone.glb cannot be read: No such file or directory"]),
        ("strange", ["strange.collision.glb carries another record than strange.glb"]),
    ],
)
def test_a_file_that_may_not_be_imported_leaves_nothing(found, name, words):
    told = found["refused"][name]
    for part in words:
        assert part in told["told"], told["told"]
    assert not told["left"]
    assert told["people"] == 0


def test_a_twin_may_be_imported_twice_and_in_the_place_of_another(found):
    told = found["again"]
    assert told["two"] == 2
    assert told["names"] == ["DEMO Alba", "DEMO Alba.001"]
    assert told["same"]
    assert {role: n for role, n in told["roles"].items() if n} == {
        "twin": 1,
        "level": 1,
        "armature": 1,
        "collision": 1,
    }
    assert told["other"]["twin"] == 1


def test_importing_is_undone_and_redone(found):
    assert found["undo"]["gone"] == [0, 0]
    assert sorted(found["undo"]["back"]) == ["armature", "body", "body.collision"]


def test_outside_of_object_mode_the_button_says_why(found):
    assert "Leave the edit or pose mode first" in found["mode"]


@pytest.mark.parametrize("name", ["again", "again_ik"])
def test_what_blenders_exporter_writes_verifies(found, folder, name):
    """Also with hidden bones of IK in the armature, which move no skin."""
    assert found["round"] == ["FINISHED"] * 2
    text, content = read_content(folder / f"{name}.glb")
    status = verify_content(text, content, datetime.now(UTC), Use(Purpose.EXPORT))
    assert status.ok, status.reason
    assert str(status.geometry) == "exact"
    again, first = read_glb(folder / f"{name}.glb"), read_glb(folder / "twin.glb")
    assert again.morph_names == first.morph_names
    assert set(again.skeleton.joint_names) == set(first.skeleton.joint_names)
    place = [again.skeleton.joint_names.index(joint) for joint in first.skeleton.joint_names]
    assert np.abs(again.skeleton.positions[place] - first.skeleton.positions).max() < 1e-6


def test_a_twin_without_images_shows_its_vertex_colours(found):
    told = found["small"]
    assert told["colors"]
    assert "VERTEX_COLOR" in told["nodes"]
    assert "TEX_IMAGE" not in told["nodes"]
    assert len(told["bones"]) == 7
