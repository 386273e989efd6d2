"""What a check of a consent found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bodyscan.consent.fields import printable
from bodyscan.consent.record import ConsentRecord
from bodyscan.errors import ConsentError


class ConsentState(StrEnum):
    """The one word of a check. Only `valid` allows a use."""

    VALID = "valid"
    NOT_YET_VALID = "not_yet_valid"
    """The term has not begun."""
    EXPIRED = "expired"
    """The term is over."""
    ALTERED = "altered"
    """What is there is not what was signed, or it is no sound signed consent at all."""
    STRIPPED = "stripped"
    """No consent, or a signature that must be there is missing."""
    UNBOUND = "unbound"
    """The consent is not bound to this geometry."""
    UNTRUSTED = "untrusted"
    """Sound, but signed with a key that the caller did not name as trusted."""
    NOT_COVERED = "not_covered"
    """The record does not allow this use."""


class GeometryMatch(StrEnum):
    """How a file's surface matches the one that its consent was bound to."""

    EXACT = "exact"
    """Triangle for triangle, to the bit."""
    REPACKED = "repacked"
    """The same surface, moved by no more than a tool that makes files smaller moves it."""


@dataclass(frozen=True)
class ConsentStatus:
    """The outcome of a check."""

    state: ConsentState
    reason: str
    """One sentence for a person."""
    record: ConsentRecord | None = None
    """The record, only where all its signatures hold."""
    geometry: GeometryMatch | None = None
    """How the surface matched; None where no surface was looked at, or it did not match."""
    moved_mm: float = 0.0
    """For `repacked`: the largest distance from the bound surface, mm."""

    @property
    def ok(self) -> bool:
        """True where the state is `valid`."""
        return self.state is ConsentState.VALID


class RefusedConsent(ConsentError):
    """A consent that does not allow the use; `status` says why."""

    def __init__(self, state: ConsentState, reason: str, record: ConsentRecord | None = None) -> None:
        reason = printable(reason)
        self.status = ConsentStatus(state, reason, record)
        super().__init__(f"The consent is {state.replace('_', ' ')}: {reason}")
