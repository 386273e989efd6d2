"""Which keys may act for the one that a record names, by its owner's key history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bodyscan.consent.key_history import KeyHistory, KeyUse
from bodyscan.consent.keys import PublicJwk


@dataclass(frozen=True)
class ActingKey:
    """A key that may sign for its owner, and until when."""

    key: PublicJwk
    end: datetime | None = None
    """UTC: the first moment at which it no longer counts; None where it does not end."""

    def has_ended(self, now: datetime) -> bool:
        """True where the key no longer counts at `now` (UTC)."""
        return self.end is not None and now >= self.end


def acting_keys(root: PublicJwk, history: KeyHistory | None, use: KeyUse) -> dict[str, ActingKey]:
    """Return thumbprint -> key for all keys that were ever listed for `use`; without a history, the root.

    A history of another owner counts as none.
    """
    if history is None or history.owner != root.thumbprint:
        return {root.thumbprint: ActingKey(root)}
    return {
        listed.key.thumbprint: ActingKey(listed.key, listed.end)
        for listed in history.current.keys
        if use in listed.uses
    }
