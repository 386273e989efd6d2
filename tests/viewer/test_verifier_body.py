from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bodyscan.consent import reattest, seal
from bodyscan.consent.content import content_of
from bodyscan.consent.digest import geometry_digest
from bodyscan.errors import InputError
from bodyscan.gltf import twin_to_glb
from bodyscan.gltf.decode_meshopt import decode_meshopt
from bodyscan.gltf.pack.meshopt_codec import encode_attributes, encode_indices, encode_triangles
from bodyscan.gltf.read_content import read_content
from consent.people import NOW, SHOP, STUDIO, changed, signed_values
from gltf.full_size import full_size_twin
from gltf.shapes import small_twin
from viewer.agree import agreed
from viewer.bodies import (
    DOCUMENT_EDITS,
    PACKINGS,
    bound,
    containers,
    edited,
    edits,
    moved,
    packed,
    plain_twin,
)
from viewer.node import as_bytes, call, from_bytes, job, judge

pytestmark = pytest.mark.node


def verdicts(files: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """Check that the page and the package agree on all files; return what they say."""
    return agreed({name: (data, NOW) for name, data in files.items()})


@pytest.mark.slow
def test_an_edited_body_is_told_as_the_package_tells_it():
    found = verdicts({"as made": twin_to_glb(plain_twin()), **edits(plain_twin())})
    assert found["as made"]["geometry"] == "exact"
    assert {found[name]["geometry"] for name in PACKINGS} == {"repacked"}
    for name in (
        "girth + 1 %",
        "one vertex",
        "mirrored",
        "without an arm",
        "other weights",
        "a larger smile",
    ):
        assert found[name]["decision"] == "deny", name
    assert found["other colours"]["parts"]["texture"] == "altered"
    assert found["a shape less"]["parts"]["morphs"] == "missing"
    assert found["a tenth of a millimetre"]["decision"] == "allow"


def test_the_reason_is_the_packages():
    files = [moved(plain_twin(), lambda at: at * 100), moved(plain_twin(), lambda at: at * (-1, 1, 1))]
    scaled, mirrored = judge(*[job(data, NOW) for data in files])
    assert "scaled by 100: are the units centimetres?" in scaled["reason"]
    assert mirrored["state"] in ("altered", "unbound")


def test_an_edited_document_is_judged_alike():
    found = verdicts({name: edited(plain_twin(), edit) for name, edit in DOCUMENT_EDITS.items()})
    assert found["no copies at all"]["state"] == "stripped"
    assert {found[name]["decision"] for name in ("no extension", "no packet", "no extras")} == {"allow"}
    assert {found[name]["state"] for name in ("one copy of another", "a space behind one copy")} == {
        "altered"
    }
    for name in ("a circle of nodes", "an index out of range", "points", "a view out of range"):
        assert found[name]["state"] == "unreadable", name
    for name in ("a second body", "a scaled joint", "glow", "a tint", "a mesh that nobody shows"):
        assert found[name]["decision"] == "deny", name


def test_a_damaged_container_is_refused_alike():
    found = verdicts(containers(twin_to_glb(plain_twin())))
    assert found.pop("something behind")["decision"] == "allow"
    assert {verdict["decision"] for verdict in found.values()} == {"deny"}


def test_the_copies_that_are_there_are_told():
    files = [edited(plain_twin(), DOCUMENT_EDITS[name]) for name in ("no packet", "no copies at all")]
    (two, none) = judge(*[job(data, NOW) for data in files])
    assert two["kinds"] == ["extension", "extras"]
    assert none["kinds"] == []


@pytest.mark.slow
def test_a_packers_word_counts_as_the_package_counts_it():
    shop = {"name": "Shop", "public_key": SHOP.public.model_dump()}
    files = {}
    for may_repack in (True, False):
        record = signed_values(changed(licensees=[{**shop, "may_repack": may_repack}]))
        twin = bound(small_twin(), record)
        mesh = twin.rig.mesh
        # The packer moved the body by 3 mm, beyond what passes without a word.
        shifted = mesh.vertices + np.array([0, 0.003, 0])
        made = replace(twin, rig=replace(twin.rig, mesh=replace(mesh, vertices=shifted)))
        content = content_of(made.rig, made.morphs, made.textures)
        for key, who in ((STUDIO, "the studio"), (SHOP, "the shop")):
            if key is SHOP and not may_repack:
                continue
            text = reattest(str(twin.consent), content, key, now=NOW, software="packer")
            files[f"by {who}, {may_repack}"] = twin_to_glb(replace(made, consent=text))
            wider = replace(mesh, vertices=mesh.vertices * (1.05, 1, 1.05))
            edited_after = replace(made, consent=text, rig=replace(made.rig, mesh=wider))
            files[f"by {who}, {may_repack}, edited after"] = twin_to_glb(edited_after)
        files[f"by nobody, {may_repack}"] = twin_to_glb(replace(made, consent=twin.consent))
    found = verdicts(files)
    attested = {name for name, verdict in found.items() if verdict["geometry"] == "reattested"}
    assert attested == {"by the studio, True", "by the shop, True", "by the studio, False"}


def test_digests_are_the_packages():
    rng = np.random.default_rng(5)
    arguments, expected = [], []
    for count in (3, 50, 800):
        points = rng.choice([0.0, -0.0, 0.5, -1.25, 1e-30], (count, 3)).astype(np.float32)
        points += rng.normal(size=(count, 3)).astype(np.float32) * (rng.random((count, 1)) < 0.7)
        faces = rng.integers(0, count, (count * 2, 3))
        expected.append(geometry_digest(points, faces))
        indices = as_bytes(faces.astype("<u4").tobytes())["$bytes"]
        arguments.append([{"$floats": as_bytes(points.tobytes())["$bytes"]}, {"$indices": indices}])
    found = call("digest.js", "geometryDigest", *arguments)
    assert [result["value"] for result in found] == expected


def decoded(data: bytes, count: int, stride: int, mode: str, filter_name: str) -> bytes | None:
    try:
        return decode_meshopt(data, count, stride, mode, filter_name).tobytes()
    except InputError:
        return None


def test_compressed_streams_are_read_alike():
    rng = np.random.default_rng(7)
    jobs: list[tuple[bytes, int, int, str, str]] = []
    for stride in (4, 8, 12, 64):
        for spread in (1, 3, 16, 256):
            elements = rng.integers(0, spread, (300, stride)).astype(np.uint8)
            jobs.append((encode_attributes(elements), 300, stride, "ATTRIBUTES", "NONE"))
    for name, stride in (("OCTAHEDRAL", 4), ("OCTAHEDRAL", 8), ("QUATERNION", 8), ("COLOR", 4), ("COLOR", 8)):
        elements = rng.integers(1, 120, (200, stride)).astype(np.uint8)
        jobs.append((encode_attributes(elements), 200, stride, "ATTRIBUTES", name))
    faces = np.asarray(small_twin().rig.mesh.faces, np.int64)
    jobs.append((encode_triangles(faces), faces.size, 4, "TRIANGLES", "NONE"))
    jobs.append((encode_triangles(faces), faces.size, 2, "TRIANGLES", "NONE"))
    jobs.append((encode_indices(rng.integers(0, 5000, 400)), 400, 4, "INDICES", "NONE"))
    for data, count, stride, mode, name in list(jobs[::3]):
        damaged = [data[:place] for place in (0, 1, len(data) // 2, len(data) - 1)] + [data + b"\0"]
        for place in (0, len(data) // 2, len(data) - 1):
            flipped = bytearray(data)
            flipped[place] ^= 0x5A
            damaged.append(bytes(flipped))
        jobs += [(one, count, stride, mode, name) for one in damaged]
    expected = [decoded(*one) for one in jobs]
    results = call("meshopt.js", "decodeMeshopt", *[[as_bytes(data), *rest] for data, *rest in jobs])
    found = [from_bytes(result) if "value" in result else None for result in results]
    differing = [
        (place, jobs[place][1:])
        for place, (page, package) in enumerate(zip(found, expected, strict=True))
        if not same_values(page, package, jobs[place])
    ]
    assert differing == []
    assert None in expected


def same_values(page: bytes | None, package: bytes | None, job: tuple[bytes, int, int, str, str]) -> bool:
    """To the bit; filters leave the last step to the reader."""
    if page is None or package is None or job[4] == "NONE":
        return page == package
    kind = ("<i1", "<i2")[job[2] == 8] if job[4] != "COLOR" else ("<u1", "<u2")[job[2] == 8]
    apart = np.frombuffer(page, kind).astype(int) - np.frombuffer(package, kind).astype(int)
    return bool(np.abs(apart).max() <= 1)


@pytest.mark.slow
def test_a_twin_of_full_size_is_judged_alike_and_soon():
    twin = bound(full_size_twin())
    data = twin_to_glb(twin)
    files = {"as made": data, "girth": moved(twin, lambda at: at * (1.01, 1, 1.01))}
    files |= {name: packed(data, packing) for name, packing in PACKINGS.items()}
    found = verdicts(files)
    assert found["as made"]["geometry"] == "exact"
    assert found["girth"]["decision"] == "deny"
    assert {found[name]["geometry"] for name in PACKINGS} == {"repacked"}
    _, content = read_content(data)
    assert len(content.faces) > 27_000
    assert seal(content).geometry == geometry_digest(content.positions, content.faces)
    (page,) = judge(job(data, NOW))
    assert page["milliseconds"] < 5000  # a second on a quiet machine
