"""The checks that allow a use or refuse it. The clock is always an argument.

A `valid` says: these bytes were signed with these keys, the term holds, the scope covers the use
and, for a bound consent, the controller tied it to this surface. It does not say who holds a key:
that is the caller's knowledge, stated as `TrustedKeys`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from numpy.typing import ArrayLike

from bodyscan.consent.binding import Binding, OpenedConsent, open_consent
from bodyscan.consent.digest import geometry_digest
from bodyscan.consent.fields import format_utc
from bodyscan.consent.fingerprint import compare
from bodyscan.consent.policy import Use, coverage_gap, moment_of, term_gap
from bodyscan.consent.record import ConsentRecord
from bodyscan.consent.state import ConsentState, ConsentStatus, GeometryMatch, RefusedConsent
from bodyscan.errors import InputError

CLOCK_SKEW = timedelta(minutes=5)
"""How far a binding's time may lie after the verifier's clock."""


@dataclass(frozen=True)
class TrustedKeys:
    """The keys that the caller knows, by thumbprint. None trusts any key of that side."""

    people: frozenset[str] | None = None
    """Keys of the subject, or of the guardian where the subject is a child."""
    controllers: frozenset[str] | None = None


def verify_record(
    text: str | None, now: datetime, use: Use | None = None, trusted: TrustedKeys | None = None
) -> ConsentStatus:
    """Check a signed record (or the record in a bound consent); the geometry is not looked at.

    Without a `use` the scope is not judged. Never raises for what the text holds; raises `InputError`
    where `now` is not UTC or the use lies before it.
    """
    try:
        record = _check_record(open_consent(text), now, use, trusted)
    except RefusedConsent as refusal:
        return refusal.status
    return _valid(record, now, use)


def verify_bound(
    text: str | None,
    digest: str,
    now: datetime,
    use: Use | None = None,
    trusted: TrustedKeys | None = None,
) -> ConsentStatus:
    """Check the consent that a twin carries against the twin's own `geometry_digest`: to the bit."""
    try:
        opened = open_consent(text)
        binding = _check_binding(opened.binding, opened.record, now)
        if binding.geometry != digest:
            raise _other_geometry(opened.record, ())
        record = _check_record(opened, now, use, trusted)
    except RefusedConsent as refusal:
        return refusal.status
    return replace(_valid(record, now, use), geometry=GeometryMatch.EXACT)


def verify_surface(
    text: str | None,
    positions: ArrayLike,
    faces: ArrayLike,
    now: datetime,
    use: Use | None = None,
    trusted: TrustedKeys | None = None,
) -> ConsentStatus:
    """Check the consent that a file carries against the file's surface, exact or as a packer leaves it.

    `positions` (V, 3), metres, rest pose; `faces` (F, 3): every triangle of the file. Where the digest does
    not fit, the surface is measured against the binding's fingerprint; `ConsentStatus.geometry` tells which
    of the two held, `moved_mm` how far the surface was moved. Raises `InputError` for a mesh without
    triangles, and what `verify_record` raises.
    """
    try:
        opened = open_consent(text)
        binding = _check_binding(opened.binding, opened.record, now)
        match, moved_mm = _match(binding, opened.record, positions, faces)
        record = _check_record(opened, now, use, trusted)
    except RefusedConsent as refusal:
        return refusal.status
    status = _valid(record, now, use)
    if match is GeometryMatch.REPACKED:
        reason = f"{status.reason} The file was repacked: its surface moved by up to {moved_mm:.2f} mm."
        status = replace(status, reason=reason)
    return replace(status, geometry=match, moved_mm=moved_mm)


def require_consent(
    text: str | None, use: Use, now: datetime, trusted: TrustedKeys | None = None
) -> ConsentRecord:
    """Return the record where it is sound, valid now and covers the use, or raise `ConsentError`."""
    return _or_raise(verify_record(text, now=now, use=use, trusted=trusted))


def require_bound_consent(
    text: str | None, digest: str, use: Use, now: datetime, trusted: TrustedKeys | None = None
) -> ConsentRecord:
    """As `require_consent`, and the consent must be bound to the surface with this digest."""
    return _or_raise(verify_bound(text, digest, now=now, use=use, trusted=trusted))


def _or_raise(status: ConsentStatus) -> ConsentRecord:
    if not status.ok or status.record is None:
        raise RefusedConsent(status.state, status.reason, status.record)
    return status.record


def _valid(record: ConsentRecord, now: datetime, use: Use | None) -> ConsentStatus:
    until = format_utc(record.term.not_after)
    judged = f"it covers {use.purpose}" if use else "no use was asked about"
    return ConsentStatus(
        ConsentState.VALID, f"it is signed by all, holds until {until}, and {judged}.", record
    )


def _check_record(
    opened: OpenedConsent, now: datetime, use: Use | None, trusted: TrustedKeys | None
) -> ConsentRecord:
    record = opened.record
    _check_trust(record, trusted or TrustedKeys())
    if gap := term_gap(record, moment_of(use, now)):
        raise RefusedConsent(*gap, record)
    if use is not None and (reason := coverage_gap(record, use)):
        raise RefusedConsent(ConsentState.NOT_COVERED, f"{reason}.", record)
    return record


def _check_trust(record: ConsentRecord, trusted: TrustedKeys) -> None:
    # For a child the guardian's key is the one that consents, so that is the one to be known.
    person = record.guardian or record.subject
    sides = (("person", person.public_key, trusted.people),)
    sides += (("controller", record.controller.public_key, trusted.controllers),)
    for side, key, known in sides:
        if known is not None and (key is None or key.thumbprint not in known):
            name = key.thumbprint if key else "none"
            raise RefusedConsent(
                ConsentState.UNTRUSTED, f"the {side}'s key {name} is not among the trusted keys.", record
            )


def _match(
    binding: Binding, record: ConsentRecord, positions: ArrayLike, faces: ArrayLike
) -> tuple[GeometryMatch, float]:
    if geometry_digest(positions, faces) == binding.geometry:
        return GeometryMatch.EXACT, 0.0
    if binding.fingerprint is None:
        raise _other_geometry(record, ())
    try:
        deviation = compare(binding.fingerprint, positions, faces)
    except InputError as error:
        raise RefusedConsent(ConsentState.ALTERED, str(error), record) from None
    if deviation.problems:
        raise _other_geometry(record, deviation.problems)
    return GeometryMatch.REPACKED, deviation.max_mm


def _other_geometry(record: ConsentRecord, problems: tuple[str, ...]) -> RefusedConsent:
    reason = "its binding belongs to another geometry: another person's, or an edited one"
    return RefusedConsent(ConsentState.UNBOUND, f"{'; '.join((reason, *problems))}.", record)


def _check_binding(binding: Binding | None, record: ConsentRecord, now: datetime) -> Binding:
    def refuse(reason: str) -> RefusedConsent:
        return RefusedConsent(ConsentState.UNBOUND, reason, record)

    if binding is None:
        raise refuse("it carries no binding to a geometry.")
    if binding.record_sha256 != record.sha256() or binding.record_id != record.record_id:
        raise refuse("its binding belongs to another record.")
    if term_gap(record, binding.created_at):
        raise refuse(f"its binding was made at {format_utc(binding.created_at)}, outside the record's term.")
    if binding.created_at > now + CLOCK_SKEW:
        raise refuse(f"its binding says {format_utc(binding.created_at)}, which is later than now.")
    return binding
