from __future__ import annotations

import hashlib
import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bodyscan.convert import FORMATS, blender_process, convert, convert_twin
from bodyscan.errors import ConsentError, InputError, MissingExtraError, StageError
from bodyscan.gltf import GltfOptions, read_glb, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from gltf.complete import with_parts
from gltf.full_size import full_size_twin
from gltf.shapes import CONSENT, small_twin
from gltf.tools import need_module

GLB = twin_to_glb(small_twin())
DIGEST = hashlib.sha256(CONSENT.encode()).hexdigest()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "twin.glb"
    path.write_bytes(GLB)
    return path


@pytest.fixture
def answering(monkeypatch):
    """Let a function answer in the place of Blender: (job, folder) -> answer."""

    def put(work):
        monkeypatch.setattr(convert, "need_blender", lambda: None)
        monkeypatch.setattr(convert, "run_in_blender", lambda job, folder, timeout_s, hold: work(job, folder))

    return put


def good_answer(job, folder: Path, **changes):
    """Write a small file for each output and answer that all is well."""
    body = read_glb(Path(job["glb"]))
    files = {}
    for name, path in job["outputs"].items():
        Path(path).write_bytes(f"new {name}".encode())
        np.savez(folder / f"{name}.npz", positions=body.positions, joints=body.skeleton.positions)
        files[name] = {
            "places": {"a text": DIGEST},
            "joint_names": list(body.skeleton.joint_names),
            "shapes": list(body.morph_names),
            "triangles": len(body.faces),
            "images": 0,
            "warnings": ["a remark"],
        } | changes
    return {"blender": "4.5.0", "files": files}


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_are_described(source, answering):
    answering(good_answer)
    outputs = {name: source.with_name(f"a.{name}") for name in FORMATS}
    done = convert_twin(source, outputs)
    assert (done.blender, done.consent_sha256) == ("4.5.0", DIGEST)
    assert list(done.files) == list(FORMATS)
    for name, file in done.files.items():
        data = outputs[name].read_bytes()
        assert data == f"new {name}".encode()
        assert (file.path, file.size_bytes) == (outputs[name], len(data))
        assert file.sha256 == hashlib.sha256(data).hexdigest()
        assert file.consent_places == ("a text",)
        assert (file.moved_m, file.joints_moved_m) == (0.0, 0.0)
        assert file.warnings == ("a remark",)
    assert left_in(source.parent) == ["a.blend", "a.fbx", "a.usdz", "twin.glb"]


def test_what_is_converted_is_what_was_read(source, answering):
    seen = {}

    def work(job, folder):
        seen.update(job, bytes=Path(job["glb"]).read_bytes())
        return good_answer(job, folder)

    answering(work)
    convert_twin(source, {"fbx": source.with_name("a.fbx")})
    assert (seen["bytes"], seen["record"]) == (GLB, CONSENT)
    assert Path(seen["glb"]) != source


def test_a_record_that_is_not_there_byte_for_byte_is_refused(source, answering):
    answering(lambda job, folder: good_answer(job, folder, places={"a text": DIGEST, "a node": "00"}))
    with pytest.raises(ConsentError, match=r"The fbx .* byte for byte in a node. Nothing was written"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})
    assert left_in(source.parent) == ["twin.glb"]


def test_a_result_without_any_place_is_refused(source, answering):
    answering(lambda job, folder: good_answer(job, folder, places={}))
    with pytest.raises(ConsentError, match=r"The fbx .* byte for byte in any place. Nothing was written"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})
    assert left_in(source.parent) == ["twin.glb"]


def test_a_result_that_is_not_the_twin_leaves_the_files_that_were_there(source, answering):
    answering(lambda job, folder: good_answer(job, folder, triangles=3))
    old = source.with_name("a.fbx")
    old.write_bytes(b"old")
    with pytest.raises(StageError, match="not the twin of the GLB: the number of triangles"):
        convert_twin(source, {"fbx": old, "usdz": source.with_name("a.usdz")})
    assert left_in(source.parent) == ["a.fbx", "twin.glb"]
    assert old.read_bytes() == b"old"


def test_a_crash_in_the_middle_leaves_nothing(source, monkeypatch):
    script = source.parent.parent / f"{source.parent.name}.py"
    script.write_text(
        "import json, os, sys\n"
        "job = json.load(open(sys.argv[1]))\n"
        "open(job['outputs']['fbx'], 'w').write('half')\n"
        "os.abort()\n"
    )
    monkeypatch.setattr(blender_process, "SCRIPT", script)
    monkeypatch.setattr(convert, "need_blender", lambda: None)
    with pytest.raises(StageError, match="signal SIGABRT"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})
    assert left_in(source.parent) == ["twin.glb"]


def test_an_output_that_blender_says_it_wrote_and_did_not_is_told(source, answering):
    def work(job, folder):
        answer = good_answer(job, folder)
        Path(job["outputs"]["fbx"]).unlink()
        return answer

    answering(work)
    with pytest.raises(InputError, match="could not be written: No such file"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})
    assert left_in(source.parent) == ["twin.glb"]


def test_a_glb_without_a_record_is_refused(source):
    document, binary = unpack_glb(GLB)
    document["extensions"] = {}
    document["extensionsUsed"] = []
    document["asset"].pop("extensions", None)
    for node in document["nodes"]:
        node.pop("extras", None)
    source.write_bytes(pack_glb(document, binary))
    with pytest.raises(ConsentError, match=r"twin.glb carries no consent record: it is not converted"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})
    assert left_in(source.parent) == ["twin.glb"]


def test_copies_of_the_record_that_differ_are_refused(source):
    document, binary = unpack_glb(GLB)
    document["extensions"]["BODYSCAN_consent"]["record"] = "{}"
    source.write_bytes(pack_glb(document, binary))
    with pytest.raises(ConsentError, match="2 different consent records"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})


def test_a_truncated_glb_is_refused(source):
    source.write_bytes(GLB[: len(GLB) // 2])
    with pytest.raises(InputError, match=f"cut short: it has {len(GLB) // 2} of the {len(GLB)} bytes"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})
    assert left_in(source.parent) == ["twin.glb"]


def test_a_damaged_material_is_refused(source):
    document, binary = unpack_glb(GLB)
    document["materials"][0]["normalTexture"] = {"index": 7}
    source.write_bytes(pack_glb(document, binary))
    with pytest.raises(InputError, match="The file's glTF document is damaged: KeyError"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})


def test_a_missing_glb_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no.glb cannot be read: No such file"):
        convert_twin(tmp_path / "no.glb", {"fbx": tmp_path / "a.fbx"})


def test_a_packed_glb_is_refused(source):
    document, binary = unpack_glb(GLB)
    document["extensionsRequired"] = ["KHR_mesh_quantization"]
    source.write_bytes(pack_glb(document, binary))
    with pytest.raises(InputError, match=r"is packed \(KHR_mesh_quantization\); convert the plain GLB"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ({}, "No format is asked for; there are fbx, usdz, blend"),
        ({"obj": "a.obj"}, "no format 'obj' to convert into; there are fbx, usdz, blend"),
        ({"fbx": "no/a.fbx"}, "The folder .*no does not exist; make it"),
        ({"fbx": "."}, "is a folder; give the path of a file"),
        ({"fbx": "a", "usdz": "a"}, "two of the paths are the same"),
        ({"fbx": "twin.glb"}, "two of the paths are the same"),
    ],
)
def test_outputs_that_cannot_be_are_refused(source, outputs, words):
    with pytest.raises(InputError, match=words):
        convert_twin(source, {name: source.parent / place for name, place in outputs.items()})
    assert left_in(source.parent) == ["twin.glb"]


def test_no_time_is_refused(source):
    with pytest.raises(InputError, match="must be more than 0 seconds; it is 0"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")}, timeout_s=0)


def test_without_blender_the_extra_is_named(source, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "bodyscan\[blender\]"'):
        convert_twin(source, {"fbx": source.with_name("a.fbx")})
    assert left_in(source.parent) == ["twin.glb"]


@pytest.mark.blender
def test_too_little_time_leaves_nothing(source):
    need_module("bpy")
    with pytest.raises(StageError, match=r"not done after 0.3 s"):
        convert_twin(source, {"fbx": source.with_name("a.fbx")}, timeout_s=0.3)
    assert left_in(source.parent) == ["twin.glb"]


@pytest.mark.blender
@pytest.mark.slow
def test_blender_writes_every_format_holds_the_record_and_leaves_nothing_else(small):
    assert small.listed == ("settings", "twin.blend", "twin.fbx", "twin.glb", "twin.usdz")
    assert small.converted.consent_sha256 == DIGEST
    assert small.converted.blender.startswith("4.")
    for name, file in small.converted.files.items():
        assert file.sha256 == hashlib.sha256((small.folder / f"twin.{name}").read_bytes()).hexdigest()
        assert len(file.consent_places) >= 2
        assert file.moved_m < 5e-7
        assert file.joints_moved_m < 5e-7
        assert file.warnings == ()


@pytest.mark.blender
@pytest.mark.slow
def test_turned_joint_frames_jpeg_images_and_names_that_lead_elsewhere_do_no_harm(tmp_path):
    need_module("bpy")
    twin = with_parts(full_size_twin("t"))
    glb = twin_to_glb(twin, GltfOptions(target="mixamo", texture_format="jpeg"))
    document, binary = unpack_glb(glb)
    document["images"][0]["name"] = "../../evil"
    document["images"].append({**document["images"][1], "name": "a preview that the skin does not show"})
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    (folder / "twin.glb").write_bytes(pack_glb(document, binary))
    outputs = {name: folder / f"a.{name}" for name in FORMATS}
    done = convert_twin(folder / "twin.glb", outputs)
    for file in done.files.values():
        assert file.moved_m < 2e-6
        assert file.joints_moved_m < 2e-6
    assert b"mixamorig:LeftArm" in outputs["fbx"].read_bytes()
    with zipfile.ZipFile(outputs["usdz"]) as package:
        assert {"textures/______evil.jpg", "textures/normal.jpg"} <= set(package.namelist())
    assert left_in(tmp_path) + left_in(tmp_path / "in") == ["in", "here"]
    assert left_in(folder) == ["a.blend", "a.fbx", "a.usdz", "twin.glb"]


@pytest.mark.blender
@pytest.mark.slow
def test_the_same_twin_gives_the_same_fbx(small, tmp_path):
    again = convert_twin(small.folder / "twin.glb", {"fbx": tmp_path / "other name.fbx"})
    assert again.files["fbx"].sha256 == small.converted.files["fbx"].sha256
