"""Status lists made from the persons' own statements, and from nothing else.

Whoever publishes a list turns signed withdrawals into bits. A bit is set only where the person's statement is
at hand, so a publisher cannot take a consent back by themselves with this function; and a bit that an earlier
list had set does not vanish with the file of the statement.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bodyscan.consent.acting_keys import acting_keys
from bodyscan.consent.fields import format_utc
from bodyscan.consent.key_history import KeyHistory, KeyUse
from bodyscan.consent.keys import PublicJwk, SigningKey
from bodyscan.consent.policy import check_clock
from bodyscan.consent.record import ConsentRecord, StatusEntry
from bodyscan.consent.status_list import (
    DEFAULT_TTL,
    MIN_ENTRIES,
    RefusedStatusList,
    StatusList,
    StatusPurpose,
    make_status_list,
    open_status_list,
)
from bodyscan.consent.withdrawal import (
    RefusedStatement,
    SignedWithdrawal,
    Standing,
    StandingState,
    read_withdrawal,
    record_id_of,
    standing,
)
from bodyscan.errors import InputError


@dataclass(frozen=True)
class PublishedLists:
    """Two new lists, to be laid at the two addresses that the records name."""

    revocation: str
    """The text of the revocation list."""
    suspension: str
    """The text of the suspension list."""
    revocation_address: str
    suspension_address: str
    sequences: tuple[int, int]
    """Sequence numbers of the two."""
    revoked: tuple[str, ...]
    """Ids of the records that are revoked."""
    suspended: tuple[str, ...]
    """Ids of the records that are suspended."""
    records: int
    """How many records the lists are for."""
    left_out: tuple[str, ...]
    """For each record and statement that was given and did not count, why."""


@dataclass(frozen=True)
class _Listed:
    """A record that has its place in the lists."""

    name: str
    record: ConsentRecord
    entry: StatusEntry


def publish(
    records: Mapping[str, ConsentRecord],
    statements: Mapping[str, str],
    issuer_key: SigningKey,
    now: datetime,
    valid_for: timedelta,
    previous_revocation: str | None = None,
    previous_suspension: str | None = None,
    first_sequence: int = 1,
    ttl: timedelta = DEFAULT_TTL,
    histories: Mapping[str, KeyHistory] | None = None,
) -> PublishedLists:
    """Return new revocation and suspension lists, valid from `now` (UTC) on for `valid_for`.

    `records` and `statements` are by the names of their files, which messages then use; the records' own
    signatures are for the caller to check. The previous lists give the sequence numbers, which go up by one;
    without them they begin at `first_sequence`. `histories` (owner -> history) tell which other keys may act
    for those that the records name, the issuer's among them. A statement that cannot be read, or is about no
    record here, is left out and named: a stranger's file must not keep a withdrawal from being published.

    Raises `InputError` where no record names this issuer's key, the records name different lists, two
    records share an index, or a bit of a previous list would be unset without a statement that says so;
    `RefusedStatusList` where a previous list is not this issuer's.
    """
    check_clock(now)
    listed, left_out = _listed(records, issuer_key, now, histories or {})
    revocation_address, suspension_address = _addresses(listed)
    stands, unread = _standings(listed, statements, now, histories)
    root = listed[0].entry.issuer
    history = (histories or {}).get(root.thumbprint)
    old_revocation = _previous(
        previous_revocation, root, revocation_address, StatusPurpose.REVOCATION, history
    )
    old_suspension = _previous(
        previous_suspension, root, suspension_address, StatusPurpose.SUSPENSION, history
    )
    _check_order((old_revocation, old_suspension), now)
    revoked = [item for item in listed if stands[item.record.record_id].state is StandingState.REVOKED]
    suspended = [item for item in listed if stands[item.record.record_id].state is StandingState.SUSPENDED]
    _check_kept(old_revocation, listed, revoked, stands)
    _check_kept(old_suspension, listed, suspended, stands)
    texts, sequences = [], []
    for old, address, purpose, chosen in (
        (old_revocation, revocation_address, StatusPurpose.REVOCATION, revoked),
        (old_suspension, suspension_address, StatusPurpose.SUSPENSION, suspended),
    ):
        sequence = max(first_sequence, old.sequence + 1 if old else 1)
        texts.append(
            make_status_list(
                (item.entry.index for item in chosen),
                purpose,
                address,
                issuer_key,
                sequence,
                now,
                now + valid_for,
                size=_size(listed, old),
                ttl=ttl,
            )
        )
        sequences.append(sequence)
    return PublishedLists(
        texts[0],
        texts[1],
        revocation_address,
        suspension_address,
        (sequences[0], sequences[1]),
        tuple(item.record.record_id for item in revoked),
        tuple(item.record.record_id for item in suspended),
        len(listed),
        (*left_out, *unread),
    )


def free_index(records: Iterable[ConsentRecord], size: int = MIN_ENTRIES) -> int:
    """Return a random index that none of `records` has, for a new record.

    Random, so that it tells neither when the record was made nor how many there are (Bitstring Status List
    v1.0, section 2.1). Raises `InputError` where the list of `size` entries is full.
    """
    taken = {record.withdrawal.status.index for record in records if record.withdrawal.status is not None}
    free = [index for index in range(size) if index not in taken]
    if not free:
        raise InputError(f"all {size} indices are taken; begin another pair of lists.")
    return secrets.choice(free)


def _listed(
    records: Mapping[str, ConsentRecord],
    issuer_key: SigningKey,
    now: datetime,
    histories: Mapping[str, KeyHistory],
) -> tuple[list[_Listed], list[str]]:
    """Return the records that name this issuer, each once, and why the others were left out."""
    listed: dict[str, _Listed] = {}
    by_index: dict[int, _Listed] = {}
    left_out = []
    for name, record in records.items():
        entry = record.withdrawal.status
        if entry is None:
            left_out.append(f"{name}: the record names no status list.")
        elif not _may_issue(issuer_key, entry, now, histories):
            left_out.append(f"{name}: the record names another issuer, {entry.issuer.thumbprint}.")
        else:
            item = _Listed(name, record, entry)
            same = by_index.setdefault(entry.index, item)
            if same.record.sha256() != record.sha256():
                raise InputError(
                    f"{same.name} and {name} are two records with one index, {entry.index}: to withdraw one "
                    "would withdraw the other. Give each record an index of its own."
                )
            known = listed.setdefault(record.record_id, item)
            if known.record.sha256() != record.sha256():
                raise InputError(f"{known.name} and {name} are two records with one id, {record.record_id}.")
    if not listed:
        raise InputError(
            f"none of the {len(records)} records names the issuer's key {issuer_key.thumbprint}; give the "
            "folder of the records whose status this key signs."
        )
    return list(listed.values()), left_out


def _may_issue(
    key: SigningKey, entry: StatusEntry, now: datetime, histories: Mapping[str, KeyHistory]
) -> bool:
    history = histories.get(entry.issuer.thumbprint)
    acting = acting_keys(entry.issuer, history, KeyUse.STATUS).get(key.thumbprint)
    return acting is not None and not acting.has_ended(now)


def _addresses(listed: Iterable[_Listed]) -> tuple[str, str]:
    pairs = {
        (item.entry.revocation_list, item.entry.suspension_list, item.entry.issuer.thumbprint): item.name
        for item in listed
    }
    if len(pairs) > 1:
        named = "; ".join(
            f"{name}: {first} and {second} by {issuer}"
            for (first, second, issuer), name in list(pairs.items())[:3]
        )
        raise InputError(
            f"the records name different lists ({named}); publish each pair from a folder of its own."
        )
    first, second, _ = next(iter(pairs))
    return first, second


def _standings(
    listed: Iterable[_Listed],
    statements: Mapping[str, str],
    now: datetime,
    histories: Mapping[str, KeyHistory] | None,
) -> tuple[dict[str, Standing], list[str]]:
    """Return where each record stands, by its id, and why statements were left out."""
    by_id = {item.record.record_id: item.record for item in listed}
    read: dict[str, list[SignedWithdrawal]] = {record_id: [] for record_id in by_id}
    left_out = []
    for name, text in statements.items():
        claimed = record_id_of(text)
        if claimed is not None and claimed not in by_id:
            left_out.append(f"{name}: it is about the record {claimed}, which is not among the records.")
            continue
        try:
            record = by_id[claimed] if claimed is not None else next(iter(by_id.values()))
            signed = read_withdrawal(text, record, histories)
            read[record.record_id].append(signed)
        except RefusedStatement as error:
            left_out.append(f"{name}: {error.reason}.")
    stands = {record_id: standing(signed, now) for record_id, signed in read.items()}
    for record_id, stand in stands.items():
        left_out += [f"record {record_id}: {reason}." for reason in stand.unusable]
    return stands, left_out


def _previous(
    text: str | None,
    issuer: PublicJwk,
    address: str,
    purpose: StatusPurpose,
    history: KeyHistory | None,
) -> StatusList | None:
    if text is None:
        return None
    try:
        return open_status_list(text, issuer, address, purpose, history)
    except RefusedStatusList as error:
        raise RefusedStatusList(f"as the previous {purpose} list: {error.reason}") from None


def _check_order(old_lists: Iterable[StatusList | None], now: datetime) -> None:
    for old in old_lists:
        if old is not None and now < old.valid_from:
            raise InputError(
                f"the previous {old.purpose} list was made at {format_utc(old.valid_from)}, after "
                f"{format_utc(now)}; verifiers would take the new one for an old one. Set the clock right."
            )


def _check_kept(
    old: StatusList | None,
    listed: Iterable[_Listed],
    chosen: Iterable[_Listed],
    stands: Mapping[str, Standing],
) -> None:
    """Raise `InputError` where a bit would be unset that no statement of the person unsets."""
    if old is None:
        return
    lost = set(old.set_indices()) - {item.entry.index for item in chosen}
    if old.purpose is StatusPurpose.SUSPENSION:
        # Resumed, or revoked meanwhile: the person said so. Without any statement nobody did.
        lost -= {item.entry.index for item in listed if stands[item.record.record_id].spoken}
    if lost:
        shown = ", ".join(map(str, sorted(lost)[:8]))
        raise InputError(
            f"the previous {old.purpose} list has the index {shown} set, and no statement given here says "
            "why it should be unset. Keep all records and statements in their folders."
        )


def _size(listed: Iterable[_Listed], old: StatusList | None) -> int:
    """Return how many entries the list has: a power of two, never fewer than before."""
    highest = max(item.entry.index for item in listed)
    size = MIN_ENTRIES
    while size <= highest:
        size *= 2
    return max(size, old.size if old else 0)
