"""C2PA manifests (C2PA specification 2.x) that point to a consent: beside a twin's GLB, inside a picture.

A manifest says, under the X.509 certificate of whoever signs it: these bytes were created as a composite of
captured and synthetic parts, under this consent record, and this is what machine learning may do with them
(`cawg.training-mining`, CAWG 1.1). C2PA has no place inside a GLB; there the manifest is a file of its own,
NAME.c2pa, and its hard binding is the hash of the whole GLB.

`c2pa-python` (the extra `c2pa`) writes and checks manifests. It may fetch what a file names: remote
manifests, certificate status, identities. All of that is switched off here, and no host is allowed. It
judges certificates by the computer's clock.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bodyscan.consent.certificates import SigningIdentity, certificates_pem, read_certificates
from bodyscan.consent.fields import printable
from bodyscan.errors import InputError, MissingExtraError
from bodyscan.mark.c2pa_consent import C2paConsent, difference, named_consent
from bodyscan.mark.metadata import SourceType

GLB_TYPE = "model/gltf-binary"
MAX_MANIFEST_BYTES = 1024 * 1024
"""A sidecar has 3 to 20 KB."""
PICTURE_TYPES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
}
"""First bytes -> media type of the pictures that can hold a manifest here."""
CERTIFICATE_USAGES = {
    "1.3.6.1.4.1.62558.2.1": "C2PA claim signing",
    "1.3.6.1.5.5.7.3.36": "document signing",
    "1.3.6.1.5.5.7.3.4": "e-mail protection",
}
"""What a signer's certificate must be for, one of them at least (C2PA 2.x, certificate profile)."""
_STAMP_USAGES = ("1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9")
_HASHES = ("sha256", "sha384", "sha512")
_NOT_TRUSTED = ("signingCredential.", "claimSignature.outsideValidity")


class C2paVerdict(StrEnum):
    """What a check of a manifest found."""

    SOUND = "sound"
    """Signed by somebody whom an anchor vouches for, over these bytes, naming the expected consent."""
    ALTERED = "altered"
    """The file or the manifest is not what was signed."""
    UNTRUSTED = "untrusted"
    """Sound, but no given anchor vouches for the signer, or their certificate does not hold now."""
    DISAGREES = "disagrees"
    """Sound and trusted, but it does not name the consent that the file carries."""
    MISSING = "missing"
    """There is no manifest."""


@dataclass(frozen=True)
class C2paReport:
    """The outcome of a check."""

    verdict: C2paVerdict
    reason: str
    """One sentence for a person."""
    consent: C2paConsent | None = None
    """What the manifest names, only where its signature holds and its signer is trusted."""
    signer: str = ""
    """The organisation and name in the signer's certificate, as far as the certificate could be read."""

    @property
    def ok(self) -> bool:
        """True where the verdict is `sound`."""
        return self.verdict is C2paVerdict.SOUND


def sign_sidecar(
    glb: bytes, consent: C2paConsent, identity: SigningIdentity, software: str, title: str
) -> bytes:
    """Return the manifest (`application/c2pa`) of a GLB, for a file beside it; the GLB is not changed.

    `software` is a name and a version, `title` the file's name. Raises `InputError` where the bytes are no
    GLB or the certificate does not fit C2PA's profile, `MissingExtraError` without c2pa-python.
    """
    _check_glb(glb)
    return _sign(glb, GLB_TYPE, consent, identity, software, title)[0]


def sign_picture(
    picture: bytes, consent: C2paConsent, identity: SigningIdentity, software: str, title: str
) -> bytes:
    """Return a PNG, JPEG or WebP with its manifest embedded; pixels and XMP stay as they are.

    Raises as `sign_sidecar` does, for a picture.
    """
    return _sign(picture, _picture_type(picture), consent, identity, software, title)[1]


def verify_sidecar(
    glb: bytes,
    manifest: bytes | None,
    anchors: Iterable[str | bytes],
    expected: C2paConsent | None = None,
) -> C2paReport:
    """Check the manifest beside a GLB.

    `anchors` are PEM texts of roots that the caller trusts; without any, no signer is. `expected` is what
    the consent inside the GLB says (None: not compared). Never raises for what the manifest holds; raises
    `InputError` where the bytes are no GLB or an anchor cannot be read, `MissingExtraError` without
    c2pa-python.
    """
    _check_glb(glb)
    if not manifest:
        return C2paReport(C2paVerdict.MISSING, "there is no C2PA manifest beside the file.")
    if not 8 <= len(manifest) <= MAX_MANIFEST_BYTES:
        return _altered(f"the manifest has {len(manifest)} bytes; possible are 8 to {MAX_MANIFEST_BYTES}")
    if manifest[4:8] != b"jumb" or int.from_bytes(manifest[:4], "big") != len(manifest):
        return _altered("the manifest file is not one C2PA manifest store, and nothing else")
    report, store = _verify(glb, GLB_TYPE, manifest, anchors, expected)
    if report.verdict is not C2paVerdict.ALTERED and not covers_all(store, glb):
        # A range left out of the hash has its place in a file that holds its own manifest, not beside one.
        return _altered("the manifest's hash is not one over all of the file")
    return report


def verify_picture(
    picture: bytes, anchors: Iterable[str | bytes], expected: C2paConsent | None = None
) -> C2paReport:
    """Check the manifest inside a PNG, JPEG or WebP, as `verify_sidecar` does beside a GLB."""
    return _verify(picture, _picture_type(picture), None, anchors, expected)[0]


def _c2pa() -> Any:
    """The module c2pa, or `MissingExtraError`."""
    try:
        import c2pa
    except ImportError:
        raise MissingExtraError(
            "C2PA manifests need c2pa-python, which is not installed: run `pip install 'bodyscan[c2pa]'`."
        ) from None
    return c2pa


def _settings(anchors_pem: str) -> dict[str, Any]:
    """Nothing from the network, only the caller's anchors, bounded decompression."""
    return {
        "core": {
            "allowed_network_hosts": [],  # an empty list allows none
            "allow_redirects": False,
            "decode_identity_assertions": False,
            "max_decompressed_manifest_size_in_mb": 1,
        },
        "verify": {
            "verify_after_reading": True,
            "verify_after_sign": True,
            "verify_trust": True,
            "verify_timestamp_trust": True,
            "ocsp_fetch": False,
            "remote_manifest_fetch": False,
        },
        "trust": {
            "trust_config": "\n".join((*CERTIFICATE_USAGES, *_STAMP_USAGES)),
            **({"user_anchors": anchors_pem} if anchors_pem else {}),
        },
        "builder": {"thumbnail": {"enabled": False}},
    }


def _sign(
    data: bytes, media_type: str, consent: C2paConsent, identity: SigningIdentity, software: str, title: str
) -> tuple[bytes, bytes]:
    """Return (manifest, the data with the manifest where the type can hold one)."""
    module = _c2pa()
    name, _, version = software.rpartition(" ")
    created = {"action": "c2pa.created", "digitalSourceType": SourceType.COMPOSITE_SYNTHETIC.uri}
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [created]}, "created": True}
    definition = {
        "claim_generator_info": [{"name": name or software, "version": version if name else "0"}],
        "title": title,
        "format": media_type,
        "assertions": [actions, *consent.assertions()],
    }
    signed = io.BytesIO()
    try:
        info = module.C2paSignerInfo(
            identity.algorithm, identity.chain_pem.encode(), identity.key_pem.encode(), None
        )
        with (
            module.Context.from_dict(_settings("")) as context,
            module.Signer.from_info(info) as signer,
            module.Builder(definition, context=context) as builder,
        ):
            if media_type == GLB_TYPE:
                builder.set_no_embed()
            return builder.sign(signer, media_type, io.BytesIO(data), signed), signed.getvalue()
    except module.C2paError as error:
        usages = ", ".join(CERTIFICATE_USAGES.values())
        raise InputError(
            printable(
                f"the C2PA manifest cannot be signed: {error}. The certificate must hold now, must not be a "
                f"root, must be for digital signatures, and for one of: {usages}."
            )
        ) from None


def _verify(
    data: bytes,
    media_type: str,
    manifest: bytes | None,
    anchors: Iterable[str | bytes],
    expected: C2paConsent | None,
) -> tuple[C2paReport, Mapping[str, Any]]:
    """Return the report, and the active manifest with its assertions as they stand in the store."""
    module = _c2pa()
    texts = list(anchors)
    pem = certificates_pem(read_certificates(texts, "the C2PA trust anchors")) if texts else ""
    try:
        with (
            module.Context.from_dict(_settings(pem)) as context,
            module.Reader(media_type, io.BytesIO(data), manifest, context=context) as reader,
        ):
            found = json.loads(reader.detailed_json())
            embedded = reader.is_embedded()
    except module.C2paError.ManifestNotFound:
        return C2paReport(C2paVerdict.MISSING, "there is no C2PA manifest in the file."), {}
    except module.C2paError as error:
        if str(error).startswith("Remote"):
            words = "the C2PA manifest of the file lies elsewhere, and nothing is fetched."
            return C2paReport(C2paVerdict.MISSING, words), {}
        return _altered(f"the manifest is damaged: {error}"), {}
    store = (found.get("manifests") or {}).get(found.get("active_manifest")) or {}
    codes = [item["code"] for item in _failures(found.get("validation_results") or {})]
    verdict = judge(found.get("validation_state"), codes)
    signature = store.get("signature") or {}
    signer = printable(
        " / ".join(str(signature[key]) for key in ("issuer", "common_name") if signature.get(key))
    )
    if verdict is C2paVerdict.SOUND and manifest is None and not embedded:
        verdict, codes = C2paVerdict.ALTERED, ["it does not stand in the file"]
    if verdict is not C2paVerdict.SOUND:
        return C2paReport(verdict, _reason(verdict, codes, signer), signer=signer), store
    consent = named_consent(store.get("assertion_store") or {})
    if consent is None or expected not in (None, consent):
        words = difference(consent, expected)
        return C2paReport(C2paVerdict.DISAGREES, words, consent, signer), store
    return C2paReport(C2paVerdict.SOUND, f"the manifest holds; signed by {signer}.", consent, signer), store


def judge(state: str | None, failures: Iterable[str]) -> C2paVerdict:
    """Return the verdict for a validation state and failure codes of C2PA (2.x, status codes).

    Only the state `Trusted` is sound. Where the failures are of the signer's certificate alone, the manifest
    is untrusted; with any other it is altered.
    """
    codes = tuple(failures)
    if state == "Trusted" and not codes:
        return C2paVerdict.SOUND
    if codes and all(code.startswith(_NOT_TRUSTED) for code in codes):
        return C2paVerdict.UNTRUSTED
    return C2paVerdict.ALTERED


def covers_all(store: Mapping[str, Any], data: bytes) -> bool:
    """True where the one hash of a file in a manifest is over all of its bytes.

    `store` is a manifest as the library shows it in detail. The library refuses ranges that are left out
    beside a file, too; versions before 2026 did not.
    """
    labels = [label for label in store.get("assertion_store") or {} if label.startswith("c2pa.hash.")]
    if labels != ["c2pa.hash.data"]:
        return False
    hashed = store["assertion_store"]["c2pa.hash.data"]
    name = hashed.get("alg") or (store.get("claim") or {}).get("alg")
    if hashed.get("exclusions") or name not in _HASHES:
        return False
    return hashed.get("hash") == base64.b64encode(hashlib.new(name, data).digest()).decode()


def _failures(results: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """All failures: of the active manifest and of those that it builds on."""
    yield from (results.get("activeManifest") or {}).get("failure") or ()
    for ingredient in results.get("ingredientDeltas") or ():
        yield from (ingredient.get("validationDeltas") or {}).get("failure") or ()


def _reason(verdict: C2paVerdict, codes: list[str], signer: str) -> str:
    listed = printable(", ".join(dict.fromkeys(codes)) or "no reason was given", 300)
    if verdict is C2paVerdict.UNTRUSTED:
        return f"no anchor that you gave vouches for the signer {signer or '(unnamed)'} now ({listed})."
    return f"the file or its manifest is not what was signed ({listed})."


def _altered(reason: str) -> C2paReport:
    return C2paReport(C2paVerdict.ALTERED, printable(f"{reason.rstrip('.')}.", 500))


def _check_glb(glb: bytes) -> None:
    if glb[:4] != b"glTF":
        raise InputError("a C2PA sidecar is for a binary glTF file (.glb); these bytes are none.")


def _picture_type(picture: bytes) -> str:
    for start, media_type in PICTURE_TYPES.items():
        if picture.startswith(start) and (media_type != "image/webp" or picture[8:12] == b"WEBP"):
            return media_type
    raise InputError("the picture is no PNG, JPEG or WebP, the kinds that can hold a C2PA manifest here.")
