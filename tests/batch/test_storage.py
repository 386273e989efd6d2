"""A store: a folder on a disk, in memory or on an S3 server."""

from __future__ import annotations

import builtins
import errno
import importlib.util
import multiprocessing
import os
import pickle
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from bodyscan.batch.storage import (
    LocalStore,
    Store,
    StoreError,
    digest_of,
    fetch,
    open_store,
    read_small,
    stamp_of,
)
from bodyscan.errors import InputError, MissingExtraError


def test_what_is_written_is_read(store):
    store.write("anna/twin.glb", b"glTF")
    assert store.read("anna/twin.glb") == b"glTF"
    assert store.size("anna/twin.glb") == 4
    store.write("anna/twin.glb", b"newer")
    assert store.read("anna/twin.glb") == b"newer"
    store.write("empty", b"")
    assert store.read("empty") == b""


def test_a_file_and_a_folder_exist_and_others_do_not(store):
    assert not store.exists("anna")
    store.write("anna/twin.glb", b"1")
    assert store.exists("anna/twin.glb")
    assert store.exists("anna")
    assert not store.exists("anna/twin")
    assert not store.exists("ann")


def test_files_of_this_machine_come_and_go(store, tmp_path):
    data = os.urandom(100_000)
    (tmp_path / "a.bin").write_bytes(data)
    store.put(tmp_path / "a.bin", "x/y/a.bin")
    store.get("x/y/a.bin", tmp_path / "new" / "b.bin")
    assert (tmp_path / "new" / "b.bin").read_bytes() == data
    assert (tmp_path / "a.bin").read_bytes() == data
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["b.bin"]


def test_names_are_listed_sorted_and_below_their_folder_only(store):
    for name in ("b/2", "b/1", "ab/1", "a", "b/c/ä *[1]?#.txt"):
        store.write(name, b"1")
    assert store.list() == ["a", "ab/1", "b/1", "b/2", "b/c/ä *[1]?#.txt"]
    assert store.list("b") == ["b/1", "b/2", "b/c/ä *[1]?#.txt"]
    assert store.list("nothing") == []
    assert store.read("b/c/ä *[1]?#.txt") == b"1"


def test_a_listing_is_never_an_old_one(store, place):
    store.write("b/1", b"1")
    assert store.list("b") == ["b/1"]
    other = open_store(place)
    other.write("b/2", b"2")
    other.remove("b/1")
    assert store.list("b") == ["b/2"]
    assert not store.exists("b/1")


def test_a_moved_file_is_on_the_disk_before_its_name_is(tmp_path, monkeypatch):
    """After a power cut a name must not lead to an empty file: content first, then the name."""
    store, seen = LocalStore(tmp_path), []
    store.write("staging/a", b"twin")
    fsync, replace = os.fsync, Path.replace

    def flush(descriptor: int) -> None:
        seen.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        seen.append("renamed")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", rename)
    store.move("staging/a", "anna/a")
    assert seen[:2] == [str(tmp_path / "staging" / "a"), "renamed"]
    assert set(seen[2:]) == {str(tmp_path / "anna"), str(tmp_path)}


def test_a_moved_file_is_in_its_new_place_only(store):
    store.write("staging/1/a", b"new")
    store.write("anna/a", b"old")
    store.move("staging/1/a", "anna/a")
    store.write("staging/1/ä b#c", b"x")
    store.move("staging/1/ä b#c", "new/folder/ä b#c")
    assert store.list() == ["anna/a", "new/folder/ä b#c"]
    assert store.read("anna/a") == b"new"


def test_a_file_or_a_whole_folder_is_removed_and_nothing_else(store):
    for name in ("a/1", "a/b/2", "ab/3", "c"):
        store.write(name, b"1")
    store.remove("a")
    store.remove("c")
    store.remove("never/was")
    assert store.list() == ["ab/3"]


def test_a_stamp_changes_with_the_content(store):
    store.write("a", b"one")
    first = store.stamp("a")
    assert store.stamp("a") == first
    store.write("a", b"two")
    assert store.stamp("a") != first


def test_a_file_that_is_not_there_is_named(store):
    for act in (store.read, store.size, store.stamp):
        with pytest.raises(StoreError, match=r"There is no .*night/none|There is no .*out/none") as caught:
            act("none")
        assert caught.value.absent
        assert not caught.value.passing
    with pytest.raises(StoreError) as caught:
        store.move("none", "other")
    assert caught.value.absent


def test_getting_what_is_not_there_leaves_nothing(store, tmp_path):
    with pytest.raises(StoreError, match=r"There is no"):
        store.get("none", tmp_path / "new" / "file")
    assert not any(path.is_file() for path in (tmp_path / "new").rglob("*"))


def test_putting_what_is_not_there_names_the_local_file(store, tmp_path):
    with pytest.raises(StoreError, match=f"There is no {tmp_path}/none"):
        store.put(tmp_path / "none", "a")
    assert store.list() == []


def test_every_method_refuses_names_that_lead_out(store, tmp_path):
    calls = [
        store.exists, store.read, store.size, store.stamp, store.locate, store.remove, store.list,
        lambda name: store.write(name, b""),
        lambda name: store.put(tmp_path / "a", name),
        lambda name: store.get(name, tmp_path / "b"),
        lambda name: store.move(name, "a"),
        lambda name: store.move("a", name),
    ]  # fmt: skip
    store.write("a", b"1")
    (tmp_path / "a").write_bytes(b"1")
    for call in calls:
        with pytest.raises(InputError, match=r"cannot be a file's name in a store"):
            call("../a")
    assert store.list() == ["a"]


def test_a_store_is_checked_by_a_file_that_goes_again(store):
    store.check()
    assert store.list() == []


def test_a_store_crosses_processes(store):
    again = pickle.loads(pickle.dumps(store))
    again.write("a", b"1")
    assert store.read("a") == b"1"


def test_locations_are_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_store("out").locate("a/b") == str(tmp_path / "out/a/b")
    assert open_store(f"file://{tmp_path}/out").locate("a") == str(tmp_path / "out/a")
    assert open_store("memory://me:secret@out/").locate("a/b") == "memory://out/a/b"


def in_child(store: Store, answers: Any) -> None:
    """Use a store in a child process."""
    store.write("child", b"1")
    answers.put(store.list())


def test_a_store_that_was_used_can_be_used_after_a_fork(s3):
    store = open_store(s3)
    store.write("parent", b"1")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=in_child, args=(store, answers))
    child.start()
    try:
        assert answers.get(timeout=60) == ["child", "parent"]
    finally:
        child.join(30)
        child.kill()
    assert store.list() == ["child", "parent"]


def test_the_local_store_is_known_as_one(tmp_path):
    assert isinstance(open_store(tmp_path), LocalStore)
    assert isinstance(open_store(f"file://{tmp_path}"), LocalStore)
    assert not isinstance(open_store("memory://x"), LocalStore)


def test_a_full_disk_may_pass_and_leaves_the_old_file(tmp_path, monkeypatch):
    store = open_store(tmp_path / "out")
    store.write("a", b"old")
    (tmp_path / "source").write_bytes(b"new")

    def full(*args: Any) -> None:
        args[-1 if len(args) == 2 and isinstance(args[1], Path) else 0].touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(shutil, "copyfile", full)
    for act in (lambda: store.write("a", b"new"), lambda: store.put(tmp_path / "source", "a")):
        with pytest.raises(
            StoreError, match=r"out/a could not be written \(No space left on device\). Make"
        ) as e:
            act()
        assert e.value.passing
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]
    assert store.read("a") == b"old"


def killed(store: Store, source: Path) -> None:
    """Write half of a file, and die."""

    def half(origin: Path, target: Path) -> None:
        with target.open("wb") as stream:
            stream.write(origin.read_bytes()[:500])
        os.kill(os.getpid(), signal.SIGKILL)

    shutil.copyfile = half  # type: ignore[assignment]  # of this child process alone
    store.put(source, "anna/twin.glb")


def test_a_killed_writer_leaves_nothing_under_the_name_or_in_a_listing(tmp_path):
    store = open_store(tmp_path / "out")
    (tmp_path / "twin.glb").write_bytes(b"x" * 1000)
    child = multiprocessing.get_context("fork").Process(target=killed, args=(store, tmp_path / "twin.glb"))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert len(list((tmp_path / "out" / "anna").iterdir())) == 1  # what it held in hand
    assert not store.exists("anna/twin.glb")
    assert store.list() == []
    store.remove("anna")
    assert not (tmp_path / "out" / "anna").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_rights_is_no_passing_error(tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(StoreError, match=r"Permission denied.*access is refused") as caught:
        open_store(tmp_path / "out").write("a", b"1")
    assert not caught.value.passing


def test_a_file_in_a_folders_place_is_no_passing_error(tmp_path):
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(StoreError, match=r"out/a could not be written") as caught:
        open_store(tmp_path / "out").write("a", b"1")
    assert not caught.value.passing


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.split(".")[0] == "fsspec":
            raise ImportError("No module named 'fsspec'")
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    for act in (open_store, stamp_of, digest_of, read_small, lambda place: fetch(place, Path("x"))):
        with pytest.raises(MissingExtraError, match=r's3://bucket/a .* pip install "bodyscan\[cloud\]"'):
            act("s3://me:secret@bucket/a")


def test_a_vendors_package_is_named_where_it_is_missing():
    pytest.importorskip("fsspec")
    if importlib.util.find_spec("gcsfs"):
        pytest.skip("it is here")
    with pytest.raises(MissingExtraError, match=r"gs://bucket/a needs packages .*gcsfs"):
        open_store("gs://bucket/a")


@pytest.mark.parametrize("place", ["", "s3://", "memory://"])
def test_a_place_without_a_folder_is_refused(place):
    with pytest.raises(StoreError, match=r"names no folder. Give a folder's path"):
        open_store(place)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(StoreError, match=r"foo://b/a: foo:// is not known. Give a path"):
        open_store("foo://b/a")
    with pytest.raises(StoreError, match=r"foo:// is not known"):
        stamp_of("foo://me:secret@b/a")


def test_outputs_go_only_where_files_appear_whole():
    with pytest.raises(
        StoreError, match=r"https://host/out cannot take outputs: on https:// files can be seen half"
    ):
        open_store("https://me:secret@host/out")
