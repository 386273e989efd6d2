"""Consent: the record, its signatures, its binding to a surface, and the checks before a use."""

from __future__ import annotations

from bodyscan.consent.binding import bind, geometry_digest, open_consent
from bodyscan.consent.fingerprint import Fingerprint, fingerprint
from bodyscan.consent.jws import Role
from bodyscan.consent.keys import PublicJwk, SigningKey, generate_key
from bodyscan.consent.policy import Use
from bodyscan.consent.record import ConsentRecord, Medium, Purpose, parse_record
from bodyscan.consent.sign import add_signature, sign_record
from bodyscan.consent.state import ConsentState, ConsentStatus, GeometryMatch
from bodyscan.consent.verify import (
    TrustedKeys,
    require_bound_consent,
    require_consent,
    verify_bound,
    verify_record,
    verify_surface,
)

__all__ = [
    "ConsentRecord",
    "ConsentState",
    "ConsentStatus",
    "Fingerprint",
    "GeometryMatch",
    "Medium",
    "PublicJwk",
    "Purpose",
    "Role",
    "SigningKey",
    "TrustedKeys",
    "Use",
    "add_signature",
    "bind",
    "fingerprint",
    "generate_key",
    "geometry_digest",
    "open_consent",
    "parse_record",
    "require_bound_consent",
    "require_consent",
    "sign_record",
    "verify_bound",
    "verify_record",
    "verify_surface",
]
