"""A record that names two status lists, and ways to make lists that nobody should believe."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws

from bodyscan.consent.keys import SigningKey, b64url_decode, b64url_encode
from bodyscan.consent.record import ConsentRecord, record_from_values
from bodyscan.consent.status_list import MIN_ENTRIES, StatusPurpose, make_status_list
from consent.people import ISSUER, NOW, changed

REVOCATIONS = "https://status.example.org/revoked"
SUSPENSIONS = "https://status.example.org/suspended"
INDEX = 94_567
WEEK = timedelta(days=7)


def listed_values(index: int = INDEX, **places: Any) -> dict[str, Any]:
    """Return the values of Anna's record with an entry in both lists."""
    status = {
        "revocation_list": REVOCATIONS,
        "suspension_list": SUSPENSIONS,
        "index": index,
        "issuer": ISSUER.public.model_dump(),
    }
    return changed(withdrawal__status=status, **places)


def listed_record(index: int = INDEX, **places: Any) -> ConsentRecord:
    """Return Anna's record with an entry in both lists."""
    return record_from_values(listed_values(index, **places))


def make(
    *indices: int,
    purpose: StatusPurpose = StatusPurpose.REVOCATION,
    key: SigningKey = ISSUER,
    sequence: int = 7,
    valid_from: datetime = NOW,
    valid_until: datetime = NOW + WEEK,
    size: int = MIN_ENTRIES,
) -> str:
    """Return a list with these bits set, at the address that the record names for its purpose."""
    address = REVOCATIONS if purpose is StatusPurpose.REVOCATION else SUSPENSIONS
    return make_status_list(indices, purpose, address, key, sequence, valid_from, valid_until, size)


def both(*indices: int, suspended: tuple[int, ...] = (), **more: Any) -> list[str]:
    """Return a revocation list with `indices` set, and a suspension list with `suspended` set."""
    return [make(*indices, **more), make(*suspended, purpose=StatusPurpose.SUSPENSION, **more)]


def header_of(text: str) -> dict[str, Any]:
    """Return the protected header of a list."""
    return json.loads(b64url_decode(text.split(".")[0]))


def credential_of(text: str) -> dict[str, Any]:
    """Return the credential of a list."""
    return json.loads(b64url_decode(text.split(".")[1]))


def resign(
    text: str, changes: dict[str, Any] | None = None, *, key: SigningKey = ISSUER, **header: Any
) -> str:
    """Return a list with members of its credential (`a.b` for a nested one) and header changed, and signed.

    None removes a member.
    """
    credential = credential_of(text)
    for place, value in (changes or {}).items():
        *groups, name = place.split("/")
        target = credential
        for group in groups:
            target = target[group]
        target.pop(name, None)
        if value is not None:
            target[name] = value
    return sign_bytes(json.dumps(credential).encode(), header_of(text) | header, key)


def sign_bytes(payload: bytes, header: dict[str, Any], key: SigningKey = ISSUER) -> str:
    """Sign any bytes under any Ed25519 header, past every check."""
    header = {name: value for name, value in header.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    registry.max_payload_length = registry.max_header_length = 10**9
    if {"crit", "b64"} & set(header) or header.get("alg") != "Ed25519":
        signed = ".".join((b64url_encode(json.dumps(header).encode()), b64url_encode(payload)))
        return f"{signed}.{b64url_encode(key.private.sign(signed.encode()))}"
    return jws.serialize_compact(header, payload, key.to_joserfc(), registry=registry)


def packed(bits: bytes) -> str:
    """Return bits as an `encodedList`."""
    return "u" + b64url_encode(gzip.compress(bits, 9, mtime=0))
