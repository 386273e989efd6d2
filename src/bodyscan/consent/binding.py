"""Tying a signed record to one person's surface: the controller signs both digests together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from bodyscan.consent import strict_json
from bodyscan.consent.digest import DIGEST_PREFIX, geometry_digest
from bodyscan.consent.fields import Sha256Hex, ShortText, StrictModel, UtcTime
from bodyscan.consent.fingerprint import Fingerprint
from bodyscan.consent.jws import Jws, Role, is_jws, parse_jws, sign_payload, signature_holds
from bodyscan.consent.keys import SigningKey
from bodyscan.consent.policy import Use, check_clock, coverage_gap, term_gap
from bodyscan.consent.record import ConsentRecord, Purpose
from bodyscan.consent.sign import SignedRecord, parse_signed
from bodyscan.consent.state import ConsentState, RefusedConsent
from bodyscan.errors import InputError

__all__ = ["Binding", "OpenedConsent", "bind", "geometry_digest", "open_consent"]

BINDING_TYP = "bodyscan-binding+jws"
BOUND_MEMBER = "bodyscan_consent"
BOUND_VERSION = 1


class Binding(StrictModel):
    """What the controller signs when a twin is made."""

    schema_version: Literal[1, 2] = 2
    """2 where there is a fingerprint; 1 is read too."""
    record_id: str
    record_sha256: Sha256Hex
    """Digest of the record's canonical JSON."""
    geometry: Annotated[str, Field(pattern=f"^{DIGEST_PREFIX}[0-9a-f]{{64}}$")]
    """`geometry_digest` of the twin in its rest pose."""
    fingerprint: Fingerprint | None = None
    """The same surface told coarsely, so that a copy whose positions were quantised is known again."""
    created_at: UtcTime
    software: ShortText

    @model_validator(mode="after")
    def _check_version(self) -> Binding:
        if (self.fingerprint is not None) != (self.schema_version == 2):
            raise ValueError("a binding of version 2 has a fingerprint, and only that")
        return self

    def canonical_json(self) -> bytes:
        """Return the bytes that are signed."""
        return strict_json.canonical(self.model_dump(mode="json", exclude_none=True))


@dataclass(frozen=True)
class OpenedConsent:
    """A consent text whose signatures hold and are complete."""

    signed: SignedRecord
    binding: Binding | None

    @property
    def record(self) -> ConsentRecord:
        """The record that was signed."""
        return self.signed.record


def bind(
    signed_record: str,
    digest: str,
    controller_key: SigningKey,
    *,
    created_at: datetime,
    software: str,
    fingerprint: Fingerprint | None = None,
) -> str:
    """Bind a fully signed record to a surface; return the JSON text that a twin carries.

    `digest` comes from `geometry_digest` and `fingerprint` from the function of that name, of one surface
    (without it no packed copy can be told from another body); `created_at` is UTC (fractions of a second
    are dropped); `software` names what made the twin. An older binding in the text is replaced. Raises
    `ConsentError` where the record is not sound, not valid at `created_at` or does not cover making a twin,
    and `InputError` where the key is not the controller's or a value is malformed.
    """
    check_clock(created_at, "created_at")
    opened = open_consent(signed_record)
    record = opened.record
    if gap := term_gap(record, created_at):
        raise RefusedConsent(*gap, record)
    if reason := coverage_gap(record, Use(Purpose.MAKE_TWIN)):
        raise RefusedConsent(ConsentState.NOT_COVERED, f"{reason}.", record)
    if controller_key.public != record.controller.public_key:
        raise InputError(
            f"the key {controller_key.thumbprint} is not the controller's: the record names "
            f"{record.controller.public_key.thumbprint}. Bind with that key."
        )
    try:
        binding = Binding(
            record_id=record.record_id,
            record_sha256=record.sha256(),
            schema_version=1 if fingerprint is None else 2,
            geometry=digest,
            fingerprint=fingerprint,
            created_at=created_at.replace(microsecond=0),
            software=software,
        )
    except ValidationError as error:
        raise InputError(f"the binding cannot be made: {_problem(error)}.") from None
    payload = binding.canonical_json()
    signature = sign_payload(payload, Role.CONTROLLER, BINDING_TYP, controller_key)
    bound = {
        BOUND_MEMBER: BOUND_VERSION,
        "record": opened.signed.jws.to_json(),
        "binding": Jws(payload, (signature,)).to_json(),
    }
    return strict_json.canonical(bound).decode()


def open_consent(text: str | None) -> OpenedConsent:
    """Read a signed record or a bound consent and check all signatures, or raise `RefusedConsent`.

    Neither the term nor the scope nor the geometry is looked at.
    """
    if text is None or not text.strip():
        raise RefusedConsent(ConsentState.STRIPPED, "there is no consent record.")
    record_value, binding_value = _split(text)
    signed = parse_signed(record_value)
    if signed.missing:
        roles = " and the ".join(signed.missing)
        raise RefusedConsent(ConsentState.STRIPPED, f"the signature of the {roles} is missing.")
    binding = None if binding_value is None else _parse_binding(binding_value, signed.record)
    return OpenedConsent(signed, binding)


def _split(text: str) -> tuple[Any, Any]:
    """Return the record's JWS and the binding's, None where there is none."""
    try:
        value = strict_json.loads(text, "the consent")
    except InputError as error:
        raise RefusedConsent(ConsentState.ALTERED, str(error)) from None
    if is_jws(value):
        return value, None
    if isinstance(value, dict) and value.get(BOUND_MEMBER) is not None and "record" in value:
        if type(value[BOUND_MEMBER]) is not int or value[BOUND_MEMBER] != BOUND_VERSION:
            raise RefusedConsent(
                ConsentState.ALTERED,
                f"its version {value[BOUND_MEMBER]!r} is not known; this software reads {BOUND_VERSION}.",
            )
        if odd := set(value) - {BOUND_MEMBER, "record", "binding"}:
            raise RefusedConsent(ConsentState.ALTERED, f"it has the unknown members {sorted(odd)}.")
        return value["record"], value.get("binding")
    if isinstance(value, dict) and {"subject", "controller", "scope"} <= set(value):
        raise RefusedConsent(ConsentState.STRIPPED, "it is a record that nobody has signed.")
    raise RefusedConsent(ConsentState.ALTERED, "it is neither a signed record nor a bound consent.")


def _parse_binding(value: Any, record: ConsentRecord) -> Binding:
    document = parse_jws(value, BINDING_TYP)
    signature = document.by_role(Role.CONTROLLER)
    if signature is None or len(document.signatures) != 1:
        raise RefusedConsent(
            ConsentState.STRIPPED, "the binding does not carry the controller's signature alone.", record
        )
    key = record.controller.public_key
    if signature.kid != key.thumbprint or not signature_holds(document, signature, key):
        raise RefusedConsent(
            ConsentState.ALTERED, "the binding was not signed by the controller of this record.", record
        )
    try:
        strict_json.loads(document.payload, "the binding")
        binding = Binding.model_validate_json(document.payload)
    except ValidationError as error:
        raise RefusedConsent(ConsentState.ALTERED, f"the binding is not valid: {_problem(error)}.") from None
    except InputError as error:
        raise RefusedConsent(ConsentState.ALTERED, str(error)) from None
    if binding.canonical_json() != document.payload:
        raise RefusedConsent(ConsentState.ALTERED, "the binding is not in canonical JSON.", record)
    return binding


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"
