"""The terms of ODRL 2.2 that the export uses, as an inline JSON-LD context.

The mapping follows the context of the W3C (http://www.w3.org/ns/odrl.jsonld), cut down to what is used, so
that a document can be read without fetching anything.
"""

from __future__ import annotations

from typing import Any

ODRL = "http://www.w3.org/ns/odrl/2/"

CLASSES = ("Agreement", "Offer", "Asset", "Party")
RULES = ("permission", "prohibition", "obligation", "duty")
RELATIONS = ("target", "assigner", "assignee", "compensatedParty")
ACTIONS = (
    "use",
    "derive",
    "display",
    "play",
    "present",
    "distribute",
    "extract",
    "transform",
    "modify",
    "grantUse",
    "compensate",
    "attribute",
    "annotate",
    "reviewPolicy",
    "delete",
    "ensureExclusivity",
)
LEFT_OPERANDS = (
    "purpose",
    "spatial",
    "media",
    "product",
    "recipient",
    "dateTime",
    "payAmount",
    "percentage",
    "unitOfCount",
    "delayPeriod",
)
OPERATORS = ("eq", "isPartOf", "isAnyOf", "gteq", "lt", "lteq")
TERMS = (*CLASSES, *ACTIONS, *LEFT_OPERANDS, *OPERATORS, "prohibit")

CONTEXT: dict[str, Any] = {
    "odrl": ODRL,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "uid": "@id",
    "type": "@type",
    "value": "rdf:value",
    "title": "dct:title",
    "description": "dct:description",
    "issued": "dct:issued",
    **{name: f"odrl:{name}" for name in TERMS},
    **{name: {"@id": f"odrl:{name}", "@type": "@id"} for name in (*RULES, *RELATIONS)},
    "constraint": {"@id": "odrl:constraint", "@type": "@id"},
    "refinement": {"@id": "odrl:refinement", "@type": "@id"},
    **{
        name: {"@id": f"odrl:{name}", "@type": "@vocab"}
        for name in ("action", "conflict", "leftOperand", "operator")
    },
    "rightOperand": "odrl:rightOperand",
    "unit": {"@id": "odrl:unit", "@type": "@id"},
    "or": "odrl:or",
}
"""Keys are JSON names; values are what they mean."""


def urn(kind: str, *names: str) -> str:
    """Return the IRI of something that bodyscan names: `urn:bodyscan:purpose:render`."""
    return ":".join(("urn:bodyscan", kind, *names))
