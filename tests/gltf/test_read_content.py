from __future__ import annotations

import base64
import copy
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bodyscan.consent.content import content_of
from bodyscan.consent.seal import PartVerdict, compare_seal, seal
from bodyscan.errors import ConsentError, InputError
from bodyscan.gltf import read_consent, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.document import part_document, twin_part
from bodyscan.gltf.options import GltfOptions
from bodyscan.gltf.pack.options import PackOptions, limited, profile
from bodyscan.gltf.pack.pack import pack
from bodyscan.gltf.read_content import read_content
from bodyscan.gltf.read_images import MAX_SIDE
from bodyscan.gltf.targets import load_target
from bodyscan.types import SkinTextures
from consent.bodies import skin
from gltf.complete import checker_textures
from gltf.full_size import full_size_twin
from gltf.shapes import CONSENT, small_twin
from gltf.skinning import rotation

TWIN = replace(small_twin(), textures=SkinTextures(skin(0, 128), checker_textures(128).normal))
CONTENT = content_of(TWIN.rig, TWIN.morphs, TWIN.textures)
GLB = twin_to_glb(TWIN)


def edited(edit, data: bytes = GLB) -> bytes:
    document, binary = unpack_glb(data)
    document = copy.deepcopy(document)
    edit(document)
    return pack_glb(document, binary)


def with_image(kind: str, picture: np.ndarray | None = None, **options) -> bytes:
    """Return the twin's file with another image file as base colour, as a data URI."""
    file = io.BytesIO()
    Image.fromarray(CONTENT.albedo if picture is None else picture).save(file, kind, **options)
    text = f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"

    def exchange(document):
        source = document["textures"][albedo_texture(document)]["source"]
        document["images"][source] = {"uri": text}

    return edited(exchange)


def albedo_texture(document) -> int:
    return document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["index"]


def test_a_written_twin_is_read_as_the_content_that_was_sealed():
    text, content = read_content(GLB)
    assert text == CONSENT
    report = compare_seal(seal(CONTENT), content)
    assert report.geometry == "exact"
    assert [part.verdict for part in report.parts.values()] == [PartVerdict.EXACT] * 3
    _, positions, faces = read_consent(GLB)
    assert np.array_equal(content.positions, positions)
    assert np.array_equal(content.faces, faces)


def test_vertex_colours_are_read_where_there_is_no_image():
    plain = small_twin()
    _, content = read_content(twin_to_glb(plain))
    assert content.albedo is None
    known = seal(content_of(plain.rig, plain.morphs))
    assert compare_seal(known, content).texture.verdict is PartVerdict.EXACT


@pytest.mark.parametrize("target", ["gltf", "mixamo", "unreal", "unity"])
@pytest.mark.parametrize("name", ["master", "web", "mobile"])
def test_every_target_and_profile_keeps_all_parts(target, name):
    pose = load_target(target).rest_pose
    twin = replace(TWIN, pose=TWIN.pose if pose == "any" else pose)
    options, _ = limited(profile(name), load_target(target).extensions)
    data = pack_glb(*pack(*part_document(twin_part(twin), twin, GltfOptions(target=target)), options))
    report = compare_seal(seal(CONTENT), read_content(data)[1])
    assert report.is_same
    kept = {PartVerdict.EXACT, PartVerdict.KEPT}
    assert {report.rig.verdict, report.texture.verdict, report.morphs.verdict} <= kept
    if name == "master":
        assert report.geometry == "exact"
        assert report.rig.verdict is PartVerdict.EXACT


@pytest.mark.slow
@pytest.mark.parametrize("compress", ["none", "meshopt", "draco"])
@pytest.mark.parametrize("bits", [12, 16])
def test_a_full_size_body_is_kept_by_every_compression(compress, bits):
    twin = replace(full_size_twin("a"), textures=SkinTextures(skin(0)))
    known = seal(content_of(twin.rig, twin.morphs, twin.textures))
    options = PackOptions(compress=compress, quantize=True, position_bits=bits, textures="jpeg")
    data = pack_glb(*pack(*part_document(twin_part(twin), twin, GltfOptions()), options))
    report = compare_seal(known, read_content(data)[1])
    assert report.geometry == "repacked"
    assert {part.verdict for part in report.parts.values()} == {PartVerdict.KEPT}


def test_a_moved_armature_moves_joints_and_surface_alike():
    def lift(document):
        node = next(node for node in document["nodes"] if node.get("name") == "armature")
        node["translation"] = [0.0, 0.5, 0.0]

    _, content = read_content(edited(lift))
    assert np.allclose(content.positions - CONTENT.positions, (0, 0.5, 0), atol=1e-6)
    used = content.joint_positions
    assert np.allclose(used - CONTENT.joint_positions, (0, 0.5, 0), atol=1e-6)


def test_shapes_turn_with_the_surface():
    half = [0.0, 0.0, float(np.sin(np.pi / 8)), float(np.cos(np.pi / 8))]

    def turn(document):
        node = next(node for node in document["nodes"] if node.get("name") == "armature")
        node["rotation"] = half

    _, content = read_content(edited(turn))
    jaw, known = (next(m for m in c.morphs if m.name == "jawOpen") for c in (content, CONTENT))
    assert np.allclose(jaw.deltas, known.deltas @ rotation("z", 45)[:3, :3].T, atol=1e-6)


def test_a_second_body_counts_with_its_triangles():
    def twice(document):
        document["nodes"].append({"mesh": 0, "skin": 0})

    _, content = read_content(edited(twice))
    assert len(content.faces) == 2 * len(CONTENT.faces)
    assert len(content.joint_weights) == len(content.positions)


def test_a_file_without_a_skin_has_no_rig():
    def unskin(document):
        del document["nodes"][0]["skin"]

    _, content = read_content(edited(unskin))
    assert not content.is_skinned
    assert compare_seal(seal(CONTENT), content).rig.verdict is PartVerdict.MISSING


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_lossless_image_is_exact(kind):
    _, content = read_content(with_image(kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert np.array_equal(content.albedo, CONTENT.albedo)


def test_an_exchanged_image_is_altered():
    _, content = read_content(with_image("PNG", np.array(CONTENT.albedo)[::-1]))
    assert compare_seal(seal(CONTENT), content).texture.verdict is PartVerdict.ALTERED


def test_the_uv_transform_of_a_packer_is_applied():
    def transform(document):
        use = document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
        use["extensions"] = {"KHR_texture_transform": {"scale": [0.5, 2.0], "offset": [0.25, 0.0]}}

    _, content = read_content(edited(transform))
    assert np.allclose(content.uvs, CONTENT.uvs * [0.5, 2.0] + [0.25, 0.0], atol=1e-6)


def strange(edit) -> str:
    _, content = read_content(edited(edit))
    assert compare_seal(seal(CONTENT), content).texture.verdict is PartVerdict.ALTERED
    return content.problems["texture"]


def test_what_shows_beside_the_bound_image_is_altered():
    def glow(document):
        document["materials"][0]["emissiveFactor"] = [0.3, 0.0, 0.0]

    def another(document):
        document["materials"][0]["emissiveTexture"] = {"index": 0}

    def variants(document):
        primitive = document["meshes"][0]["primitives"][0]
        primitive["extensions"] = {"KHR_materials_variants": {"mappings": []}}

    def two(document):
        mesh = copy.deepcopy(document["meshes"][0])
        mesh["primitives"][0]["material"] = 1
        document["materials"].append({"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 1]}})
        document["meshes"].append(mesh)

    assert "glows" in strange(glow)
    assert "further image (emissiveTexture)" in strange(another)
    assert "other materials (KHR_materials_variants)" in strange(variants)
    assert "different images or factors" in strange(two)


def test_two_images_for_one_texture_must_agree():
    def fallback(document):
        texture = document["textures"][albedo_texture(document)]
        other = next(i for i in range(len(document["images"])) if i != texture["source"])
        texture["extensions"] = {"EXT_texture_webp": {"source": other}}

    assert "two images that differ" in strange(fallback)


def test_an_image_of_an_unknown_kind_or_outside_is_unread():
    def avif(document):
        document["textures"][albedo_texture(document)]["extensions"] = {"EXT_texture_avif": {"source": 0}}

    def outside(document):
        document["images"][document["textures"][albedo_texture(document)]["source"]] = {"uri": "skin.png"}

    def ktx2(document):
        data = base64.b64encode(b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(64)).decode()
        source = document["textures"][albedo_texture(document)]["source"]
        document["images"][source] = {"uri": f"data:image/ktx2;base64,{data}"}

    for edit, words in ((avif, "not decoded here"), (outside, "outside of the file"), (ktx2, "KTX2")):
        _, content = read_content(edited(edit))
        assert words in content.unread["texture"]
        assert compare_seal(seal(CONTENT), content).texture.verdict is PartVerdict.UNREAD


def test_a_huge_image_is_refused_before_it_is_decoded():
    file = io.BytesIO()
    Image.new("1", (MAX_SIDE + 1, 8)).save(file, "PNG")
    text = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"

    def exchange(document):
        document["images"][document["textures"][albedo_texture(document)]["source"]] = {"uri": text}

    with pytest.raises(InputError, match="pixels a side is the most"):
        read_content(edited(exchange))


def test_a_shape_that_is_on_from_the_start_is_altered():
    def smile(document):
        document["meshes"][0]["weights"][1] = 0.5

    _, content = read_content(edited(smile))
    found = compare_seal(seal(CONTENT), content).morphs
    assert found.verdict is PartVerdict.ALTERED
    assert "eyeBlinkLeft from the start" in found.reason


def test_shapes_without_names_are_unread_and_two_of_one_name_altered():
    def nameless(document):
        del document["meshes"][0]["extras"]["targetNames"]

    def same(document):
        document["meshes"][0]["extras"]["targetNames"][1] = "JawOpen"

    _, content = read_content(edited(nameless))
    assert compare_seal(seal(CONTENT), content).morphs.verdict is PartVerdict.UNREAD
    _, content = read_content(edited(same))
    assert "two face shapes of the name jawOpen" in content.problems["morphs"]


def test_copies_of_the_consent_that_differ_are_refused():
    def exchange(document):
        document["extensions"]["BODYSCAN_consent"]["record"] = '{"other": 1}'

    with pytest.raises(ConsentError):
        read_content(edited(exchange))


def test_a_damaged_document_is_refused():
    def break_it(document):
        document["meshes"][0]["primitives"][0]["material"] = 7

    with pytest.raises(InputError, match="damaged"):
        read_content(edited(break_it))
