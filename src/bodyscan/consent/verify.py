"""The checks that allow a use or refuse it. The clock is always an argument.

A `valid` says: these bytes were signed with these keys, the keys counted, the term holds, nobody took it
back as far as the verifier's evidence tells, the terms cover the use and, for a body, the controller tied the
record to it. It does not say who holds a key: that is the caller's knowledge, stated as `TrustedKeys`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from numpy.typing import ArrayLike

from bodyscan.consent.attestation import find_attested
from bodyscan.consent.binding import Binding, OpenedConsent, named_gap, open_consent
from bodyscan.consent.bundle import Stamped
from bodyscan.consent.content import BodyContent
from bodyscan.consent.digest import geometry_digest
from bodyscan.consent.evidence import Evidence, stamped_at
from bodyscan.consent.fields import format_utc
from bodyscan.consent.fingerprint import compare
from bodyscan.consent.key_history import KeyUse, check_key
from bodyscan.consent.policy import CLOCK_SKEW, Gap, Use, check_clock, coverage_gap, moment_of, term_gap
from bodyscan.consent.record import ConsentRecord, Purpose
from bodyscan.consent.seal import PartVerdict, SealReport, compare_seal
from bodyscan.consent.sign import role_keys
from bodyscan.consent.state import BindingVerdict, ConsentState, ConsentStatus, RefusedConsent
from bodyscan.consent.status_check import StatusState, StatusVerdict, check_status
from bodyscan.errors import InputError

OTHER_BODY_MM = 10.0
"""Mean distance from which on a body is called another one, not the bound one altered."""


def verify_record(
    text: str | None, now: datetime, use: Use | None = None, evidence: Evidence | None = None
) -> ConsentStatus:
    """Check a signed record (or the record in a bound consent); no body is looked at.

    Without a `use` the terms are not judged. Never raises for what the text holds; raises `InputError`
    where `now` is not UTC or the use lies before it.
    """
    evidence = evidence or Evidence()
    moment_of(use, now)
    try:
        opened = _opened(text, evidence, now)
        return _judged(opened, now, use, evidence)
    except RefusedConsent as refusal:
        return refusal.status


def verify_bound(
    text: str | None,
    digest: str,
    now: datetime,
    use: Use | None = None,
    evidence: Evidence | None = None,
) -> ConsentStatus:
    """Check the consent that a twin carries against the twin's own `geometry_digest`: to the bit."""
    evidence = evidence or Evidence()
    moment_of(use, now)
    try:
        opened = _opened(text, evidence, now)
        if _checked_binding(opened, now).seal.geometry != digest:
            raise _other_body(opened.record, ("its triangles are not those that were bound",))
        return replace(_judged(opened, now, use, evidence), geometry=BindingVerdict.EXACT)
    except RefusedConsent as refusal:
        return refusal.status


def verify_surface(
    text: str | None,
    positions: ArrayLike,
    faces: ArrayLike,
    now: datetime,
    use: Use | None = None,
    evidence: Evidence | None = None,
) -> ConsentStatus:
    """Check the consent of a bare surface, exact or as a packer leaves it; rig and texture are not looked at.

    `positions` (V, 3), metres, rest pose; `faces` (F, 3). For a file that may hold more, take
    `verify_content`. Raises what `verify_record` raises, and `InputError` for a mesh without triangles.
    """
    evidence = evidence or Evidence()
    moment_of(use, now)
    try:
        opened = _opened(text, evidence, now)
        binding = _checked_binding(opened, now)
        verdict, moved_mm = _surface_match(binding, opened.record, positions, faces)
        status = _judged(opened, now, use, evidence)
    except RefusedConsent as refusal:
        return refusal.status
    return _as_named(_with_body(status, verdict, moved_mm))


def verify_content(
    text: str | None,
    content: BodyContent,
    now: datetime,
    use: Use | None = None,
    evidence: Evidence | None = None,
) -> ConsentStatus:
    """Check the consent that a file carries against everything that the file holds of a body.

    `ConsentStatus.geometry` tells how the triangles matched, `moved_mm` how far they lie from the bound ones,
    `parts` how rig, face shapes and texture matched. Where one of them is there and cannot be read here, the
    answer is `unknown`: other readers would show it, and it may be another person's. Raises what
    `verify_record` raises, and `InputError` for a body without triangles.
    """
    evidence = evidence or Evidence()
    moment_of(use, now)
    try:
        opened = _opened(text, evidence, now)
        binding = _checked_binding(opened, now)
        report = compare_seal(binding.seal, content)
        verdict, moved_mm = report.geometry, report.moved_mm
        if not report.is_same:
            attested = find_attested(opened, content, evidence, now)
            if attested is None:
                raise _altered(opened.record, report)
            verdict, moved_mm, report = BindingVerdict.REATTESTED, attested.moved_mm, attested.report
        status = _judged(opened, now, use, evidence)
    except RefusedConsent as refusal:
        return refusal.status
    parts = {name: str(part) for name, part in report.parts.items()}
    return _as_named(_as_far_as_read(replace(_with_body(status, verdict, moved_mm), parts=parts), report))


def require_consent(
    text: str | None, use: Use, now: datetime, evidence: Evidence | None = None
) -> ConsentRecord:
    """Return the record where it is sound, valid now and covers the use, or raise `ConsentError`."""
    return record_or_raise(verify_record(text, now=now, use=use, evidence=evidence))


def require_making(
    text: str | None, use: Use, now: datetime, evidence: Evidence | None = None
) -> ConsentRecord:
    """As `require_consent`, and the record must cover making a twin too, on the terms of the same use."""
    require_consent(text, use=replace(use, purpose=Purpose.MAKE_TWIN), now=now, evidence=evidence)
    return require_consent(text, use=use, now=now, evidence=evidence)


def require_bound_consent(
    text: str | None, digest: str, use: Use, now: datetime, evidence: Evidence | None = None
) -> ConsentRecord:
    """As `require_consent`, and the consent must be bound to the surface with this digest."""
    return record_or_raise(verify_bound(text, digest, now=now, use=use, evidence=evidence))


def record_or_raise(status: ConsentStatus) -> ConsentRecord:
    """Return the record of a `valid` status, or raise `RefusedConsent`: an unknown is no consent either."""
    if not status.ok or status.record is None:
        raise RefusedConsent(
            status.state, status.reason, status.record, clause=status.clause, geometry=status.geometry
        )
    return status.record


def _opened(text: str | None, evidence: Evidence, now: datetime) -> OpenedConsent:
    check_clock(now)
    opened = open_consent(text, evidence.histories, now)
    _check_trust(opened.record, evidence)
    stamps = {of: stamped_at(opened.bundle, of, evidence, now) for of in Stamped}
    for key in role_keys(opened.record).values():
        check_key(
            opened.histories.get(key.thumbprint),
            key,
            key.thumbprint,
            KeyUse.RECORD,
            signed_at=opened.record.issued_at,
            stamped_at=stamps[Stamped.RECORD],
            now=now,
        )
    if opened.binding is not None:
        root = opened.record.controller.public_key
        check_key(
            opened.histories.get(root.thumbprint),
            root,
            opened.binding_kid,
            KeyUse.BINDING,
            signed_at=opened.binding.created_at,
            stamped_at=stamps[Stamped.BINDING],
            now=now,
        )
    return opened


def _judged(opened: OpenedConsent, now: datetime, use: Use | None, evidence: Evidence) -> ConsentStatus:
    """What denies goes before what is unknown: a use out of scope is denied whatever a list would say."""
    record = opened.record
    withdrawn = check_status(
        record,
        evidence.status_lists,
        evidence.withdrawals,
        now,
        memory=evidence.memory,
        max_age=evidence.max_age,
        histories=opened.histories,
    )
    found = (
        term_gap(record, moment_of(use, now)),
        _withdrawal_gap(withdrawn),
        coverage_gap(record, use) if use is not None else None,
    )
    gaps = [gap for gap in found if gap is not None]
    if gaps:
        gap = min(gaps, key=lambda gap: gap.state is ConsentState.UNKNOWN)
        raise RefusedConsent(gap.state, f"{gap.reason}.", record, clause=gap.clause)
    until = format_utc(record.term.not_after)
    judged = f"it covers {use.purpose}" if use else "no use was asked about"
    return ConsentStatus(
        ConsentState.VALID, f"it is signed by all, holds until {until}, and {judged}.", record
    )


def _withdrawal_gap(status: StatusVerdict) -> Gap | None:
    if status.state is StatusState.GOOD:
        return None
    return Gap(ConsentState(status.state), status.clause, status.reason.rstrip("."))


def _check_trust(record: ConsentRecord, evidence: Evidence) -> None:
    # For a child the guardian's key is the one that consents, so that is the one to be known.
    sides = (
        ("person", record.person_key, evidence.trusted.people),
        ("controller", record.controller.public_key, evidence.trusted.controllers),
    )
    for side, key, known in sides:
        if known is not None and key.thumbprint not in known:
            raise RefusedConsent(
                ConsentState.UNTRUSTED,
                f"the {side}'s key {key.thumbprint} is not among the trusted keys.",
                record,
            )


def _with_body(status: ConsentStatus, verdict: BindingVerdict, moved_mm: float) -> ConsentStatus:
    reason = status.reason
    if verdict is BindingVerdict.REPACKED:
        reason += f" The file was repacked: its surface moved by up to {moved_mm:.2f} mm."
    elif verdict is BindingVerdict.REATTESTED:
        reason += f" A packer attests it: its surface moved by up to {moved_mm:.2f} mm."
    return replace(status, reason=reason, geometry=verdict, moved_mm=moved_mm)


def _as_named(status: ConsentStatus) -> ConsentStatus:
    """Return `unknown` in place of `valid` where the person named bodies and this one is none to the bit.

    They named them by their triangles. What else a binding says of the surface is the controller's word
    alone, who could put another body's fingerprint beside the named digest.
    """
    named = status.record.bindings if status.record else None
    if not (status.ok and named and named.geometries) or status.geometry is BindingVerdict.EXACT:
        return status
    return replace(
        status,
        state=ConsentState.UNKNOWN,
        clause="bindings.geometries",
        reason="the person named the bodies that they signed for by their exact triangles, and this file's "
        "are others: only the file that was not packed shows that it is one of them.",
    )


def _as_far_as_read(status: ConsentStatus, report: SealReport) -> ConsentStatus:
    """Return `unknown` in place of `valid` where a part of the body is there and could not be looked at."""
    unread = [
        f"its {name} cannot be checked here: {part.reason}"
        for name, part in report.parts.items()
        if part.verdict is PartVerdict.UNREAD
    ]
    if not unread:
        return status
    return replace(status, state=ConsentState.UNKNOWN, reason=f"{'; '.join(unread)}.")


def _surface_match(
    binding: Binding, record: ConsentRecord, positions: ArrayLike, faces: ArrayLike
) -> tuple[BindingVerdict, float]:
    if geometry_digest(positions, faces) == binding.seal.geometry:
        return BindingVerdict.EXACT, 0.0
    try:
        deviation = compare(binding.seal.fingerprint, positions, faces)
    except InputError as error:
        raise RefusedConsent(ConsentState.ALTERED, str(error), record) from None
    if deviation.problems:
        raise _other_body(record, deviation.problems, deviation.max_mm, deviation.mean_mm)
    return BindingVerdict.REPACKED, deviation.max_mm


def _altered(record: ConsentRecord, report: SealReport) -> RefusedConsent:
    """The parts are told only where the triangles hold: on another body each of them differs too."""
    if report.geometry is BindingVerdict.ALTERED:
        return _other_body(record, report.problems, report.moved_mm, report.mean_mm)
    parts = {name: str(part) for name, part in report.parts.items()}
    return RefusedConsent(
        ConsentState.ALTERED,
        f"its body was changed after it was bound: {'; '.join(report.alterations)}.",
        record,
        geometry=BindingVerdict.ALTERED,
        moved_mm=report.moved_mm,
        parts=parts,
    )


def _other_body(
    record: ConsentRecord, problems: tuple[str, ...], max_mm: float = 0.0, mean_mm: float = 0.0
) -> RefusedConsent:
    if mean_mm > OTHER_BODY_MM:
        state, verdict = ConsentState.UNBOUND, BindingVerdict.UNBOUND
        what = "its binding belongs to another body"
    else:
        state, verdict = ConsentState.ALTERED, BindingVerdict.ALTERED
        what = "its body is not as it was bound"
    return RefusedConsent(state, f"{what}: {'; '.join(problems)}.", record, geometry=verdict, moved_mm=max_mm)


def _checked_binding(opened: OpenedConsent, now: datetime) -> Binding:
    binding, record = opened.binding, opened.record

    def refuse(reason: str) -> RefusedConsent:
        return RefusedConsent(ConsentState.UNBOUND, reason, record, geometry=BindingVerdict.UNBOUND)

    if binding is None:
        raise refuse("it carries no binding to a body.")
    if binding.record_sha256 != record.sha256() or binding.record_id != record.record_id:
        raise refuse("its binding belongs to another record.")
    if refusal := named_gap(record, binding):
        raise refusal
    if term_gap(record, binding.created_at):
        raise refuse(f"its binding was made at {format_utc(binding.created_at)}, outside the record's term.")
    if binding.created_at > now + CLOCK_SKEW:
        raise refuse(f"its binding says {format_utc(binding.created_at)}, which is later than now.")
    return binding
