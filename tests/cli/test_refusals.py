"""What a bad day brings: each file or option is refused in one line, with the right code, and leaves nothing.

A table of cases: who makes the file -> exit code and words of the message. Nothing here reaches the fit.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bodyscan.cli.main import app
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.key_files import save_private_key

DEMO = make_demo_consent("Ada")
SCENE: dict[str, object] = {
    "asset": {"version": "2.0"},
    "scene": 0,
    "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0}],
    "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
}


def ply(vertices: str, num_vertices: int, faces: str = "", num_faces: int = 0) -> bytes:
    head = f"ply\nformat ascii 1.0\nelement vertex {num_vertices}\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz")
    head += f"element face {num_faces}\nproperty list uchar int vertex_indices\nend_header\n"
    return (head + vertices + faces).encode()


def binary_ply(num_vertices: int | str) -> bytes:
    return ply("", 0).replace(b"ascii", b"binary_little_endian").replace(
        b"vertex 0", f"vertex {num_vertices}".encode()
    ) + bytes(36)


def glb(document: object, promised: int | None = None) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    length = 20 + len(text)
    return (
        struct.pack("<4sII", b"glTF", 2, promised or length) + struct.pack("<I4s", len(text), b"JSON") + text
    )


def with_accessor(count: int) -> dict[str, object]:
    return SCENE | {"accessors": [{"componentType": 5126, "type": "VEC3", "count": count}]}


TRIANGLE = "0 0 0\n1 0 0\n0 1 0\n"
SPHERE = "".join(
    f"{x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in np.random.default_rng(0).normal(size=(300, 3)) / 2
)

SCANS: dict[str, tuple[bytes, str]] = {
    "empty.ply": (b"", "is empty (0 bytes)"),
    "empty.glb": (b"", "is empty (0 bytes)"),
    "many.ply": (binary_ply(4_000_000_000), "truncated: it ends before its 4000000000 vertex records do"),
    "more.ply": (binary_ply(10**18), "is truncated"),
    "words.ply": (binary_ply("many"), "truncated, damaged or of another kind"),
    "half.ply": (ply(TRIANGLE, 30), "truncated: it ends before its 30 vertex records do"),
    "nan.ply": (ply("nan nan nan\n" * 200, 200), "no usable vertex: all 200 positions are NaN"),
    "three.ply": (ply(TRIANGLE, 3), "holds no faces and 3 points"),
    "one.ply": (ply(TRIANGLE, 3, "3 0 1 2\n", 1), "holds 3 points: too few to show a person"),
    "index.ply": (ply(TRIANGLE, 3, "3 0 1 9\n", 1), "a face names vertex 9 and there are 3"),
    "minus.ply": (ply(TRIANGLE, 3, "3 0 1 -9\n", 1), "a face names vertex -9 and there are 3"),
    "text.ply": (b"hello", "does not begin with 'ply'"),
    "text.obj": (b"Dear studio, here is the scan.\n" * 9, "holds no 'v' lines: it is no OBJ mesh"),
    "index.obj": (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99\n", "is damaged: a face names vertex 98"),
    "text.stl": (b"hello\n" * 10, "is no STL file"),
    "many.stl": (bytes(80) + struct.pack("<I", 4_000_000_000) + bytes(100), "promises 4000000000 triangles"),
    "text.glb": (b"hello" * 10, "does not begin with 'glTF'"),
    "half.glb": (glb(SCENE, 0xFFFFFFFF), "is truncated: 4294967295 bytes are promised"),
    "list.glb": (glb([1, 2]), "its JSON is no glTF document"),
    "many.glb": (glb(with_accessor(10**12)), "truncated, damaged or of another kind"),
    "draco.glb": (
        glb(SCENE | {"extensionsRequired": ["KHR_draco_mesh_compression"]}),
        "uses Draco compression (KHR_draco_mesh_compression), which is not read",
    ),
    "hello.gltf": (b"{}", "it has no 'asset'"),
    "text.xyz": (b"a b c\n", "is no point cloud"),
    "pointer.obj": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    "page.ply": (b"<!DOCTYPE html><html></html>", "is a web page, not a scan"),
    "scan.fbx": (b"Kaydara", "has the extension .fbx, which is not known. Known are: ply,"),
    "scan": (b"?", "has no extension"),
    "cut_off.obj": (
        "".join(f"v {line}\n" for line in SPHERE.splitlines()).encode() + b"f 1 2 3\nf 4 5 6\n",
        "The file may be cut off: 294 of 300 vertices belong to no face",
    ),
    "ball.ply": (ply(SPHERE, 300), "No whole person was recognised"),
    f"{'n' * 300}.ply": (b"", "File name too long"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A consent with the controller's key beside it, and a scan that is none."""
    (tmp_path / "consent.json").write_text(DEMO.text)
    (tmp_path / "scan.ply").write_text("ply\n")
    save_private_key(DEMO.controller_key, tmp_path / "studio.jwk")
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    """Every file below the folder and its SHA-256."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def refused(folder: Path, scan: Path, *more: object, code: int = 3, output: Path | None = None) -> str:
    """Run `bodyscan twin`; the last line of what it says. Nothing may be changed or left."""
    before = contents(folder)
    arguments = [scan, "--consent", folder / "consent.json", "-o", output or folder / "twin.glb", *more]
    result = CliRunner().invoke(app, ["twin", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("error: ")
    assert all(" s   " in line for line in lines[:-1]), lines  # finished stages, and nothing else
    assert contents(folder) == before
    return lines[-1]


@pytest.mark.parametrize("name", SCANS, ids=lambda name: name[:12])
def test_a_file_that_is_no_scan_is_refused_in_words(folder, name):
    data, words = SCANS[name]
    if data or len(name) < 256:
        (folder / name).write_bytes(data)
    assert words in refused(folder, folder / name)


def test_a_folder_and_a_device_are_no_scans(folder):
    (folder / "scans.ply").mkdir()
    assert "scans.ply is empty" in refused(folder, folder / "scans.ply")
    assert "is not a plain file" in refused(folder, Path(os.devnull))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", 4, "stripped: there is no consent record"),
        ("null", 4, "neither a signed record nor a bound consent"),
        ("glTF" + "\0" * 20, 3, "is a GLB file; give the signed text itself"),
        ("[" * 100_000, 4, "nested deeper than 16 levels"),
        (" " * 300_000, 3, "larger than 262144 bytes"),
        (DEMO.text.replace("A", "B", 1), 4, "The consent is altered"),
        ('{"payload":"a",' + DEMO.text.lstrip()[1:], 4, "the key 'payload' stands twice"),
        ("{'a': 1}", 4, "it is not JSON (line 1, column 2)"),
    ],
)
@pytest.mark.parametrize("command", ["twin", "measure"])
def test_a_file_that_is_no_consent_is_refused_by_both_commands(folder, text, code, words, command):
    (folder / "consent.json").write_text(text)
    if command == "twin":
        assert words in refused(folder, folder / "scan.ply", code=code)
        return
    arguments = [folder / "scan.ply", "--consent", folder / "consent.json"]
    result = CliRunner().invoke(app, ["measure", *map(str, arguments)])
    assert result.exit_code == code
    assert words in result.stderr


def test_the_byte_order_mark_of_an_editor_is_no_alteration(folder):
    (folder / "consent.json").write_bytes(b"\xef\xbb\xbf" + DEMO.text.encode())
    assert "its PLY header has no end" in refused(folder, folder / "scan.ply")  # past the consent


def locked(folder: Path) -> Path:
    save_private_key(DEMO.controller_key, folder / "locked.pem", passphrase="right")
    return folder / "locked.pem"


def written(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "none.jwk", "none.jwk cannot be read: No such file or directory."),
        (lambda folder: folder, "cannot be read: Is a directory."),
        (lambda folder: written(folder, "k.jwk", b"garbage"), "it is not JSON (line 1, column 1)"),
        (lambda folder: written(folder, "k.pem", b"\xff\xfe"), "is no key file: it is not text"),
        (lambda folder: folder / "consent.json", "this is no private key"),
        (locked, "it is locked; give its passphrase (--passphrase-file)"),
    ],
)
def test_a_key_that_cannot_be_used_is_told(folder, make: Callable[[Path], Path], words):
    assert words in refused(folder, folder / "scan.ply", "--controller-key", make(folder))


def test_a_wrong_passphrase_is_told_and_a_right_one_is_taken(folder):
    key = locked(folder)
    (folder / "word").write_text("wrong\n")
    more = ("--controller-key", key, "--passphrase-file", folder / "word")
    assert "the passphrase is wrong" in refused(folder, folder / "scan.ply", *more)
    (folder / "word").write_text("right\n")
    assert "its PLY header has no end" in refused(folder, folder / "scan.ply", *more)


@pytest.mark.parametrize("link", ["same", "symbolic", "hard"])
def test_an_input_is_never_the_output(folder, link):
    scan = written(folder, "scan.glb", glb(SCENE))
    output = scan if link == "same" else folder / "other.glb"
    if link == "symbolic":
        output.symlink_to(scan)
    elif link == "hard":
        os.link(scan, output)
    assert "is an input of this very run" in refused(folder, scan, output=output)


def test_a_key_or_its_passphrase_is_never_overwritten(folder):
    word = written(folder, "word.glb", b"right\n")
    more = ("--controller-key", locked(folder), "--passphrase-file", word)
    assert "is an input of this very run" in refused(folder, folder / "scan.ply", *more, output=word)
    key = folder / "studio.jwk"
    copy = written(folder, "key.glb", key.read_bytes())
    more = ("--controller-key", copy)
    assert "is an input of this very run" in refused(folder, folder / "scan.ply", *more, output=copy)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("none/twin.glb", "does not exist; make it"),
        ("twin.gltf", "must end in .glb"),
        ("folder.glb", "is a folder; give the path of a file"),
        (f"{'n' * 300}.glb", "File name too long"),
    ],
)
def test_an_output_that_cannot_be_is_told_before_the_work(folder, output, words):
    (folder / "folder.glb").mkdir()
    assert words in refused(folder, folder / "scan.ply", output=folder / output)


def test_a_report_that_cannot_be_is_told_before_the_work(folder):
    scan = folder / "scan.ply"
    assert "scan.ply is a file; give a folder" in refused(folder, scan, "--report", scan)
    assert "scan.ply is a file; give a folder" in refused(folder, scan, "--report", scan / "deep" / "er")
    (folder / "link").symlink_to(folder / "nowhere")
    assert "link is a link that leads nowhere" in refused(folder, scan, "--report", folder / "link")


def test_a_twin_is_no_scan_under_another_record(folder):
    bound = json.dumps({"record": "somebody else's"})
    document = SCENE | {"extensions": {"BODYSCAN_consent": {"record": bound}}}
    scan = written(folder, "ready.glb", glb(document))
    message = refused(folder, scan, code=4)
    assert "ready.glb is a twin that carries a consent record of its own" in message
    assert "Give the raw scan" in message


@pytest.mark.parametrize("command", [["validate"], ["inspect"], ["measure"], ["consent", "verify"]])
@pytest.mark.parametrize(
    "data", [b"", b"hello" * 10, glb(SCENE, 0xFFFFFFFF), glb([1, 2]), glb(with_accessor(10**12))]
)
def test_no_command_stumbles_over_a_damaged_twin(folder, command, data):
    file = written(folder, "twin.glb", data)
    before = contents(folder)
    result = CliRunner().invoke(app, [*command, str(file)])
    assert result.exit_code in (3, 4), (result.output, result.exception)
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    assert contents(folder) == before
