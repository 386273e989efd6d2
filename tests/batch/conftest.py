"""Places for the files of a batch: on a disk, in memory, and on an S3 server of this machine."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from batch.web import Web
from bodyscan.batch import storage
from bodyscan.batch.storage import Store, open_store


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Return the URL of an S3 server on this machine."""
    moto_server = pytest.importorskip("moto.server")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def opened() -> dict[Any, Any]:
    """Return the file systems that were opened for the server, kept: one takes a third of a second."""
    return {}


@pytest.fixture
def s3(s3_server: str, opened: dict[Any, Any], use_server: Callable[[str], None]) -> str:
    """Return the address of an empty folder in a bucket, set up as a user sets it up."""
    use_server(s3_server)
    if not opened:
        home: Any = storage._filesystem("s3://studio/x")[0]
        home.makedirs("studio", exist_ok=True)
        opened.update(storage._OPENED)
    storage._OPENED.update(opened)
    home = storage._filesystem("s3://studio/x")[0]
    for path in home.find("studio"):
        home.rm_file(path)
    return "s3://studio/night"


@pytest.fixture
def use_server(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what points S3 to a server by the vendor's own settings, and forgets what was opened before."""

    def point(url: str) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setattr(storage, "_OPENED", {})

    return point


@pytest.fixture(params=["local", "file", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return an empty folder of each kind."""
    if request.param == "s3":
        return request.getfixturevalue("s3")
    return {
        "local": str(tmp_path / "out"),
        "file": f"file://{tmp_path}/out",
        "memory": f"memory://{tmp_path.name}/out",
    }[request.param]


@pytest.fixture
def store(place: str) -> Store:
    """Return an empty store of each kind."""
    return open_store(place)


@pytest.fixture
def web_of(tmp_path: Path) -> Iterator[Callable[[type[Web]], str]]:
    """Return what starts a web server of a kind that gives the folder `www`, and tells its address."""
    (tmp_path / "www").mkdir()
    servers = []

    def start(kind: type[Web]) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(kind, directory=tmp_path / "www"))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
