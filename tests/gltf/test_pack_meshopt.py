from __future__ import annotations

import base64
import contextlib
import json
import subprocess
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.errors import InputError
from bodyscan.gltf.decode_meshopt import decode_meshopt
from bodyscan.gltf.pack.meshopt_codec import encode_attributes, encode_indices, encode_triangles
from bodyscan.gltf.pack.reorder import triangle_order, vertex_order
from gltf.full_size import full_size_twin
from gltf.shapes import small_twin
from gltf.tools import need_npm_package

FACES = np.asarray(small_twin().rig.mesh.faces, np.int64)

SCRIPT = """
import { MeshoptDecoder, MeshoptEncoder } from 'meshoptimizer';
import fs from 'fs';
await MeshoptDecoder.ready; await MeshoptEncoder.ready;
const done = JSON.parse(fs.readFileSync(0)).map(job => {
  const data = new Uint8Array(Buffer.from(job.data, 'base64'));
  if (job.values) {
    const floats = new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
    return MeshoptEncoder[job.values](floats, job.count, job.stride, job.bits);
  }
  if (job.encode) return MeshoptEncoder.encodeGltfBuffer(data, job.count, job.stride, job.mode, job.version);
  const out = new Uint8Array(job.count * job.stride);
  MeshoptDecoder.decodeGltfBuffer(out, job.count, job.stride, data, job.mode, job.filter);
  return out;
});
console.log(JSON.stringify(done.map(data => Buffer.from(data).toString('base64'))));
"""


def turned(faces: Any) -> np.ndarray:
    """Return triangles (F, 3), each turned to the least of its three ways to be written."""
    rows = np.asarray(faces).reshape(-1, 3).tolist()
    least = [min((a, b, c), (b, c, a), (c, a, b)) for a, b, c in rows]
    return np.array(least, np.int64).reshape(-1, 3)


def reference(jobs: list[dict[str, Any]]) -> list[bytes]:
    """Run the reference codec (npm `meshoptimizer`) over the jobs."""
    modules = need_npm_package("meshoptimizer")
    sent = [job | {"data": base64.b64encode(job["data"]).decode()} for job in jobs]
    done = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        cwd=modules.parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [base64.b64decode(text) for text in json.loads(done.stdout)]


def decoded_triangles(data: bytes, count: int, stride: int = 4) -> np.ndarray:
    flat = decode_meshopt(data, count, stride, "TRIANGLES", "NONE")
    return flat.view(f"<u{stride}").reshape(-1, 3)


@given(
    count=st.integers(0, 700),
    stride=st.sampled_from([4, 8, 12, 32, 64, 256]),
    spread=st.sampled_from([1, 3, 16, 256]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_attributes_come_back_as_they_were(count, stride, spread, seed):
    elements = np.random.default_rng(seed).integers(0, spread, (count, stride)).astype(np.uint8)
    packed = encode_attributes(elements)
    assert np.array_equal(decode_meshopt(packed, count, stride, "ATTRIBUTES", "NONE"), elements)


@given(vertices=st.integers(1, 400), triangles=st.integers(0, 300), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_any_triangles_keep_their_order_and_orientation(vertices, triangles, seed):
    faces = np.random.default_rng(seed).integers(0, vertices, (triangles, 3))
    assert np.array_equal(turned(decoded_triangles(encode_triangles(faces), faces.size)), turned(faces))


@pytest.mark.parametrize("faces", [FACES, FACES[:0], np.arange(300).reshape(-1, 3), FACES[::-1]])
def test_the_triangles_of_a_body_come_back(faces):
    packed = encode_triangles(faces)
    assert np.array_equal(turned(decoded_triangles(packed, faces.size, 2)), turned(faces))


@given(st.lists(st.integers(0, 2**28), max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_index_list_comes_back(values):
    packed = encode_indices(values)
    decoded = decode_meshopt(packed, len(values), 4, "INDICES", "NONE").view("<u4").ravel()
    assert decoded.tolist() == values


def test_an_ordered_mesh_takes_little_more_than_a_byte_a_triangle():
    mesh = full_size_twin().rig.mesh
    count = len(mesh.vertices)
    faces = np.asarray(mesh.faces, np.int64)
    ordered = faces[triangle_order(faces, count)]
    place = np.empty(count, np.int64)
    place[vertex_order(ordered, count)] = np.arange(count)
    assert len(encode_triangles(place[ordered])) < 1.4 * len(faces)
    assert sorted(map(tuple, turned(ordered).tolist())) == sorted(map(tuple, turned(faces).tolist()))
    assert np.array_equal(np.sort(place), np.arange(count))


@pytest.mark.node
def test_the_reference_reads_what_is_written_and_is_read_itself():
    rng = np.random.default_rng(3)
    smooth = np.cumsum(rng.integers(-40, 40, (1000, 4)), axis=0).astype("<i2").view(np.uint8)
    floats = np.asarray(small_twin().rig.mesh.vertices, "<f4").view(np.uint8)
    wide = np.repeat(rng.integers(0, 2, (300, 256)), 3, axis=0).astype(np.uint8)
    flat = FACES.ravel()
    jobs, expected, ours = [], [], []
    for elements in (smooth, floats, wide, rng.integers(0, 256, (777, 36)).astype(np.uint8)):
        shape = {"count": elements.shape[0], "stride": elements.shape[1], "mode": "ATTRIBUTES"}
        ours.append((encode_attributes(elements), shape))
        expected.append(elements.tobytes())
    shape = {"count": len(flat), "stride": 4, "mode": "TRIANGLES"}
    ours.append((encode_triangles(FACES), shape))
    expected.append(decoded_triangles(ours[-1][0], len(flat)).tobytes())
    ours.append((encode_indices(flat), shape | {"mode": "INDICES"}))
    expected.append(flat.astype("<u4").tobytes())
    for packed, shape in ours:
        jobs.append(shape | {"data": packed, "filter": "NONE"})
    assert reference(jobs) == expected
    # The other way, both versions of the bitstream.
    for version in (0, 1):
        sources = [*expected[:4], flat.astype("<u4").tobytes(), expected[5]]
        shapes = [shape for _, shape in ours]
        packed = reference(
            [s | {"data": d, "encode": 1, "version": version} for s, d in zip(shapes, sources, strict=True)]
        )
        for data, shape, source in zip(packed, shapes, sources, strict=True):
            back = decode_meshopt(data, shape["count"], shape["stride"], shape["mode"], "NONE")
            if shape["mode"] == "TRIANGLES":
                assert np.array_equal(turned(back.view("<u4")), turned(FACES))
            else:
                assert back.tobytes() == source
        # The streams are as small as the reference's own, or nearly.
        if version == 0:
            assert sum(len(data) for data, _ in ours[:5]) < 1.01 * sum(map(len, packed[:5]))


@pytest.mark.node
@pytest.mark.parametrize(
    ("encoder", "filter_name", "stride", "bits", "kind", "steps"),
    [
        ("encodeFilterOct", "OCTAHEDRAL", 4, 8, "<i1", 1),
        ("encodeFilterOct", "OCTAHEDRAL", 8, 12, "<i2", 1),
        ("encodeFilterQuat", "QUATERNION", 8, 12, "<i2", 1),
        ("encodeFilterExp", "EXPONENTIAL", 16, 15, "<f4", 0),
        ("encodeFilterColor", "COLOR", 4, 8, "<u1", 1),
        ("encodeFilterColor", "COLOR", 8, 12, "<u2", 1),
    ],
)
def test_filters_decode_as_the_reference_does(encoder, filter_name, stride, bits, kind, steps):
    rng = np.random.default_rng(5)
    values = rng.normal(size=(500, 4)).astype("<f4")
    if filter_name == "COLOR":
        values = rng.random((500, 4)).astype("<f4")
    elif filter_name != "EXPONENTIAL":
        columns = 3 if filter_name == "OCTAHEDRAL" else 4
        values[:, :columns] /= np.linalg.norm(values[:, :columns], axis=1, keepdims=True)
        values[:, columns:] = 1
    shape = {"count": 500, "stride": stride}
    filtered = reference([shape | {"data": values.tobytes(), "values": encoder, "bits": bits}])[0]
    packed = encode_attributes(np.frombuffer(filtered, np.uint8).reshape(500, stride))
    job = shape | {"data": packed, "mode": "ATTRIBUTES", "filter": filter_name}
    expected = np.frombuffer(reference([job])[0], kind).astype(np.float64)
    ours = decode_meshopt(packed, 500, stride, "ATTRIBUTES", filter_name).ravel().view(kind)
    assert np.abs(ours.astype(np.float64) - expected).max() <= steps


GOOD = encode_attributes(np.arange(800, dtype=np.uint8).reshape(100, 8))
TRIANGLES = encode_triangles(FACES)
INDICES = encode_indices(np.arange(50))


@pytest.mark.parametrize(
    ("data", "count", "stride", "mode", "filter_name", "message"),
    [
        (GOOD, 100, 8, "VERTICES", "NONE", "the mode 'VERTICES' is not known"),
        (GOOD, 100, 8, "ATTRIBUTES", "SQUARE", "the filter 'SQUARE' is not known"),
        (GOOD, 100, 6, "ATTRIBUTES", "NONE", "the stride 6 is not a multiple of 4 up to 256"),
        (GOOD, 100, 260, "ATTRIBUTES", "NONE", "the stride 260 is not a multiple of 4 up to 256"),
        (GOOD, 100, 8, "INDICES", "NONE", "INDICES has the stride 8 and the filter NONE"),
        (GOOD, 100, 12, "ATTRIBUTES", "OCTAHEDRAL", "OCTAHEDRAL does not go with the stride 12"),
        (GOOD, 10**9, 8, "ATTRIBUTES", "NONE", "are more than 268435456 bytes"),
        (GOOD, -1, 8, "ATTRIBUTES", "NONE", "-1 elements of 8 bytes"),
        (GOOD, 200, 8, "ATTRIBUTES", "NONE", "cut short|bytes too many"),
        (GOOD, 50, 8, "ATTRIBUTES", "NONE", r"bytes too many"),
        (GOOD[:-1], 100, 8, "ATTRIBUTES", "NONE", "cut short|bytes too many"),
        (b"", 0, 8, "ATTRIBUTES", "NONE", "does not begin with 0xA0"),
        (b"\xa0", 0, 8, "ATTRIBUTES", "NONE", "cut short"),
        (b"\xa2" + GOOD[1:], 100, 8, "ATTRIBUTES", "NONE", "does not begin with 0xA0 or 0xA1"),
        (TRIANGLES, FACES.size + 3, 4, "TRIANGLES", "NONE", "bytes too many|cut short|never there"),
        (TRIANGLES, 4, 4, "TRIANGLES", "NONE", "no multiple of 3"),
        (TRIANGLES[:-3], FACES.size, 4, "TRIANGLES", "NONE", "meshopt data is damaged"),
        (b"\xe1\x00" + bytes(16), 3, 4, "TRIANGLES", "NONE", "an edge or vertex that was never there"),
        (b"\xe0" + bytes(40), 3, 4, "TRIANGLES", "NONE", "does not begin with 0xE1"),
        (INDICES, 51, 4, "INDICES", "NONE", "holds 50 values, not 51"),
        (b"\xd1\x80\x80\x80\x80\x80\x01" + bytes(4), 1, 4, "INDICES", "NONE", "more than 32 bits"),
        (encode_indices([70000]), 1, 2, "INDICES", "NONE", "too large for 16 bits"),
    ],
)
def test_damaged_streams_are_refused(data, count, stride, mode, filter_name, message):
    with pytest.raises(InputError, match=message):
        decode_meshopt(data, count, stride, mode, filter_name)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_damage_escapes_as_another_error(data):
    source, count, stride, mode = data.draw(
        st.sampled_from(
            [
                (GOOD, 100, 8, "ATTRIBUTES"),
                (TRIANGLES, FACES.size, 4, "TRIANGLES"),
                (INDICES, 50, 4, "INDICES"),
            ]
        )
    )
    blob = bytearray(source)
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(blob)))
    for stream in (bytes(blob), bytes(blob[:cut])):
        with contextlib.suppress(InputError):
            assert decode_meshopt(stream, count, stride, mode, "NONE").shape == (count, stride)
