"""A browser without a window, and a server on this machine alone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gltf.tools import need_module, need_npm_package, need_program

TYPES = {".html": "text/html", ".js": "text/javascript", ".glb": "model/gltf-binary"}
PAGES = ("twin.html", "vrm.html", "stage.js")
"""One page a reader, and what they share."""
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=520,620",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator:
    """Start Chromium with software rendering and a fresh profile."""
    need_module("selenium")
    binary = need_program("chromium", "chromium-browser", "google-chrome")
    driver_binary = need_program("chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_binary))
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., str]]:
    """Return a function that serves a GLB with the pages and three.js, and returns a page's address."""
    modules = need_npm_package("three")
    need_npm_package("@pixiv/three-vrm")
    with contextlib.ExitStack() as stack:

        def start(glb: bytes, page: str = "twin.html") -> str:
            server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(glb, modules))
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}/{page}"

        yield start


def _handler(glb: bytes, modules: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self._find()
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", TYPES.get(Path(self.path).suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def _find(self) -> bytes | None:
            if self.path == "/twin.glb":
                return glb
            if self.path.removeprefix("/") in PAGES:
                return Path(__file__).with_name(self.path.removeprefix("/")).read_bytes()
            file = (modules / self.path.removeprefix("/node_modules/")).resolve()
            inside = self.path.startswith("/node_modules/") and file.is_relative_to(modules.resolve())
            return file.read_bytes() if inside and file.is_file() else None

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test output quiet."""

    return Handler
