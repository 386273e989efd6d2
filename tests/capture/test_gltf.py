"""GLB and glTF: transforms, skins, colours, textures, refusals."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.capture import read_scan
from bodyscan.errors import InputError

from .files import CUBE_QUADS, CUBE_VERTICES, GlbBuilder, signed_volume, write_glb

TRIANGLES = np.concatenate([CUBE_QUADS[:, [0, 1, 2]], CUBE_QUADS[:, [0, 2, 3]]]).astype("<u2")
POSITIONS = CUBE_VERTICES.astype("<f4")


def _cube(**attributes: int) -> tuple[GlbBuilder, dict]:
    builder = GlbBuilder()
    position = builder.accessor(POSITIONS, "VEC3")
    index = builder.accessor(TRIANGLES.reshape(-1), "SCALAR")
    return builder, {"attributes": {"POSITION": position, **attributes}, "indices": index}


def test_node_transforms_are_applied_down_the_tree(tmp_path: Path) -> None:
    builder, primitive = _cube()
    half = np.sqrt(0.5)
    path = builder.write(
        tmp_path / "cube.glb",
        scenes=[{"nodes": [0]}],
        nodes=[
            {"children": [1], "translation": [0, 10, 0], "rotation": [0, 0, half, half]},  # x -> y
            {"mesh": 0, "scale": [2, 1, -1]},
        ],
        meshes=[{"primitives": [primitive]}],
    )
    mesh = read_scan(path).mesh
    x, y, z = CUBE_VERTICES.T
    np.testing.assert_allclose(mesh.vertices, np.stack([-y, 10 + 2 * x, -z], axis=1), atol=1e-6)
    assert signed_volume(mesh.vertices, mesh.faces) == pytest.approx(2.0)  # the mirror turned the faces


def test_a_skin_at_the_pose_of_its_nodes(tmp_path: Path) -> None:
    builder, primitive = _cube()
    joints = np.zeros((8, 4), "u1")
    joints[4:, 0] = 1
    weights = np.tile(np.array([255, 0, 0, 0], "u1"), (8, 1))
    binds = np.stack([np.eye(4), np.eye(4)]).astype("<f4")
    binds[1, 3, :3] = [0, 0, -1]  # column by column: a shift of -1 along z
    primitive["attributes"]["JOINTS_0"] = builder.accessor(joints, "VEC4")
    primitive["attributes"]["WEIGHTS_0"] = builder.accessor(weights, "VEC4", normalized=True)
    bind = builder.accessor(binds.reshape(2, 16), "MAT4")
    path = builder.write(
        tmp_path / "skin.glb",
        scenes=[{"nodes": [0, 1, 2]}],
        nodes=[
            {"mesh": 0, "skin": 0, "translation": [100, 0, 0]},  # must play no part
            {},
            {"translation": [0, 0, 6]},
        ],
        meshes=[{"primitives": [primitive]}],
        skins=[{"joints": [1, 2], "inverseBindMatrices": bind}],
    )
    expected = CUBE_VERTICES.copy()
    expected[4:, 2] += 5
    np.testing.assert_allclose(read_scan(path).mesh.vertices, expected, atol=1e-6)


def test_linear_vertex_colours_become_srgb(tmp_path: Path) -> None:
    builder, primitive = _cube()
    colors = np.tile(np.array([0.0, 0.21404114, 1.0, 1.0], "<f4"), (8, 1))
    primitive["attributes"]["COLOR_0"] = builder.accessor(colors, "VEC4")
    path = builder.write(tmp_path / "c.glb", nodes=[{"mesh": 0}], meshes=[{"primitives": [primitive]}])
    read = read_scan(path).mesh.colors
    assert read is not None
    np.testing.assert_array_equal(np.unique(read, axis=0), [[0, 128, 255]])


def _png(color: list[int]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((2, 2, 3), color, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_the_base_colour_texture_is_read_with_its_transform(tmp_path: Path) -> None:
    builder, primitive = _cube()
    uvs = np.tile(np.array([0.5, 0.25], "<f4"), (8, 1))
    primitive["attributes"]["TEXCOORD_1"] = builder.accessor(uvs, "VEC2")
    primitive["material"] = 0
    image = builder.view(_png([10, 20, 30]))
    info = {
        "index": 0,
        "texCoord": 1,
        "extensions": {"KHR_texture_transform": {"offset": [0.1, 0], "scale": [1, 2]}},
    }
    path = builder.write(
        tmp_path / "t.glb",
        nodes=[{"mesh": 0}],
        meshes=[{"primitives": [primitive]}],
        materials=[{"pbrMetallicRoughness": {"baseColorTexture": info}}],
        textures=[{"source": 0}],
        images=[{"bufferView": image, "mimeType": "image/png"}],
        extensionsRequired=["KHR_texture_transform"],
    )
    capture = read_scan(path)
    assert capture.texture is not None
    assert capture.mesh.uvs is not None
    np.testing.assert_array_equal(capture.texture.image[0, 0], [10, 20, 30])
    np.testing.assert_allclose(capture.mesh.uvs[0], [0.6, 0.5], atol=1e-6)


def test_a_gltf_with_its_buffer_inside_and_one_with_a_buffer_elsewhere(tmp_path: Path) -> None:
    builder, primitive = _cube()
    uri = "data:application/octet-stream;base64," + base64.b64encode(builder.blob).decode()
    doc = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(builder.blob), "uri": uri}],
        "bufferViews": builder.views,
        "accessors": builder.accessors,
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
    }
    folder = tmp_path / "scan"
    folder.mkdir()
    path = folder / "cube.gltf"
    path.write_text(json.dumps(doc))
    assert signed_volume(read_scan(path).mesh.vertices, read_scan(path).mesh.faces) == pytest.approx(1.0)
    (tmp_path / "cube.bin").write_bytes(builder.blob)
    doc["buffers"][0]["uri"] = "../cube.bin"
    path.write_text(json.dumps(doc))
    with pytest.raises(InputError, match=r"needs its buffer \.\./cube\.bin, which is not in its folder"):
        read_scan(path)


def test_draco_is_refused_by_name(tmp_path: Path) -> None:
    path = write_glb(tmp_path / "d.glb", {"extensionsRequired": ["KHR_draco_mesh_compression"]}, b"")
    with pytest.raises(InputError, match=r"Draco compression .* without compression"):
        read_scan(path)


def test_version_1_and_an_empty_scene_are_refused(tmp_path: Path) -> None:
    path = write_glb(tmp_path / "e.glb", {"nodes": [{}], "scenes": [{"nodes": [0]}]}, b"")
    with pytest.raises(InputError, match="holds no mesh in its scene"):
        read_scan(path)
    data = bytearray(path.read_bytes())
    data[4] = 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="glTF version 1"):
        read_scan(path)


def test_an_accessor_that_leaves_its_buffer_is_refused(tmp_path: Path) -> None:
    builder, primitive = _cube()
    builder.accessors[0]["count"] = 1_000_000
    path = builder.write(tmp_path / "x.glb", nodes=[{"mesh": 0}], meshes=[{"primitives": [primitive]}])
    with pytest.raises(InputError, match="could not be read as GLB"):
        read_scan(path)
