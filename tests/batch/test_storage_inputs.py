"""Inputs wherever they lie: fetched whole, with a stamp and a digest."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path
from typing import Any

import pytest

from bodyscan.batch import storage
from bodyscan.batch.storage import (
    StoreError,
    digest_of,
    fetch,
    open_store,
    read_small,
    stamp_of,
)
from bodyscan.errors import InputError


def three_files(place: str) -> str:
    """Write a capture of three files into a store, and return its address."""
    store = open_store(place)
    for name in ("capture/depth/0.png", "capture/depth/1.png", "capture/intrinsic.json"):
        store.write(name, name.encode())
    return f"{place}/capture"


@pytest.fixture
def capture(place: str) -> str:
    """Return the address of a capture in a store of each kind."""
    return three_files(place)


def test_a_local_input_is_left_where_it_is(tmp_path):
    (tmp_path / "a.ply").write_bytes(b"ply")
    assert fetch(str(tmp_path / "a.ply"), tmp_path / "new") == tmp_path / "a.ply"
    assert fetch(f"file://{tmp_path}/a.ply", tmp_path / "new") == tmp_path / "a.ply"
    assert fetch(str(tmp_path), tmp_path / "new") == tmp_path
    assert not (tmp_path / "new").exists()
    with pytest.raises(StoreError, match=r"There is no file or folder .*none. Check the path."):
        fetch(str(tmp_path / "none"), tmp_path / "new")


def test_a_remote_file_comes_under_its_own_name(s3, tmp_path):
    open_store(s3).write("scans/anna 1.ply", b"ply")
    for _ in range(2):  # the second time in the place of the first
        path = fetch(f"{s3}/scans/anna 1.ply", tmp_path / "new")
        assert path == tmp_path / "new" / "anna 1.ply"
        assert path.read_bytes() == b"ply"
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_folder_comes_with_all_below_it_and_nothing_old(s3, tmp_path):
    store = open_store(s3)
    for name in ("capture/depth/0.png", "capture/intrinsic.json", "capture2/other"):
        store.write(name, name.encode())
    home, _ = storage._filesystem(s3)
    home.pipe_file("studio/night/capture/", b"")  # markers, as consoles make them
    home.pipe_file("studio/night/capture/color/", b"")
    (tmp_path / "capture").mkdir()
    (tmp_path / "capture" / "old").write_bytes(b"")
    path = fetch(f"{s3}/capture", tmp_path)
    assert path == tmp_path / "capture"
    files = {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}
    assert files == {name: f"capture/{name}".encode() for name in ("depth/0.png", "intrinsic.json")}
    assert [p.name for p in tmp_path.iterdir()] == ["capture"]


def test_a_folder_arrives_whole_or_not_at_all(tmp_path, monkeypatch):
    capture = three_files(f"memory://{tmp_path.name}")
    home, path = storage._filesystem(f"{capture}/depth/1.png")
    get = type(home).get_file

    def broken(self: Any, source: str, target: str, **options: Any) -> None:
        if source == path:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        get(self, source, target, **options)

    monkeypatch.setattr(type(home), "get_file", broken)
    with pytest.raises(
        StoreError, match=r"capture could not be read .Connection reset by peer.*try again"
    ) as e:
        fetch(capture, tmp_path / "new")
    assert e.value.passing
    assert list((tmp_path / "new").iterdir()) == []


def test_a_download_that_is_too_short_is_an_error(tmp_path, monkeypatch):
    capture = three_files(f"memory://{tmp_path.name}")
    home, _ = storage._filesystem(capture)
    monkeypatch.setattr(type(home), "get_file", lambda self, source, target, **_: Path(target).touch())
    for address in (capture, f"{capture}/intrinsic.json"):
        with pytest.raises(StoreError, match=r"did not arrive whole. It may pass: try again") as caught:
            fetch(address, tmp_path / "new")
        assert caught.value.passing
    assert list((tmp_path / "new").iterdir()) == []


def test_a_name_that_leads_out_is_not_written(s3, tmp_path):
    home, _ = storage._filesystem(s3)
    home.pipe_file("studio/night/evil/../../x", b"1")
    home.pipe_file("studio/night/evil/ok", b"1")
    with pytest.raises(InputError, match=r"'\.\./\.\./x' cannot be a file's name in a store"):
        fetch(f"{s3}/evil", tmp_path / "a" / "b")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_the_stamp_of_an_input_changes_with_any_file(capture, store):
    first, single = stamp_of(capture), stamp_of(f"{capture}/depth/1.png")
    assert (stamp_of(capture), stamp_of(f"{capture}/depth/1.png")) == (first, single)
    store.write("capture/depth/1.png", b"changed!!!!!!!!!!!!")
    assert stamp_of(capture) != first
    assert stamp_of(f"{capture}/depth/1.png") != single
    changed = stamp_of(capture)
    store.write("capture/more", b"")
    assert stamp_of(capture) != changed


def test_the_digest_is_that_of_the_content_wherever_it_lies(capture, store, tmp_path):
    assert digest_of(f"{capture}/intrinsic.json") == hashlib.sha256(b"capture/intrinsic.json").hexdigest()
    for name in ("depth/0.png", "depth/1.png", "intrinsic.json"):
        (tmp_path / "same" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "same" / name).write_bytes(f"capture/{name}".encode())
    assert digest_of(capture) == digest_of(str(tmp_path / "same"))
    (tmp_path / "same" / "depth" / "1.png").rename(tmp_path / "same" / "depth" / "2.png")
    assert digest_of(capture) != digest_of(str(tmp_path / "same"))


def test_inputs_that_are_not_there_are_named(place, store):
    for act in (stamp_of, digest_of, read_small):
        with pytest.raises(StoreError, match=r"There is no .*none") as caught:
            act(f"{place}/none")
        assert caught.value.absent


def test_an_empty_folder_is_no_input(tmp_path):
    with pytest.raises(StoreError, match=r"There is no file in"):
        stamp_of(str(tmp_path))


def test_links_are_followed_and_rings_are_not(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(b"1")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "a" / "ring").symlink_to(tmp_path / "a")
    first = digest_of(str(tmp_path / "a"))
    (tmp_path / "elsewhere" / "file").write_bytes(b"2")
    assert digest_of(str(tmp_path / "a")) != first


def test_a_small_file_is_read_as_text(store, place):
    store.write("a.json", '{"ä": 1}'.encode())
    assert read_small(f"{place}/a.json") == '{"ä": 1}'
    store.write("b", b"\xff\xfe")
    with pytest.raises(InputError, match=r"b is no text in UTF-8"):
        read_small(f"{place}/b")
    store.write("c", bytes((1 << 20) + 1))
    with pytest.raises(InputError, match=r"c has more than 1 MiB"):
        read_small(f"{place}/c")
    with pytest.raises(InputError, match=r"is a folder; give a file"):
        read_small(place)
