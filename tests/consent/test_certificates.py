from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bodyscan.consent.certificates import certificates_pem, read_certificates, read_identity, weak_key
from bodyscan.errors import InputError
from consent.authority import Certified, certify


@pytest.fixture(scope="module")
def root() -> Certified:
    return certify("Root", ca=True)


@pytest.fixture(scope="module")
def signer(root: Certified) -> Certified:
    return certify("Atelier", root)


def test_certificates_come_back_from_their_text(root: Certified, signer: Certified) -> None:
    both = (signer.certificate, root.certificate)
    assert read_certificates(certificates_pem(both)) == both
    assert read_certificates([signer.pem, root.pem.decode()]) == both


def test_text_around_certificates_is_passed_over(root: Certified) -> None:
    assert read_certificates(b"subject: Root\n\n" + root.pem + b"\nthe end") == (root.certificate,)


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        ("", "the roots cannot be read: there is no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "the roots cannot be read"),
        ("x" * 300_000, "more than 262144 bytes"),
    ],
)
def test_texts_that_hold_none_are_refused(pem: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_certificates(pem, "the roots")


def test_too_many_certificates_are_refused(root: Certified) -> None:
    with pytest.raises(InputError, match="more than 64 certificates"):
        read_certificates(root.pem * 65)


@pytest.mark.parametrize(
    ("options", "algorithm"),
    [
        ({}, "es256"),
        ({"curve": ec.SECP384R1()}, "es384"),
        ({"curve": ec.SECP521R1()}, "es512"),
        ({"ed": True}, "ed25519"),
    ],
)
def test_a_key_names_its_algorithm(root: Certified, options: dict, algorithm: str) -> None:
    one = certify("Atelier", root, **options)
    identity = read_identity(one.pem + root.pem, one.key_pem)
    assert identity.algorithm == algorithm
    assert identity.subject == "CN=Atelier,O=Clock House"
    assert identity.chain_pem.count("BEGIN CERTIFICATE") == 2


def test_the_text_form_of_an_identity_shows_no_secret(signer: Certified) -> None:
    identity = read_identity(signer.pem, signer.key_pem)
    assert "PRIVATE" not in repr(identity)
    assert "PRIVATE" in identity.key_pem


def test_a_locked_key_needs_its_passphrase(signer: Certified) -> None:
    locked = signer.locked_key_pem("open sesame")
    assert read_identity(signer.pem, locked, "open sesame") == read_identity(signer.pem, signer.key_pem)
    with pytest.raises(InputError, match="is locked; give its passphrase"):
        read_identity(signer.pem, locked)
    with pytest.raises(InputError, match="or the passphrase is wrong"):
        read_identity(signer.pem, locked, "open barley")
    with pytest.raises(InputError, match="takes no passphrase"):
        read_identity(signer.pem, signer.key_pem, "open sesame")


def test_a_key_that_is_none_is_refused(signer: Certified) -> None:
    with pytest.raises(InputError, match="it is no PEM key"):
        read_identity(signer.pem, signer.pem)


def test_the_key_must_belong_to_the_first_certificate(root: Certified, signer: Certified) -> None:
    with pytest.raises(InputError, match=r"first certificate of the chain \(CN=Root,O=Clock House\)"):
        read_identity(root.pem + signer.pem, signer.key_pem)


def test_other_kinds_of_keys_are_refused(signer: Certified) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    pem = rsa_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for text in (pem, certify("Small", curve=ec.SECP192R1()).key_pem):
        with pytest.raises(InputError, match="possible are Ed25519 and the elliptic curves P-256"):
            read_identity(signer.pem, text)


def test_weak_keys_are_named(root: Certified) -> None:
    assert weak_key(root.certificate) is None
    assert weak_key(certify("Small", curve=ec.SECP192R1()).certificate) == "an elliptic curve of 192 bits"
    assert weak_key(certify("Ed", root, ed=True).certificate) is None
