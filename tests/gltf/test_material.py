from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from PIL import Image

from bodyscan.errors import InputError
from bodyscan.gltf import GltfOptions, read_glb, twin_to_glb
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.color import srgb8_to_linear16
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.khronos import khronos_findings
from bodyscan.gltf.material import encode_image, halved, packed_roughness
from bodyscan.gltf.validate import check_glb
from bodyscan.types import Mesh, SkinTextures
from gltf.complete import checker_textures, complete_small_twin, with_parts
from gltf.full_size import full_size_twin
from gltf.shapes import small_twin
from gltf.tools import need_npm_package

PNG = GltfOptions(texture_format="png")


def textured(**changes):
    return replace(small_twin(), textures=replace(checker_textures(), **changes))


def images(data: bytes) -> dict[str, np.ndarray]:
    """Return the decoded images of a GLB by their names."""
    document, binary = unpack_glb(data)
    found = {}
    for image in document.get("images", []):
        view = document["bufferViews"][image["bufferView"]]
        blob = binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        with Image.open(io.BytesIO(blob)) as picture:
            assert f"image/{str(picture.format).lower()}" == image["mimeType"]
            found[image["name"]] = np.asarray(picture)
    return found


def material(data: bytes) -> dict:
    return unpack_glb(data)[0]["materials"][0]


def test_png_images_come_back_texel_for_texel():
    twin = textured()
    assert twin.textures is not None
    assert twin.textures.roughness is not None
    found = images(twin_to_glb(twin, PNG))
    assert np.array_equal(found["albedo"], twin.textures.albedo)
    assert np.array_equal(found["normal"], twin.textures.normal)
    assert np.array_equal(found["roughness"][..., 1], twin.textures.roughness)
    assert not found["roughness"][..., 2].any()


def test_jpeg_images_come_back_nearly_and_are_smaller():
    twin = replace(small_twin(), textures=checker_textures(256))
    assert twin.textures is not None
    noise = np.random.default_rng(0).normal(0, 4, twin.textures.albedo.shape)
    noisy = np.clip(twin.textures.albedo + noise, 0, 255).astype(np.uint8)
    twin = replace(twin, textures=replace(twin.textures, albedo=noisy))
    jpeg, png = twin_to_glb(twin, GltfOptions(texture_format="jpeg")), twin_to_glb(twin, PNG)
    difference = images(jpeg)["albedo"].astype(int) - noisy
    assert np.sqrt((difference**2).mean()) < 5
    assert len(jpeg) < len(png) - 50_000
    better = images(twin_to_glb(twin, GltfOptions(texture_format="jpeg", texture_quality=100)))["albedo"]
    assert np.abs(better.astype(int) - noisy).mean() < np.abs(difference).mean()


def test_the_material_uses_each_image_for_what_it_is():
    document, _ = unpack_glb(twin_to_glb(textured()))
    skin = document["materials"][0]
    pbr = skin["pbrMetallicRoughness"]

    def image_of(info):
        return document["images"][document["textures"][info["index"]]["source"]]["name"]

    assert skin["name"] == "skin"
    assert image_of(pbr["baseColorTexture"]) == "albedo"
    assert image_of(pbr["metallicRoughnessTexture"]) == "roughness"
    assert image_of(skin["normalTexture"]) == "normal"
    assert pbr["roughnessFactor"] == 1.0
    assert pbr["metallicFactor"] == 0.0


def test_vertex_colours_are_not_written_beside_an_image_that_they_would_darken():
    assert small_twin().rig.mesh.colors is not None
    assert read_glb(twin_to_glb(textured())).colors is None
    without = twin_to_glb(textured(), GltfOptions(textures=False))
    assert read_glb(without).colors is not None
    assert "images" not in unpack_glb(without)[0]


def test_roughness_is_the_option_where_there_is_no_map():
    data = twin_to_glb(textured(roughness=None, normal=None), GltfOptions(roughness=0.45))
    pbr = material(data)["pbrMetallicRoughness"]
    assert pbr["roughnessFactor"] == 0.45
    assert "metallicRoughnessTexture" not in pbr
    assert "normalTexture" not in material(data)


def test_tangents_are_written_with_a_normal_map_alone():
    document, binary = unpack_glb(twin_to_glb(textured()))
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    reader = AccessorReader(document, binary)
    tangents, normals = reader.read(attributes["TANGENT"]), reader.read(attributes["NORMAL"])
    assert np.allclose(np.linalg.norm(tangents[:, :3], axis=1), 1, atol=1e-5)
    assert np.allclose(np.einsum("ij,ij->i", tangents[:, :3], normals), 0, atol=1e-5)
    assert set(np.abs(tangents[:, 3])) == {1.0}
    plain, _ = unpack_glb(twin_to_glb(textured(normal=None)))
    assert "TANGENT" not in plain["meshes"][0]["primitives"][0]["attributes"]


@pytest.mark.parametrize(("shift", "wrap"), [(0.0, 33071), (0.5, 10497)])
def test_images_are_clamped_where_the_uvs_stay_inside_and_repeated_where_not(shift, wrap):
    twin = textured()
    mesh = twin.rig.mesh
    assert mesh.uvs is not None
    moved = Mesh(mesh.vertices, mesh.faces, mesh.uvs + np.float32(shift), mesh.colors)
    document, _ = unpack_glb(twin_to_glb(replace(twin, rig=replace(twin.rig, mesh=moved))))
    assert document["samplers"] == [{"magFilter": 9729, "minFilter": 9987, "wrapS": wrap, "wrapT": wrap}]


def test_halving_keeps_the_light_of_the_image_and_unit_normals():
    before = checker_textures(2048)
    after = halved(before, 1)
    assert after.albedo.shape == (1024, 1024, 3)
    light = [srgb8_to_linear16(each.albedo).mean(axis=(0, 1)) / 65535 for each in (before, after)]
    assert np.allclose(*light, atol=1e-3)
    assert after.normal is not None
    normals = after.normal / 255 * 2 - 1
    assert np.abs(np.linalg.norm(normals, axis=-1) - 1).max() < 0.01
    assert before.roughness is not None
    assert after.roughness is not None
    assert abs(float(before.roughness.mean()) - float(after.roughness.mean())) < 0.6


def test_a_fine_checker_becomes_the_grey_of_half_its_light():
    rows, columns = np.mgrid[:1024, :1024]
    fine = np.where(((rows + columns) % 2 == 1)[..., None], 255, 0).astype(np.uint8)
    after = halved(SkinTextures(np.repeat(fine, 3, axis=-1)), 1)
    # Half of full light is 188 in sRGB bytes, not 128.
    assert np.unique(after.albedo).tolist() == [188]


@pytest.mark.parametrize(("size", "times", "wanted"), [(2048, 1, 1024), (2048, 5, 512), (513, 2, 513)])
def test_images_are_never_halved_below_512_texels(size, times, wanted):
    assert len(halved(SkinTextures(np.zeros((size, size, 3), np.uint8)), times).albedo) == wanted


def test_packed_roughness_is_green_and_not_metallic():
    packed = packed_roughness(np.array([[0, 100], [200, 255]], np.uint8))
    assert packed[..., 1].tolist() == [[0, 100], [200, 255]]
    assert not packed[..., 2].any()


def test_the_same_image_gives_the_same_bytes():
    image = checker_textures().albedo
    for kind in ("png", "jpeg"):
        assert encode_image(image, kind, 90) == encode_image(image.copy(), kind, 90)


def test_images_without_uvs_are_refused():
    twin = textured()
    mesh = Mesh(twin.rig.mesh.vertices, twin.rig.mesh.faces)
    bare = replace(twin, rig=replace(twin.rig, mesh=mesh))
    with pytest.raises(InputError, match="has textures and its mesh has no uvs; leave the textures out"):
        twin_to_glb(bare)
    assert read_glb(twin_to_glb(bare, GltfOptions(textures=False))).uvs is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texture_format": "webp"}, r"texture_format is 'webp'; possible are png, jpeg"),
        ({"texture_quality": 20}, r"texture_quality is 20; give 50 to 100"),
    ],
)
def test_texture_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        GltfOptions(**options)


def test_trimesh_sees_the_image():
    scene = trimesh.load_scene(trimesh.util.wrap_as_stream(twin_to_glb(textured(), PNG)), file_type="glb")
    picture = np.asarray(scene.geometry["body"].visual.material.baseColorTexture)[..., :3]
    textures = textured().textures
    assert textures is not None
    assert np.array_equal(picture, textures.albedo)


def relabelled(data: bytes, change) -> bytes:
    document, binary = unpack_glb(data)
    return pack_glb(document, change(document, binary))


def test_faults_of_images_are_found():
    def wrong_type(document, binary):
        document["images"][0]["mimeType"] = "image/jpeg"
        return binary

    def damaged(document, binary):
        view = document["bufferViews"][document["images"][0]["bufferView"]]
        begin = view["byteOffset"]
        return binary[:begin] + b"\0" * 64 + binary[begin + 64 :]

    data = twin_to_glb(textured())
    fine = {finding.code for finding in check_glb(data)}
    assert {f.code for f in check_glb(relabelled(data, wrong_type))} - fine == {"IMAGE_TYPE"}
    assert {f.code for f in check_glb(relabelled(data, damaged))} - fine == {"IMAGE_DAMAGED"}
    large = replace(small_twin(), textures=SkinTextures(np.zeros((4098, 4098, 3), np.uint8)))
    assert "OVER_BUDGET_TEXTURE" in {finding.code for finding in check_glb(twin_to_glb(large))}


@pytest.mark.node
@pytest.mark.parametrize("options", [GltfOptions(), PNG])
def test_the_khronos_validator_finds_nothing_wrong_with_images(options):
    for twin in (complete_small_twin(), with_parts(full_size_twin("t"), size=1024)):
        findings = khronos_findings(twin_to_glb(twin, options), need_npm_package("gltf-validator"))
        assert {f.code for f in findings} == {"UNSUPPORTED_EXTENSION"}
        assert {f.severity for f in findings} == {"info"}
