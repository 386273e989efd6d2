"""A person's or studio's keys over time: which key may sign what, from when until when.

A record names one key of each side for good. Keys are lost, stolen and changed; the history says so without a
register that anybody would have to ask. It is a chain of signed lists: the first is signed by the key that
records name (the root), each later one by a key that the list before allows to sign lists. Whoever holds the
newest list knows all of it; whoever holds an older one lacks what came after, so that a verifier is given the
newest one by the people whom it trusts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from bodyscan.consent import strict_json
from bodyscan.consent.fields import SignedModel, StrictModel, Thumbprint, UtcTime, explain, format_utc
from bodyscan.consent.jws import Jws, Role, parse_jws, sign_payload, signature_holds
from bodyscan.consent.keys import PublicJwk, SigningKey
from bodyscan.consent.policy import CLOCK_SKEW
from bodyscan.consent.state import ConsentState, RefusedConsent
from bodyscan.errors import InputError

KEYS_TYP = "bodyscan-keys+jws"
HISTORY_MEMBER = "bodyscan_keys"
HISTORY_VERSION = 1
MAX_LISTS = 64


class KeyUse(StrEnum):
    """What a listed key may sign."""

    RECORD = "record"
    BINDING = "binding"
    PACK = "pack"
    LEDGER = "ledger"
    STATUS = "status"
    KEYS = "keys"
    """The next list."""


class ListedKey(StrictModel):
    """One key and its time."""

    key: PublicJwk
    uses: Annotated[tuple[KeyUse, ...], Field(min_length=1, max_length=8)]
    active_from: UtcTime
    active_until: UtcTime | None = None
    """When it was put out of use; None while it is in use."""
    compromised_at: UtcTime | None = None
    """From when on somebody else may have held it."""

    @property
    def end(self) -> datetime | None:
        """The first moment at which a signature of this key no longer counts."""
        ends = [end for end in (self.active_until, self.compromised_at) if end is not None]
        return min(ends, default=None)


class KeyList(SignedModel):
    """All keys of one owner, as of one moment."""

    schema_: Annotated[
        Literal["urn:bodyscan:keys:1"], Field(validation_alias="schema", serialization_alias="schema")
    ] = "urn:bodyscan:keys:1"
    owner: Thumbprint
    """Thumbprint of the root: the key that records name."""
    sequence: Annotated[int, Field(ge=1, le=MAX_LISTS)]
    issued_at: UtcTime
    keys: Annotated[tuple[ListedKey, ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _check(self) -> KeyList:
        names = [listed.key.thumbprint for listed in self.keys]
        if len(set(names)) != len(names):
            raise ValueError("a key is listed twice")
        if self.owner not in names:
            raise ValueError("the owner's root key is not listed")
        return self

    def find(self, thumbprint: str) -> ListedKey | None:
        """Return the entry of a key, or None."""
        return next((listed for listed in self.keys if listed.key.thumbprint == thumbprint), None)


@dataclass(frozen=True)
class KeyHistory:
    """All lists of one owner, each signed as the one before allows."""

    lists: tuple[KeyList, ...]
    documents: tuple[Jws, ...]

    @property
    def owner(self) -> str:
        """Thumbprint of the root."""
        return self.lists[0].owner

    @property
    def current(self) -> KeyList:
        """The newest list."""
        return self.lists[-1]

    def to_value(self) -> dict[str, Any]:
        """Return the JSON value, as a file or a bundle holds it."""
        return {HISTORY_MEMBER: HISTORY_VERSION, "lists": [document.to_json() for document in self.documents]}

    def to_text(self) -> str:
        """Return the JSON text of a file."""
        return strict_json.canonical(self.to_value()).decode() + "\n"


def start_history(root: SigningKey, keys: Sequence[ListedKey], issued_at: datetime) -> KeyHistory:
    """Return a history of one list, signed by the root key itself.

    `keys` may leave the root out: it is then listed for every use. Raises `InputError` for a malformed list.
    """
    if all(listed.key != root.public for listed in keys):
        begin = issued_at.replace(microsecond=0)
        keys = [ListedKey(key=root.public, uses=tuple(KeyUse), active_from=begin), *keys]
    return _extended(KeyHistory((), ()), root, keys, issued_at, root.thumbprint)


def extend_history(
    history: KeyHistory, signer: SigningKey, keys: Sequence[ListedKey], issued_at: datetime
) -> KeyHistory:
    """Return the history with one more list of all `keys`, old ones included, signed by `signer`.

    Raises `InputError` where the signer may not sign lists, a key vanished or an end was taken back.
    """
    return _extended(history, signer, keys, issued_at, history.owner)


def read_key_history(value: Any, now: datetime) -> KeyHistory:
    """Read a history from its JSON value or text and check every link, or raise `RefusedConsent`."""
    try:
        if isinstance(value, str | bytes):
            value = strict_json.loads(value, "the key history")
        if not isinstance(value, dict) or set(value) != {HISTORY_MEMBER, "lists"}:
            raise ValueError(f"it must have the members {HISTORY_MEMBER} and lists and no other")
        if type(value[HISTORY_MEMBER]) is not int or value[HISTORY_MEMBER] != HISTORY_VERSION:
            raise ValueError(f"its version {value[HISTORY_MEMBER]!r} is not known")
        if not isinstance(value["lists"], list) or not 1 <= len(value["lists"]) <= MAX_LISTS:
            raise ValueError(f"it must hold 1 to {MAX_LISTS} lists")
        history = KeyHistory((), ())
        for item in value["lists"]:
            history = _read_next(history, parse_jws(item, KEYS_TYP), now)
    except ValidationError as error:
        raise _broken(explain(error)) from None
    except (ValueError, InputError) as error:
        raise _broken(str(error).rstrip(".")) from None
    return history


def newest_histories(histories: Sequence[KeyHistory]) -> dict[str, KeyHistory]:
    """Return owner -> the longest history; one must be the beginning of the other.

    Raises `RefusedConsent` where two histories of one owner differ: the key that signs lists is in two hands.
    """
    newest: dict[str, KeyHistory] = {}
    for history in histories:
        other = newest.get(history.owner, history)
        shared = min(len(history.lists), len(other.lists))
        if history.lists[:shared] != other.lists[:shared]:
            raise _broken(f"there are two different histories of the keys of {history.owner}")
        newest[history.owner] = max(history, other, key=lambda one: len(one.lists))
    return newest


def check_key(
    history: KeyHistory | None,
    root: PublicJwk,
    kid: str,
    use: KeyUse,
    *,
    signed_at: datetime | None,
    stamped_at: datetime | None,
    now: datetime,
) -> PublicJwk:
    """Return the key named `kid` where its signature counts, or raise `RefusedConsent`.

    `signed_at`: what the signed text says of its moment; `stamped_at`: what a time stamp of a trusted
    authority proves. Without a history the root is the only key, and never ends. All times UTC.
    """
    if history is None:
        if kid != root.thumbprint:
            raise RefusedConsent(
                ConsentState.UNTRUSTED,
                f"it is signed with the key {kid[:64]}, where the record names {root.thumbprint} and no key "
                "history allows another.",
            )
        return root
    listed = history.current.find(kid)
    if listed is None or use not in listed.uses:
        raise RefusedConsent(
            ConsentState.UNTRUSTED, f"the key {kid[:64]} is not listed for the use `{use}` by its owner."
        )
    moment = stamped_at or signed_at
    # Records name the root itself, so it counted before its owner began a history.
    if kid != history.owner and moment is not None and moment < listed.active_from - CLOCK_SKEW:
        raise RefusedConsent(
            ConsentState.UNTRUSTED, f"the key {kid} was in use only from {format_utc(listed.active_from)} on."
        )
    if listed.end is not None and now >= listed.end and (stamped_at is None or stamped_at >= listed.end):
        proof = f"is of {format_utc(stamped_at)}" if stamped_at else "is missing"
        raise RefusedConsent(
            ConsentState.UNTRUSTED,
            f"the key {kid} ended at {format_utc(listed.end)}; its signature counts only with a time stamp "
            f"from before, and that {proof}.",
        )
    return listed.key


def _extended(
    history: KeyHistory, signer: SigningKey, keys: Sequence[ListedKey], issued_at: datetime, owner: str
) -> KeyHistory:
    try:
        new = KeyList(
            owner=owner,
            sequence=len(history.lists) + 1,
            issued_at=issued_at.replace(microsecond=0),
            keys=tuple(keys),
        )
    except ValidationError as error:
        raise InputError(f"the list of keys cannot be made: {explain(error)}.") from None
    payload = new.canonical_json()
    document = Jws(payload, (sign_payload(payload, Role.OWNER, KEYS_TYP, signer),))
    try:
        return _read_next(history, document, issued_at)
    except (ValueError, RefusedConsent) as error:
        raise InputError(f"the list of keys cannot be made: {error}") from None


def _read_next(history: KeyHistory, document: Jws, now: datetime) -> KeyHistory:
    strict_json.loads(document.payload, "a list of keys")
    new = KeyList.model_validate_json(document.payload)
    number = len(history.lists) + 1
    if new.canonical_json() != document.payload:
        raise ValueError(f"list {number} is not in canonical JSON")
    if new.sequence != number:
        raise ValueError(f"list {number} says that it is number {new.sequence}")
    if new.issued_at > now + CLOCK_SKEW:
        raise ValueError(f"list {number} is of {format_utc(new.issued_at)}, which is later than now")
    before = history.current if history.lists else None
    if before is not None:
        _check_continues(before, new, number)
    signature = document.by_role(Role.OWNER)
    if signature is None or len(document.signatures) != 1:
        raise ValueError(f"list {number} does not carry its owner's signature alone")
    allowed = (before or new).find(signature.kid)
    if before is None and signature.kid != new.owner:
        raise ValueError("the first list is not signed by the root key")
    if allowed is None or KeyUse.KEYS not in allowed.uses:
        raise ValueError(f"list {number} is signed by {signature.kid}, which may not sign lists")
    if before is not None and allowed.end is not None and new.issued_at >= allowed.end:
        raise ValueError(f"list {number} is signed by {signature.kid}, which had ended")
    if not signature_holds(document, signature, allowed.key):
        raise ValueError(f"the signature of list {number} does not hold")
    return KeyHistory((*history.lists, new), (*history.documents, document))


def _check_continues(before: KeyList, new: KeyList, number: int) -> None:
    if new.owner != before.owner or new.issued_at < before.issued_at:
        raise ValueError(f"list {number} does not follow the one before it")
    for old in before.keys:
        now = new.find(old.key.thumbprint)
        if now is None:
            raise ValueError(f"list {number} leaves out the key {old.key.thumbprint}")
        if now.active_from != old.active_from or not set(now.uses) <= set(old.uses):
            raise ValueError(f"list {number} gives the key {old.key.thumbprint} more than it had")
        if old.end is not None and (now.end is None or now.end > old.end):
            raise ValueError(f"list {number} takes back the end of the key {old.key.thumbprint}")


def _broken(reason: str) -> RefusedConsent:
    return RefusedConsent(ConsentState.ALTERED, f"the key history does not hold: {reason}.")
