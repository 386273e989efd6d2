"""Checks a record against the conditions of laws and agreements. Not legal advice."""

from __future__ import annotations

from bodyscan.consent.lint.profiles import PROFILES, Chosen, choose_profiles
from bodyscan.consent.lint.rule import NOT_ADVICE, Finding, Profile, Rule, Severity, Source
from bodyscan.consent.lint.run import lint

__all__ = [
    "NOT_ADVICE",
    "PROFILES",
    "Chosen",
    "Finding",
    "Profile",
    "Rule",
    "Severity",
    "Source",
    "choose_profiles",
    "lint",
]
