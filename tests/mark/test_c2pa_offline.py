"""The library fetches what a file names unless it is told not to; each test shows that, too."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from bodyscan.consent.certificates import SigningIdentity
from bodyscan.mark.c2pa_manifest import C2paVerdict, sign_sidecar, verify_picture
from consent.authority import Certified
from mark.c2pa_files import CONSENT, SOFTWARE, TITLE, c2pa, check, glb, identity_of, saved, signer_below


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """Give the address of a server that answers nothing, and what was asked of it."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(1)
                    asked.append(connection.recv(200))
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            stop.set()
            thread.join()


def read_with(settings: dict[str, Any], media_type: str, data: bytes, manifest: bytes | None = None) -> None:
    """Read with other settings than ours, and let it fail."""
    with suppress(c2pa.C2paError), c2pa.Context.from_dict(settings) as context:
        c2pa.Reader(media_type, io.BytesIO(data), manifest, context=context).close()


def test_a_manifest_that_lies_elsewhere_is_not_fetched(root: Certified, identity: SigningIdentity) -> None:
    info = c2pa.C2paSignerInfo(
        identity.algorithm, identity.chain_pem.encode(), identity.key_pem.encode(), None
    )
    with listening() as (address, asked):
        signed = io.BytesIO()
        action = {"action": "c2pa.created", "digitalSourceType": "http://cv.iptc.org/newscodes/x"}
        definition = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(definition) as builder:
            builder.set_no_embed()
            builder.set_remote_url(f"{address}/manifest.c2pa")
            builder.sign(signer, "image/png", io.BytesIO(saved("PNG")), signed)
        assert address.encode() in signed.getvalue()
        report = verify_picture(signed.getvalue(), (root.pem,))
        assert report.verdict is C2paVerdict.MISSING
        assert "lies elsewhere, and nothing is fetched" in report.reason
        assert asked == []
        read_with({}, "image/png", signed.getvalue())  # what the library does unless it is told
        assert asked
        assert b"GET /manifest.c2pa" in asked[0]


def test_the_status_of_a_certificate_is_not_asked(root: Certified) -> None:
    with listening() as (address, asked):
        access = x509.AuthorityInformationAccess(
            [
                x509.AccessDescription(
                    AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(f"{address}/ocsp")
                )
            ]
        )
        signer = signer_below(root, extensions=(access,))
        manifest = sign_sidecar(glb(), CONSENT, identity_of(signer, root), SOFTWARE, TITLE)
        assert check(glb(), manifest, root).ok
        assert asked == []
        anchors = {"trust": {"user_anchors": root.pem.decode()}, "verify": {"ocsp_fetch": True}}
        read_with(anchors, "model/gltf-binary", glb(), manifest)
        assert asked
        assert asked[0].startswith(b"GET /")
