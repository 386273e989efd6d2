from __future__ import annotations

import copy
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bodyscan.errors import InputError, MissingExtraError
from bodyscan.gltf import GltfOptions, read_glb, target_names, twin_to_glb
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.read_content import read_content
from bodyscan.gltf.read_images import KTX2_MAGIC, MAX_SIDE, decode_image
from bodyscan.gltf.read_skin import read_skin, rig_of, vrm_joint_names
from bodyscan.gltf.targets import load_target
from bodyscan.types import SkinTextures
from gltf.complete import checker_textures
from gltf.shapes import small_twin

TEXTURES = checker_textures(64)
GLB = twin_to_glb(small_twin(textures=TEXTURES), GltfOptions(texture_format="png"))


def skin(document: dict[str, Any], **changes: Any) -> SkinTextures | None:
    _, content = read_content(GLB)
    return read_skin(document, unpack_glb(GLB)[1], replace(content, **changes))


def changed_document() -> dict[str, Any]:
    return copy.deepcopy(unpack_glb(GLB)[0])


def test_the_images_come_back_as_they_were_baked():
    found = skin(changed_document())
    assert found is not None
    np.testing.assert_array_equal(found.albedo, TEXTURES.albedo)
    np.testing.assert_array_equal(found.normal, TEXTURES.normal)
    np.testing.assert_array_equal(found.roughness, TEXTURES.roughness)


def test_a_file_without_images_has_no_skin():
    plain = twin_to_glb(small_twin())
    _, content = read_content(plain)
    assert read_skin(*unpack_glb(plain), content) is None


def test_the_materials_factors_are_multiplied_in():
    document = changed_document()
    document["materials"][0]["pbrMetallicRoughness"]["roughnessFactor"] = 0.5
    found = skin(document, tint=(1.0, 0.0, 0.25))
    assert found is not None
    assert found.roughness is not None
    np.testing.assert_allclose(found.roughness, TEXTURES.roughness / 2.0, atol=0.51)
    np.testing.assert_array_equal(found.albedo[..., 0], TEXTURES.albedo[..., 0])
    assert found.albedo[..., 1].max() == 0
    assert (found.albedo[..., 2] < TEXTURES.albedo[..., 2]).all()


def test_a_relief_scaled_to_nothing_is_flat():
    document = changed_document()
    document["materials"][0]["normalTexture"]["scale"] = 0.0
    found = skin(document)
    assert found is not None
    assert found.normal is not None
    assert np.abs(found.normal.astype(int) - [128, 128, 255]).max() <= 1


def test_a_relief_of_another_size_is_brought_to_the_base_colours():
    small = np.asarray(Image.fromarray(TEXTURES.albedo).resize((32, 32)))
    found = skin(changed_document(), albedo=small)
    assert found is not None
    assert found.normal is not None
    assert found.normal.shape == (32, 32, 3)


def test_an_unread_skin_is_refused_and_not_drawn_without_colour():
    with pytest.raises(MissingExtraError, match=r"skin cannot be drawn: the image is KTX2.*Give the master"):
        skin(changed_document(), unread={"texture": "the image is KTX2"})


def test_a_skin_that_is_not_square_is_refused():
    with pytest.raises(InputError, match="64 by 32; a twin's is square"):
        skin(changed_document(), albedo=TEXTURES.albedo[:32])


@pytest.mark.parametrize("change", [{"texCoord": 1}, {"extensions": {"KHR_texture_transform": {}}}])
def test_a_relief_that_is_looked_up_elsewhere_is_refused(change):
    document = changed_document()
    document["materials"][0]["normalTexture"] |= change
    with pytest.raises(InputError, match="by other coordinates than its base colour"):
        skin(document)


def test_a_texture_that_names_two_images_is_refused():
    document = changed_document()
    index = document["materials"][0]["normalTexture"]["index"]
    document["textures"][index]["extensions"] = {"EXT_texture_webp": {"source": 0}}
    with pytest.raises(InputError, match="names 2 images; readers would show different ones"):
        skin(document)


def test_an_image_outside_of_the_file_is_refused():
    document = changed_document()
    source = document["textures"][document["materials"][0]["normalTexture"]["index"]]["source"]
    document["images"][source] = {"uri": "https://example.org/skin.png"}
    with pytest.raises(InputError, match="outside of the file"):
        skin(document)


def test_a_damaged_material_is_refused():
    document = changed_document()
    document["materials"][0]["normalTexture"] = {"index": 99}
    with pytest.raises(InputError, match="material is damaged"):
        skin(document)


def test_images_of_other_kinds_and_sizes_are_refused():
    with pytest.raises(MissingExtraError, match="KTX2"):
        decode_image(KTX2_MAGIC + bytes(64))
    with pytest.raises(InputError, match="cannot be decoded"):
        decode_image(b"no image at all")
    gif = io.BytesIO()
    Image.new("RGB", (4, 4)).save(gif, "GIF")
    with pytest.raises(InputError, match="cannot be decoded"):
        decode_image(gif.getvalue())
    wide = io.BytesIO()
    Image.new("RGB", (MAX_SIDE + 1, 1)).save(wide, "PNG")
    with pytest.raises(InputError, match=f"{MAX_SIDE + 1} by 1; {MAX_SIDE} pixels a side is the most"):
        decode_image(wide.getvalue())


@pytest.mark.parametrize("target", target_names())
def test_joints_of_every_target_get_their_vrm_names_back(target):
    table = load_target(target)
    bones = ("hips", "spine", "head", "leftUpperArm", "leftLowerArm", "rightIndexDistal")
    given = (*table.roots, *(table.joints[bone] for bone in bones), "tail")
    assert vrm_joint_names(given) == (*table.roots, *bones, "tail")


def test_the_rig_of_a_file_is_the_twins():
    made = small_twin()
    rig = rig_of(read_glb(twin_to_glb(made)))
    np.testing.assert_allclose(rig.mesh.vertices, made.rig.mesh.vertices, atol=1e-6)
    np.testing.assert_array_equal(rig.mesh.faces, made.rig.mesh.faces)
    assert rig.skeleton.joint_names == made.rig.skeleton.joint_names
    np.testing.assert_allclose(rig.joint_weights.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("weights", [0.0, -1.0])
def test_damaged_weights_are_refused(weights):
    body = read_glb(twin_to_glb(small_twin()))
    bad = body.joint_weights.copy()
    bad[3] = weights
    with pytest.raises(InputError, match="joint weights are damaged"):
        rig_of(replace(body, joint_weights=bad))
