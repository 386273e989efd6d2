"""Checks a record against the rules of profiles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bodyscan.consent.lint.profiles import choose_profiles
from bodyscan.consent.lint.rule import Finding, Severity, field_text
from bodyscan.consent.policy import check_clock
from bodyscan.consent.record import ConsentRecord

_ORDER = list(Severity)


def lint(
    record: ConsentRecord, profiles: Sequence[str] | None = None, *, now: datetime
) -> tuple[Finding, ...]:
    """Return the rules whose conditions the record does not meet: errors first, then warnings and notes.

    `profiles`: ids from `PROFILES`; None chooses by the record (see `choose_profiles`). The rules of
    `basics` are always checked. `now`: UTC. Raises `InputError` for an unknown profile or a clock that is
    not UTC. The result is no legal advice (`NOT_ADVICE`).
    """
    check_clock(now)
    found = [
        Finding(chosen.profile.id, rule, tuple((path, field_text(record, path)) for path in rule.fields))
        for chosen in choose_profiles(record, profiles)
        for rule in chosen.profile.rules
        if not rule.met(record, now)
    ]
    said = {finding.rule.id for finding in found}
    kept = (finding for finding in found if not said.intersection(finding.rule.yields_to))
    return tuple(sorted(kept, key=lambda finding: _ORDER.index(finding.rule.severity)))
