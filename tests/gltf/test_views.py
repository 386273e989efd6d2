"""Compressed data beside plain data: one file must not show two things."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.gltf import read_consent, read_glb, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.pack.meshopt_codec import encode_attributes
from gltf.shapes import CONSENT, small_twin

GLB = twin_to_glb(small_twin())


def compressed_beside_plain(change: float) -> bytes:
    """Return the twin with a meshopt copy beside its plain positions, the first moved by `change` metres."""
    document, binary = unpack_glb(GLB)
    view = document["bufferViews"][1]
    begin, end = view["byteOffset"], view["byteOffset"] + view["byteLength"]
    positions = np.frombuffer(binary[begin:end], np.float32).reshape(-1, 3).copy()
    positions[0, 0] += np.float32(change)
    packed = encode_attributes(positions.view(np.uint8).reshape(-1, 12))
    binary += bytes(-len(binary) % 4)
    view["extensions"] = {
        "EXT_meshopt_compression": {
            "buffer": 0,
            "byteOffset": len(binary),
            "byteLength": len(packed),
            "byteStride": 12,
            "mode": "ATTRIBUTES",
            "count": len(positions),
        }
    }
    return pack_glb(document, binary + packed)


def test_a_compressed_copy_that_equals_the_plain_one_is_read():
    _, positions, _ = read_consent(compressed_beside_plain(0.0))
    assert np.array_equal(positions, read_consent(GLB)[1])


@pytest.mark.parametrize("change", [1e-6, 0.1])
def test_a_compressed_copy_with_another_shape_is_refused(change):
    for read in (read_glb, read_consent):
        with pytest.raises(InputError, match="a compressed and a plain copy of the same data, and they"):
            read(compressed_beside_plain(change))


def test_a_placeholder_buffer_that_plain_data_names_is_refused():
    document, binary = unpack_glb(GLB)
    document["buffers"].append({"byteLength": 10**6})
    assert read_consent(pack_glb(document, binary))[0] == CONSENT  # nothing names it
    document["bufferViews"][1]["buffer"] = 1
    with pytest.raises(InputError, match="takes data from outside its own binary chunk"):
        read_consent(pack_glb(document, binary))


def test_data_that_would_fill_the_memory_is_refused():
    document, binary = unpack_glb(compressed_beside_plain(0.0))
    view = document["bufferViews"][1]
    view["extensions"]["EXT_meshopt_compression"]["count"] = 10**8
    view["byteLength"] = 12 * 10**8
    view["buffer"] = 1
    document["buffers"].append({"byteLength": 12 * 10**8})
    with pytest.raises(InputError, match="would fill more than 256 MiB"):
        read_consent(pack_glb(document, binary))


def test_a_count_that_does_not_fill_its_view_is_refused():
    document, binary = unpack_glb(compressed_beside_plain(0.0))
    document["bufferViews"][1]["extensions"]["EXT_meshopt_compression"]["count"] -= 1
    with pytest.raises(InputError, match="elements of 12 bytes stand for a view of"):
        read_consent(pack_glb(document, binary))
