"""Inputs and outputs on a disk, in memory and on an S3 server."""

from __future__ import annotations

import builtins
import errno
import hashlib
import http.server
import importlib.util
import multiprocessing
import os
import pickle
import shutil
import signal
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bodyscan.batch import storage
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


# Inputs


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


# An S3 server alone


@pytest.mark.slow
def test_a_file_of_several_parts_comes_back_whole(s3, tmp_path):
    store = open_store(s3)
    home: Any = storage._filesystem(s3)[0]
    data = os.urandom(1 << 20) * 110  # two parts and more of 50 MiB
    (tmp_path / "big").write_bytes(data)
    store.put(tmp_path / "big", "big")
    assert home.info("studio/night/big")["ETag"].strip('"').endswith("-3")
    assert store.size("big") == len(data)
    store.move("big", "anna/big")
    store.get("anna/big", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == data
    assert digest_of(f"{s3}/anna/big") == hashlib.sha256(data).hexdigest()


def test_a_bucket_that_is_not_there_is_no_passing_error(s3, tmp_path):
    store = open_store("s3://nowhere/out")
    assert not store.exists("a")
    with pytest.raises(
        StoreError, match=r"could not be written .The specified bucket does not exist.*Make it first"
    ):
        store.check()
    with pytest.raises(
        StoreError, match=r"There is no s3://nowhere/out/a .*Check the name and bucket"
    ) as caught:
        fetch("s3://nowhere/out/a", tmp_path)
    assert caught.value.absent
    assert not caught.value.passing


def test_a_name_that_no_bucket_can_have_is_no_passing_error(s3):
    with pytest.raises(StoreError, match=r"bu cket/x/a could not be written .*Invalid bucket name") as caught:
        open_store("s3://bu cket/x").write("a", b"")
    assert not caught.value.passing


def test_fsspecs_own_settings_point_to_a_server(s3, s3_server, monkeypatch):
    import fsspec.config

    open_store(s3).write("a", b"1")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    settings = {"FSSPEC_S3_ENDPOINT_URL": s3_server, "FSSPEC_S3": '{"config_kwargs": {"connect_timeout": 3}}'}
    read: dict[str, Any] = {}
    fsspec.config.set_conf_env(read, settings)
    monkeypatch.setitem(fsspec.config.conf, "s3", read["s3"])
    assert open_store(s3).read("a") == b"1"
    home: Any = storage._filesystem(s3)[0]
    assert (home.config_kwargs["connect_timeout"], home.config_kwargs["read_timeout"]) == (3, 30)


@pytest.mark.slow
def test_a_server_that_goes_away_is_a_passing_error_within_seconds(tmp_path, use_server):
    server = pytest.importorskip("moto.server").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False
    )
    server.start()
    host, port = server.get_host_and_port()
    use_server(f"http://{host}:{port}")
    home: Any = storage._filesystem("s3://studio/x")[0]
    home.makedirs("studio", exist_ok=True)
    store = open_store("s3://studio/night")
    store.write("a", b"1")
    (tmp_path / "a").write_bytes(b"1")
    server.stop()
    acts = [
        lambda: store.read("a"),
        lambda: store.exists("a"),
        lambda: store.list(),
        lambda: store.write("b", b"1"),
        lambda: store.put(tmp_path / "a", "b"),
        lambda: store.get("a", tmp_path / "b"),
        lambda: fetch("s3://studio/night/a", tmp_path / "new"),
        lambda: stamp_of("s3://studio/night/a"),
    ]
    for act in acts:
        start = time.monotonic()
        with pytest.raises(StoreError, match=r"could not be .*connect.*It may pass: try again") as caught:
            act()
        assert caught.value.passing
        assert time.monotonic() - start < 20


@pytest.mark.slow
def test_a_server_that_stays_silent_is_left_in_the_end(tmp_path, monkeypatch, use_server):
    """It takes connections and never answers: a request times out, and so does a file that is sent."""
    import fsspec.config

    silent = socket.create_server(("127.0.0.1", 0), backlog=100)
    use_server(f"http://127.0.0.1:{silent.getsockname()[1]}")
    settings = {"config_kwargs": {"read_timeout": 0.2, "retries": {"total_max_attempts": 1}}}
    monkeypatch.setitem(fsspec.config.conf, "s3", settings)
    monkeypatch.setattr(storage, "_PATIENCE_S", 1)
    (tmp_path / "a").write_bytes(b"1")
    store = open_store("s3://studio/night")
    try:
        for act in (
            lambda: store.read("a"),
            lambda: store.write("a", b"1"),
            lambda: store.put(tmp_path / "a", "a"),
        ):
            start = time.monotonic()
            with pytest.raises(StoreError, match=r"night/a could not be .*It may pass: try again") as caught:
                act()
            assert caught.value.passing
            assert time.monotonic() - start < 20
    finally:
        silent.close()


def test_no_credentials_is_no_passing_error(s3, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    storage._OPENED.clear()
    with pytest.raises(
        StoreError, match=r"Unable to locate credentials.*Set the store's credentials"
    ) as caught:
        open_store(s3).read("a")
    assert not caught.value.passing


def test_a_web_address_is_an_input(s3, s3_server, tmp_path):
    open_store(s3).write("anna.ply", b"ply")
    home: Any = storage._filesystem(s3)[0]
    address = home.url("studio/night/anna.ply")  # with a signature, for whoever holds it
    assert "Signature=" in address
    assert fetch(address, tmp_path).read_bytes() == b"ply"
    assert digest_of(address) == hashlib.sha256(b"ply").hexdigest()
    first = stamp_of(address)
    open_store(s3).write("anna.ply", b"new")
    assert stamp_of(address) != first
    with pytest.raises(StoreError, match=r"There is no http://.*/none") as caught:
        fetch(home.url("studio/none"), tmp_path)
    assert "Signature" not in str(caught.value)
    with pytest.raises(StoreError, match=r"anna.ply could not be read. access is refused") as caught:
        fetch(f"{s3_server}/studio/night/anna.ply?token=secret", tmp_path)
    assert "secret" not in str(caught.value)
    assert not caught.value.passing
    with pytest.raises(StoreError, match=r"It may pass") as caught:
        fetch("http://127.0.0.1:9/anna.ply", tmp_path)
    assert caught.value.passing


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Gives whole files, no parts, and no ETag: as the plainest server does."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def test_a_plain_web_server_is_enough(tmp_path):
    (tmp_path / "www").mkdir()
    data = os.urandom(3_000_000)
    (tmp_path / "www" / "anna.ply").write_bytes(data)
    text = "ä" * 300_000
    (tmp_path / "www" / "anna.consent.json").write_text(text, encoding="utf-8")
    handler = partial(QuietHandler, directory=str(tmp_path / "www"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/anna"
    try:
        assert fetch(f"{address}.ply", tmp_path / "new").read_bytes() == data
        assert digest_of(f"{address}.ply") == hashlib.sha256(data).hexdigest()
        assert read_small(f"{address}.consent.json") == text
        with pytest.raises(InputError, match=r"anna.ply has more than 1 MiB"):
            read_small(f"{address}.ply")
        first = stamp_of(f"{address}.consent.json")
        (tmp_path / "www" / "anna.consent.json").write_text("ö" * 300_000, encoding="utf-8")
        assert stamp_of(f"{address}.consent.json") != first
    finally:
        server.shutdown()
        server.server_close()
