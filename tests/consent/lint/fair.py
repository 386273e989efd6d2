"""A record that meets every rule of every profile, and ways to spoil it."""

from __future__ import annotations

import copy
from typing import Any

from bodyscan.consent.record import ConsentRecord, record_from_values
from consent.people import ISSUER, MOTHER, values

UNION = {"kind": "union", "name": "Equity", "agreement": "Agreement 7 of 2025"}
AGENCY = {"name": "Models Ltd", "contact": "mailto:desk@models.example.org", "commission_percent": "20"}
CHILD = {"subject__minor": True, "subject__adult_from": "2027-06-01T00:00:00Z", "subject__public_key": None}
GUARDIAN = {
    "name": "M. Example",
    "contact": "mailto:m@example.org",
    "relation": "mother",
    "public_key": MOTHER.public.model_dump(),
}


def fair_values(**places: Any) -> dict[str, Any]:
    """Return the values, with deep changes: `scope__purposes=[...]`; None removes a field."""
    result = values()
    result["subject"]["representation"] = UNION
    result["notice"] = {
        "address": "https://atelier.example.org/notice",
        "sha256": "ab" * 32,
        "language": "en",
        "given_at": "2025-12-20T09:00:00Z",
    }
    result["scope"] |= {
        "product_lines": ["spring collection"],
        "prohibited_uses": ["nudity", "sexual", "defamatory", "impersonation"],
    }
    result["withdrawal"]["status"] = {
        "revocation_list": "https://lists.example.org/revoked",
        "suspension_list": "https://lists.example.org/suspended",
        "index": 7,
        "issuer": ISSUER.public.model_dump(),
    }
    result = copy.deepcopy(result)
    for place, value in places.items():
        *groups, name = place.split("__")
        target = result
        for group in groups:
            target = target.setdefault(group, {})
        target.pop(name, None)
        if value is not None:
            target[name] = value
    return result


def fair_record(**places: Any) -> ConsentRecord:
    """Return the record of `fair_values`."""
    return record_from_values(fair_values(**places))


def fair_child(**places: Any) -> ConsentRecord:
    """Return the record of a child who comes of age after the term."""
    return fair_record(**{**CHILD, "guardian": GUARDIAN, **places})
