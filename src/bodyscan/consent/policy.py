"""Whether a record covers a use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bodyscan.consent.fields import format_utc
from bodyscan.consent.record import (
    AI_PURPOSES,
    ALL_PRODUCT_LINES,
    ConsentRecord,
    Medium,
    ProhibitedUse,
    Purpose,
    Redistribution,
)
from bodyscan.consent.state import ConsentState
from bodyscan.consent.territories import WORLDWIDE, check_territory, territory_covers
from bodyscan.errors import InputError

CLOCK_SKEW = timedelta(minutes=5)
"""How far another computer's clock may be off: a signed moment may lie so much after the verifier's."""
PRIVATE_PURPOSES = frozenset({Purpose.MAKE_TWIN})
"""Purposes that show the person to nobody: place, medium and product line are checked only where given."""


@dataclass(frozen=True)
class Use:
    """One use of a likeness, as it is asked about.

    A fact that is None is not known. Where the record limits that fact, the answer is then `unknown`, which
    allows nothing: only a record for `worldwide`, `all` media or `all` product lines needs no such fact.
    """

    purpose: Purpose
    territory: str | None = None
    """Where: `worldwide`, an ISO 3166-1 code or a subdivision."""
    medium: Medium | None = None
    when: datetime | None = None
    """UTC; None for now. A later moment asks about a planned use; an earlier one is refused."""
    licensee: str | None = None
    """Who uses it: a licensee's name or key thumbprint. None: the controller."""
    product_line: str | None = None
    content: tuple[ProhibitedUse, ...] = ()
    """What the picture or scene shows or promotes, of the kinds that a person may prohibit."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "purpose", Purpose(self.purpose))
            if self.medium is not None:
                object.__setattr__(self, "medium", Medium(self.medium))
            object.__setattr__(self, "content", tuple(ProhibitedUse(kind) for kind in self.content))
            if self.territory is not None:
                check_territory(self.territory)
        except ValueError as error:
            raise InputError(f"the use cannot be judged: {error}. {_choices()}") from None
        if self.when is not None:
            check_clock(self.when, "Use.when")


@dataclass(frozen=True)
class Gap:
    """Why a record does not cover a use."""

    state: ConsentState
    """`unknown` where a fact is missing, else what denies."""
    clause: str
    """Path of the field that decides, for example `scope.territories`."""
    reason: str
    """A clause of a sentence, without its full stop."""

    def __str__(self) -> str:
        return self.reason


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


def term_gap(record: ConsentRecord, moment: datetime) -> Gap | None:
    """Return why the record does not hold at `moment` (UTC), or None where it does."""
    term, came_of_age = record.term, record.subject.adult_from
    if moment < term.not_before:
        reason = f"it begins at {format_utc(term.not_before)}, after {format_utc(moment)}"
        return Gap(ConsentState.NOT_YET_VALID, "term.not_before", reason)
    if moment >= term.not_after:
        reason = f"it ended at {format_utc(term.not_after)}; it is {format_utc(moment)}"
        return Gap(ConsentState.EXPIRED, "term.not_after", reason)
    if came_of_age is not None and moment >= came_of_age:
        reason = (
            f"the person came of age at {format_utc(came_of_age)}, and their guardian's consent ended then; "
            "they sign a record of their own"
        )
        return Gap(ConsentState.EXPIRED, "subject.adult_from", reason)
    return None


def coverage_gap(record: ConsentRecord, use: Use) -> Gap | None:
    """Return why the record's terms do not cover the use, or None where they do.

    What denies goes before what is unknown. The term is not looked at here (see `term_gap`).
    """
    checks = (
        _purpose_gap,
        _content_gap,
        _licensee_gap,
        _territory_gap,
        _medium_gap,
        _product_line_gap,
    )
    gaps = [gap for check in checks if (gap := check(record, use)) is not None]
    denying = (gap for gap in gaps if gap.state is not ConsentState.UNKNOWN)
    return next(denying, gaps[0] if gaps else None)


def _purpose_gap(record: ConsentRecord, use: Use) -> Gap | None:
    if use.purpose in AI_PURPOSES:
        # Research or rendering never implies it: the field alone decides.
        field = AI_PURPOSES[use.purpose]
        if not getattr(record.ai, field):
            what = use.purpose.replace("_", " ").replace("ai ", "AI ")
            return _denied(f"ai.{field}", f"the person does not allow {what} with their likeness")
    elif use.purpose not in record.scope.purposes:
        allowed = ", ".join(record.scope.purposes)
        return _denied("scope.purposes", f"the purpose {use.purpose} is not allowed; allowed: {allowed}")
    return None


def _content_gap(record: ConsentRecord, use: Use) -> Gap | None:
    shown = [kind for kind in use.content if kind in record.scope.prohibited_uses]
    if not shown:
        return None
    return _denied("scope.prohibited_uses", f"the person is never shown in or with {', '.join(shown)}")


def _licensee_gap(record: ConsentRecord, use: Use) -> Gap | None:
    handed_on = use.purpose is Purpose.EXPORT
    if use.licensee is None:
        if handed_on and record.scope.redistribution is not Redistribution.ANYONE:
            return _missing("scope.redistribution", "it is not stated to whom the file goes", _names(record))
        return None
    known = {record.controller.name, record.controller.public_key.thumbprint}
    for licensee in record.licensees:
        known |= {licensee.name} | ({licensee.public_key.thumbprint} if licensee.public_key else set())
    if use.licensee in known or (handed_on and record.scope.redistribution is Redistribution.ANYONE):
        return None
    return _denied("licensees", f"{use.licensee} is no licensee; those are: {_names(record)}")


def _names(record: ConsentRecord) -> str:
    return ", ".join([record.controller.name, *(licensee.name for licensee in record.licensees)])


def _territory_gap(record: ConsentRecord, use: Use) -> Gap | None:
    granted, clause = record.scope.territories, "scope.territories"
    if use.territory is None:
        if use.purpose in PRIVATE_PURPOSES or WORLDWIDE in granted:
            return None
        return _missing(clause, "no territory is stated for the use", ", ".join(granted))
    if any(territory_covers(code, use.territory) for code in granted):
        return None
    return _denied(clause, f"the territory {use.territory} is not allowed; allowed: {', '.join(granted)}")


def _medium_gap(record: ConsentRecord, use: Use) -> Gap | None:
    granted, clause = record.scope.media, "scope.media"
    if Medium.ALL in granted or (use.medium is None and use.purpose in PRIVATE_PURPOSES):
        return None
    if use.medium is None:
        return _missing(clause, "no medium is stated for the use", ", ".join(granted))
    if use.medium in granted:
        return None
    return _denied(clause, f"the medium {use.medium} is not allowed; allowed: {', '.join(granted)}")


def _product_line_gap(record: ConsentRecord, use: Use) -> Gap | None:
    granted, clause = record.scope.product_lines, "scope.product_lines"
    if ALL_PRODUCT_LINES in granted or (use.product_line is None and use.purpose in PRIVATE_PURPOSES):
        return None
    if use.product_line is None:
        return _missing(clause, "no product line is stated for the use", ", ".join(granted))
    if use.product_line in granted:
        return None
    return _denied(
        clause, f"the product line {use.product_line} is not allowed; allowed: {', '.join(granted)}"
    )


def _denied(clause: str, reason: str) -> Gap:
    return Gap(ConsentState.NOT_COVERED, clause, reason)


def _missing(clause: str, reason: str, allowed: str) -> Gap:
    return Gap(ConsentState.UNKNOWN, clause, f"{reason}, and the record allows only: {allowed}")


def _choices() -> str:
    return f"Purposes: {', '.join(Purpose)}; media: {', '.join(Medium)}; content: {', '.join(ProhibitedUse)}."
