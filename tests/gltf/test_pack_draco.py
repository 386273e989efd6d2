from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import KDTree

from bodyscan.errors import InputError, MissingExtraError
from bodyscan.gltf import read_consent, read_glb, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.khronos import khronos_findings
from bodyscan.gltf.levels import collision_to_glb
from bodyscan.gltf.pack import PackOptions, pack
from bodyscan.gltf.validate import ERROR, check_glb
from gltf.complete import complete_small_twin
from gltf.full_size import full_size_twin
from gltf.shapes import CONSENT, small_twin
from gltf.skinning import pose_body, rotation
from gltf.tools import need_module, need_npm_package

GLB = twin_to_glb(small_twin())
DRACO = PackOptions(compress="draco")
EXTENSION = "KHR_draco_mesh_compression"


@pytest.fixture(autouse=True)
def _draco():
    need_module("DracoPy")


def packed(glb: bytes, options: PackOptions) -> bytes:
    return pack_glb(*pack(*unpack_glb(glb), options))


@pytest.mark.parametrize("options", [DRACO, replace(DRACO, quantize=True)])
def test_a_draco_twin_is_the_plain_one_posed_and_shaped(options):
    glb = twin_to_glb(full_size_twin())
    small = packed(glb, options)
    assert len(small) < 0.8 * len(glb)
    assert packed(glb, options) == small
    plain, body = read_glb(glb), read_glb(small)
    text, positions, _ = read_consent(small)
    assert text == CONSENT
    assert np.array_equal(positions, body.positions)
    assert KDTree(positions).query(plain.positions)[0].max() < 2.5e-5
    assert body.morph_names == plain.morph_names
    turns, shapes = {"leftUpperArm": rotation("z", 60)}, {"jawOpen": 1.0, "mouthSmileLeft": 1.0}
    there, here = pose_body(plain, turns, shapes), pose_body(body, turns, shapes)
    # Byte weights turn a hand by 0.6 mm at most.
    assert KDTree(here).query(there)[0].max() < (6e-4 if options.quantize else 6e-5)
    assert not [finding for finding in check_glb(small) if finding.severity == ERROR]


def test_joints_weights_and_origins_are_kept_exactly():
    plain, body = read_glb(GLB), read_glb(packed(GLB, DRACO))
    for name in ("joint_indices", "joint_weights", "colors"):
        assert sorted(getattr(body, name).tolist()) == sorted(getattr(plain, name).tolist())
    assert sorted(body.vertex_source.tolist()) == sorted(plain.vertex_source.tolist())


def test_reading_without_dracopy_names_the_extra(monkeypatch):
    small = packed(GLB, DRACO)
    monkeypatch.setitem(sys.modules, "DracoPy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'bodyscan\[draco\]'.*or pack with meshopt"):
        read_consent(small)
    with pytest.raises(MissingExtraError, match="Draco meshes need DracoPy"):
        pack(*unpack_glb(GLB), DRACO)


def edited(edit) -> bytes:
    document, binary = unpack_glb(packed(GLB, DRACO))
    edit(document, document["meshes"][0]["primitives"][0])
    return pack_glb(document, binary)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d, p: p["extensions"][EXTENSION].update(bufferView=0), "Draco data is damaged"),
        (
            lambda d, p: p["extensions"][EXTENSION].update(bufferView=99),
            "Buffer view 99 of the file is damaged",
        ),
        (
            lambda d, p: p["extensions"][EXTENSION]["attributes"].update(POSITION=77),
            "Draco data is damaged",
        ),
        (
            lambda d, p: p["extensions"][EXTENSION]["attributes"].pop("POSITION"),
            "Draco data lacks the attribute POSITION, and nothing",
        ),
        (
            lambda d, p: d["accessors"][p["attributes"]["POSITION"]].update(count=10),
            r"POSITION is \(\d+, 3\), its accessor says \(10, 3\)",
        ),
        (
            lambda d, p: d["accessors"][p["attributes"]["POSITION"]].update(count=10**9),
            "stands for 1000000000 vertices",
        ),
        (lambda d, p: d["accessors"][p["indices"]].update(count=3), "indices, its accessor says 3"),
        (
            lambda d, p: d["accessors"][p["attributes"]["NORMAL"]].update(
                componentType=5120, normalized=True
            ),
            "",
        ),
    ],
)
def test_damaged_draco_data_is_refused(edit, message):
    if not message:
        read_consent(edited(edit))  # normals are not part of what the consent is bound to
        return
    with pytest.raises(InputError, match=message):
        read_consent(edited(edit))


@pytest.mark.parametrize("change", [0.0, 0.2])
def test_a_plain_copy_must_agree_with_the_stream(change):
    document, binary = unpack_glb(packed(GLB, DRACO))
    body = read_glb(GLB)
    small = read_glb(packed(GLB, DRACO))
    positions = small.positions.copy()
    assert len(positions) == len(body.positions)
    positions[0, 0] += np.float32(change)
    binary += bytes(-len(binary) % 4)
    view = {"buffer": 0, "byteOffset": len(binary), "byteLength": positions.nbytes}
    document["bufferViews"].append(view)
    index = document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    document["accessors"][index]["bufferView"] = len(document["bufferViews"]) - 1
    data = pack_glb(document, binary + positions.tobytes())
    if change:
        with pytest.raises(InputError, match="a Draco copy and a plain copy of POSITION, and they differ"):
            read_consent(data)
    else:
        assert np.array_equal(read_consent(data)[1], small.positions)


def test_a_declared_manifold_stays_plain():
    glb = collision_to_glb(complete_small_twin())
    small = packed(glb, DRACO)
    assert EXTENSION not in unpack_glb(small)[0].get("extensionsUsed", [])
    assert np.array_equal(read_glb(small).faces, read_glb(glb).faces)


def test_a_quantised_mesh_is_refused():
    with pytest.raises(InputError, match="quantised already; give the uncompressed master file"):
        pack(*pack(*unpack_glb(GLB), PackOptions(quantize=True)), DRACO)


@pytest.mark.node
@pytest.mark.parametrize("options", [DRACO, replace(DRACO, quantize=True)])
def test_the_khronos_validator_finds_nothing(options):
    found = khronos_findings(packed(GLB, options), need_npm_package("gltf-validator"))
    assert [finding for finding in found if finding.severity in ("error", "warning")] == []
