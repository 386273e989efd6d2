"""One Chromium without a window for all pages, and what a page reports, as a `ReaderReport`."""

from __future__ import annotations

import atexit
import base64
import shutil
import tempfile
import threading
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from browser.conftest import FLAGS
from gltf.tools import need_module, need_npm_package, need_program
from readers.report import ARM_DEGREES, ReaderReport, TextureSeen, refused
from readers.silhouette import SIZE

PAGES = Path(__file__).with_name("pages")
TIMEOUT_S = 90


def report_of(
    reader: str, page: str, path: Path, npm_packages: tuple[str, ...], **query: str
) -> tuple[ReaderReport, dict[str, Any]]:
    """Open a page of `pages/` with a file and return what it reports, as told and raw.

    `npm_packages` must be installed; the page finds them below /node_modules. `query`: the page's parameters.
    """
    (modules,) = {need_npm_package(name) for name in npm_packages}
    driver, folder, port = _started(modules)
    # Names that differ, so that no file is taken from the browser's cache.
    shutil.copyfile(path, folder / path.name)
    wanted = urlencode({"file": f"/{path.name}", "degrees": f"{ARM_DEGREES:g}", **query})
    from selenium.webdriver.support.ui import WebDriverWait

    driver.get(f"http://127.0.0.1:{port}/{page}?{wanted}")
    WebDriverWait(driver, TIMEOUT_S).until(lambda b: b.execute_script("return window.report !== undefined"))
    raw = driver.execute_script("return window.report")
    return _as_report(reader, raw), raw


def _as_report(reader: str, raw: dict[str, Any]) -> ReaderReport:
    problems = tuple(raw["problems"])
    if not raw["loaded"]:
        return refused(reader, *problems)
    return ReaderReport(
        reader=f"{reader} {raw['version']}",
        loaded=True,
        problems=problems,
        joints=tuple(raw["joints"]),
        morphs=tuple(raw["morphs"]),
        textures=tuple(TextureSeen(**(one | {"mean": tuple(one["mean"])})) for one in raw["textures"]),
        triangles=raw["triangles"],
        height_m=raw["height_m"],
        arm_m=raw["arm_m"],
        jaw_m=raw["jaw_m"],
        silhouettes={"rest": _mask(raw["rest"]), "arm": _mask(raw["lifted"])},
        extras=raw["extras"],
        again=base64.b64decode(raw["again"]) if raw["again"] else None,
    )


def _mask(text: str) -> NDArray[np.bool_]:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(SIZE, SIZE)[::-1].astype(bool)


@cache
def _started(modules: Path) -> tuple[Any, Path, int]:
    """Start the browser and a server of this machine alone; both end with the process."""
    need_module("selenium")
    binary = need_program("chromium", "chromium-browser", "google-chrome")
    driver_binary = need_program("chromedriver")
    from selenium import webdriver

    folder = Path(tempfile.mkdtemp(prefix="readers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root = folder / "site"
    shutil.copytree(PAGES, root)
    (root / "node_modules").symlink_to(modules.resolve())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    atexit.register(server.shutdown)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_binary))
    atexit.register(driver.quit)
    driver.set_script_timeout(TIMEOUT_S)
    return driver, root, server.server_port


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output quiet."""
