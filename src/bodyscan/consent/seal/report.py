"""What a comparison of a body with its seal found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bodyscan.consent.state import BindingVerdict


class PartVerdict(StrEnum):
    """How one part of a body (its rig, its face shapes, its texture) matches what was bound."""

    EXACT = "exact"
    """To the bit."""
    KEPT = "kept"
    """The same, changed by no more than a tool that makes files smaller changes it."""
    ALTERED = "altered"
    """Another one, or changed by more than that."""
    MISSING = "missing"
    """Bound, and the file has none, or not all of it; what is there is kept."""
    ADDED = "added"
    """Not bound, and the file has one."""
    UNREAD = "unread"
    """There, and it cannot be decoded here."""
    UNBOUND = "unbound"
    """Neither bound nor there."""


@dataclass(frozen=True)
class PartReport:
    """The verdict on one part."""

    verdict: PartVerdict
    reason: str
    """One clause for a person, without a full stop: what is the matter and how much."""
    moved: float = 0.0
    """Largest difference that was found, in `unit`; 0 where none was measured."""
    unit: str = ""
    """`mm`, `levels` (of 255) or empty."""
    missing: tuple[str, ...] = ()
    """Face shapes that were bound and are not in the file."""

    @property
    def is_same(self) -> bool:
        """True unless the part was altered or added: a part that is missing or unread shows no other body."""
        return self.verdict not in (PartVerdict.ALTERED, PartVerdict.ADDED)

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}" if self.reason else str(self.verdict)


@dataclass(frozen=True)
class SealReport:
    """How a body matches a seal."""

    geometry: BindingVerdict
    """`exact`, `repacked` or `altered`."""
    moved_mm: float
    """Largest distance of a sealed point to the surface, mm; 0 for `exact`."""
    mean_mm: float
    """Mean of these distances."""
    problems: tuple[str, ...]
    """What is different about the triangles, in clauses; empty unless `altered`."""
    rig: PartReport
    morphs: PartReport
    texture: PartReport

    @property
    def parts(self) -> Mapping[str, PartReport]:
        """The parts by name."""
        return {"rig": self.rig, "morphs": self.morphs, "texture": self.texture}

    @property
    def is_same(self) -> bool:
        """True where nothing shows another body than the bound one."""
        return self.geometry is not BindingVerdict.ALTERED and all(
            part.is_same for part in self.parts.values()
        )

    @property
    def alterations(self) -> tuple[str, ...]:
        """What was altered, in clauses; empty where `is_same`."""
        parts = tuple(f"{name}: {part.reason}" for name, part in self.parts.items() if not part.is_same)
        return tuple(self.problems) + parts
