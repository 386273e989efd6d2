"""A really signed and bound consent, from the assembled twin through the file to the verifier."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import trimesh

from bodyscan.consent import Purpose, Use, geometry_digest
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.state import ConsentState
from bodyscan.consent.verify import verify_bound
from bodyscan.gltf import read_consent, twin_to_glb, write_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.twin.assemble import assemble_twin
from gltf.shapes import small_twin

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def bound_twin():
    demo = make_demo_consent("Alba")
    made = small_twin()
    return assemble_twin(
        made.rig,
        made.morphs,
        made.measurements,
        made.landmarks,
        made.provenance,
        consent=demo.text,
        use=Use(Purpose.MAKE_TWIN),
        now=NOW,
        controller_key=demo.controller_key,
        pose="t",
    )


def state_of(data) -> ConsentState:
    text, positions, faces = read_consent(data)
    return verify_bound(text, geometry_digest(positions, faces), now=NOW).state


def test_the_consent_of_a_written_twin_is_valid(bound_twin, tmp_path):
    path = tmp_path / "twin.glb"
    write_glb(bound_twin, path)
    assert state_of(path) is ConsentState.VALID
    assert state_of(str(path)) is ConsentState.VALID


def test_it_stays_valid_through_another_tool(bound_twin):
    scene = trimesh.load_scene(trimesh.util.wrap_as_stream(twin_to_glb(bound_twin)), file_type="glb")
    data = scene.export(file_type="glb")
    assert isinstance(data, bytes)
    assert state_of(data) is ConsentState.VALID


@pytest.mark.parametrize("step_m", [1e-6, 1e-3])
def test_another_geometry_under_the_same_record_is_altered(bound_twin, step_m):
    document, binary = unpack_glb(twin_to_glb(bound_twin))
    primitive = document["meshes"][0]["primitives"][0]
    view = document["bufferViews"][document["accessors"][primitive["attributes"]["POSITION"]]["bufferView"]]
    blob = bytearray(binary)
    x = np.frombuffer(binary, np.float32, 1, view["byteOffset"]) + np.float32(step_m)
    blob[view["byteOffset"] : view["byteOffset"] + 4] = x.astype(np.float32).tobytes()
    assert state_of(pack_glb(document, bytes(blob))) is ConsentState.ALTERED


def test_a_second_mesh_beside_the_consented_one_is_altered(bound_twin):
    document, binary = unpack_glb(twin_to_glb(bound_twin))
    primitive = {"attributes": {"POSITION": document["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]}}
    document["meshes"].append({"primitives": [primitive]})
    assert state_of(pack_glb(document, binary)) is ConsentState.ALTERED


def test_without_its_copies_the_consent_is_stripped(bound_twin):
    document, binary = unpack_glb(twin_to_glb(bound_twin))
    del document["extensions"], document["nodes"][0]["extras"]
    assert state_of(pack_glb(document, binary)) is ConsentState.STRIPPED
