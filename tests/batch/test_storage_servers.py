"""What servers do: parts, refusals, silence, and the plain web."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from typing import Any

import pytest

from batch.web import Web
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


def test_a_plain_web_server_is_enough(web_of, tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / "www" / "anna.ply").write_bytes(data)
    text = "ä" * 300_000
    (tmp_path / "www" / "anna.consent.json").write_text(text, encoding="utf-8")
    address = f"{web_of(Web)}/anna"
    assert fetch(f"{address}.ply", tmp_path / "new").read_bytes() == data
    assert digest_of(f"{address}.ply") == hashlib.sha256(data).hexdigest()
    assert read_small(f"{address}.consent.json") == text
    with pytest.raises(InputError, match=r"anna.ply has more than 1 MiB"):
        read_small(f"{address}.ply")
    first = stamp_of(f"{address}.consent.json")
    (tmp_path / "www" / "anna.consent.json").write_text("ö" * 300_000, encoding="utf-8")
    assert stamp_of(f"{address}.consent.json") != first
