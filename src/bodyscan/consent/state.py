"""What a check of a consent found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """The term is over, or the child of a guardian's consent came of age."""
    REVOKED = "revoked"
    """The person took it back."""
    SUSPENDED = "suspended"
    """The person halted it."""
    ALTERED = "altered"
    """What is there is not what was signed, or it is no sound signed consent at all."""
    STRIPPED = "stripped"
    """No consent, or a signature that must be there is missing."""
    UNBOUND = "unbound"
    """The consent is not bound to this body."""
    UNTRUSTED = "untrusted"
    """Sound, but signed with a key that the caller did not name, or that had ended."""
    NOT_COVERED = "not_covered"
    """The record does not allow this use."""
    UNKNOWN = "unknown"
    """Whether it holds cannot be told: a fact about the use or the status of the consent is missing."""


class Decision(StrEnum):
    """May it be used?"""

    ALLOW = "allow"
    DENY = "deny"
    UNKNOWN = "unknown"
    """Ask before any use; nothing is made on this answer."""


class BindingVerdict(StrEnum):
    """How a body matches the one that its consent was bound to."""

    EXACT = "exact"
    """Triangle for triangle, to the bit."""
    REPACKED = "repacked"
    """The same surface, moved by no more than a tool that makes files smaller moves it."""
    REATTESTED = "reattested"
    """A packer whose key counts signed that this is the bound body in another form."""
    ALTERED = "altered"
    """The bound body, changed."""
    UNBOUND = "unbound"
    """No binding, or one to another body or record."""
    STRIPPED = "stripped"
    """There is no consent."""


@dataclass(frozen=True)
class ConsentStatus:
    """The outcome of a check."""

    state: ConsentState
    reason: str
    """One sentence for a person."""
    record: ConsentRecord | None = None
    """The record, only where all its signatures hold."""
    geometry: BindingVerdict | None = None
    """How the body matched; None where no body was looked at."""
    moved_mm: float = 0.0
    """The largest distance from the bound surface, mm, where it was measured."""
    clause: str = ""
    """Path of the record's field that decided, for example `scope.territories`."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """`rig`, `morphs`, `texture` -> how each matched, in words; empty where they were not looked at."""

    @property
    def ok(self) -> bool:
        """True where the state is `valid`."""
        return self.state is ConsentState.VALID

    @property
    def decision(self) -> Decision:
        """Allow, deny, or unknown."""
        if self.ok:
            return Decision.ALLOW
        return Decision.UNKNOWN if self.state is ConsentState.UNKNOWN else Decision.DENY


class RefusedConsent(ConsentError):
    """A consent that does not allow the use; `status` says why."""

    def __init__(
        self,
        state: ConsentState,
        reason: str,
        record: ConsentRecord | None = None,
        *,
        clause: str = "",
        geometry: BindingVerdict | None = None,
        moved_mm: float = 0.0,
        parts: Mapping[str, str] | None = None,
    ) -> None:
        reason = printable(reason)
        self.status = ConsentStatus(state, reason, record, geometry, moved_mm, clause, parts or {})
        super().__init__(f"The consent is {state.replace('_', ' ')}: {reason}")
