from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bodyscan.consent.keys import (
    generate_key,
    key_from_seed,
    parse_private_key,
    parse_public_key,
    public_key_pem,
)
from bodyscan.errors import InputError
from consent.people import ANNA, STUDIO


def test_thumbprint_is_that_of_rfc_8037_appendix_a3() -> None:
    text = '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
    assert parse_public_key(text).thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_keys_survive_both_text_forms() -> None:
    key = generate_key()
    assert parse_private_key(key.to_jwk_text()).public == key.public
    assert parse_private_key(key.to_pem_text()).public == key.public
    assert parse_private_key(key.to_pem_text("open sesame"), "open sesame").public == key.public
    assert parse_public_key(public_key_pem(key.public)) == key.public
    assert parse_public_key(json.dumps(key.public.model_dump())) == key.public


def test_two_new_keys_differ_and_a_seed_repeats() -> None:
    assert generate_key().public != generate_key().public
    assert key_from_seed(bytes(32)).public == key_from_seed(bytes(32)).public


def test_text_forms_of_a_signing_key_hide_the_secret() -> None:
    secret = json.loads(ANNA.to_jwk_text())["d"]
    assert secret not in repr(ANNA)
    assert secret not in str(ANNA)


@pytest.mark.parametrize("text", [ANNA.to_jwk_text(), ANNA.to_pem_text(), ANNA.to_pem_text("locked")])
def test_a_private_key_is_refused_where_a_public_one_is_wanted(text: str) -> None:
    with pytest.raises(InputError, match="this is a private key; give the public key"):
        parse_public_key(text)


@pytest.mark.parametrize("text", [json.dumps(ANNA.public.model_dump()), public_key_pem(ANNA.public)])
def test_a_public_key_is_refused_where_a_private_one_is_wanted(text: str) -> None:
    with pytest.raises(InputError, match="signing needs the private one"):
        parse_private_key(text)


def test_a_low_order_key_is_refused() -> None:
    text = '{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'
    with pytest.raises(InputError, match="low-order point"):
        parse_public_key(text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"crv": "X25519"}, "crv"),
        ({"kty": "EC"}, "kty"),
        ({"use": "enc"}, "use"),
        ({"x": ANNA.public.x + "="}, "base64url"),
        ({"x": ANNA.public.x[:-1] + chr(ord(ANNA.public.x[-1]) + 1)}, "canonical form"),
        ({"x": "AA"}, "has 32 bytes"),
        ({"x": 5}, "x"),
    ],
)
def test_other_jwks_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match="the public key cannot be used") as caught:
        parse_public_key(json.dumps({**ANNA.public.model_dump(), **change}))
    assert said in str(caught.value)


def test_halves_of_two_keys_are_refused() -> None:
    mixed = {**json.loads(ANNA.to_jwk_text()), "x": STUDIO.public.x}
    with pytest.raises(InputError, match="does not belong to its private half"):
        parse_private_key(json.dumps(mixed))


def test_a_short_private_half_is_refused() -> None:
    with pytest.raises(InputError, match="must be 32 bytes"):
        parse_private_key(json.dumps({**json.loads(ANNA.to_jwk_text()), "d": "AAAA"}))


def test_a_locked_key_needs_its_own_passphrase() -> None:
    locked = ANNA.to_pem_text("right")
    with pytest.raises(InputError, match="it is locked; give its passphrase"):
        parse_private_key(locked)
    with pytest.raises(InputError, match="the passphrase is wrong"):
        parse_private_key(locked, "wrong")


def test_keys_of_another_kind_are_refused() -> None:
    other = X25519PrivateKey.generate()
    private = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = other.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(InputError, match="not an Ed25519 key"):
        parse_private_key(private.decode())
    with pytest.raises(InputError, match="not an Ed25519 key"):
        parse_public_key(public.decode())


def test_damaged_text_is_refused() -> None:
    with pytest.raises(InputError, match="the PEM is damaged"):
        parse_private_key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(InputError, match="cannot be read"):
        parse_public_key("not a key")
    with pytest.raises(InputError, match="32 bytes; this one has 5"):
        key_from_seed(b"short")
