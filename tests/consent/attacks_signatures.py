"""Attacks on the signatures of a record."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

from bodyscan.consent.evidence import TrustedKeys
from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.keys import SigningKey, b64url_decode, b64url_encode
from bodyscan.consent.record import record_from_values
from bodyscan.consent.sign import RECORD_TYP, sign_record
from bodyscan.consent.state import ConsentState
from bodyscan.consent.strict_json import canonical
from consent.attacks_base import (
    BEN,
    Case,
    Rows,
    allow,
    altered_text,
    bare_twin,
    bound_text,
    bundle,
    deny,
    known,
    record_values,
    signed_record,
    with_record,
    with_text,
)
from consent.attacks_records import OTHER_ID
from consent.people import (
    ANNA,
    STRANGER,
    STUDIO,
    forge,
    payload_of,
    with_header,
)

SIGNATURES = Rows("Signatures")
EDWARDS_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the group of Ed25519."""


def _record() -> dict[str, Any]:
    return bundle()["record"]


def _signature(index: int, text: str) -> dict[str, Any]:
    record = _record()
    record["signatures"][index]["signature"] = text
    return record


def _header(index: int, **changes: Any) -> bytes:
    return with_record(with_header(json.dumps(_record()), index, **changes))


def _signed_as(role: Role, key: SigningKey, **header: Any) -> dict[str, str]:
    """A signature over the honest payload whose header says `header`, by `key`, whatever it says."""
    payload = b64url_encode(payload_of(signed_record()))
    members = {"alg": "Ed25519", "kid": key.thumbprint, "role": str(role), "typ": RECORD_TYP, **header}
    protected = b64url_encode(canonical(members))
    signature = b64url_encode(key.private.sign(f"{protected}.{payload}".encode()))
    return {"protected": protected, "signature": signature}


def _with_signatures(*signatures: dict[str, str]) -> bytes:
    return with_record({**_record(), "signatures": list(signatures)})


@SIGNATURES.row("Unsigned: the bare record.", deny(ConsentState.STRIPPED, "nobody has signed", None))
def _unsigned() -> bytes:
    return with_text(payload_of(signed_record()).decode())


@SIGNATURES.row("All signatures are taken off.", deny(ConsentState.STRIPPED, "subject and the controller"))
def _no_signatures() -> bytes:
    return _with_signatures()


@SIGNATURES.row("Signed by the controller only.", deny(ConsentState.STRIPPED, "of the subject is missing"))
def _controller_only() -> bytes:
    return _with_signatures(_record()["signatures"][1])


@SIGNATURES.row("Signed by the person only.", deny(ConsentState.STRIPPED, "of the controller is missing"))
def _subject_only() -> bytes:
    return _with_signatures(_record()["signatures"][0])


for _name, _changes, _reason in (
    ("The algorithm `none`.", {"alg": "none"}, "algorithm 'none' is refused"),
    ("The algorithm's old name.", {"alg": "EdDSA"}, "algorithm 'EdDSA' is refused"),
    ("The algorithm in other letters.", {"alg": "ed25519"}, "algorithm 'ed25519' is refused"),
    ("No algorithm at all.", {"alg": None}, "algorithm None is refused"),
    ("A critical extension that nobody knows.", {"crit": ["exp"], "exp": 1}, "critical header extension"),
    ("A key of the attacker's in the header (`jwk`).", {"jwk": STRANGER.public.model_dump()}, "see jwk"),
    ("An address of keys (`jku`).", {"jku": "https://evil.example.org/keys"}, "see jku"),
    ("An address of certificates (`x5u`).", {"x5u": "https://evil.example.org/c.pem"}, "see x5u"),
    ("A path in place of the key's name.", {"kid": "../../keys/stranger.jwk"}, "names the key ../../keys"),
    ("A signature of another type.", {"typ": "bodyscan-binding+jws"}, "is of the type"),
    ("A role that nobody has.", {"role": "witness"}, "role must be one of"),
    ("A guardian's signature where there is none.", {"role": "guardian"}, "a role that the record lacks"),
):

    @SIGNATURES.row(_name, altered_text(_reason))
    def _odd_header(changes: Any = _changes) -> bytes:
        header = {"kid": ANNA.thumbprint, **changes}
        return _header(0, **header)


@SIGNATURES.row("HS256 with the person's public key as the secret.", altered_text("algorithm 'HS256'"))
def _hs256() -> bytes:
    members = {"alg": "HS256", "kid": ANNA.thumbprint, "role": "subject", "typ": RECORD_TYP}
    protected = b64url_encode(canonical(members))
    signed = f"{protected}.{b64url_encode(payload_of(signed_record()))}".encode()
    digest = hmac.new(b64url_decode(ANNA.public.x), signed, hashlib.sha256).digest()
    return _with_signatures(
        {"protected": protected, "signature": b64url_encode(digest + bytes(32))}, _record()["signatures"][1]
    )


@SIGNATURES.row("The two signatures change roles.", altered_text("names the key"))
def _swapped_roles() -> bytes:
    return _with_signatures(_signed_as(Role.SUBJECT, STUDIO), _signed_as(Role.CONTROLLER, ANNA))


@SIGNATURES.row("The person's key is named, and the attacker's signed.", altered_text("does not belong"))
def _kid_of_another() -> bytes:
    forged = _signed_as(Role.SUBJECT, STRANGER, kid=ANNA.thumbprint)
    return _with_signatures(forged, _record()["signatures"][1])


@SIGNATURES.row("The attacker's key signs as the person.", altered_text("names the key"))
def _attackers_key() -> bytes:
    return _with_signatures(_signed_as(Role.SUBJECT, STRANGER), _record()["signatures"][1])


@SIGNATURES.row("Both sign as the person, the attacker too.", altered_text("claim the same role"))
def _two_subjects() -> bytes:
    return _with_signatures(_signed_as(Role.SUBJECT, STRANGER), *_record()["signatures"])


@SIGNATURES.row("The person's signature of another record of theirs.", altered_text("does not belong"))
def _transplanted() -> bytes:
    payload = record_from_values(record_values(record_id=OTHER_ID)).canonical_json()
    other = sign_payload(payload, Role.SUBJECT, RECORD_TYP, ANNA)
    return _with_signatures(other.to_json(), _record()["signatures"][1])


@SIGNATURES.row("The territory is widened, the signatures kept.", altered_text("does not belong"))
def _widened() -> bytes:
    payload = payload_of(signed_record()).replace(b'["DE","US-CA"]', b'["worldwide"]')
    assert payload != payload_of(signed_record())
    return with_record({**_record(), "payload": b64url_encode(payload)})


@SIGNATURES.row("The studio widens the territory and signs anew.", altered_text("subject's signature"))
def _controller_widens() -> bytes:
    wide = record_from_values(record_values(scope__territories=["worldwide"])).canonical_json()
    document = json.loads(forge(wide, (Role.CONTROLLER, STUDIO)))
    document["signatures"].insert(0, _record()["signatures"][0])
    return with_record(document)


@SIGNATURES.row("A bit of the person's signature is turned.", altered_text("does not belong"))
def _bit() -> bytes:
    data = bytearray(b64url_decode(_record()["signatures"][0]["signature"]))
    data[40] ^= 1
    return with_record(_signature(0, b64url_encode(bytes(data))))


@SIGNATURES.row(
    "The signature in its second form: S plus the group's order.", altered_text("does not belong")
)
def _malleable() -> bytes:
    data = b64url_decode(_record()["signatures"][0]["signature"])
    scalar = int.from_bytes(data[32:], "little") + EDWARDS_ORDER
    return with_record(_signature(0, b64url_encode(data[:32] + scalar.to_bytes(32, "little"))))


@SIGNATURES.row("A second spelling of the signature's base64url.", altered_text("canonical form"))
def _base64() -> bytes:
    text = _record()["signatures"][0]["signature"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return with_record(_signature(0, text[:-1] + letters[letters.index(text[-1]) + 1]))


@SIGNATURES.row("A header outside of what is signed.", altered_text("and no other"))
def _unprotected() -> bytes:
    first, second = _record()["signatures"]
    odd: dict[str, Any] = {**first, "header": {"alg": "none"}}
    return _with_signatures(odd, second)


def _own_record() -> bytes:
    """The attacker's sound record about the same pseudonym, with keys of their own, bound to the body."""
    values = record_values(
        record_id=OTHER_ID,
        subject__public_key=STRANGER.public.model_dump(),
        controller__public_key=BEN.public.model_dump(),
    )
    text = sign_record(record_from_values(values), subject=STRANGER, controller=BEN)
    return with_text(bound_text(bare_twin(), text, BEN))


@SIGNATURES.row(
    "The attacker writes a record of their own about the body, with new keys: the verifier knows the person.",
    deny(ConsentState.UNTRUSTED, "the person's key"),
)
def _own_record_known() -> Case:
    return Case(_own_record(), replace(known(), trusted=TrustedKeys(people=frozenset({ANNA.thumbprint}))))


@SIGNATURES.row(
    "The same before a verifier who knows no key: it cannot tell who holds them.",
    allow(),
)
def _own_record_unknown() -> bytes:
    return _own_record()
