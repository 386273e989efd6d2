"""The consent record, version 1: its fields, its reader and its JSON Schema."""

from __future__ import annotations

from bodyscan.consent.record.duties import (
    DEFAULT_LABEL,
    Bindings,
    DataTerms,
    Disclosure,
    Notice,
    StatusEntry,
    Withdrawal,
)
from bodyscan.consent.record.model import DEMO_PREFIX, RECORD_SCHEMA, ConsentRecord
from bodyscan.consent.record.people import (
    Agency,
    Controller,
    Guardian,
    Licensee,
    Representation,
    RepresentationKind,
    Subject,
)
from bodyscan.consent.record.read import parse_record, record_from_values, record_json_schema
from bodyscan.consent.record.terms import ALL_PRODUCT_LINES, AiTerms, Pay, Scope, Term
from bodyscan.consent.record.vocabulary import (
    AI_PURPOSES,
    DataCategory,
    Exclusivity,
    LawfulBasis,
    Medium,
    Modification,
    PayKind,
    PayUnit,
    ProhibitedUse,
    Purpose,
    Redistribution,
    SourceType,
    WithdrawalEffect,
    WithdrawalMethod,
)

__all__ = [
    "AI_PURPOSES",
    "ALL_PRODUCT_LINES",
    "DEFAULT_LABEL",
    "DEMO_PREFIX",
    "RECORD_SCHEMA",
    "Agency",
    "AiTerms",
    "Bindings",
    "ConsentRecord",
    "Controller",
    "DataCategory",
    "DataTerms",
    "Disclosure",
    "Exclusivity",
    "Guardian",
    "LawfulBasis",
    "Licensee",
    "Medium",
    "Modification",
    "Notice",
    "Pay",
    "PayKind",
    "PayUnit",
    "ProhibitedUse",
    "Purpose",
    "Redistribution",
    "Representation",
    "RepresentationKind",
    "Scope",
    "SourceType",
    "StatusEntry",
    "Subject",
    "Term",
    "Withdrawal",
    "WithdrawalEffect",
    "WithdrawalMethod",
    "parse_record",
    "record_from_values",
    "record_json_schema",
]
