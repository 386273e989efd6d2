from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.errors import InputError, MissingExtraError, StageError
from bodyscan.gltf import GltfOptions, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.khronos import khronos_findings
from bodyscan.gltf.validate import ARKIT_NAMES, GlbBudget, check_glb
from bodyscan.types import Morph, Skeleton
from gltf.full_size import full_size_twin
from gltf.shapes import small_twin
from gltf.test_read import GLB, drop_extension, drop_extras, drop_xmp, edited
from gltf.tools import need_npm_package


def codes(data: bytes, **budget: float) -> set[str]:
    return {finding.code for finding in check_glb(data, GlbBudget(**budget))}  # pyright: ignore[reportArgumentType]


def complete_twin():
    """Return the small twin with all 52 shapes, so that nothing is left to find."""
    twin = small_twin()
    shapes = tuple(replace(twin.morphs[0], name=name) for name in sorted(ARKIT_NAMES))
    return replace(twin, morphs=shapes)


def test_there_are_52_arkit_shapes():
    assert len(ARKIT_NAMES) == 52


def test_nothing_is_found_in_a_good_twin():
    assert check_glb(twin_to_glb(complete_twin())) == ()


def patched(accessor: int, row: int, values: np.ndarray) -> bytes:
    document, binary = unpack_glb(GLB)
    view = document["bufferViews"][document["accessors"][accessor]["bufferView"]]
    blob = bytearray(binary)
    begin = view["byteOffset"] + row * values.nbytes
    blob[begin : begin + values.nbytes] = values.tobytes()
    return pack_glb(document, bytes(blob))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (patched(4, 7, np.array([0.5, 0.2, 0, 0], np.float32)), "WEIGHTS_DO_NOT_SUM_TO_ONE"),
        (patched(4, 7, np.array([1.5, -0.5, 0, 0], np.float32)), "NEGATIVE_WEIGHT"),
        (patched(2, 7, np.array([0, 2, 0], np.float32)), "NORMAL_NOT_UNIT"),
        (patched(1, 7, np.array([0, 90, 0], np.float32)), "UNUSUAL_HEIGHT"),
        (patched(1, 7, np.array([0, -0.5, 0], np.float32)), "NOT_ON_THE_FLOOR"),
        (edited(lambda d: d["nodes"][5].update(translation=[0.2, 0.2, 0.001])), "NOT_IN_BIND_POSE"),
        (edited(lambda d: d["nodes"][5].update(rotation=[0.0, 0.0, 0.1, 0.995])), "NOT_IN_BIND_POSE"),
        (edited(lambda d: d["meshes"][0]["primitives"][0]["attributes"].pop("NORMAL")), "NO_NORMALS"),
        (edited(lambda d: d["meshes"][0]["primitives"][0]["attributes"].pop("TEXCOORD_0")), "NO_UVS"),
        (edited(lambda d: d["meshes"][0].update(weights=[1.0, 0.0, 0.0])), "MORPH_NOT_AT_REST"),
        (edited(lambda d: d["meshes"][0]["extras"].update(targetNames=["a", "a", "b"])), "MORPH_NAME_TWICE"),
        (
            edited(lambda d: d["meshes"][0]["extras"].update(targetNames=["a", "c", "b"])),
            "MORPH_NAME_NOT_ARKIT",
        ),
        (GLB, "MORPHS_MISSING"),
        (edited(drop_xmp), "CONSENT_COPY_LOST"),
        (edited(lambda d: [drop(d) for drop in (drop_extension, drop_xmp, drop_extras)]), "NO_CONSENT"),
        (edited(lambda d: [drop_extras(d), d["asset"].pop("extras")]), "NO_PROVENANCE"),
    ],
)
def test_a_fault_is_found(data, code):
    assert code in codes(data)
    assert code not in codes(GLB) or code == "MORPHS_MISSING"


@pytest.mark.parametrize("what", ["file_bytes", "triangles", "joints"])
def test_budgets_are_watched(what):
    assert codes(GLB, **{what: 3}) - codes(GLB) == {f"OVER_BUDGET_{what.removeprefix('file_').upper()}"}


@pytest.mark.node
@pytest.mark.parametrize(
    "options", [GltfOptions(), GltfOptions(morph_normals=False), GltfOptions(morphs=False)]
)
def test_the_khronos_validator_finds_no_error_and_no_warning(options):
    findings = khronos_findings(twin_to_glb(complete_twin(), options), need_npm_package("gltf-validator"))
    assert [f for f in findings if f.severity in ("error", "warning")] == []
    assert {f.code for f in findings} == {"UNSUPPORTED_EXTENSION", "UNUSED_OBJECT"}


@pytest.mark.node
def test_the_khronos_validator_accepts_a_twin_of_full_size():
    findings = khronos_findings(twin_to_glb(full_size_twin()), need_npm_package("gltf-validator"))
    assert {f.severity for f in findings} == {"info"}


def test_nothing_is_found_in_a_twin_of_full_size():
    assert check_glb(twin_to_glb(full_size_twin())) == ()


@pytest.mark.node
def test_the_khronos_validator_accepts_awkward_twins():
    twin = small_twin()
    indices, weights = np.array(twin.rig.joint_indices), np.array(twin.rig.joint_weights)
    rng = np.random.default_rng(3)
    indices[:] = rng.integers(0, 300, indices.shape)
    indices[::3, 1] = indices[::3, 0]
    weights[:] = rng.dirichlet((0.3,) * 4, len(weights))
    skeleton = Skeleton(
        tuple(f"joint_{i}" for i in range(300)),
        np.maximum(np.arange(300) - 2, 0) - (np.arange(300) == 0),
        rng.random((300, 3)),
    )
    rig = replace(twin.rig, joint_indices=indices, joint_weights=weights, skeleton=skeleton)
    lone = Morph("tongueOut", np.array([0]), np.array([[0.0, 0.0, 0.01]]))
    data = twin_to_glb(replace(twin, rig=rig, morphs=(lone,)))
    findings = khronos_findings(data, need_npm_package("gltf-validator"))
    assert [f for f in findings if f.severity in ("error", "warning")] == []


@pytest.mark.node
def test_the_khronos_validator_is_really_asked(tmp_path):
    path = tmp_path / "bad.glb"
    path.write_bytes(patched(4, 7, np.array([0.5, 0.2, 0, 0], np.float32)))
    findings = khronos_findings(path, need_npm_package("gltf-validator"))
    assert "ACCESSOR_WEIGHTS_NON_NORMALIZED" in {f.code for f in findings if f.severity == "error"}


@pytest.mark.node
def test_a_missing_validator_or_file_is_refused(tmp_path):
    modules = need_npm_package("gltf-validator")
    with pytest.raises(MissingExtraError, match=r"gltf-validator is not in .*; run `npm ci` there"):
        khronos_findings(GLB, tmp_path)
    with pytest.raises(InputError, match=r"no\.glb cannot be read: No such file"):
        khronos_findings(tmp_path / "no.glb", modules)


@pytest.mark.node
def test_a_validator_that_does_not_answer_is_reported(tmp_path):
    need_npm_package("gltf-validator")
    package = tmp_path / "gltf-validator"
    package.mkdir()
    (package / "package.json").write_text('{"main": "index.js"}')
    (package / "index.js").write_text("exports.validateBytes = () => Promise.reject('out of order');")
    with pytest.raises(StageError, match="gave no report: out of order"):
        khronos_findings(GLB, tmp_path)
    (package / "index.js").write_text(
        "setInterval(() => {}, 1000); exports.validateBytes = () => new Promise(() => {});"
    )
    with pytest.raises(StageError, match=r"did not finish within 0\.5 s"):
        khronos_findings(GLB, tmp_path, timeout_s=0.5)


def test_a_missing_node_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"needs Node\.js; install it"):
        khronos_findings(GLB, tmp_path)
