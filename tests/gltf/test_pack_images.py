from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from bodyscan.errors import InputError, MissingExtraError, StageError
from bodyscan.gltf import GltfOptions, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.pack import PackOptions, pack, profile
from bodyscan.gltf.pack.images import encode, image_roles
from bodyscan.gltf.pack.ktx2 import MAGIC, encode_ktx2, ktx2_command
from bodyscan.gltf.pack.resize import resize_image
from gltf.complete import complete_small_twin
from gltf.tools import put_basisu_on_the_path

PLAIN = twin_to_glb(complete_small_twin(size=256), GltfOptions(texture_format="png"))


def images_of(document, binary) -> dict[str, tuple[bytes, str]]:
    """Return name -> bytes and MIME type."""
    found = {}
    for image in document["images"]:
        view = document["bufferViews"][image["bufferView"]]
        begin = view.get("byteOffset", 0)
        found[image["name"]] = binary[begin : begin + view["byteLength"]], image["mimeType"]
    return found


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.float64)


def rough_normals(size: int = 256) -> np.ndarray:
    """Return (N, N, 3) uint8 normals with pore-like detail."""
    rng = np.random.default_rng(2)
    slopes = gaussian_filter(rng.normal(size=(2, size, size)), (0, 1.2, 1.2), mode="wrap") * 0.5
    normal = np.stack([slopes[0], slopes[1], np.ones((size, size))], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.rint((normal + 1) / 2 * 255).astype(np.uint8)


def angles_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    units = [x / 255 * 2 - 1 for x in (a.astype(np.float64), b.astype(np.float64))]
    units = [x / np.linalg.norm(x, axis=-1, keepdims=True) for x in units]
    return np.degrees(np.arccos(np.clip((units[0] * units[1]).sum(axis=-1), -1, 1)))


def test_images_are_told_apart_by_their_material():
    document, _ = unpack_glb(PLAIN)
    names = {document["images"][index]["name"]: role for index, role in image_roles(document).items()}
    assert names == {"albedo": "color", "roughness": "data", "normal": "normal"}


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_every_kind_shows_the_same_picture(kind):
    plain = images_of(*unpack_glb(PLAIN))
    small = images_of(*pack(*unpack_glb(PLAIN), PackOptions(textures=kind)))
    assert set(small) == set(plain)
    for name, (data, mime) in small.items():
        error = np.abs(opened(data) - opened(plain[name][0]))
        assert error.mean() < (0.01 if kind == "png" else 10)  # hard edges
        with Image.open(io.BytesIO(data)) as image:
            assert mime == f"image/{str(image.format).lower()}"
    assert small["albedo"][1] == f"image/{kind}"


def test_webp_is_required_and_named_by_its_textures():
    document, _ = pack(*unpack_glb(PLAIN), profile("web"))
    assert "EXT_texture_webp" in document["extensionsRequired"]
    for texture in document["textures"]:
        source = texture.get(
            "source", texture.get("extensions", {}).get("EXT_texture_webp", {}).get("source")
        )
        is_webp = document["images"][source]["mimeType"] == "image/webp"
        assert is_webp == ("source" not in texture)
    back, binary = pack(
        *unpack_glb(pack_glb(*pack(*unpack_glb(PLAIN), profile("web")))), PackOptions(textures="png")
    )
    assert all("source" in texture and "extensions" not in texture for texture in back["textures"])
    assert opened(images_of(back, binary)["albedo"][0]).shape == (256, 256, 3)


def test_a_normal_map_keeps_its_chroma_and_its_angles():
    normals = rough_normals()
    data, mime = encode(normals, "WEBP", "normal", PackOptions())
    angles = angles_deg(opened(data), normals)
    assert angles.mean() < 2
    if mime == "image/jpeg":
        with Image.open(io.BytesIO(data)) as image:
            assert {layer[1:3] for layer in image.layer} == {(1, 1)}
    # What a WebP as for colours would do.
    bent = angles_deg(opened(encode(normals, "WEBP", "color", PackOptions(texture_quality=90))[0]), normals)
    assert bent.mean() > 1.1 * angles.mean()


def test_the_size_limit_holds_and_smaller_images_stay():
    small = images_of(*pack(*unpack_glb(PLAIN), PackOptions(texture_size=64)))
    assert {opened(data).shape for data, _ in small.values()} == {(64, 64, 3)}
    plain = images_of(*unpack_glb(PLAIN))
    assert images_of(*pack(*unpack_glb(PLAIN), PackOptions(texture_size=256))) == plain


def test_colours_are_averaged_in_linear_light():
    checker = np.zeros((64, 64, 3), np.uint8)
    checker[::2, ::2] = checker[1::2, 1::2] = 255
    assert np.abs(resize_image(checker, 32, "color").astype(int) - 188).max() <= 1
    assert np.abs(resize_image(checker, 32, "data").astype(int) - 128).max() <= 1


@pytest.mark.parametrize("limit", [128, 100, 7])
def test_resized_normals_are_of_unit_length(limit):
    small = resize_image(rough_normals(), limit, "normal")
    assert small.shape == (limit, limit, 3)
    assert np.abs(np.linalg.norm(small / 255 * 2 - 1, axis=-1) - 1).max() < 0.01


@pytest.mark.parametrize("role", ["color", "normal", "data"])
def test_an_even_image_stays_even_at_any_size(role):
    even = np.full((60, 40, 3), (90, 160, 220), np.uint8)
    for limit in (59, 30, 7):
        small = resize_image(even, limit, role)
        assert max(small.shape) == limit
        assert (small.max(axis=(0, 1)) == small.min(axis=(0, 1))).all()
    assert np.abs(resize_image(even, 30, "color").astype(int) - even[0, 0]).max() <= 1


def test_an_image_that_cannot_be_read_is_refused():
    document, binary = unpack_glb(PLAIN)
    view = document["bufferViews"][document["images"][0]["bufferView"]]
    begin, size = view["byteOffset"], view["byteLength"]
    with pytest.raises(InputError, match="Image 0 of the file cannot be read"):
        pack(document, binary[:begin] + bytes(size) + binary[begin + size :], PackOptions(textures="jpeg"))


def test_transparency_does_not_go_into_a_jpeg():
    with pytest.raises(InputError, match="transparency, which JPEG cannot hold; give PNG or WebP"):
        encode(np.zeros((8, 8, 4), np.uint8), "JPEG", "color", PackOptions())


def test_ktx2_without_an_encoder_names_what_to_install(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"ktx, toktx and basisu.*install KTX-Software.*or choose webp"
    ):
        pack(*unpack_glb(PLAIN), PackOptions(textures="ktx2"))


def test_ktx2_wants_sides_of_whole_blocks():
    with pytest.raises(InputError, match="multiples of 4; this one is 10 by 12"):
        encode_ktx2(np.zeros((12, 10, 3), np.uint8), "color")


def stand_in(folder, monkeypatch, body: str) -> None:
    """Put a program `ktx` first on the path; its last word is the output, as with the real one."""
    program = folder / "ktx"
    program.write_text(f"#!/bin/sh\nfor last; do :; done\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_ktx2_images_are_wired_into_the_document(tmp_path, monkeypatch):
    magic = "".join(f"\\{byte:03o}" for byte in MAGIC)
    stand_in(tmp_path, monkeypatch, f'printf "{magic}" > "$last"; echo "$@" >> "$last"')
    document, binary = pack(*unpack_glb(PLAIN), PackOptions(textures="ktx2"))
    assert "KHR_texture_basisu" in document["extensionsRequired"]
    images = images_of(document, binary)
    assert {mime for _, mime in images.values()} == {"image/ktx2"}
    assert b"basis-lz" in images["albedo"][0]
    assert b"R8G8B8_SRGB" in images["albedo"][0]
    assert b"uastc" in images["normal"][0]
    assert b"R8G8B8_UNORM" in images["normal"][0]
    sources = [texture["extensions"]["KHR_texture_basisu"]["source"] for texture in document["textures"]]
    assert sources == [0, 1, 2]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo no licence >&2; exit 3", "encoder ktx failed: no licence"),
        ("exit 0", "encoder ktx failed: without a word"),
        ('echo hello > "$last"', "encoder ktx wrote something that is no KTX2 file"),
    ],
)
def test_an_encoder_that_fails_is_reported(tmp_path, monkeypatch, body, message):
    stand_in(tmp_path, monkeypatch, body)
    with pytest.raises(StageError, match=message):
        encode_ktx2(np.zeros((8, 8, 3), np.uint8), "color")


@pytest.mark.parametrize("program", ["ktx", "toktx", "basisu"])
def test_each_encoder_is_told_what_the_image_is(program, tmp_path):
    source, target = tmp_path / "a.png", tmp_path / "a.ktx2"
    color = ktx2_command(program, "color", source, target, alpha=False)
    normal = ktx2_command(program, "normal", source, target, alpha=False)
    assert color[0] == program
    assert {str(source), str(target)} <= set(color)
    assert any("uastc" in word for word in normal)
    assert not any("uastc" in word for word in color)


def test_profiles_of_a_textured_twin_meet_their_budgets():
    for name in ("web", "mobile"):
        options = profile(name)
        size = len(pack_glb(*pack(*unpack_glb(PLAIN), replace(options, texture_size=options.texture_size))))
        assert size < options.budget_bytes


BASIS_LZ, ZSTANDARD = 1, 2
"""Supercompression schemes of KTX 2.0: ETC1S and UASTC images have one each."""


@pytest.mark.node
@pytest.mark.parametrize(
    ("role", "scheme", "transfer"), [("color", BASIS_LZ, 2), ("data", BASIS_LZ, 1), ("normal", ZSTANDARD, 1)]
)
def test_a_real_encoder_makes_what_the_extension_asks_for(tmp_path, monkeypatch, role, scheme, transfer):
    put_basisu_on_the_path(tmp_path, monkeypatch)
    data = encode_ktx2(rough_normals(64), role)
    assert data == encode_ktx2(rough_normals(64), role)
    fields = np.frombuffer(data[12:48], "<u4")
    assert tuple(fields[[0, 2, 3]]) == (0, 64, 64)  # no plain format; width and height
    assert fields[7] == 7  # mipmaps from 64 to 1
    assert fields[8] == scheme
    descriptor = int.from_bytes(data[48:52], "little")
    assert data[descriptor + 14] == transfer  # 1 linear, 2 sRGB
