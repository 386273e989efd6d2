"""Attacks on the text of a record and on its signatures, and uses that the record does not cover."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bodyscan.consent.evidence import TrustedKeys
from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.keys import SigningKey, b64url_decode, b64url_encode
from bodyscan.consent.policy import Use
from bodyscan.consent.record import Medium, ProhibitedUse, Purpose, record_from_values
from bodyscan.consent.sign import RECORD_TYP, sign_record
from bodyscan.consent.state import ConsentState
from bodyscan.consent.strict_json import canonical
from consent.attacks_base import (
    BEN,
    USE,
    Case,
    Rows,
    allow,
    altered_text,
    bare_twin,
    bound_text,
    bound_to_honest,
    bundle,
    consent,
    deny,
    honest,
    known,
    record_values,
    signed_record,
    unknown,
    with_record,
    with_text,
)
from consent.people import (
    ANNA,
    MOTHER,
    STRANGER,
    STUDIO,
    child_values,
    forge,
    forge_both,
    payload_of,
    with_header,
)

USES = Rows("Uses that the person did not allow")
RECORDS = Rows("Records that say two things")
SIGNATURES = Rows("Signatures")

LATER = datetime(2033, 5, 1, tzinfo=UTC)
EDWARDS_ORDER = 2**252 + 27742317777372353535851937790883648493

# Uses: the file is the honest twin; only what is asked differs.

for _name, _use, _clause, _reason in (
    ("Another purpose.", {"purpose": Purpose.ADVERTISING}, "scope.purposes", "purpose advertising"),
    ("The training of a model.", {"purpose": Purpose.AI_TRAINING}, "ai.training", "AI training"),
    ("A generative model.", {"purpose": Purpose.AI_GENERATION}, "ai.generation", "AI generation"),
    ("Export to somebody else.", {"purpose": Purpose.EXPORT}, "scope.purposes", "purpose export"),
    ("Another territory.", {"territory": "FR"}, "scope.territories", "territory FR"),
    ("A whole country where one state of it is allowed.", {"territory": "US"}, "scope.territories", "US"),
    ("Everywhere.", {"territory": "worldwide"}, "scope.territories", "worldwide"),
    ("Another medium.", {"medium": Medium.PRINT}, "scope.media", "medium print"),
    ("Another licensee.", {"licensee": "Shop Two"}, "licensees", "Shop Two is no licensee"),
    ("A licensee whose name looks alike.", {"licensee": "Sh\u043ep"}, "licensees", "is no licensee"),
    ("Another product line.", {"product_line": "Fur"}, "scope.product_lines", "product line Fur"),
    (
        "What the person is never shown in.",
        {"content": (ProhibitedUse.POLITICAL,)},
        "scope.prohibited_uses",
        "political",
    ),
):

    @USES.row(
        _name,
        deny(ConsentState.NOT_COVERED, _reason, clause=_clause),
        use=replace(USE, **_use),
    )
    def _other_use() -> bytes:
        return honest()


for _name, _field, _clause in (
    ("The territory is kept back.", "territory", "scope.territories"),
    ("The medium is kept back.", "medium", "scope.media"),
    ("The product line is kept back.", "product_line", "scope.product_lines"),
):

    @USES.row(_name, unknown("is stated for the use", _clause), use=replace(USE, **{_field: None}))
    def _fact_missing() -> bytes:
        return honest()


@USES.row(
    "A use that breaks one clause and keeps back another: the denial goes first.",
    deny(ConsentState.NOT_COVERED, "purpose advertising", clause="scope.purposes"),
    use=Use(Purpose.ADVERTISING),
)
def _denied_first() -> bytes:
    return honest()


@USES.row(
    "Expired.",
    deny(ConsentState.EXPIRED, "ended at 2027-01-01", clause="term.not_after"),
    now=datetime(2027, 1, 1, tzinfo=UTC),
)
def _expired() -> bytes:
    return honest()


@USES.row(
    "A use that is planned for after the end of the term.",
    deny(ConsentState.EXPIRED, "ended at 2027-01-01", clause="term.not_after"),
    use=replace(USE, when=datetime(2027, 2, 1, tzinfo=UTC)),
)
def _planned() -> bytes:
    return honest()


@USES.row(
    "Not yet valid.",
    deny(ConsentState.NOT_YET_VALID, "begins at 2026-01-01", clause="term.not_before"),
    use=Use(Purpose.MAKE_TWIN),
    now=datetime(2025, 12, 31, tzinfo=UTC),
)
def _early() -> str:
    return signed_record()


def _child(until: str = "2034-01-01T00:00:00Z") -> bytes:
    values = child_values()
    values["scope"] = {**values["scope"], "product_lines": ["Spring"]}
    values["term"] = {**values["term"], "not_after": until}
    values["data"] = {**values["data"], "delete_by": "2035-01-01T00:00:00Z"}
    return bound_to_honest(sign_record(record_from_values(values), guardian=MOTHER, controller=STUDIO))


@USES.row("A child's record while they are a child, signed by the mother.", allow())
def _minor() -> bytes:
    return _child()


@USES.row(
    "A minor past 18: the guardian's consent is used after the child came of age.",
    deny(ConsentState.EXPIRED, "came of age at 2033-04-01", clause="subject.adult_from"),
    now=LATER,
)
def _past_18() -> bytes:
    return _child()


# Records: signed by both with the right keys, so that nothing but the text is wrong.


def _payload() -> str:
    return payload_of(signed_record()).decode()


def _both_sign(text: str | bytes) -> bytes:
    return with_record(forge_both(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")))


def _changed(old: str, new: str) -> Callable[[], bytes]:
    def build() -> bytes:
        assert old in _payload()
        return _both_sign(_payload().replace(old, new, 1))

    return build


def _of_values(**places: Any) -> Callable[[], bytes]:
    return lambda: _both_sign(canonical(record_values(**places)))


for _name, _build, _reason in (
    ("Duplicate keys.", _changed('"demo":false', '"demo":false,"demo":false'), "'demo' stands twice"),
    (
        "The same key twice, once with an escaped letter.",
        _changed('"demo":false', '"demo":false,"\\u0064emo":true'),
        "'demo' stands twice",
    ),
    ("NaN.", _changed('"index":94567', '"index":NaN'), "NaN is not a JSON number"),
    ("Infinity, written as 1e999.", _changed('"index":94567', '"index":1e999'), "beyond 2^53"),
    ("Minus zero.", _changed('"index":94567', '"index":-0'), "not in canonical JSON"),
    ("2^53 + 1.", _changed('"index":94567', '"index":9007199254740993'), "beyond 2^53"),
    ("A number of 5,000 digits.", _changed('"index":94567', f'"index":{"9" * 5000}'), "beyond 2^53"),
    ("A whole number with a fraction.", _changed('"index":94567', '"index":94567.0'), "index"),
    ("Deep nesting.", _changed('"demo":false', f'"demo":{"[" * 5000}{"]" * 5000}'), "nested deeper"),
    ("Spaces between the members.", _changed('"demo":false', '"demo": false'), "not in canonical JSON"),
    ("A byte-order mark.", lambda: _both_sign("\ufeff" + _payload()), "cannot be read"),
    ("Bytes that are no UTF-8.", lambda: _both_sign(b"\xff" + _payload().encode()), "cannot be read"),
    ("A lone surrogate.", _changed('"Atelier"', '"Atelier\\ud800"'), "surrogate"),
    ("A letter in the normal form D (NFD).", _changed('"Shop"', '"Sho\u0301pper"'), "normal form C"),
    ("A homoglyph: a Cyrillic letter in a Latin name.", _changed('"Atelier"', '"\u0410telier"'), "mixes"),
    ("A bidi override in a name.", _changed('"Atelier"', '"Ate\u202ereil"'), "U+202E"),
    ("An invisible character in a name.", _changed('"Shop"', '"Sh\u200bop"'), "U+200B"),
    (
        "A line break in a name, to forge a line of the report.",
        _changed('"Shop"', '"Shop\\nallow"'),
        "U+000A",
    ),
    (
        "A field that nobody knows.",
        _changed('"demo":false', '"demo":false,"expires":"never"'),
        "unknown field",
    ),
    ("A field whose name differs in case.", _changed('"demo"', '"Demo"'), "unknown field"),
    ("Another version of the schema.", _changed("consent-record:1", "consent-record:2"), "of the schema"),
    ("Automatic renewal.", _changed('"auto_renewal":false', '"auto_renewal":true'), "auto_renewal"),
    ("A term without an end.", _of_values(term__not_after=None), "term.not_after: is missing"),
    ("A term that ends before it begins.", _of_values(term__not_after="2025-01-01T00:00:00Z"), "not_after"),
    (
        "A time in another zone.",
        _changed("2027-01-01T00:00:00Z", "2027-01-01T00:00:00+14:00"),
        "is no time",
    ),
    ("An amount that is a number.", _changed('"amount":"12.50"', '"amount":12.5'), "pay.amount"),
    ("A commission of 120 %.", lambda: _commission("120"), "commission_percent is over 100"),
    (
        "AI training as a purpose of the scope.",
        _of_values(scope__purposes=["make_twin", "virtual_try_on", "ai_training"]),
        "purposes cannot hold ai_training",
    ),
    (
        "`worldwide` slipped in beside a country.",
        _of_values(scope__territories=["DE", "worldwide"]),
        "give it alone",
    ),
    (
        "The studio's key as the person's.",
        _of_values(subject__public_key=STUDIO.public.model_dump()),
        "two roles share one key",
    ),
    (
        "A low-order key as the person's, for which a signature holds that nobody made.",
        _of_values(
            subject__public_key={"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(b"\1" + bytes(31))}
        ),
        "low-order point",
    ),
    (
        "A private key in the record.",
        _of_values(subject__public_key={**ANNA.public.model_dump(), "d": b64url_encode(bytes([1]) * 32)}),
        "private key",
    ),
    (
        "A child without a guardian.",
        _of_values(subject__minor=True, subject__adult_from="2033-04-01T00:00:00Z"),
        "a guardian must be named",
    ),
    (
        "A status list at an address that is a file of the verifier's machine.",
        _of_values(withdrawal__status__revocation_list="file:///etc/passwd"),
        "must begin with https://",
    ),
):
    RECORDS.row(_name, altered_text(_reason))(_build)


def _commission(percent: str) -> bytes:
    agency = {"name": "Agency", "contact": "mailto:a@agency.example.org", "commission_percent": percent}
    return _both_sign(canonical({**record_values(), "agency": agency}))


@RECORDS.row("A huge JSON text: 300 KiB of spaces behind the consent.", altered_text("more than the 262144"))
def _huge() -> bytes:
    return with_text(consent() + " " * 300_000)


@RECORDS.row("The consent's outer JSON names its record twice.", altered_text("'record' stands twice"))
def _two_records() -> bytes:
    return with_text(consent().replace('"record":', '"record":{},"record":', 1))


@RECORDS.row("A member of the bundle that nobody knows.", altered_text("unknown members"))
def _unknown_member() -> bytes:
    return with_text({**bundle(), "override": "allow"})


@RECORDS.row("The bundle's version is `true`, which Python takes for 1.", altered_text("version True"))
def _true_version() -> bytes:
    return with_text({**bundle(), "bodyscan_consent": True})


# Signatures.


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
    return _with_signatures({**first, "header": {"alg": "none"}}, second)


OTHER_ID = "00000000-0000-4000-8000-000000000002"


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
    "The same before a verifier who knows no key: it cannot tell, and says which keys signed.",
    allow(),
)
def _own_record_unknown() -> bytes:
    return _own_record()
