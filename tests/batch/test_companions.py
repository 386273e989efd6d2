"""Files that a scan's file names: found as the readers find them, fetched, and in its stamp and digest."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from typing import Any

import pytest

from batch.scan_files import GLTF, MTL, OBJ, PLY, SCANS, files_in, glb, put
from bodyscan.batch import companions, storage
from bodyscan.batch.companions import name_beside, named_in
from bodyscan.batch.storage import StoreError, digest_of, fetch, open_store, stamp_of
from bodyscan.batch.store import StoredFile
from bodyscan.capture import read_scan
from bodyscan.capture.companions import find_companion
from bodyscan.errors import InputError

# Names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mtllib a.mtl\n", ["a.mtl"]),
        ("v 0 0 0\r\n \tmtllib\ta.mtl  \r\nv 1 1 1\r\n", ["a.mtl"]),
        ("v 0 0 0\rmtllib a.mtl\rv 1 1 1", ["a.mtl"]),
        ("mtllib my woman.mtl # exported\n", ["my woman.mtl"]),
        ("mtllib a.mtl my b.MTL\n", ["a.mtl", "my b.MTL"]),
        ("mtllib a.mtl\nv 0 0 0\nmtllib Zoë.mtl", ["a.mtl", "Zoë.mtl"]),
        ("mtllib a \\\n b.mtl\n", ["a   b.mtl"]),
        ("# mtllib a.mtl\nxmtllib b.mtl\nmtllibs c.mtl\nmtllib\n", []),
        ("", []),
    ],
)
def test_libraries_of_an_obj_are_found_wherever_they_stand(text, names):
    assert named_in("obj", text.encode()) == names


def test_the_colour_textures_of_a_library_are_found_behind_their_options():
    text = (
        "newmtl a\nKd 1 1 1\nmap_Kd skin 1.png\n  MAP_KD -s 1 1 1 -o 0.5 -mm 0 1 -clamp on tex\\b.jpg\r\n"
        "map_Kd -blendu off C:\\scans\\c.png\nmap_Bump d.png\nmap_Kd_more e.png\n"
    )
    assert named_in("mtl", text.encode()) == ["skin 1.png", "tex\\b.jpg", "C:\\scans\\c.png"]


def test_images_of_a_ply_are_found_in_its_header_alone():
    head = b"ply\nformat ascii 1.0\ncomment TextureFile a 1.png\nobj_info texturefile Zo\xc3\xab.png\n"
    head += b"comment TextureFile Zo\xeb.jpg\ncomment TextureFile\ncomment made by hand\n"
    assert named_in("ply", head + b"end_header\ncomment TextureFile late.png\n") == [
        "a 1.png",
        "Zoë.png",
        "Zoë.jpg",
    ]
    assert named_in("ply", head) == []
    assert named_in("ply", b"x" + head + b"end_header\n") == []


def test_buffers_and_images_of_a_gltf_are_found_without_percent_signs_and_data():
    document = {
        "buffers": [{"uri": "my%20woman.bin"}, {"uri": "data:application/octet-stream;base64,AAAA"}, {}],
        "images": [{"uri": "t/%C3%A4.png"}, {"bufferView": 1}, {"uri": 7}, None],
        "materials": [{"uri": "no.png"}],
    }
    found = ["my woman.bin", "t/ä.png"]
    assert named_in("gltf", b"\xef\xbb\xbf" + json.dumps(document).encode()) == found
    assert named_in("glb", glb(document) + b"\x04\0\0\0BIN\0abcd") == found


@pytest.mark.parametrize("kind", ["obj", "mtl", "ply", "gltf", "glb", "stl", "r3d"])
def test_what_is_damaged_names_nothing(kind):
    for data in (b"", b"[]", b'{"images": 3, "buffers"', b"glTF", b"[" * 100_000, os.urandom(3000)):
        assert named_in(kind, data) == []
    assert named_in(kind, glb({})[:18]) == []


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("skin.png", "skin.png"),
        (' "skin.png" ', "skin.png"),
        ("tex/skin.png", "tex/skin.png"),
        ("tex\\skin.png", "tex/skin.png"),
        ("./tex/../skin.png", "skin.png"),
        ("../skin.png", "skin.png"),
        ("tex/../../skin.png", "skin.png"),
        ("/etc/skin.png", "skin.png"),
        ("C:\\scans\\skin.png", "skin.png"),
        ("C:skin.png", "skin.png"),
        ("\\\\host\\share\\skin.png", "skin.png"),
        ("skin #1? 50%.png", "skin #1? 50%.png"),
        ("woman.obj", None),
        ("../woman.obj", None),
        ("woman.obj/skin.png", None),
        ("https://host/skin.png", None),
        ("s3://bucket/skin.png", None),
        ("", None),
        (".", None),
        ("..", None),
        ("tex/..", None),
        ("/", None),
        ("a\0b", None),
        ("a" * 300, None),
        ("\ud800.png", None),
    ],
)
def test_a_name_leads_into_the_scans_folder_or_nowhere(reference, name):
    assert name_beside("woman.obj", reference) == name


def test_a_file_is_looked_for_where_the_reader_looks_for_it(tmp_path):
    folder = tmp_path / "a" / "scan"
    (folder / "tex").mkdir(parents=True)
    for name in ("skin.png", "tex/b.png", "../up.png", "../skin.png", "woman.obj"):
        (folder / name).write_bytes(b"")
    checked = 0
    for reference in (
        "skin.png", "tex/b.png", "tex\\b.png", "./skin.png", "tex/../skin.png", "../up.png", "../skin.png",
        "/skin.png", "C:\\x\\skin.png", "C:skin.png", f"{tmp_path}/a/up.png", "none.png", "tex", "..", "",
        "tex/../../scan/skin.png", " 'skin.png' ", ' "skin.png" ', "../woman.obj", "https://host/skin.png",
    ):  # fmt: skip
        read = find_companion(folder / "woman.obj", reference, [])
        name = name_beside("woman.obj", reference)
        here = None if name is None or not (folder / name).is_file() else (folder / name).resolve()
        assert here == read, reference
        checked += read is not None
    assert checked == 11


def test_too_many_names_are_refused(tmp_path):
    (tmp_path / "a.obj").write_text("".join(f"mtllib {i}.mtl\n" for i in range(1001)))
    for ask in (stamp_of, digest_of):
        with pytest.raises(InputError, match=r"a.obj names more than 1000 other files; .* Export it again"):
            ask(str(tmp_path / "a.obj"))


def test_only_the_beginning_of_a_file_is_read_to_learn_its_names(monkeypatch):
    asked = []

    def head(self: StoredFile, size: int) -> bytes:
        asked.append(size)
        return self.token.encode("latin-1")[:size]

    monkeypatch.setattr(StoredFile, "head", head)
    long_ply = PLY.replace(b"end_header", b"comment " + b"x" * 100_000 + b"\nend_header")
    long_glb = glb({**GLTF, "extras": "x" * 100_000})
    for name, data, sizes in (
        ("a.obj", OBJ, [1 << 20]),
        ("a.ply", PLY, [65536]),
        ("a.ply", long_ply, [65536, 1 << 20]),
        ("a.glb", glb(GLTF), [65536]),
        ("a.glb", long_glb, [65536, len(long_glb)]),
        ("a.gltf", json.dumps(GLTF).encode(), [16 << 20]),
        ("a.stl", b"solid", []),
    ):
        found: list[str] = []
        stored = StoredFile("", name, len(data), data.decode("latin-1"))
        companions.companions_of(stored, name, found.append)
        assert asked == sizes
        assert bool(found) is (name != "a.stl")
        asked.clear()


# Scans of several files


@pytest.fixture(params=list(SCANS))
def scan(request: pytest.FixtureRequest) -> str:
    """Return the name of a scan of each kind."""
    return request.param


def test_the_stamp_and_the_digest_change_with_every_file(store, place, scan):
    files = SCANS[scan]
    put(store, files, "scans/")
    store.write("scans/other.png", b"1")
    address = f"{place}/scans/{scan}"
    seen = [(stamp_of(address), digest_of(address))]
    store.write("scans/other.png", b"22")
    assert (stamp_of(address), digest_of(address)) == seen[0]
    for name, data in files.items():
        store.write(f"scans/{name}", data + b"\n")
        seen.append((stamp_of(address), digest_of(address)))
    store.remove(f"scans/{list(files)[-1]}")  # left out where it is not there
    seen.append((stamp_of(address), digest_of(address)))
    assert len({stamp for stamp, _ in seen}) == len({digest for _, digest in seen}) == len(files) + 2


def test_the_digest_is_the_same_wherever_the_scan_lies(store, place, scan, tmp_path):
    put(store, SCANS[scan])
    put(open_store(tmp_path / "same"), SCANS[scan])
    assert digest_of(f"{place}/{scan}") == digest_of(str(tmp_path / "same" / scan))
    assert digest_of(f"{place}/{scan}") != hashlib.sha256(SCANS[scan][scan]).hexdigest()


@pytest.mark.parametrize("name", ["a.obj", "a.ply", "a.glb", "a.gltf", "a.stl"])
def test_a_file_that_names_nothing_keeps_its_own_stamp_and_digest(store, place, name):
    for data in (b"v 0 0 0\nmtllib none.mtl\n", b""):
        store.write(name, data)
        assert stamp_of(f"{place}/{name}") == store.stamp(name)
        assert digest_of(f"{place}/{name}") == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("kind", ["memory", "s3"])
def test_a_scan_arrives_with_its_files_and_is_read_as_where_it_lay(kind, scan, request, tmp_path):
    place = request.getfixturevalue("s3") if kind == "s3" else f"memory://{tmp_path.name}"
    files = {**SCANS[scan], "other.png": b"1"}
    put(open_store(place), files)
    put(open_store(tmp_path / "was"), files)
    new = tmp_path / "new"
    for _ in range(2):  # the second time in the place of the first
        assert fetch(f"{place}/{scan}", new) == new / scan
        assert {name: (new / name).read_bytes() for name in files_in(new)} == SCANS[scan]
    here, there = read_scan(new / scan), read_scan(tmp_path / "was" / scan)
    assert here.texture is not None
    assert here.texture.image[0, 0].tolist() == [200, 20, 30]
    assert here.notes == there.notes


def test_what_is_not_there_is_left_out(tmp_path):
    place = f"memory://{tmp_path.name}"
    put(open_store(place), {"woman.obj": OBJ, "my woman.mtl": MTL, "skin 1.png/inside": b"a folder"})
    path = fetch(f"{place}/woman.obj", tmp_path / "new")
    assert files_in(tmp_path / "new") == {"woman.obj", "my woman.mtl"}
    assert any("skin 1.png" in note for note in read_scan(path).notes)
    open_store(place).remove("my woman.mtl")
    fetch(f"{place}/woman.obj", tmp_path / "newer")
    assert files_in(tmp_path / "newer") == {"woman.obj"}


def test_a_library_late_in_an_obj_is_fetched(tmp_path):
    place = f"memory://{tmp_path.name}"
    late = b"v 0 0 0\n" * (300 << 10) + b"mtllib a.mtl\n"
    put(open_store(place), {"a.obj": late, "a.mtl": b""})
    fetch(f"{place}/a.obj", tmp_path / "new")
    assert files_in(tmp_path / "new") == {"a.obj", "a.mtl"}


def test_names_that_lead_out_are_not_followed(store, place, tmp_path):
    """Their bare names beside the scan are, as the reader does it."""
    named = ("../secret.png", "/etc/passwd", "C:\\secret.png", "https://host/secret.png", "../up/bare.png")
    library = "".join(f"map_Kd {name}\n" for name in named).encode()
    scan = {"in/a.obj": b"mtllib ../up.mtl\nmtllib a.mtl\n", "in/a.mtl": library, "in/bare.png": b"1"}
    put(store, {**scan, "secret.png": b"1", "up.mtl": b"map_Kd more.png", "up/bare.png": b"1"})
    first = stamp_of(f"{place}/in/a.obj"), digest_of(f"{place}/in/a.obj")
    put(store, {"secret.png": b"22", "up.mtl": b"22", "up/bare.png": b"22", "in/more.png": b"22"})
    assert (stamp_of(f"{place}/in/a.obj"), digest_of(f"{place}/in/a.obj")) == first
    store.write("in/bare.png", b"22")
    assert digest_of(f"{place}/in/a.obj") != first[1]
    if not place.startswith(("s3:", "memory:")):
        return  # a local scan stays where it is
    fetch(f"{place}/in/a.obj", tmp_path / "a" / "b")
    assert files_in(tmp_path) == {"a/b/a.obj", "a/b/a.mtl", "a/b/bare.png"}


def test_a_link_out_of_the_scans_folder_is_not_followed(tmp_path):
    put(open_store(tmp_path / "in"), {"woman.obj": OBJ, "my woman.mtl": MTL})
    before = digest_of(str(tmp_path / "in" / "woman.obj"))
    (tmp_path / "secret").write_bytes(b"1")
    (tmp_path / "in" / "skin 1.png").symlink_to(tmp_path / "secret")
    assert digest_of(str(tmp_path / "in" / "woman.obj")) == before
    (tmp_path / "in" / "skin 1.png").unlink()
    (tmp_path / "in" / "skin 1.png").write_bytes(b"1")
    assert digest_of(str(tmp_path / "in" / "woman.obj")) != before


def test_a_scan_whose_texture_does_not_arrive_does_not_arrive(tmp_path, monkeypatch):
    place = f"memory://{tmp_path.name}"
    put(open_store(place), SCANS["woman.gltf"])
    home, _ = storage._filesystem(place)
    get = type(home).get_file

    def broken(self: Any, source: str, target: str, **options: Any) -> None:
        if source.endswith(".png"):
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        get(self, source, target, **options)

    monkeypatch.setattr(type(home), "get_file", broken)
    with pytest.raises(StoreError, match=r"could not be read .Connection reset by peer.*try again") as caught:
        fetch(f"{place}/woman.gltf", tmp_path / "new")
    assert caught.value.passing
    assert files_in(tmp_path / "new") == set()


def test_a_texture_that_is_refused_is_an_error(tmp_path, monkeypatch):
    place = f"memory://{tmp_path.name}"
    put(open_store(place), SCANS["woman.PLY"])
    home, _ = storage._filesystem(place)
    info = type(home).info

    def refused(self: Any, path: str, **options: Any) -> Any:
        if path.endswith(".png"):
            raise PermissionError(errno.EACCES, "Forbidden")
        return info(self, path, **options)

    monkeypatch.setattr(type(home), "info", refused)
    for ask in (stamp_of, digest_of, lambda address: fetch(address, tmp_path / "new")):
        with pytest.raises(StoreError, match=r"skin 1.png could not be read .Forbidden.: access is refused"):
            ask(f"{place}/woman.PLY")
    assert files_in(tmp_path / "new") == set()
