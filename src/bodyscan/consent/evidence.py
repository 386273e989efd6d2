"""What a verifier knows beside the file: whose keys count, what was withdrawn, which clocks are believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bodyscan.consent.bundle import Bundle, Stamped
from bodyscan.consent.key_history import KeyHistory
from bodyscan.consent.keys import PublicJwk
from bodyscan.consent.status_memory import StatusMemory


@dataclass(frozen=True)
class TrustedKeys:
    """The keys that the caller knows, by thumbprint. None trusts any key of that side."""

    people: frozenset[str] | None = None
    """Keys of the subject, or of the guardian where the subject is a child."""
    controllers: frozenset[str] | None = None
    packers: tuple[PublicJwk, ...] = ()
    """Keys that may attest a repacked body, beside those that the record and its controller allow."""


@dataclass(frozen=True)
class Evidence:
    """What a verifier has collected. Nothing is ever fetched: what is not here is not known."""

    trusted: TrustedKeys = TrustedKeys()
    histories: tuple[KeyHistory, ...] = ()
    """The newest key histories of the people whom the verifier knows."""
    status_lists: tuple[str, ...] = ()
    """Texts of status lists."""
    withdrawals: tuple[str, ...] = ()
    """Texts of signed withdrawal statements."""
    memory: StatusMemory | None = None
    """What this verifier saw before, by which a replayed list is known."""
    max_age: timedelta | None = None
    """Status lists older than this are stale; None: what the list itself says."""
    stamp_roots: tuple[bytes, ...] = field(default=(), repr=False)
    """Certificates (PEM) of time-stamp authorities that the verifier believes."""


def stamped_at(bundle: Bundle, of: Stamped, evidence: Evidence, now: datetime) -> datetime | None:
    """Return the earliest moment (UTC) that a believed time stamp proves for a part, or None without one.

    Raises `RefusedConsent` for a stamp over other data, in the future or by an authority that is not
    believed; `MissingExtraError` without the extra `timestamp`. Where no authority is believed, no stamp is
    looked at.
    """
    tokens = [stamp.token for stamp in bundle.stamps if stamp.of is of]
    if not tokens or not evidence.stamp_roots:
        return None
    from bodyscan.consent.time_stamp import verify_stamp

    data = bundle.stamped_bytes(of)
    return min(verify_stamp(token, data, evidence.stamp_roots, now) for token in tokens)
