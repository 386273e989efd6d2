"""A small ODRL evaluator, written from the information model and not from the export."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bodyscan.consent.exports.odrl import ACTIONS
from bodyscan.consent.policy import Use
from bodyscan.consent.record import Purpose

Facts = dict[str, Any]
"""Left operand -> the value that is known; a set for `purpose`."""


def request(use: Use) -> tuple[str, str, Facts]:
    """Return action, acting party and what is known of a use. Who gets an exported file is its recipient."""
    handed_on = use.purpose is Purpose.EXPORT
    actor = "Atelier" if handed_on or use.licensee is None else use.licensee
    facts: Facts = {
        "purpose": {
            f"urn:bodyscan:purpose:{use.purpose}",
            *(f"urn:bodyscan:content:{c}" for c in use.content),
        },
        "spatial": use.territory,
        "media": None if use.medium is None else f"urn:bodyscan:medium:{use.medium}",
        "product": use.product_line,
        "recipient": use.licensee if handed_on else None,
        "dateTime": use.when,
    }
    return ACTIONS[use.purpose], actor, facts


def permitted(policy: dict[str, Any], action: str, actor: str, facts: Facts) -> bool:
    """True where a permission for action and actor holds and no prohibition; `use` includes all actions."""
    if actor not in {party["title"] for party in policy["assignee"]}:
        return False
    names = {party["uid"]: party["title"] for party in policy["assignee"]}
    facts = {**facts, "names": names}

    def speaks(rule: dict[str, Any]) -> bool:
        return rule["action"] in ("use", action) and _holds(rule, facts)

    return any(map(speaks, policy["permission"])) and not any(map(speaks, policy["prohibition"]))


def _holds(rule: dict[str, Any], facts: Facts) -> bool:
    return all(_satisfied(constraint, facts) for constraint in rule.get("constraint", []))


def _satisfied(constraint: dict[str, Any], facts: Facts) -> bool:
    if "or" in constraint:
        return any(_satisfied(item, facts) for item in constraint["or"]["@list"])
    left, operator = constraint["leftOperand"], constraint["operator"]
    known = facts.get(left)
    if known is None:
        return False
    right = constraint["rightOperand"]
    values = [_value(item) for item in (right if isinstance(right, list) else [right])]
    if left == "recipient":
        values = [facts["names"][uid] for uid in values]
    if operator in ("eq", "isAnyOf"):
        return bool((known if isinstance(known, set) else {known}) & set(values))
    if operator == "isPartOf":
        return any(known == value or known.startswith(value + "-") for value in values)
    compare = {"gteq": known >= values[0], "lt": known < values[0], "lteq": known <= values[0]}
    return compare[operator]


def _value(node: Any) -> Any:
    if isinstance(node, dict) and node.get("@type") == "xsd:dateTime":
        return datetime.fromisoformat(node["@value"])
    return node["@id"] if isinstance(node, dict) else node
