"""A consent text told to a person, whatever stage of signing it is in."""

from __future__ import annotations

from bodyscan.consent import strict_json
from bodyscan.consent.binding import BOUND_MEMBER, Binding, open_consent
from bodyscan.consent.fields import format_utc
from bodyscan.consent.record import ConsentRecord, Pay, PayKind
from bodyscan.consent.sign import SignedRecord, open_for_signing, role_keys

Rows = list[tuple[str, str]]
"""(label, value) pairs."""


def open_any(text: str) -> tuple[SignedRecord, Binding | None]:
    """Read a draft, a record signed in part or in full, or a bound consent.

    Every signature that is there must hold. Raises `InputError` where the text is none of these,
    `ConsentError` where a signature does not hold.
    """
    value = strict_json.loads(text, "the consent")
    if isinstance(value, dict) and BOUND_MEMBER in value:
        opened = open_consent(text)
        return opened.signed, opened.binding
    return open_for_signing(text), None


def describe(signed: SignedRecord, binding: Binding | None = None) -> Rows:
    """Return everything that the record says, and who signed it, as rows for a person."""
    rows = describe_record(signed.record)
    for role, key in role_keys(signed.record).items():
        done = "NOT SIGNED" if role in signed.missing else "signed"
        rows.append((f"{role} signature", f"{done}, key {key.thumbprint}"))
    if binding is not None:
        rows.append(("bound to", binding.geometry))
        if binding.fingerprint is not None:
            area = binding.fingerprint.area_mm2 / 1e6
            rows.append(("fingerprint", f"{len(binding.fingerprint.positions())} points, {area:.2f} m2"))
        rows.append(("bound at", f"{format_utc(binding.created_at)} by {binding.software}"))
    return rows


def describe_record(record: ConsentRecord) -> Rows:
    """Return what the record allows, as rows for a person."""
    rows = (
        [("DEMO", "sample data; the keys are public and this person does not exist")] if record.demo else []
    )
    rows += [
        ("record", record.record_id),
        ("person", record.subject.pseudonym + (" (a child)" if record.subject.minor else "")),
    ]
    if record.guardian:
        rows.append(
            ("guardian", f"{record.guardian.name} ({record.guardian.relation}), {record.guardian.contact}")
        )
    rows += [
        ("controller", f"{record.controller.name}, {record.controller.contact}"),
        ("allowed for", ", ".join(record.scope.purposes)),
        ("AI training", "allowed" if record.ai_training else "NOT allowed"),
        ("where", ", ".join(record.scope.territories)),
        ("media", ", ".join(record.scope.media)),
        ("from", format_utc(record.term.not_before)),
        ("until", format_utc(record.term.not_after)),
        ("pay", describe_pay(record.pay)),
        ("take it back at", record.revocation),
    ]
    return rows


def describe_pay(pay: Pay) -> str:
    """Return the pay in words."""
    if pay.kind is PayKind.UNPAID:
        return "none"
    if pay.kind is PayKind.SHARE:
        return f"{pay.share_percent} % of the revenue of each use, account {pay.account}"
    return f"{pay.amount} {pay.currency} for each use, account {pay.account}"
