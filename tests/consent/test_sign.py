from __future__ import annotations

import json

import pytest

from bodyscan.consent.jws import Role
from bodyscan.consent.keys import b64url_decode, b64url_encode
from bodyscan.consent.record import record_from_values
from bodyscan.consent.sign import add_signature, open_for_signing, sign_record
from bodyscan.consent.state import ConsentState
from bodyscan.consent.verify import verify_record
from bodyscan.errors import ConsentError, InputError
from consent.people import (
    ANNA,
    MOTHER,
    NOW,
    STRANGER,
    STUDIO,
    child_values,
    forge,
    payload_of,
    record,
    signed,
    values,
    with_header,
)

DRAFT = record().canonical_json().decode()


def test_two_signatures_in_either_order_make_the_same_text() -> None:
    first = add_signature(add_signature(DRAFT, Role.SUBJECT, ANNA), Role.CONTROLLER, STUDIO)
    second = add_signature(add_signature(DRAFT, Role.CONTROLLER, STUDIO), Role.SUBJECT, ANNA)
    assert first == second == signed()
    assert payload_of(first) == record().canonical_json()
    assert open_for_signing(first).missing == ()


def test_what_is_missing_is_known_at_each_step() -> None:
    assert open_for_signing(DRAFT).missing == (Role.SUBJECT, Role.CONTROLLER)
    assert open_for_signing(add_signature(DRAFT, Role.SUBJECT, ANNA)).missing == (Role.CONTROLLER,)


def test_the_header_says_which_key_signed_as_whom() -> None:
    document = json.loads(signed())
    headers = [json.loads(b64url_decode(entry["protected"])) for entry in document["signatures"]]
    assert headers == [
        {"alg": "Ed25519", "kid": key.thumbprint, "role": role, "typ": "bodyscan-consent+jws"}
        for role, key in (("subject", ANNA), ("controller", STUDIO))
    ]


def test_a_guardian_signs_for_a_child_without_a_key() -> None:
    child = record_from_values(child_values())
    text = sign_record(child, guardian=MOTHER, controller=STUDIO)
    assert verify_record(text, now=NOW).ok
    with pytest.raises(InputError, match="not signed by a subject; it is signed by: guardian, controller"):
        add_signature(text, Role.SUBJECT, ANNA)


def test_a_child_with_a_key_signs_beside_the_guardian() -> None:
    plain = child_values()
    plain["subject"]["public_key"] = ANNA.public.model_dump()
    child = record_from_values(plain)
    without_child = sign_record(child, guardian=MOTHER, controller=STUDIO)
    assert verify_record(without_child, now=NOW).state is ConsentState.STRIPPED
    assert verify_record(sign_record(child, subject=ANNA, guardian=MOTHER, controller=STUDIO), now=NOW).ok


def test_another_key_than_the_records_cannot_sign() -> None:
    with pytest.raises(InputError, match="is not the subject's: the record names"):
        add_signature(DRAFT, Role.SUBJECT, STUDIO)
    with pytest.raises(InputError, match="is not the controller's"):
        add_signature(DRAFT, Role.CONTROLLER, STRANGER)


def test_a_role_signs_once() -> None:
    with pytest.raises(InputError, match="the subject has signed this record already"):
        add_signature(signed(), Role.SUBJECT, ANNA)


def test_nothing_is_signed_onto_a_broken_signature() -> None:
    half = add_signature(DRAFT, Role.SUBJECT, ANNA)
    other = add_signature(record(ai={"training": True}).canonical_json().decode(), Role.SUBJECT, ANNA)
    document = json.loads(half)
    document["payload"] = json.loads(other)["payload"]
    with pytest.raises(ConsentError, match="the subject's signature does not belong to this record"):
        add_signature(json.dumps(document), Role.CONTROLLER, STUDIO)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "the consent record is not valid"),
        ('{"subject": 1, "subject": 2}', "stands twice"),
        ('{"bodyscan_consent": 1, "record": {}, "binding": {}}', "bound to a twin already"),
    ],
)
def test_what_is_no_record_is_not_signed(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        add_signature(text, Role.SUBJECT, ANNA)


PAYLOAD = record().canonical_json()
BOTH = forge(PAYLOAD, (Role.SUBJECT, ANNA), (Role.CONTROLLER, STUDIO))


def _swapped() -> str:
    document = json.loads(BOTH)
    one, two = document["signatures"]
    one["signature"], two["signature"] = two["signature"], one["signature"]
    return json.dumps(document)


def _edited(**changes: object) -> str:
    return json.dumps({**json.loads(BOTH), **changes})


def _edited_signature(**changes: object) -> str:
    document = json.loads(BOTH)
    document["signatures"][0].update(changes)
    return json.dumps(document)


def _with_a_second_form_of_the_signature() -> str:
    """Ed25519's S and S + L fit the same equation; RFC 8032 allows S below L alone."""
    document = json.loads(BOTH)
    raw = b64url_decode(document["signatures"][0]["signature"])
    other = int.from_bytes(raw[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    document["signatures"][0]["signature"] = b64url_encode(raw[:32] + other.to_bytes(32, "little"))
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_with_a_second_form_of_the_signature(), "the subject's signature does not belong"),
        (with_header(BOTH, 0, kid="\x1b[2J"), "names the key \\u001b[2J"),
        (with_header(BOTH, 0, **{"\x1b": 1}), "no other: see \\u001b"),
        (with_header(BOTH, 0, alg="none"), "the algorithm 'none' is refused"),
        (with_header(BOTH, 0, alg="None"), "the algorithm 'None' is refused"),
        (with_header(BOTH, 1, alg="HS256"), "the algorithm 'HS256' is refused"),
        (with_header(BOTH, 0, alg="EdDSA"), "the algorithm 'EdDSA' is refused"),
        (with_header(BOTH, 0, alg=None), "the algorithm None is refused"),
        (with_header(BOTH, 0, crit=["exp"]), "critical header extension"),
        (with_header(BOTH, 0, crit=["b64"], b64=False), "critical header extension"),
        (with_header(BOTH, 0, jwk=STRANGER.public.model_dump()), "no other: see jwk"),
        (with_header(BOTH, 0, kid=None), "no other: see kid"),
        (with_header(BOTH, 0, kid=STRANGER.thumbprint), "the subject's signature names the key"),
        (with_header(BOTH, 0, kid=7), "its kid a string"),
        (with_header(BOTH, 0, typ="JWT"), "of the type 'JWT'"),
        (with_header(BOTH, 0, role="witness"), "role must be one of"),
        (with_header(BOTH, 0, role="controller"), "two signatures claim the same role"),
        (_swapped(), "the subject's signature does not belong"),
        (_edited(extra=1), "and no other"),
        (_edited(payload=5), "payload must be a string"),
        (_edited(payload="e30="), "canonical form"),
        (_edited(payload="!!"), "not base64url"),
        (_edited(signatures={}), "signatures a list"),
        (_edited(signatures=[1]), "protected and signature and no other"),
        (_edited_signature(header={"alg": "none"}), "protected and signature and no other"),
        (_edited_signature(signature=""), "must have 64 bytes"),
        (_edited_signature(signature=None), "must be strings"),
        (_edited_signature(protected="W10"), "must be a JSON object"),
        (_edited_signature(protected="eyJhIjoxLCJhIjoyfQ"), "'a' stands twice"),
        (forge(PAYLOAD, (Role.SUBJECT, STUDIO), (Role.CONTROLLER, STUDIO)), "the subject's signature names"),
        (
            forge(PAYLOAD, (Role.SUBJECT, STRANGER), (Role.CONTROLLER, STUDIO)),
            "the subject's signature names",
        ),
        (forge(PAYLOAD, (Role.SUBJECT, ANNA), (Role.CONTROLLER, ANNA)), "the controller's signature names"),
        (
            forge(PAYLOAD, (Role.SUBJECT, ANNA), (Role.CONTROLLER, STUDIO), (Role.GUARDIAN, MOTHER)),
            "signed as guardian, a role that the record lacks",
        ),
        (
            forge(PAYLOAD, (Role.SUBJECT, ANNA), (Role.CONTROLLER, STUDIO), typ="bodyscan-binding+jws"),
            "of the type 'bodyscan-binding+jws'",
        ),
    ],
)
def test_a_tampered_jws_is_altered(text: str, said: str) -> None:
    status = verify_record(text, now=NOW)
    assert status.state is ConsentState.ALTERED
    assert said in status.reason
    assert status.record is None


def _json(**changes: object) -> bytes:
    return json.dumps({**values(), **changes}, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (json.dumps(values()).encode(), "not in canonical JSON"),
        (PAYLOAD.replace(b'"demo":false', b'"demo":false,"demo":false'), "'demo' stands twice"),
        (PAYLOAD.replace(b'"demo":false', b'"demo":NaN'), "NaN is not a JSON number"),
        (PAYLOAD.replace(b'"power_of_attorney":false,', b""), "not in canonical JSON"),
        (_json(guardian=None), "not in canonical JSON"),
        (_json(note="x"), "note: unknown field"),
        (_json(term={"not_before": "2026-01-01T00:00:00Z"}), "term.not_after: is missing"),
        (
            _json(controller={**values()["controller"], "public_key": {"x": "AQ" + "A" * 41}}),
            "low-order point",
        ),
        (b"\xff", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_an_unsound_record_is_altered_even_where_both_keys_signed_it(payload: bytes, said: str) -> None:
    status = verify_record(forge(payload, (Role.SUBJECT, ANNA), (Role.CONTROLLER, STUDIO)), now=NOW)
    assert status.state is ConsentState.ALTERED
    assert said in status.reason
