"""A consent text told to a person, whatever stage of signing it is in."""

from __future__ import annotations

from bodyscan.consent import strict_json
from bodyscan.consent.binding import Binding, open_consent
from bodyscan.consent.bundle import BUNDLE_MEMBER
from bodyscan.consent.fields import format_utc
from bodyscan.consent.record import (
    ALL_PRODUCT_LINES,
    AiTerms,
    ConsentRecord,
    Pay,
    PayKind,
    PayUnit,
    Subject,
    Withdrawal,
    WithdrawalEffect,
)
from bodyscan.consent.sign import SignedRecord, open_for_signing, role_keys

Rows = list[tuple[str, str]]
"""(label, value) pairs."""

_EFFECTS = {
    WithdrawalEffect.STOP_NEW_USES: "no new use begins",
    WithdrawalEffect.STOP_ALL_USES: "all uses end, and what is shown is taken down",
    WithdrawalEffect.STOP_AND_DELETE: "all uses end, and twin, scan and pictures are deleted",
}
_UNITS = {
    PayUnit.USE: "each twin, picture and export",
    PayUnit.TWIN: "each twin",
    PayUnit.RENDER: "each picture",
    PayUnit.EXPORT: "each export",
    PayUnit.DAY: "each day with a use",
    PayUnit.MONTH: "each month with a use",
    PayUnit.PROJECT: "each project",
}


def open_any(text: str) -> tuple[SignedRecord, Binding | None]:
    """Read a draft, a record signed in part or in full, or a bound consent.

    Every signature that is there must hold. Raises `InputError` where the text is none of these,
    `ConsentError` where a signature does not hold.
    """
    value = strict_json.loads(text, "the consent")
    if isinstance(value, dict) and BUNDLE_MEMBER in value:
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
        area = binding.seal.fingerprint.area_mm2 / 1e6
        rows += [
            ("bound to", f"{binding.seal.geometry}, {area:.2f} m2"),
            ("bound at", f"{format_utc(binding.created_at)} by {binding.software}"),
        ]
    return rows


def describe_record(record: ConsentRecord) -> Rows:
    """Return what the record allows, as rows for a person."""
    scope, data = record.scope, record.data
    rows = (
        [("DEMO", "sample data; the keys are public and this person does not exist")] if record.demo else []
    )
    rows += [("record", f"{record.record_id} of {format_utc(record.issued_at)}"), *_people(record)]
    rows += [
        ("agreed", scope.description),
        ("allowed for", ", ".join(scope.purposes)),
        ("where", ", ".join(scope.territories)),
        ("media", ", ".join(scope.media)),
    ]
    if scope.product_lines != (ALL_PRODUCT_LINES,):
        rows.append(("product lines", ", ".join(scope.product_lines)))
    rows += [
        ("NEVER for", ", ".join(scope.prohibited_uses) or "(nothing named)"),
        ("may be changed", f"up to {scope.modification}"),
        ("file handed on to", str(scope.redistribution)),
        ("exclusive", str(scope.exclusivity)),
        ("machine learning", describe_ai(record.ai)),
        ("from", format_utc(record.term.not_before)),
        ("until", f"{format_utc(record.term.not_after)}, never renewed by itself"),
        ("pay", describe_pay(record.pay)),
        ("data", f"{', '.join(data.categories)}; kept in {', '.join(data.places)} by {data.lawful_basis}"),
        ("deleted", f"{data.retention} after the term, {format_utc(data.delete_by)} at the latest"),
        ("take it back", describe_withdrawal(record.withdrawal)),
        ("label on pictures", f"{record.disclosure.label} ({record.disclosure.source_type})"),
    ]
    if record.bindings is not None:
        count = len(record.bindings.scans), len(record.bindings.geometries)
        rows.append(("signed for", f"{count[0]} named scans, {count[1]} named bodies, and no other"))
    return rows


def describe_pay(pay: Pay) -> str:
    """Return the pay in words."""
    if pay.kind is PayKind.UNPAID:
        return "none"
    due = f"due in {pay.due_days} days, account {pay.account}"
    if pay.kind is PayKind.SHARE:
        return f"{pay.share_percent} % of the revenue of each use, {due}"
    if pay.kind is PayKind.FLAT or pay.unit is None:
        return f"{pay.amount} {pay.currency} once, {due}"
    return f"{pay.amount} {pay.currency} for {_UNITS[pay.unit]}, {due}"


def describe_ai(ai: AiTerms) -> str:
    """Return what machine learning may do, in words."""
    allowed = [name for name in type(ai).model_fields if getattr(ai, name)]
    return (
        f"only {', '.join(allowed)}" if allowed else "NOT allowed: no training, mining, inference, generation"
    )


def describe_withdrawal(withdrawal: Withdrawal) -> str:
    """Return how the consent is taken back and what then ends, in words."""
    how = f"{withdrawal.method.replace('_', ' ')} to {withdrawal.address}; then {_EFFECTS[withdrawal.effect]}"
    status = withdrawal.status
    return how + (f"; looked up at {status.revocation_list}, place {status.index}" if status else "")


def _people(record: ConsentRecord) -> Rows:
    rows = [("person", _person(record.subject))]
    if record.subject.representation is not None:
        by = record.subject.representation
        rows.append(("advised by", f"{by.kind} {by.name}" + (f", {by.agreement}" if by.agreement else "")))
    if record.guardian:
        rows.append(
            ("guardian", f"{record.guardian.name} ({record.guardian.relation}), {record.guardian.contact}")
        )
    rows.append(("controller", f"{record.controller.name}, {record.controller.contact}"))
    rows += [("licensee", licensee.name) for licensee in record.licensees]
    if record.agency is not None:
        rows.append(("agency", f"{record.agency.name}, keeps {record.agency.commission_percent} %"))
    if record.power_of_attorney:
        rows.append(("POWER OF ATTORNEY", "somebody else signed for the person"))
    if record.notice is not None:
        rows.append(("notice given", f"{format_utc(record.notice.given_at)}, {record.notice.address}"))
    return rows


def _person(subject: Subject) -> str:
    if subject.adult_from is None:
        return subject.pseudonym
    return f"{subject.pseudonym} (a child, of age from {format_utc(subject.adult_from)})"
