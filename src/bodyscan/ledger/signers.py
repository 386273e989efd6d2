"""Whose signature on a checkpoint counts, now and formerly, by the controller's key history."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bodyscan.consent.key_history import KeyHistory, KeyUse
from bodyscan.consent.keys import PublicJwk
from bodyscan.ledger.checkpoint import Checkpoint


@dataclass(frozen=True)
class Signers:
    """The controller's keys for the ledger."""

    current: tuple[PublicJwk, ...]
    """Their signature counts."""
    ended: tuple[PublicJwk, ...] = ()
    """Theirs counts where a later checkpoint, signed by a current key, names the signed one as its past."""


def signers_of(keys: Collection[PublicJwk], histories: Sequence[KeyHistory], now: datetime) -> Signers:
    """Return the signers among `keys` and the keys that histories list for the ledger.

    A history says when a key ended, those of `keys` too; `now` is UTC.
    """
    found = {key.thumbprint: key for key in keys}
    ended: dict[str, PublicJwk] = {}
    for history in histories:
        for listed in history.current.keys:
            name = listed.key.thumbprint
            if KeyUse.LEDGER in listed.uses:
                found[name] = listed.key
            if listed.end is not None and now >= listed.end and name in found:
                ended[name] = found[name]
    current = tuple(key for name, key in found.items() if name not in ended)
    return Signers(current, tuple(ended.values()))


def vouched_for(checkpoints: Sequence[Checkpoint], keys: Collection[PublicJwk]) -> set[str]:
    """Return the SHA-256 of every checkpoint that one signed by `keys` names as its past, near or far."""
    by_name = {checkpoint.sha256: checkpoint for checkpoint in checkpoints}
    found: set[str] = set()
    for checkpoint in checkpoints:
        if not checkpoint.is_signed_by(keys):
            continue
        past = checkpoint.payload.previous
        while past is not None and past not in found:
            found.add(past)
            past = by_name[past].payload.previous if past in by_name else None
    return found
