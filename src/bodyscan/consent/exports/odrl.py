"""A record as an ODRL policy, for rights systems that speak W3C's Open Digital Rights Language.

Source: ODRL Information Model 2.2 and ODRL Vocabulary & Expression 2.2, W3C Recommendations of 15 February
2018. Only their own classes, actions, operands and operators are used, so no ODRL profile is needed; what
bodyscan names itself stands as right operands, IRIs that begin with `urn:bodyscan:`. The JSON-LD context is
part of the document: nothing is fetched to read it.

Each purpose that the record allows is one permission. The same constraints (place, medium, product line,
term) stand in every permission; a fact that a constraint needs and the reader does not know does not
satisfy it, so the policy never permits what `coverage_gap` does not, and permits the same where place,
medium and product line are stated. What is not permitted is not allowed; what the person rules out is a
prohibition beside, and prohibitions win (`conflict`: `prohibit`).
"""

from __future__ import annotations

from typing import Any

from bodyscan.consent.exports.odrl_terms import CONTEXT, urn
from bodyscan.consent.fields import format_utc
from bodyscan.consent.policy import PRIVATE_PURPOSES
from bodyscan.consent.record import (
    AI_PURPOSES,
    ALL_PRODUCT_LINES,
    ConsentRecord,
    Exclusivity,
    Medium,
    Modification,
    Pay,
    PayKind,
    Purpose,
    Redistribution,
)
from bodyscan.consent.territories import WORLDWIDE

Node = dict[str, Any]

ACTIONS: dict[Purpose, str] = {
    Purpose.MAKE_TWIN: "derive",
    Purpose.VIRTUAL_TRY_ON: "display",
    Purpose.RENDER: "display",
    Purpose.ANIMATION: "play",
    Purpose.ADVERTISING: "present",
    Purpose.EXPORT: "distribute",
    Purpose.RESEARCH: "use",
    Purpose.AI_TRAINING: "use",
    Purpose.DATA_MINING: "extract",
    Purpose.AI_INFERENCE: "use",
    Purpose.AI_GENERATION: "derive",
}
"""Purpose -> ODRL action. The action is the nearest one; the constraint on the purpose is what decides."""

CHANGES: dict[Modification, str] = {
    Modification.FORMAT: "transform",
    Modification.POSE: "modify",
    Modification.GARMENTS: "modify",
    Modification.APPEARANCE: "modify",
}
"""Kind of change -> ODRL action; the constraint on the purpose tells the kinds apart."""

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
CURRENCIES = "http://publications.europa.eu/resource/authority/currency/"


def odrl_policy(record: ConsentRecord, *, agreed: bool) -> Node:
    """Return the policy as JSON-LD values.

    `agreed`: True where all signatures of the record are there; then it is an ODRL Agreement, else an Offer.
    """
    return {
        "@context": CONTEXT,
        "type": "Agreement" if agreed else "Offer",
        "uid": f"urn:uuid:{record.record_id}",
        "conflict": "prohibit",
        "title": f"Consent record {record.record_id}" + (" (DEMO: sample data)" if record.demo else ""),
        "description": record.scope.description,
        "issued": _time(format_utc(record.issued_at)),
        "target": {
            "type": "Asset",
            "uid": urn("likeness", record.record_id),
            "title": f"The likeness of {record.subject.pseudonym}",
        },
        "assigner": _assigner(record),
        "assignee": [
            _party(urn("controller", record.record_id), record.controller.name),
            *_licensees(record),
        ],
        "permission": [*_purposes(record), *_changes(record, allowed=True), *_handing_on(record)],
        "prohibition": _prohibitions(record),
        "obligation": _obligations(record),
    }


def _assigner(record: ConsentRecord) -> Node:
    if record.guardian is None:
        return _party(urn("subject", record.record_id), record.subject.pseudonym)
    name = f"{record.guardian.name}, for {record.subject.pseudonym}"
    return _party(urn("guardian", record.record_id), name)


def _licensees(record: ConsentRecord) -> list[Node]:
    return [
        _party(urn("licensee", record.record_id, str(number)), licensee.name)
        for number, licensee in enumerate(record.licensees)
    ]


def _party(uid: str, name: str) -> Node:
    return {"type": "Party", "uid": uid, "title": name}


def _purposes(record: ConsentRecord) -> list[Node]:
    allowed = [*record.scope.purposes, *(purpose for purpose in AI_PURPOSES if _ai_allowed(record, purpose))]
    return [
        {
            "action": ACTIONS[purpose],
            "constraint": [_is("purpose", urn("purpose", purpose)), *_limits(record, purpose)],
            **_duties(record, purpose),
        }
        for purpose in allowed
    ]


def _ai_allowed(record: ConsentRecord, purpose: Purpose) -> bool:
    return bool(getattr(record.ai, AI_PURPOSES[purpose]))


def _limits(record: ConsentRecord, purpose: Purpose) -> list[Node]:
    """The constraints of place, medium, product line, recipient and term."""
    scope, limits = record.scope, list[Node]()
    if WORLDWIDE not in scope.territories:
        places = [_constraint("spatial", "isPartOf", code) for code in scope.territories]
        limits.append(places[0] if len(places) == 1 else {"or": {"@list": places}})
    if Medium.ALL not in scope.media:
        media = [{"@id": urn("medium", medium)} for medium in scope.media]
        limits.append(_constraint("media", "isAnyOf", media))
    if ALL_PRODUCT_LINES not in scope.product_lines:
        limits.append(_constraint("product", "isAnyOf", list(scope.product_lines)))
    if purpose is Purpose.EXPORT and scope.redistribution is Redistribution.LICENSEES:
        limits.append(_recipients(record))
    return [*limits, *_term(record)]


def _recipients(record: ConsentRecord) -> Node:
    """Who may receive the file: the parties of the agreement."""
    receivers = [urn("controller", record.record_id), *(party["uid"] for party in _licensees(record))]
    return _constraint("recipient", "isAnyOf", [{"@id": uid} for uid in receivers])


def _term(record: ConsentRecord) -> list[Node]:
    ends = [record.term.not_after]
    if record.subject.adult_from is not None:  # a guardian's consent ends when the child comes of age
        ends.append(record.subject.adult_from)
    return [
        _constraint("dateTime", "gteq", _time(format_utc(record.term.not_before))),
        _constraint("dateTime", "lt", _time(format_utc(min(ends)))),
    ]


def _duties(record: ConsentRecord, purpose: Purpose) -> Node:
    duties: list[Node] = []
    if record.withdrawal.status is not None:
        status = record.withdrawal.status
        duties.append({"action": "reviewPolicy", "target": [status.revocation_list, status.suspension_list]})
    if record.pay.kind is not PayKind.UNPAID:
        duties.append(_compensation(record))
    if purpose not in PRIVATE_PURPOSES:
        label = {"type": "Asset", "uid": urn("label", record.record_id), "title": record.disclosure.label}
        duties.append({"action": "attribute", "target": label})
        duties.append({"action": "annotate", "target": SOURCE_TYPES + record.disclosure.source_type})
    return {"duty": duties} if duties else {}


def _compensation(record: ConsentRecord) -> Node:
    pay = record.pay
    duty: Node = {
        "action": {"value": {"@id": "odrl:compensate"}, "refinement": _amount(pay)},
        "compensatedParty": urn("subject", record.record_id),
    }
    if pay.due_days is not None:
        days = {"@value": f"P{pay.due_days}D", "@type": "xsd:duration"}
        duty["constraint"] = [_constraint("delayPeriod", "lteq", days)]
    return duty


def _amount(pay: Pay) -> list[Node]:
    if pay.kind is PayKind.SHARE:
        return [_constraint("percentage", "eq", _decimal(pay.share_percent))]
    amount = _constraint("payAmount", "eq", _decimal(pay.amount))
    amount["unit"] = f"{CURRENCIES}{pay.currency}"
    counted = pay.unit if pay.unit is not None else "record"
    return [amount, _is("unitOfCount", urn("pay-unit", counted))]


def _changes(record: ConsentRecord, *, allowed: bool) -> list[Node]:
    """What may, or may not, be changed on the twin."""
    kinds = list(Modification)
    up_to = kinds.index(record.scope.modification)
    chosen = kinds[1 : up_to + 1] if allowed else kinds[up_to + 1 :]
    limits = _term(record) if allowed else []
    return [
        {"action": CHANGES[kind], "constraint": [_is("purpose", urn("modification", kind)), *limits]}
        for kind in chosen
    ]


def _handing_on(record: ConsentRecord) -> list[Node]:
    """Whether the twin's file may be handed on."""
    if record.scope.redistribution is Redistribution.NONE:
        return []
    narrow = record.scope.redistribution is Redistribution.LICENSEES
    limits = [_recipients(record)] if narrow else []
    return [{"action": "grantUse", "constraint": [*limits, *_term(record)]}]


def _prohibitions(record: ConsentRecord) -> list[Node]:
    denied = [purpose for purpose in AI_PURPOSES if not _ai_allowed(record, purpose)]
    prohibitions = [
        {"action": "use", "constraint": [_is("purpose", urn("purpose", purpose))]} for purpose in denied
    ]
    prohibitions += [
        {"action": "use", "constraint": [_is("purpose", urn("content", kind))]}
        for kind in record.scope.prohibited_uses
    ]
    prohibitions += _changes(record, allowed=False)
    if record.scope.redistribution is Redistribution.NONE:
        prohibitions.append({"action": "grantUse"})
    return prohibitions


def _obligations(record: ConsentRecord) -> list[Node]:
    """What is owed apart from any use: the data are deleted, and the person keeps what they promised."""
    deletion: Node = {
        "action": "delete",
        "assignee": urn("controller", record.record_id),
        "constraint": [_constraint("dateTime", "lteq", _time(format_utc(record.data.delete_by)))],
    }
    if record.scope.exclusivity is Exclusivity.NONE:
        return [deletion]
    limits = _term(record)
    by_line = record.scope.exclusivity is Exclusivity.PRODUCT_LINES
    if by_line and ALL_PRODUCT_LINES not in record.scope.product_lines:
        limits = [_constraint("product", "isAnyOf", list(record.scope.product_lines)), *limits]
    exclusivity = {
        "action": "ensureExclusivity",
        "assignee": _assigner(record)["uid"],
        "constraint": limits,
    }
    return [deletion, exclusivity]


def _is(left: str, iri: str) -> Node:
    return _constraint(left, "eq", {"@id": iri})


def _constraint(left: str, operator: str, right: Any) -> Node:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _time(text: str) -> Node:
    return {"@value": text, "@type": "xsd:dateTime"}


def _decimal(text: str | None) -> Node:
    return {"@value": text, "@type": "xsd:decimal"}
