"""Whether a record covers a use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bodyscan.consent.fields import format_utc
from bodyscan.consent.record import ConsentRecord, Medium, Purpose
from bodyscan.consent.state import ConsentState
from bodyscan.consent.territories import WORLDWIDE, check_territory, territory_covers
from bodyscan.errors import InputError

PRIVATE_PURPOSES = frozenset({Purpose.MAKE_TWIN})
"""Purposes that show the person to nobody: place and medium are checked only where they are given."""


@dataclass(frozen=True)
class Use:
    """One use of a likeness, as it is asked about."""

    purpose: Purpose
    territory: str | None = None
    """Where: `worldwide`, an ISO 3166-1 code or a subdivision. None: anywhere, which only a worldwide
    record covers (making a twin excepted: it happens in the studio and shows nobody)."""
    medium: Medium | None = None
    """In which medium. None: in any, which only a record for `all` covers (making a twin excepted)."""
    when: datetime | None = None
    """UTC; None for now. A later moment asks about a planned use; an earlier one is refused."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "purpose", Purpose(self.purpose))
            if self.medium is not None:
                object.__setattr__(self, "medium", Medium(self.medium))
            if self.territory is not None:
                check_territory(self.territory)
        except ValueError as error:
            raise InputError(f"the use cannot be judged: {error}. {_choices()}") from None
        if self.when is not None:
            check_clock(self.when, "Use.when")


def check_clock(time: datetime, name: str = "now") -> None:
    """Raise `InputError` unless `time` is in UTC and says so."""
    if time.utcoffset() != timedelta(0):
        raise InputError(f"{name} must be a time in UTC with its time zone; it is {time.isoformat()}.")


def moment_of(use: Use | None, now: datetime) -> datetime:
    """Return the moment at which the term must hold, or raise `InputError` for a use before `now`."""
    check_clock(now)
    if use is None or use.when is None:
        return now
    if use.when < now:
        raise InputError(
            f"Use.when ({use.when.isoformat()}) lies before now ({now.isoformat()}); "
            "to look back, give that moment as now."
        )
    return use.when


def term_gap(record: ConsentRecord, moment: datetime) -> tuple[ConsentState, str] | None:
    """Return the state and the reason where the term does not hold at `moment`, or None where it does."""
    term = record.term
    if moment < term.not_before:
        return (
            ConsentState.NOT_YET_VALID,
            f"it begins at {format_utc(term.not_before)}, after {format_utc(moment)}.",
        )
    if moment >= term.not_after:
        return ConsentState.EXPIRED, f"it ended at {format_utc(term.not_after)}; it is {format_utc(moment)}."
    return None


def coverage_gap(record: ConsentRecord, use: Use) -> str | None:
    """Return why the record's scope does not cover the use, in one sentence, or None where it does.

    The term is not looked at here (see `bodyscan.consent.verify`).
    """
    if use.purpose is Purpose.AI_TRAINING:
        # Research or rendering never implies it: the field alone decides.
        if not record.ai_training:
            return "the person does not allow AI training on their likeness"
    elif use.purpose not in record.scope.purposes:
        return f"the purpose {use.purpose} is not allowed; allowed: {', '.join(record.scope.purposes)}"
    return _territory_gap(record, use) or _medium_gap(record, use)


def _territory_gap(record: ConsentRecord, use: Use) -> str | None:
    if use.territory is None and use.purpose in PRIVATE_PURPOSES:
        return None
    asked = use.territory or WORLDWIDE
    if any(territory_covers(granted, asked) for granted in record.scope.territories):
        return None
    said = f"the territory {asked} is not allowed" if use.territory else "no territory is stated for the use"
    return f"{said}; allowed: {', '.join(record.scope.territories)}"


def _medium_gap(record: ConsentRecord, use: Use) -> str | None:
    if use.medium is None and use.purpose in PRIVATE_PURPOSES:
        return None
    asked = use.medium or Medium.ALL
    if Medium.ALL in record.scope.media or asked in record.scope.media:
        return None
    said = f"the medium {asked} is not allowed" if use.medium else "no medium is stated for the use"
    return f"{said}; allowed: {', '.join(record.scope.media)}"


def _choices() -> str:
    return f"Purposes: {', '.join(Purpose)}; media: {', '.join(Medium)}."
