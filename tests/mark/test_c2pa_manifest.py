from __future__ import annotations

import base64
import hashlib
import random
import struct
import sys
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from bodyscan.consent.certificates import SigningIdentity
from bodyscan.errors import InputError, MissingExtraError
from bodyscan.mark.c2pa_manifest import (
    CERTIFICATE_USAGES,
    C2paVerdict,
    covers_all,
    judge,
    sign_sidecar,
    verify_sidecar,
)
from consent.authority import Certified, certify
from mark.c2pa_files import (
    CONSENT,
    SOFTWARE,
    TITLE,
    USAGES,
    VALID,
    check,
    glb,
    identity_of,
    sign_anything,
    signer_below,
    store_of,
)


def test_a_sidecar_is_sound_for_its_file_and_names_the_consent(root: Certified, sidecar: bytes) -> None:
    report = check(glb(), sidecar, root)
    assert report.ok
    assert (report.verdict, report.consent) == (C2paVerdict.SOUND, CONSENT)
    assert report.signer == "Clock House / Atelier"
    assert "signed by Clock House / Atelier" in report.reason


def test_the_hash_is_over_the_whole_file(sidecar: bytes) -> None:
    hashed = store_of(sidecar)["assertion_store"]["c2pa.hash.data"]
    assert "exclusions" not in hashed
    assert hashed["alg"] == "sha256"
    assert hashlib.sha256(glb()).digest() == base64.b64decode(hashed["hash"])


@pytest.mark.parametrize("place", [0, 8, 20, -1])
def test_any_changed_byte_of_the_file_is_found(root: Certified, sidecar: bytes, place: int) -> None:
    data = bytearray(glb())
    data[place] ^= 1
    if place == 0:
        with pytest.raises(InputError, match="for a binary glTF file"):
            check(bytes(data), sidecar, root)
        return
    report = check(bytes(data), sidecar, root)
    assert report.verdict is C2paVerdict.ALTERED
    assert "assertion.dataHash.mismatch" in report.reason
    assert report.consent is None


@pytest.mark.parametrize("data", [glb() + b"\0", glb()[:-1], glb(b"other")])
def test_a_longer_a_shorter_and_another_file_are_found(root: Certified, sidecar: bytes, data: bytes) -> None:
    assert check(data, sidecar, root).verdict is C2paVerdict.ALTERED


def test_a_changed_manifest_never_names_another_consent(root: Certified, sidecar: bytes) -> None:
    dice = random.Random(4)
    seen = set()
    for place in dice.sample(range(len(sidecar)), 300):
        changed = bytearray(sidecar)
        changed[place] ^= 1 << dice.randrange(8)
        report = check(glb(), bytes(changed), root, expected=None)
        seen.add(report.verdict)
        assert report.consent in (None, CONSENT)
    assert C2paVerdict.ALTERED in seen


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda m: m[:-100], "not one C2PA manifest store"),
        (lambda m: m + b"more", "not one C2PA manifest store"),
        (lambda m: m + m, "not one C2PA manifest store"),
        (lambda m: b"no manifest", "not one C2PA manifest store"),
        (lambda m: b"1234567", "has 7 bytes"),
        (lambda m: m + bytes(2_000_000), "possible are 8 to 1048576"),
        (lambda m: struct.pack(">I", 40) + b"jumb" + bytes(32), "is damaged"),
    ],
)
def test_a_damaged_manifest_is_told(root: Certified, sidecar: bytes, damage: Any, words: str) -> None:
    report = check(glb(), damage(sidecar), root)
    assert report.verdict is C2paVerdict.ALTERED
    assert words in report.reason


@pytest.mark.parametrize("manifest", [None, b""])
def test_no_manifest_is_told(root: Certified, manifest: bytes | None) -> None:
    report = check(glb(), manifest, root)
    assert report.verdict is C2paVerdict.MISSING
    assert "no C2PA manifest beside the file" in report.reason


def test_a_signer_that_no_anchor_vouches_for_is_untrusted(sidecar: bytes) -> None:
    for anchors in ((), (certify("Root", ca=True, valid=VALID).pem,)):
        report = verify_sidecar(glb(), sidecar, anchors, CONSENT)
        assert report.verdict is C2paVerdict.UNTRUSTED
        assert "vouches for the signer Clock House / Atelier" in report.reason
        assert report.consent is None


def test_an_altered_file_of_an_untrusted_signer_is_altered(sidecar: bytes) -> None:
    assert verify_sidecar(glb(b"other"), sidecar, ()).verdict is C2paVerdict.ALTERED


def test_a_self_signed_certificate_is_no_anchor_of_another(root: Certified) -> None:
    impostor = certify("Atelier", None, usages=USAGES, critical=False, valid=VALID)
    manifest = sign_sidecar(glb(), CONSENT, identity_of(impostor), SOFTWARE, TITLE)
    assert check(glb(), manifest, root).verdict is C2paVerdict.UNTRUSTED


@pytest.mark.parametrize(
    "change",
    [
        {"record_id": "00000000-0000-4000-8000-000000000002"},
        {"record_sha256": "00" * 32},
        {"geometry": None},
        {"training": True},
        {"mining": True},
        {"inference": True},
        {"generation": True},
    ],
)
def test_a_manifest_of_another_consent_disagrees(root: Certified, sidecar: bytes, change: dict) -> None:
    report = check(glb(), sidecar, root, replace(CONSENT, **change))
    assert report.verdict is C2paVerdict.DISAGREES
    assert f"another consent than the file carries: {next(iter(change))}." in report.reason
    assert not report.ok


def test_a_hash_that_leaves_out_a_range_does_not_count_beside_a_file(
    root: Certified, identity: SigningIdentity
) -> None:
    """The manifest of a picture leaves out its own bytes; beside a file anybody could fill that gap."""
    kept = glb()[:24] + glb()[32:]
    hashed = {
        "exclusions": [{"start": 24, "length": 8}],
        "alg": "sha256",
        "hash": list(hashlib.sha256(kept).digest()),
        "pad": [0],
        "name": "jumbf manifest",
    }
    assertions = [*CONSENT.assertions(), {"label": "c2pa.hash.data", "data": hashed}]
    manifest = sign_anything({"assertions": assertions}, identity)
    for data in (glb(), glb()[:24] + b"forgery!" + glb()[32:]):
        assert check(data, manifest, root).verdict is C2paVerdict.ALTERED
    assert not covers_all(store_of(manifest), glb())


def test_only_one_strong_hash_over_all_bytes_covers_a_file(sidecar: bytes) -> None:
    def with_hash(**changes: Any) -> dict[str, Any]:
        store = store_of(sidecar)
        store["assertion_store"]["c2pa.hash.data"] |= changes
        return store

    assert covers_all(with_hash(), glb())
    assert covers_all(with_hash(exclusions=[]), glb())
    assert not covers_all(with_hash(), glb(b"other"))
    assert not covers_all(with_hash(exclusions=[{"start": 0, "length": 1}]), glb())
    sha1 = base64.b64encode(hashlib.sha1(glb()).digest()).decode()
    assert not covers_all(with_hash(alg="sha1", hash=sha1), glb())
    assert not covers_all({}, glb())
    second = with_hash()
    second["assertion_store"]["c2pa.hash.boxes"] = {}
    assert not covers_all(second, glb())


@pytest.mark.parametrize("options", [{"ed": True}, {"curve": ec.SECP384R1()}, {"curve": ec.SECP521R1()}])
def test_ed25519_and_larger_curves_sign_too(root: Certified, options: dict) -> None:
    manifest = sign_sidecar(glb(), CONSENT, identity_of(signer_below(root, **options)), SOFTWARE, TITLE)
    assert check(glb(), manifest, root).ok


def test_a_chain_over_another_certificate_leads_to_the_anchor(root: Certified) -> None:
    between = certify("Between", root, ca=True, serial=3, valid=VALID)
    identity = identity_of(signer_below(between), between)
    assert check(glb(), sign_sidecar(glb(), CONSENT, identity, SOFTWARE, TITLE), root).ok


@pytest.mark.parametrize("usage", CERTIFICATE_USAGES)
def test_every_usage_of_the_certificate_profile_is_accepted(root: Certified, usage: str) -> None:
    identity = identity_of(signer_below(root, usages=(ObjectIdentifier(usage),)))
    assert check(glb(), sign_sidecar(glb(), CONSENT, identity, SOFTWARE, TITLE), root).ok


@pytest.mark.parametrize(
    "options", [{"usages": ()}, {"usages": (ExtendedKeyUsageOID.SERVER_AUTH,)}, {"valid": (2020, 2021)}]
)
def test_a_certificate_outside_the_profile_does_not_sign(root: Certified, options: dict) -> None:
    with pytest.raises(InputError, match=r"cannot be signed: .*The certificate must hold now"):
        sign_sidecar(glb(), CONSENT, identity_of(signer_below(root, **options)), SOFTWARE, TITLE)


def test_verdicts_follow_the_status_codes() -> None:
    assert judge("Trusted", ()) is C2paVerdict.SOUND
    assert judge("Valid", ("signingCredential.untrusted",)) is C2paVerdict.UNTRUSTED
    assert judge("Invalid", ("claimSignature.outsideValidity",)) is C2paVerdict.UNTRUSTED
    expired = ("signingCredential.expired", "assertion.dataHash.mismatch")
    assert judge("Invalid", expired) is C2paVerdict.ALTERED
    for state in ("Valid", "Invalid", "", None, "trusted"):
        assert judge(state, ()) is C2paVerdict.ALTERED
    assert judge("Trusted", ("algorithm.unsupported",)) is C2paVerdict.ALTERED


def test_the_manifest_says_how_the_file_came_about(sidecar: bytes) -> None:
    store = store_of(sidecar)
    created = store["assertion_store"]["c2pa.actions.v2"]["actions"]
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
    assert created == [{"action": "c2pa.created", "digitalSourceType": source}]
    assert store["claim"]["dc:title"] == TITLE
    assert {"name": "bodyscan", "version": "0.1.0"}.items() <= store["claim"]["claim_generator_info"].items()
    assert "gathered_assertions" not in store["claim"]  # the signer stands for all of it


def test_a_twin_of_another_kind_of_bytes_is_refused(identity: SigningIdentity) -> None:
    with pytest.raises(InputError, match=r"for a binary glTF file \(.glb\)"):
        sign_sidecar(b"PK\3\4", CONSENT, identity, SOFTWARE, TITLE)


def test_anchors_that_cannot_be_read_are_refused(sidecar: bytes) -> None:
    with pytest.raises(InputError, match="the C2PA trust anchors cannot be read"):
        verify_sidecar(glb(), sidecar, (b"no certificate",))


def test_without_the_extra_its_name_is_told(
    monkeypatch: pytest.MonkeyPatch, identity: SigningIdentity, sidecar: bytes
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    for call in (
        lambda: sign_sidecar(glb(), CONSENT, identity, SOFTWARE, TITLE),
        lambda: verify_sidecar(glb(), sidecar, ()),
    ):
        with pytest.raises(MissingExtraError, match=r"pip install 'bodyscan\[c2pa\]'"):
            call()
