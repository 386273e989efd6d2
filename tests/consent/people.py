"""A named person, a studio and a stranger, with fixed keys; and ways to tamper with what they signed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.keys import SigningKey, b64url_decode, b64url_encode, key_from_seed
from bodyscan.consent.record import ConsentRecord, record_from_values
from bodyscan.consent.sign import RECORD_TYP, sign_record

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ANNA, STUDIO, STRANGER, MOTHER, SHOP, PACKER, ISSUER = (
    key_from_seed(bytes([number]) * 32) for number in (1, 2, 3, 4, 5, 6, 7)
)


def values(**changes: Any) -> dict[str, Any]:
    """Return a record's plain values; a change names a top-level field (None removes it)."""
    result: dict[str, Any] = {
        "schema": "urn:bodyscan:consent-record:1",
        "record_id": "00000000-0000-4000-8000-000000000001",
        "issued_at": "2025-12-20T10:00:00Z",
        "subject": {"pseudonym": "Anna 7", "minor": False, "public_key": ANNA.public.model_dump()},
        "controller": {
            "name": "Atelier",
            "contact": "mailto:office@atelier.example.org",
            "public_key": STUDIO.public.model_dump(),
        },
        "licensees": [{"name": "Shop", "public_key": SHOP.public.model_dump()}],
        "separate_document": True,
        "scope": {
            "description": "Virtual try-on of the spring collection in the web shop.",
            "purposes": ["make_twin", "virtual_try_on"],
            "territories": ["DE", "US-CA"],
            "media": ["web"],
            "prohibited_uses": ["nudity", "political"],
        },
        "term": {"not_before": "2026-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z"},
        "pay": {
            "kind": "per_use",
            "amount": "12.50",
            "currency": "EUR",
            "unit": "use",
            "due_days": 30,
            "account": "ref-77",
        },
        "data": {
            "categories": ["body_shape", "face_shape", "skin_texture", "measurements"],
            "lawful_basis": "explicit_consent",
            "places": ["DE"],
            "retention": "P1Y",
            "delete_by": "2028-01-01T00:00:00Z",
        },
        "withdrawal": {
            "method": "signed_statement",
            "address": "mailto:stop@atelier.example.org",
            "effect": "stop_and_delete",
        },
        **changes,
    }
    return {name: value for name, value in result.items() if value is not None}


def changed(**places: Any) -> dict[str, Any]:
    """Return a record's values with deep changes: `scope__purposes=[...]`; None removes the field."""
    result = values()
    for place, value in places.items():
        *groups, name = place.split("__")
        target = result
        for group in groups:
            target = target.setdefault(group, {})
        target.pop(name, None)
        if value is not None:
            target[name] = value
    return result


def record(**changes: Any) -> ConsentRecord:
    """Return Anna's record."""
    return record_from_values(values(**changes))


def child_values() -> dict[str, Any]:
    """Return the values of a child's record, for which the mother consents."""
    return values(
        subject={"pseudonym": "Ben 3", "minor": True, "adult_from": "2033-04-01T00:00:00Z"},
        guardian={
            "name": "M. Example",
            "contact": "mailto:m@example.org",
            "relation": "mother",
            "public_key": MOTHER.public.model_dump(),
        },
    )


def signed(**changes: Any) -> str:
    """Return Anna's record with both signatures."""
    return sign_record(record(**changes), subject=ANNA, controller=STUDIO)


def signed_values(plain: dict[str, Any]) -> str:
    """Return the record of plain values with both of Anna's and the studio's signatures."""
    return sign_record(record_from_values(plain), subject=ANNA, controller=STUDIO)


def forge(payload: bytes, *signers: tuple[Role, SigningKey], typ: str = RECORD_TYP) -> str:
    """Sign any bytes at all, past every check of the record."""
    signatures = [sign_payload(payload, role, typ, key).to_json() for role, key in signers]
    return json.dumps({"payload": b64url_encode(payload), "signatures": signatures})


def forge_both(payload: bytes) -> str:
    """Sign any bytes with the right keys in the right roles."""
    return forge(payload, (Role.SUBJECT, ANNA), (Role.CONTROLLER, STUDIO))


def with_header(text: str, index: int, **changes: Any) -> str:
    """Return a JWS text with members of one protected header changed (None removes one)."""
    document = json.loads(text)
    entry = document["signatures"][index]
    header = {**json.loads(b64url_decode(entry["protected"])), **changes}
    header = {name: value for name, value in header.items() if value is not None}
    entry["protected"] = b64url_encode(json.dumps(header).encode())
    return json.dumps(document)


def payload_of(text: str) -> bytes:
    """Return the bytes that a JWS text signs."""
    return b64url_decode(json.loads(text)["payload"])
