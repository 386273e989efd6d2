"""The person's own word that a consent is suspended, resumed or taken back for good.

A statement is signed by the person alone: the subject's key, for a child also the guardian's. Nobody can
refuse it, delay it or make it in their place; it needs no list, no server and no address to be checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from bodyscan.consent import strict_json
from bodyscan.consent.acting_keys import ActingKey, acting_keys
from bodyscan.consent.fields import (
    LongText,
    Sha256Hex,
    SignedModel,
    UtcTime,
    Uuid,
    explain,
    format_utc,
    printable,
)
from bodyscan.consent.jws import Jws, Role, parse_jws, sign_payload, signature_holds
from bodyscan.consent.key_history import KeyHistory, KeyUse
from bodyscan.consent.keys import SigningKey
from bodyscan.consent.policy import CLOCK_SKEW, check_clock
from bodyscan.consent.record import ConsentRecord, WithdrawalEffect
from bodyscan.consent.state import RefusedConsent
from bodyscan.errors import ConsentError, InputError

WITHDRAWAL_TYP = "bodyscan-withdrawal+jws"
WITHDRAWAL_SCHEMA = "urn:bodyscan:withdrawal:1"


class WithdrawalAction(StrEnum):
    """What a statement does."""

    REVOKE = "revoke"
    """The consent is taken back, for good: nothing that follows brings it back."""
    SUSPEND = "suspend"
    """No use until it is resumed."""
    RESUME = "resume"
    """Ends a suspension."""


_PROTECTION = (WithdrawalAction.RESUME, WithdrawalAction.SUSPEND, WithdrawalAction.REVOKE)
"""From the least to the most protective."""


class RefusedStatement(ConsentError):
    """A text that is no withdrawal of this record by its person; `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = printable(reason.rstrip("."))
        super().__init__(f"The withdrawal statement is refused: {self.reason}.")


class WithdrawalStatement(SignedModel):
    """What the person signs."""

    schema_: Annotated[
        Literal["urn:bodyscan:withdrawal:1"],
        Field(validation_alias="schema", serialization_alias="schema"),
    ] = WITHDRAWAL_SCHEMA
    record_id: Uuid
    record_sha256: Sha256Hex
    """Digest of the record's canonical JSON."""
    action: WithdrawalAction
    sequence: Annotated[int, Field(ge=1, le=strict_json.MAX_INTEGER)]
    """Of two statements by one person the one with the higher number counts."""
    at: UtcTime
    """When the person's clock says that it was made."""
    reason: LongText | None = None
    """What the person wishes to say about it; never asked for."""


@dataclass(frozen=True)
class SignedWithdrawal:
    """A statement whose signature was checked against its record."""

    statement: WithdrawalStatement
    role: Role
    """Who signed: the subject or the guardian."""
    sha256: str
    """Digest of the signed bytes, hex: two texts with the same one are the same statement."""
    key: ActingKey
    """The key that signed."""


class StandingState(StrEnum):
    """Where a consent stands by the person's own statements."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Standing:
    """What the person's statements say together."""

    state: StandingState
    since: datetime | None = None
    """UTC; None where the consent is active."""
    by: Role | None = None
    """Who said so; None where the consent is active."""
    reason: str | None = None
    """What they added, if anything."""
    unusable: tuple[str, ...] = ()
    """For each statement that was left out of account, why."""
    spoken: bool = False
    """True where at least one statement counted."""


def who_may_withdraw(
    record: ConsentRecord, histories: Mapping[str, KeyHistory] | None = None
) -> dict[Role, dict[str, ActingKey]]:
    """Return the keys that may withdraw a record, by role and thumbprint: the subject's, a guardian's.

    For a child the guardian may, and a child who has a key may alone. The controller is never among them.
    `histories` (owner -> history) adds the keys that their owner lists for records; the key that the record
    names is always among them.
    """
    people = {Role.SUBJECT: record.subject, Role.GUARDIAN: record.guardian}
    keys: dict[Role, dict[str, ActingKey]] = {}
    for role, person in people.items():
        if person is not None and (root := person.public_key) is not None:
            listed = acting_keys(root, (histories or {}).get(root.thumbprint), KeyUse.RECORD)
            keys[role] = {root.thumbprint: ActingKey(root), **listed}
    return keys


def withdraw(
    record: ConsentRecord,
    action: WithdrawalAction,
    key: SigningKey,
    sequence: int,
    at: datetime,
    reason: str | None = None,
    histories: Mapping[str, KeyHistory] | None = None,
) -> str:
    """Return a signed statement about `record` as JSON text; the same arguments give the same bytes.

    `at` is UTC and cut to the second; `sequence` must be higher than that of the person's every earlier
    statement about the record, or the earlier one counts. `histories` (owner -> history) are needed for a key
    that the record does not name. Raises `InputError` where the key is not one of the person's, or a value is
    not allowed.
    """
    check_clock(at, "at")
    allowed = who_may_withdraw(record, histories)
    role = next((role for role, known in allowed.items() if key.thumbprint in known), None)
    if role is None:
        named = ", ".join(f"{role} {name}" for role, known in allowed.items() for name in known)
        raise InputError(
            f"the key {key.thumbprint} cannot withdraw this consent; only the person can, with: {named}."
        )
    try:
        statement = WithdrawalStatement(
            record_id=record.record_id,
            record_sha256=record.sha256(),
            action=WithdrawalAction(action),
            sequence=sequence,
            at=at.replace(microsecond=0),
            reason=reason,
        )
    except ValidationError as error:
        raise InputError(f"the statement cannot be made: {printable(explain(error))}.") from None
    payload = statement.canonical_json()
    signed = Jws(payload, (sign_payload(payload, role, WITHDRAWAL_TYP, key),))
    # What this program writes it must be able to read, whatever the clock said.
    text = strict_json.canonical(signed.to_json()).decode() + "\n"
    try:
        read_withdrawal(text, record, histories)
    except RefusedStatement as error:
        raise InputError(f"the statement cannot be made: {error.reason}.") from None
    return text


def read_withdrawal(
    text: str | bytes, record: ConsentRecord, histories: Mapping[str, KeyHistory] | None = None
) -> SignedWithdrawal:
    """Read a statement about `record` and check who signed it, or raise `RefusedStatement`.

    `histories` (owner -> history): the keys by which the person may sign beside the one in the record.

    Refused: a signature by anybody but the person (or by more than one key), a statement about another
    record, a payload that is not canonical, a time before the record was issued, a guardian's statement made
    after the child came of age. Whether its time has come is for `standing` to say, which has a clock.
    """
    try:
        document = parse_jws(strict_json.loads(text, "the text"), WITHDRAWAL_TYP)
    except RefusedConsent as error:
        raise RefusedStatement(error.status.reason) from None
    except InputError as error:
        raise RefusedStatement(str(error)) from None
    role, key = _check_signature(document, who_may_withdraw(record, histories))
    statement = _parse(document.payload)
    if (statement.record_id, statement.record_sha256) != (record.record_id, record.sha256()):
        raise RefusedStatement(f"it is about another record ({statement.record_id})")
    if statement.at < record.issued_at - CLOCK_SKEW:
        raise RefusedStatement(
            f"it says {format_utc(statement.at)}, before the record was issued "
            f"({format_utc(record.issued_at)})"
        )
    came_of_age = record.subject.adult_from
    if role is Role.GUARDIAN and came_of_age is not None and statement.at >= came_of_age:
        raise RefusedStatement(
            f"the guardian signed it at {format_utc(statement.at)}, after the person came of age "
            f"({format_utc(came_of_age)})"
        )
    return SignedWithdrawal(statement, role, hashlib.sha256(document.payload).hexdigest(), key)


def record_id_of(text: str | bytes) -> str | None:
    """Return which record a statement claims to be about, nothing checked; None where it cannot be read."""
    try:
        payload = parse_jws(strict_json.loads(text), WITHDRAWAL_TYP).payload
        return _parse(payload).record_id
    except (InputError, RefusedConsent, RefusedStatement):
        return None


def standing(statements: Iterable[SignedWithdrawal], now: datetime) -> Standing:
    """Return where a consent stands at `now` (UTC) by all statements about it, in any order.

    A revocation is final, whatever follows. Else the highest sequence of each key's owner counts, and of two
    different statements with that sequence the more protective one; repeating one changes nothing. A child's
    and a guardian's statements are counted apart and the more protective counts, so that neither can lift
    what the other asked for. A statement from the future (by more than 5 minutes) does not count, nor does a
    resumption by a key that has ended (whoever holds it may not be the person); both are reported. Raises
    `InputError` unless `now` is UTC.
    """
    check_clock(now)
    known = list({signed.sha256: signed for signed in statements}.values())
    problems = {signed.sha256: _why_unusable(signed, now) for signed in known}
    unusable = tuple(problem for problem in problems.values() if problem)
    usable = [signed for signed in known if not problems[signed.sha256]]
    revocations = [signed for signed in usable if signed.statement.action is WithdrawalAction.REVOKE]
    if revocations:
        first = min(revocations, key=lambda signed: (signed.statement.at, signed.sha256))
        return _as_standing(StandingState.REVOKED, first, unusable)
    latest: dict[Role, SignedWithdrawal] = {}
    for signed in sorted(usable, key=_rank):
        latest[signed.role] = signed
    suspensions = [
        signed for signed in latest.values() if signed.statement.action is WithdrawalAction.SUSPEND
    ]
    if suspensions:
        first = min(suspensions, key=lambda signed: (signed.statement.at, signed.sha256))
        return _as_standing(StandingState.SUSPENDED, first, unusable)
    return Standing(StandingState.ACTIVE, unusable=unusable, spoken=bool(usable))


def what_follows(record: ConsentRecord, action: WithdrawalAction) -> str:
    """Return, in plain sentences, what a statement means by the record's own `withdrawal.effect`."""
    if action is WithdrawalAction.RESUME:
        return "Uses that the record allows may begin again, unless it was revoked: a revocation is final."
    effect = record.withdrawal.effect
    until = "Until it is resumed, no" if action is WithdrawalAction.SUSPEND else "No"
    if effect is WithdrawalEffect.STOP_NEW_USES:
        return f"{until} new use may begin. What was published before may stay."
    ends = f"{until} new use may begin, and what is shown already is taken down."
    if effect is WithdrawalEffect.STOP_ALL_USES:
        return ends
    if action is WithdrawalAction.SUSPEND:
        return f"{ends} Nothing is deleted by a suspension."
    return f"{ends} Twin, scan and pictures are deleted, without waiting for the end of the term."


def _rank(signed: SignedWithdrawal) -> tuple[int, int, str]:
    """Order statements of one key: the last one counts."""
    statement = signed.statement
    return statement.sequence, _PROTECTION.index(statement.action), signed.sha256


def _as_standing(state: StandingState, signed: SignedWithdrawal, unusable: tuple[str, ...]) -> Standing:
    return Standing(state, signed.statement.at, signed.role, signed.statement.reason, unusable, spoken=True)


def _why_unusable(signed: SignedWithdrawal, now: datetime) -> str:
    """Return why a statement does not count at `now`, or nothing where it does."""
    statement = signed.statement
    if statement.at > now + CLOCK_SKEW:
        return f"a statement to {statement.action} says {format_utc(statement.at)}, which is later than now"
    if statement.action is WithdrawalAction.RESUME and signed.key.has_ended(now):
        return (
            f"a statement to resume is signed with the key {signed.key.key.thumbprint}, which has ended; the "
            "person signs it again with a key in use"
        )
    return ""


def _check_signature(
    document: Jws, allowed: Mapping[Role, Mapping[str, ActingKey]]
) -> tuple[Role, ActingKey]:
    """Return as whom and with which key the person signed, or raise `RefusedStatement`."""
    if len(document.signatures) != 1:
        raise RefusedStatement(f"it has {len(document.signatures)} signatures; the person signs it alone")
    signature = document.signatures[0]
    keys = allowed.get(signature.role)
    if keys is None:
        raise RefusedStatement(
            f"it is signed as {signature.role}; only the {' or the '.join(allowed)} can withdraw this consent"
        )
    acting = keys.get(signature.kid)
    if acting is None:
        raise RefusedStatement(
            f"it is signed with the key {signature.kid[:64]}; the record names {next(iter(keys))} as the "
            f"{signature.role}'s"
        )
    if not signature_holds(document, signature, acting.key):
        raise RefusedStatement(f"its signature was not made with the {signature.role}'s key")
    return signature.role, acting


def _parse(payload: bytes) -> WithdrawalStatement:
    try:
        strict_json.loads(payload, "the statement")
        statement = WithdrawalStatement.model_validate_json(payload)
    except ValidationError as error:
        raise RefusedStatement(f"it is not valid: {explain(error)}") from None
    except InputError as error:
        raise RefusedStatement(str(error)) from None
    if statement.canonical_json() != payload:
        raise RefusedStatement("it is not in canonical JSON")
    return statement
