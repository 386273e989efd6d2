"""Whether a consent still stands: the person's own statements and the status lists, taken together.

What protects the person counts, wherever it is said: a statement of theirs counts though a list says
otherwise, and a set bit counts though there is no statement. Where a list that the record names is missing
or cannot be relied upon, the answer is `unknown`; whoever decides treats that as no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bodyscan.consent.fields import format_utc, printable
from bodyscan.consent.jws import Role
from bodyscan.consent.key_history import KeyHistory
from bodyscan.consent.policy import check_clock
from bodyscan.consent.record import ConsentRecord, StatusEntry
from bodyscan.consent.status_list import (
    RefusedStatusList,
    StatusList,
    StatusPurpose,
    address_of,
    check_times,
    open_status_list,
)
from bodyscan.consent.status_memory import StatusMemory
from bodyscan.consent.withdrawal import (
    RefusedStatement,
    Standing,
    StandingState,
    WithdrawalAction,
    read_withdrawal,
    standing,
    what_follows,
)

STATEMENT_CLAUSE = "withdrawal"
"""The clause of a verdict that follows from the person's own statement."""


class StatusState(StrEnum):
    """Where a consent stands."""

    GOOD = "good"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    """A list that the record names is missing or cannot be relied upon."""


@dataclass(frozen=True)
class StatusVerdict:
    """The outcome of `check_status`."""

    state: StatusState
    reason: str
    """One or two sentences for a person."""
    clause: str = ""
    """Path of the record's field that decided, for example `withdrawal.status.revocation_list`."""
    since: datetime | None = None
    """UTC: when the person said so; None where only a list tells, which holds no times."""
    left_out: tuple[str, ...] = ()
    """For each statement and list that was given and did not count, why."""
    memory: StatusMemory | None = None
    """What is known of the lists now, to be kept; None where no memory was given."""


@dataclass(frozen=True)
class _Answer:
    """What was found for one of the two lists."""

    clause: str
    name: str
    """`revocation list` or `suspension list`."""
    state: StatusState
    """What a set bit means."""
    is_set: bool | None
    """None where there is no list to be relied upon; then `problem` says why."""
    problem: str = ""


@dataclass(frozen=True)
class _Named:
    """One of the two lists that a record names."""

    field: str
    address: str
    purpose: StatusPurpose
    state: StatusState

    @property
    def name(self) -> str:
        return self.field.replace("_", " ")

    def answer(self, is_set: bool) -> _Answer:
        return _Answer(f"withdrawal.status.{self.field}", self.name, self.state, is_set)

    def no_answer(self, problem: str, field: str = "") -> _Answer:
        return _Answer(f"withdrawal.status.{field or self.field}", self.name, self.state, None, problem)


def check_status(
    record: ConsentRecord,
    lists: Sequence[str | bytes],
    withdrawals: Sequence[str | bytes],
    now: datetime,
    memory: StatusMemory | None = None,
    max_age: timedelta | None = None,
    histories: Mapping[str, KeyHistory] | None = None,
) -> StatusVerdict:
    """Return where `record` stands at `now` (UTC) by texts of status lists and of withdrawal statements.

    Both may hold texts about other records, in any order. `memory` finds replayed lists, and the verdict's
    `memory` then knows the lists that were read; `max_age` refuses lists that are older; `histories` (owner
    -> history) tell which other keys may act for those that the record names. Without a status entry in the
    record, the person's statements alone decide. Never raises for what the texts hold; raises `InputError`
    unless `now` is UTC.
    """
    check_clock(now)
    stands, refused = _read_statements(record, withdrawals, now, histories)
    answers: list[_Answer] = []
    left_out = list(refused)
    if (entry := record.withdrawal.status) is not None:
        claimed = [(address_of(text), text) for text in lists]
        left_out += ["a text given as a status list is none." for claim, _ in claimed if claim is None]
        for named in _named_lists(entry):
            answer, problems, memory = _ask(entry, named, claimed, now, memory, max_age, histories)
            answers.append(answer)
            left_out += [f"the {named.name} {named.address} is refused: {problem}." for problem in problems]
    state, reason, clause, since = _decide(record, stands, answers)
    return StatusVerdict(state, reason, clause, since, tuple(left_out), memory)


def _decide(
    record: ConsentRecord, stands: Standing, answers: Sequence[_Answer]
) -> tuple[StatusState, str, str, datetime | None]:
    """Return the state, the reason, the clause and since when: what protects the person most goes first."""
    for state, said, action, words in (
        (StatusState.REVOKED, StandingState.REVOKED, WithdrawalAction.REVOKE, "took it back"),
        (StatusState.SUSPENDED, StandingState.SUSPENDED, WithdrawalAction.SUSPEND, "suspended it"),
    ):
        follows = what_follows(record, action)
        if stands.state is said and stands.since is not None:
            who = "guardian" if stands.by is Role.GUARDIAN else "person"
            reason = f"the {who} {words} at {format_utc(stands.since)}. {follows}"
            return state, reason, STATEMENT_CLAUSE, stands.since
        for answer in answers:
            if answer.is_set and answer.state is state:
                return state, f"the {answer.name} says that it is {state}. {follows}", answer.clause, None
    for answer in answers:
        if answer.is_set is None:
            return StatusState.UNKNOWN, answer.problem, answer.clause, None
    nothing = (
        "no statement and no status list" if answers else "the record names no status list, and no statement"
    )
    but = "".join(f" But {reason}, and so did not count." for reason in stands.unusable)
    return StatusState.GOOD, f"{nothing} takes it back.{but}", "", None


def _read_statements(
    record: ConsentRecord,
    texts: Iterable[str | bytes],
    now: datetime,
    histories: Mapping[str, KeyHistory] | None,
) -> tuple[Standing, list[str]]:
    """Return where the record stands by the statements, and why some did not count."""
    statements, refused = [], []
    for text in texts:
        try:
            statements.append(read_withdrawal(text, record, histories))
        except RefusedStatement as error:
            refused.append(str(error))
    stands = standing(statements, now)
    return stands, [*refused, *(f"{reason}." for reason in stands.unusable)]


def _named_lists(entry: StatusEntry) -> tuple[_Named, _Named]:
    return (
        _Named("revocation_list", entry.revocation_list, StatusPurpose.REVOCATION, StatusState.REVOKED),
        _Named("suspension_list", entry.suspension_list, StatusPurpose.SUSPENSION, StatusState.SUSPENDED),
    )


def _ask(
    entry: StatusEntry,
    named: _Named,
    claimed: Sequence[tuple[str | None, str | bytes]],
    now: datetime,
    memory: StatusMemory | None,
    max_age: timedelta | None,
    histories: Mapping[str, KeyHistory] | None,
) -> tuple[_Answer, list[str], StatusMemory | None]:
    """Return what the given texts say for one list, why some did not count, and what is then remembered."""
    history = (histories or {}).get(entry.issuer.thumbprint)
    sound: list[StatusList] = []
    signed: list[StatusList] = []
    problems: list[str] = []
    for text in (text for claim, text in claimed if claim == named.address):
        try:
            status_list = open_status_list(text, entry.issuer, named.address, named.purpose, history)
            signed.append(status_list)
            check_times(status_list, now, max_age)
            if memory is not None:
                memory.check(status_list)
            sound.append(status_list)
        except RefusedStatusList as error:
            problems.append(error.reason)
    if sound:
        last = max(status_list.sequence for status_list in sound)
        newest = [status_list for status_list in sound if status_list.sequence == last]
        if memory is not None:
            memory = memory.remember(max(newest, key=lambda each: (each.valid_from, each.sha256)))
    else:
        newest = []
    # A revocation is never undone, so an old list that tells of one is as good as a new one.
    telling = signed if named.purpose is StatusPurpose.REVOCATION else newest
    if any(entry.index < each.size and each.is_set(entry.index) for each in telling):
        return named.answer(True), problems, memory
    if not newest:
        return named.no_answer(_why_nothing(named, problems, claimed)), problems, memory
    if any(entry.index >= each.size for each in newest):
        problem = (
            f"the {named.name} {named.address} has {newest[0].size} entries, and the record's index is "
            f"{entry.index}."
        )
        return named.no_answer(problem, "index"), problems, memory
    return named.answer(False), problems, memory


def _why_nothing(
    named: _Named, problems: Sequence[str], claimed: Sequence[tuple[str | None, str | bytes]]
) -> str:
    """Say why there is no list at all to be relied upon."""
    if problems:
        return f"the {named.name} {named.address} cannot be relied upon: {problems[0]}."
    others = sorted({claim for claim, _ in claimed if claim is not None})
    given = printable(f"; given: {', '.join(others)}", 400) if others else ""
    return f"the {named.name} that the record names, {named.address}, was not given{given}."
