"""Consent: the record, its signatures, its binding to a body, and the checks before a use."""

from __future__ import annotations

from bodyscan.consent.attestation import reattest
from bodyscan.consent.binding import bind, open_consent
from bodyscan.consent.content import BodyContent
from bodyscan.consent.digest import geometry_digest
from bodyscan.consent.evidence import Evidence, TrustedKeys
from bodyscan.consent.fingerprint import Fingerprint, fingerprint
from bodyscan.consent.jws import Role
from bodyscan.consent.keys import PublicJwk, SigningKey, generate_key
from bodyscan.consent.policy import Use
from bodyscan.consent.record import ConsentRecord, Medium, ProhibitedUse, Purpose, parse_record
from bodyscan.consent.seal import Seal, compare_seal, seal
from bodyscan.consent.sign import add_signature, sign_record
from bodyscan.consent.state import BindingVerdict, ConsentState, ConsentStatus, Decision
from bodyscan.consent.verify import (
    require_bound_consent,
    require_consent,
    require_making,
    verify_bound,
    verify_content,
    verify_record,
    verify_surface,
)

__all__ = [
    "BindingVerdict",
    "BodyContent",
    "ConsentRecord",
    "ConsentState",
    "ConsentStatus",
    "Decision",
    "Evidence",
    "Fingerprint",
    "Medium",
    "ProhibitedUse",
    "PublicJwk",
    "Purpose",
    "Role",
    "Seal",
    "SigningKey",
    "TrustedKeys",
    "Use",
    "add_signature",
    "bind",
    "compare_seal",
    "fingerprint",
    "generate_key",
    "geometry_digest",
    "open_consent",
    "parse_record",
    "reattest",
    "require_bound_consent",
    "require_consent",
    "require_making",
    "seal",
    "sign_record",
    "verify_bound",
    "verify_content",
    "verify_record",
    "verify_surface",
]
