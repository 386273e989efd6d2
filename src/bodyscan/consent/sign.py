"""Signing a record: the person's own key, then the controller's countersignature over the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bodyscan.consent import strict_json
from bodyscan.consent.jws import Jws, Role, Signature, is_jws, parse_jws, sign_payload, signature_holds
from bodyscan.consent.keys import PublicJwk, SigningKey
from bodyscan.consent.record import ConsentRecord, parse_record
from bodyscan.consent.state import ConsentState, RefusedConsent
from bodyscan.errors import InputError

RECORD_TYP = "bodyscan-consent+jws"


@dataclass(frozen=True)
class SignedRecord:
    """A record whose every present signature holds; some may still be missing."""

    record: ConsentRecord
    jws: Jws

    @property
    def missing(self) -> tuple[Role, ...]:
        """The roles that must still sign."""
        return tuple(role for role in role_keys(self.record) if self.jws.by_role(role) is None)

    def to_text(self) -> str:
        """Return the signed record as JSON text."""
        return strict_json.canonical(self.jws.to_json()).decode() + "\n"


def role_keys(record: ConsentRecord) -> dict[Role, PublicJwk]:
    """Return who must sign a record, and with which key.

    An adult signs for themselves. For a child the guardian signs; a child who has a key signs too.
    The controller always countersigns.
    """
    keys = {Role.CONTROLLER: record.controller.public_key}
    if record.guardian is not None:
        keys = {Role.GUARDIAN: record.guardian.public_key, **keys}
    if record.subject.public_key is not None:
        keys = {Role.SUBJECT: record.subject.public_key, **keys}
    return keys


def add_signature(text: str, role: Role, key: SigningKey) -> str:
    """Add one signature to a record, unsigned or signed in part; return the signed JSON text.

    Raises `InputError` where the text is no record, the record has no such role, the role has signed,
    or the key is not the one that the record names; `ConsentError` where a signature that is already
    there does not hold.
    """
    signed = open_for_signing(text)
    wanted = role_keys(signed.record).get(role)
    if wanted is None:
        names = ", ".join(role_keys(signed.record))
        raise InputError(f"this record is not signed by a {role}; it is signed by: {names}.")
    if key.public != wanted:
        raise InputError(
            f"the key {key.thumbprint} is not the {role}'s: the record names {wanted.thumbprint}. "
            "Sign with that key, or make a new record."
        )
    if signed.jws.by_role(role) is not None:
        raise InputError(f"the {role} has signed this record already.")
    signature = sign_payload(signed.jws.payload, role, RECORD_TYP, key)
    order = list(role_keys(signed.record))
    signatures = sorted((*signed.jws.signatures, signature), key=lambda item: order.index(item.role))
    return replace(signed, jws=replace(signed.jws, signatures=tuple(signatures))).to_text()


def sign_record(
    record: ConsentRecord,
    *,
    controller: SigningKey,
    subject: SigningKey | None = None,
    guardian: SigningKey | None = None,
) -> str:
    """Return a record signed with all the keys that are given, as JSON text."""
    text = record.canonical_json().decode()
    for role, key in ((Role.SUBJECT, subject), (Role.GUARDIAN, guardian), (Role.CONTROLLER, controller)):
        if key is not None:
            text = add_signature(text, role, key)
    return text


def open_for_signing(text: str) -> SignedRecord:
    """Read an unsigned record, or one signed in full or in part.

    Raises `InputError` where the text is neither, `ConsentError` where a signature does not hold.
    """
    value = strict_json.loads(text, "the consent record")
    if is_jws(value):
        return parse_signed(value)
    if isinstance(value, dict) and "binding" in value:
        raise InputError("this consent is bound to a twin already; sign the record that it was made from.")
    record = parse_record(text)
    return SignedRecord(record, Jws(record.canonical_json(), ()))


def parse_signed(value: Any) -> SignedRecord:
    """Read a signed record and check each signature that is there, or raise `RefusedConsent`."""
    document = parse_jws(value, RECORD_TYP)
    try:
        record = parse_record(document.payload, "the signed record")
    except InputError as error:
        raise RefusedConsent(ConsentState.ALTERED, str(error)) from None
    if record.canonical_json() != document.payload:
        raise RefusedConsent(ConsentState.ALTERED, "the signed record is not in canonical JSON.")
    keys = role_keys(record)
    for signature in document.signatures:
        _check_signature(document, signature, keys.get(signature.role))
    return SignedRecord(record, document)


def _check_signature(document: Jws, signature: Signature, key: PublicJwk | None) -> None:
    role = signature.role
    if key is None:
        raise RefusedConsent(ConsentState.ALTERED, f"it is signed as {role}, a role that the record lacks.")
    if signature.kid != key.thumbprint:
        raise RefusedConsent(
            ConsentState.ALTERED,
            f"the {role}'s signature names the key {signature.kid[:64]}; the record names {key.thumbprint}.",
        )
    if not signature_holds(document, signature, key):
        raise RefusedConsent(
            ConsentState.ALTERED, f"the {role}'s signature does not belong to this record and key."
        )
