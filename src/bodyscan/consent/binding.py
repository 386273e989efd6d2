"""Tying a signed record to one body: the controller signs the record's digest and the body's seal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from bodyscan.consent import strict_json
from bodyscan.consent.bundle import Bundle, Stamped, read_bundle
from bodyscan.consent.fields import Sha256Hex, ShortText, SignedModel, UtcTime, Uuid, explain
from bodyscan.consent.jws import Jws, Role, parse_jws, sign_payload, signature_holds
from bodyscan.consent.key_history import KeyHistory, KeyUse, check_key, newest_histories, read_key_history
from bodyscan.consent.keys import PublicJwk, SigningKey
from bodyscan.consent.policy import Use, check_clock, coverage_gap, term_gap
from bodyscan.consent.record import ConsentRecord, Purpose
from bodyscan.consent.seal import Seal
from bodyscan.consent.sign import SignedRecord, parse_signed
from bodyscan.consent.state import BindingVerdict, ConsentState, RefusedConsent
from bodyscan.errors import InputError

_FAR_FUTURE = datetime(9000, 1, 1, tzinfo=UTC)
BINDING_TYP = "bodyscan-binding+jws"
_Signed = TypeVar("_Signed", bound=SignedModel)


class Binding(SignedModel):
    """What the controller signs when a twin is made."""

    schema_: Annotated[
        Literal["urn:bodyscan:binding:1"], Field(validation_alias="schema", serialization_alias="schema")
    ] = "urn:bodyscan:binding:1"
    record_id: Uuid
    record_sha256: Sha256Hex
    """Digest of the record's canonical JSON."""
    seal: Seal
    """The body in its rest pose."""
    scan_sha256: Sha256Hex | None = None
    """Digest of the scan's file that the body was made from."""
    created_at: UtcTime
    software: ShortText


@dataclass(frozen=True)
class OpenedConsent:
    """A consent text whose signatures hold and are complete. Whether their keys still count is not judged."""

    bundle: Bundle
    signed: SignedRecord
    binding: Binding | None = None
    binding_kid: str = ""
    """Thumbprint of the key that signed the binding."""
    histories: Mapping[str, KeyHistory] = field(default_factory=dict)
    """Owner's thumbprint -> their keys over time, from the text and from the verifier."""

    @property
    def record(self) -> ConsentRecord:
        """The record that was signed."""
        return self.signed.record


def bind(
    signed_record: str,
    seal: Seal,
    controller_key: SigningKey,
    *,
    created_at: datetime,
    software: str,
    scan_sha256: str | None = None,
) -> str:
    """Bind a fully signed record to a body; return the JSON text that a twin carries.

    `seal` comes from `bodyscan.consent.seal`; `scan_sha256` is the digest of the scan's file; `created_at` is
    UTC (fractions of a second are dropped); `software` names what made the twin. An older binding in the text
    is replaced. Raises `ConsentError` where the record is not sound, not valid at `created_at`, does not
    cover making a twin or was signed for another scan, and `InputError` where the key is not the controller's
    or a value is malformed.
    """
    check_clock(created_at, "created_at")
    opened = open_consent(signed_record)
    record = opened.record
    if gap := term_gap(record, created_at) or coverage_gap(record, Use(Purpose.MAKE_TWIN)):
        raise RefusedConsent(gap.state, f"{gap.reason}.", record, clause=gap.clause)
    root, history = (
        record.controller.public_key,
        opened.histories.get(record.controller.public_key.thumbprint),
    )
    try:
        check_key(
            history,
            root,
            controller_key.thumbprint,
            KeyUse.BINDING,
            signed_at=created_at,
            stamped_at=None,
            now=created_at,
        )
    except RefusedConsent as refusal:
        raise InputError(
            f"the key {controller_key.thumbprint} is not the controller's: the record names "
            f"{root.thumbprint}. {refusal.status.reason}"
        ) from None
    try:
        binding = Binding(
            record_id=record.record_id,
            record_sha256=record.sha256(),
            seal=seal,
            scan_sha256=scan_sha256,
            created_at=created_at.replace(microsecond=0),
            software=software,
        )
    except ValidationError as error:
        raise InputError(f"the binding cannot be made: {explain(error)}.") from None
    if refusal := named_gap(record, binding):
        raise refusal
    payload = binding.canonical_json()
    document = Jws(payload, (sign_payload(payload, Role.CONTROLLER, BINDING_TYP, controller_key),))
    kept = tuple(stamp for stamp in opened.bundle.stamps if stamp.of is Stamped.RECORD)
    return replace(opened.bundle, binding=document.to_json(), attestations=(), stamps=kept).to_text()


def named_gap(record: ConsentRecord, binding: Binding) -> RefusedConsent | None:
    """Return the refusal where the person signed for other scans or bodies than the binding's, or None."""
    named = record.bindings
    if named is None:
        return None
    if named.scans and binding.scan_sha256 not in named.scans:
        what = f"of the scan {binding.scan_sha256}" if binding.scan_sha256 else "of no stated scan"
        reason, clause = f"the person signed for other scans; this body is {what}.", "bindings.scans"
    elif named.geometries and binding.seal.geometry not in named.geometries:
        reason, clause = "the person signed for other bodies than this one.", "bindings.geometries"
    else:
        return None
    return RefusedConsent(
        ConsentState.UNBOUND, reason, record, clause=clause, geometry=BindingVerdict.UNBOUND
    )


def record_of(text: str | None) -> ConsentRecord:
    """Return the record of a consent text, signed by all; the binding beside it is not looked at.

    Raises `RefusedConsent` where a signature is missing or does not hold.
    """
    return _signed_by_all(read_bundle(text)).record


def open_consent(
    text: str | None, histories: Sequence[KeyHistory] = (), now: datetime | None = None
) -> OpenedConsent:
    """Read a signed record or a bound consent and check all signatures, or raise `RefusedConsent`.

    `histories`: key histories that the caller has, beside those in the text; `now` (UTC): with it, lists of
    keys from the future are refused. Neither the term, the scope, the body nor a key's end is looked at.
    """
    bundle = read_bundle(text)
    signed = _signed_by_all(bundle)
    embedded = [read_key_history(value, now or _FAR_FUTURE) for value in bundle.keys]
    known = newest_histories([*embedded, *histories])
    opened = OpenedConsent(bundle, signed, histories=known)
    if bundle.binding is None:
        return opened
    root = signed.record.controller.public_key
    binding, kid = read_signed(
        bundle.binding, BINDING_TYP, Role.CONTROLLER, Binding, {root.thumbprint: root, **_listed(known, root)}
    )
    return replace(opened, binding=binding, binding_kid=kid)


def _signed_by_all(bundle: Bundle) -> SignedRecord:
    signed = parse_signed(bundle.record)
    if signed.missing:
        roles = " and the ".join(signed.missing)
        raise RefusedConsent(ConsentState.STRIPPED, f"the signature of the {roles} is missing.")
    return signed


def read_signed(
    value: Any, typ: str, role: Role, model: type[_Signed], keys: Mapping[str, PublicJwk]
) -> tuple[_Signed, str]:
    """Return what one of `keys` (thumbprint -> key) signed alone in `role`, and that key's thumbprint.

    Raises `RefusedConsent` where the form, the signature or the payload does not hold.
    """
    what = typ.removeprefix("bodyscan-").removesuffix("+jws")
    document = parse_jws(value, typ)
    signature = document.by_role(role)
    if signature is None or len(document.signatures) != 1:
        raise RefusedConsent(
            ConsentState.STRIPPED, f"the {what} does not carry the {role}'s signature alone."
        )
    key = keys.get(signature.kid)
    if key is None or not signature_holds(document, signature, key):
        whom = f"by the {role} of this record" if role is Role.CONTROLLER else f"by a {role} whose key counts"
        raise RefusedConsent(ConsentState.ALTERED, f"the {what} was not signed {whom}.")
    try:
        strict_json.loads(document.payload, f"the {what}")
        found = model.model_validate_json(document.payload)
    except ValidationError as error:
        raise RefusedConsent(ConsentState.ALTERED, f"the {what} is not valid: {explain(error)}.") from None
    except InputError as error:
        raise RefusedConsent(ConsentState.ALTERED, str(error)) from None
    if found.canonical_json() != document.payload:
        raise RefusedConsent(ConsentState.ALTERED, f"the {what} is not in canonical JSON.")
    return found, signature.kid


def _listed(histories: Mapping[str, KeyHistory], root: PublicJwk) -> dict[str, PublicJwk]:
    history = histories.get(root.thumbprint)
    return {} if history is None else {one.key.thumbprint: one.key for one in history.current.keys}
