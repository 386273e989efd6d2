"""A whole night whose captures, consents and outputs lie on an S3 server."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from batch.nights import Night, state_of
from bodyscan.batch import storage
from bodyscan.batch.batch import read_status
from bodyscan.batch.job import JobState
from bodyscan.batch.storage import StoreError, open_store
from bodyscan.ledger import Ledger
from bodyscan.ledger.people import all_people, outputs_of

moto_server = pytest.importorskip("moto.server")

pytestmark = pytest.mark.slow


class Server:
    """An S3 server on this machine, on one port, with one bucket; what it holds outlives a stop."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        self.server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self.server.start()

    def stop(self) -> None:
        self.server.stop()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    storage._OPENED.clear()
    home: Any = storage._filesystem("s3://studio/x")[0]
    if not home.exists("studio"):
        home.mkdir("studio")
    for path in home.find("studio"):
        home.rm_file(path)
    yield server
    server.stop()
    storage._OPENED.clear()


@pytest.fixture
def night(server, tmp_path) -> Night:
    night = Night(tmp_path, home="s3://studio/night")
    for name in ("anna", "ben", "cleo"):
        night.add(name)
    return night


TWINS = ["anna/anna.glb", "ben/ben.glb", "cleo/cleo.glb"]


def test_a_night_in_a_bucket_is_made_listed_and_not_repeated(night):
    done = night.run()
    assert state_of(done) == dict.fromkeys(("anna", "ben", "cleo"), "done")
    assert night.files() == [*TWINS, "index.html"]
    assert done.index == "s3://studio/night/out/index.html"
    store = open_store("s3://studio/night/out")
    assert b"anna" in store.read("index.html")
    assert json.loads(store.read("ben/ben.glb").removeprefix(b"glb"))["name"] == "ben"
    with Ledger.open(night.folder / "ledger.sqlite", create=False) as ledger:
        places = [out.place for person in all_people(ledger) for out in outputs_of(ledger, person)]
    assert sorted(places) == [f"s3://studio/night/out/{name}" for name in TWINS]
    before = {name: store.stamp(name) for name in TWINS}
    assert state_of(night.run()) == state_of(done)
    assert night.begun() == []
    assert {name: store.stamp(name) for name in TWINS} == before
    assert len(night.uses()) == 3
    night.write("ben", seconds=0.01)
    night.run()
    assert night.begun() == ["ben"]
    assert not (night.folder / "out").exists()


def test_cut_between_two_moves_the_next_run_goes_on_from_there(night, monkeypatch):
    """The first move of each scan's twin is cut after the copy, as a killed process leaves it."""
    store = type(open_store("s3://studio/night/out"))
    move = store.move

    def cut(self: Any, source: str, target: str) -> None:
        self.write(target, self.read(source))
        raise StoreError(f"{target} was cut (on purpose).", passing=True)

    with monkeypatch.context() as patch:
        patch.setattr(store, "move", cut)
        done = night.run(attempts=1)
    assert state_of(done) == dict.fromkeys(("anna", "ben", "cleo"), "failed")
    assert {str(job.error.kind) for job in done.jobs if job.error} == {"system"}
    assert len(night.uses()) == 3
    assert any(name.startswith(".staging/") for name in night.files())
    assert store.move is move
    done = night.run()
    assert state_of(done) == dict.fromkeys(("anna", "ben", "cleo"), "done")
    assert all(job.error is None for job in done.jobs)
    assert night.worked() == [], "they were made once"
    assert night.files() == [*TWINS, "index.html"]
    assert [use["kind"] for use in night.uses()] == ["twin"] * 3


def test_a_capture_or_consent_that_is_not_in_the_bucket_fails_its_row_alone(night):
    night.rows[0]["capture"] = "s3://studio/night/in/nobody.ply"
    night.rows[1]["consent"] = "s3://studio/nowhere/ben.consent.json"
    done = night.run()
    assert state_of(done) == {"anna": "failed", "ben": "failed", "cleo": "done"}
    messages = [job.error.message for job in done.jobs if job.error]
    assert "There is no s3://studio/night/in/nobody.ply" in messages[0]
    assert "s3://studio/nowhere/ben.consent.json" in messages[1]
    assert "There is no" in messages[1]


def test_a_server_that_goes_away_is_waited_for_by_the_next_run(night, server):
    for name in ("anna", "ben"):
        night.write(name, seconds=1.0)
    stopped = []

    def stop(jobs: Any, summary: Any) -> None:
        if not stopped and any(job.state is JobState.RUNNING for job in jobs):
            stopped.append(True)
            server.stop()

    with pytest.raises(StoreError, match=r"s3://studio/night/out/index\.html could not be written") as caught:
        night.run(stop, attempts=2)
    assert caught.value.passing
    assert stopped
    jobs, summary = read_status(night.folder / "state")
    assert summary.counts[JobState.FAILED] == 3
    assert {str(job.error.kind) for job in jobs if job.error} == {"system"}
    assert all("It may pass: try again." in job.error.message for job in jobs if job.error)
    server.start()
    assert state_of(night.run()) == dict.fromkeys(("anna", "ben", "cleo"), "done")
    assert night.files() == [*TWINS, "index.html"]
    uses = [use["kind"] for use in night.uses()]
    assert uses.count("twin") - uses.count("void") == 3
