"""Files and certificates that the tests of C2PA manifests share."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from PIL import Image

from bodyscan.consent.certificates import SigningIdentity, read_identity
from bodyscan.mark import MarkInfo, encode_marked, xmp_packet
from bodyscan.mark.c2pa_consent import C2paConsent
from bodyscan.mark.c2pa_manifest import C2paReport, verify_sidecar
from consent.authority import Certified, certify

c2pa = pytest.importorskip("c2pa", reason="needs the `c2pa` extra")

SOFTWARE, TITLE = "bodyscan 0.1.0", "twin.glb"
INFO = MarkInfo("00000000-0000-4000-8000-000000000001", "Anna 7", "render", SOFTWARE, "0123456789abcdef")
CONSENT = C2paConsent(INFO.record_id, "ab" * 32, "tri-sha256-v1:" + "cd" * 32)
PICTURE = np.random.default_rng(5).integers(0, 256, (160, 220, 3)).astype(np.uint8)
VALID = (2020, 2100)
"""c2pa-rs asks the computer's clock, so that the certificates of these tests hold for long."""
USAGES = (ObjectIdentifier("1.3.6.1.4.1.62558.2.1"), ExtendedKeyUsageOID.EMAIL_PROTECTION)
"""Claim signing, and what the library accepts without our settings."""


def glb(words: bytes = b"twin") -> bytes:
    """Return a tiny GLB."""
    text = b'{"asset":{"version":"2.0"},"extras":"' + words + b'"}'
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sII", b"glTF", 2, 20 + len(text)) + struct.pack("<I4s", len(text), b"JSON") + text


def identity_of(signer: Certified, *above: Certified) -> SigningIdentity:
    """Return what signs with this certificate."""
    return read_identity(b"".join(one.pem for one in (signer, *above)), signer.key_pem)


def signer_below(root: Certified, **options: Any) -> Certified:
    """Make a signer's certificate."""
    return certify("Atelier", root, **{"usages": USAGES, "critical": False, "valid": VALID, **options})


def check(data: bytes, manifest: bytes | None, root: Certified, expected: Any = CONSENT) -> C2paReport:
    """Check a sidecar with one anchor."""
    return verify_sidecar(data, manifest, (root.pem,), expected)


def store_of(manifest: bytes) -> dict[str, Any]:
    """Return the active manifest as the library shows it."""
    with c2pa.Reader("model/gltf-binary", io.BytesIO(glb()), manifest) as reader:
        found = json.loads(reader.detailed_json())
    return found["manifests"][found["active_manifest"]]


def sign_anything(definition: dict[str, Any], identity: SigningIdentity, data: bytes = b"") -> bytes:
    """Sign any manifest beside a GLB, past every check of ours."""
    info = c2pa.C2paSignerInfo(
        identity.algorithm, identity.chain_pem.encode(), identity.key_pem.encode(), None
    )
    created = {"action": "c2pa.created", "digitalSourceType": "http://cv.iptc.org/newscodes/x"}
    assertions = [
        {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
        *definition.get("assertions", []),
    ]
    with (
        c2pa.Signer.from_info(info) as signer,
        c2pa.Builder({**definition, "assertions": assertions}) as builder,
    ):
        builder.set_no_embed()
        return builder.sign(signer, "model/gltf-binary", io.BytesIO(data or glb()))


def saved(file_format: str) -> bytes:
    """Return a marked picture; a WebP without a label, which only its XMP marks."""
    buffer = io.BytesIO()
    if file_format == "WEBP":
        Image.fromarray(PICTURE).save(buffer, "WEBP", lossless=True, xmp=xmp_packet(INFO).encode())
        return buffer.getvalue()
    return encode_marked(PICTURE, INFO, file_format=file_format)
