"""A scan with the files that it names, from a web server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from batch.scan_files import MTL, OBJ, SCANS, files_in, picture, put
from batch.web import Signed, Unmeasured, Web
from bodyscan.batch.storage import digest_of, fetch, open_store, stamp_of


@pytest.fixture(params=[Web, Unmeasured])
def web(request: pytest.FixtureRequest, web_of: Callable[[type[Web]], str]) -> str:
    """Return the address of a plain web server."""
    return web_of(request.param)


def test_a_scan_comes_with_its_files_from_the_web(web, tmp_path):
    names = {"skin 1.png": "skin #1? 50%.png"}
    files = {names.get(name, name): data for name, data in SCANS["woman.obj"].items()}
    files["my woman.mtl"] = MTL.replace(b"skin 1", b"skin #1? 50%")
    put(open_store(tmp_path / "www"), files, "my scans/")
    address = f"{web}/my%20scans/woman.obj?token=a/b"
    fetch(address, tmp_path / "new")
    assert {name: (tmp_path / "new" / name).read_bytes() for name in files_in(tmp_path / "new")} == files
    assert digest_of(address) == digest_of(str(tmp_path / "new" / "woman.obj"))
    first = stamp_of(address)
    (tmp_path / "www" / "my scans" / "skin #1? 50%.png").write_bytes(picture(100) + b"x")
    assert stamp_of(address) != first


def test_a_file_from_the_web_keeps_its_own_name(web, tmp_path):
    (tmp_path / "www" / "Zoë 1.stl").write_bytes(b"solid")
    assert fetch(f"{web}/Zo%C3%AB%201.stl", tmp_path / "new") == tmp_path / "new" / "Zoë 1.stl"


def test_a_signature_for_the_scan_alone_brings_the_scan_alone(web_of, tmp_path):
    web = web_of(Signed)
    put(open_store(tmp_path / "www"), SCANS["woman.obj"])
    address = f"{web}/woman.obj?X-Amz-Signature=secret"
    assert fetch(address, tmp_path / "new").read_bytes() == OBJ
    assert files_in(tmp_path / "new") == {"woman.obj"}
    assert digest_of(address) == hashlib.sha256(OBJ).hexdigest()
