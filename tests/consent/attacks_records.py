"""Records whose text says two things, or what no record may say. Both signed: only the text is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bodyscan.consent.keys import b64url_encode
from bodyscan.consent.strict_json import canonical
from consent.attacks_base import (
    Rows,
    altered_text,
    bundle,
    consent,
    record_values,
    signed_record,
    with_record,
    with_text,
)
from consent.people import (
    ANNA,
    STUDIO,
    forge_both,
    payload_of,
)

RECORDS = Rows("Records that say two things")
OTHER_ID = "00000000-0000-4000-8000-000000000002"
"""The number of another record."""


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


@RECORDS.row(
    "Path traversal in a bundle: a time stamp of `../../../etc/passwd`.", altered_text("a stamp must have")
)
def _path_in_bundle() -> bytes:
    return with_text({**bundle(), "stamps": [{"of": "../../../etc/passwd", "token": ""}]})
