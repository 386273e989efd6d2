"""What a C2PA manifest says of a consent: which record it is, and what machine learning may do.

Two assertions carry it. `org.bodyscan.consent` names the record by id and hash and the surface by its
digest; `cawg.training-mining` (Creator Assertions Working Group, Training and Data Mining Assertion 1.1) is
what tools read that know nothing of bodyscan. Both must say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bodyscan.consent.record import ConsentRecord

CONSENT_LABEL = "org.bodyscan.consent"
TRAINING_LABEL = "cawg.training-mining"


@dataclass(frozen=True)
class C2paConsent:
    """What a manifest says of a consent."""

    record_id: str
    record_sha256: str
    """SHA-256 of the record's canonical JSON, hex."""
    geometry: str | None = None
    """The digest of the surface that the consent is bound to; None for a picture."""
    training: bool = False
    mining: bool = False
    inference: bool = False
    generation: bool = False

    @classmethod
    def of(cls, record: ConsentRecord, geometry: str | None = None) -> C2paConsent:
        """Return what a manifest under `record` has to say."""
        return cls(record.record_id, record.sha256(), geometry, **record.ai.model_dump())

    def assertions(self) -> list[dict[str, Any]]:
        """Return the two assertions, as a manifest's definition holds them.

        What the record allows is `constrained` and never `allowed`: it holds within the record's places,
        media, people and term alone. Generative training needs both training and generation.
        """
        ours = {name: value for name, value in asdict(self).items() if value is not None}
        open_uses = {
            "cawg.ai_training": self.training,
            "cawg.ai_generative_training": self.training and self.generation,
            "cawg.ai_inference": self.inference,
            "cawg.data_mining": self.mining,
        }
        limits = {
            "use": "constrained",
            "constraint_info": f"Only as the consent record {self.record_id} allows.",
        }
        entries = {name: limits if allowed else {"use": "notAllowed"} for name, allowed in open_uses.items()}
        return [
            {"label": CONSENT_LABEL, "data": ours, "kind": "Json", "created": True},
            {"label": TRAINING_LABEL, "data": {"entries": entries}, "created": True},
        ]


def named_consent(assertions: Mapping[str, Any]) -> C2paConsent | None:
    """The consent that the assertions name, or None: none, several, or they contradict themselves."""
    ours = [label for label in assertions if label.split("__")[0] == CONSENT_LABEL]
    theirs = [label for label in assertions if label.split("__")[0] == TRAINING_LABEL]
    if ours != [CONSENT_LABEL] or theirs != [TRAINING_LABEL]:
        return None
    try:
        consent = C2paConsent(**assertions[CONSENT_LABEL])
    except TypeError:
        return None
    values = asdict(consent)
    texts = (values.pop("record_id"), values.pop("record_sha256"), values.pop("geometry") or "")
    if not all(isinstance(text, str) for text in texts) or not all(type(v) is bool for v in values.values()):
        return None
    return consent if assertions[TRAINING_LABEL] == consent.assertions()[1]["data"] else None


def difference(consent: C2paConsent | None, expected: C2paConsent | None) -> str:
    """Return in one sentence what a manifest's consent (None: none that can be read) has against it."""
    if consent is None:
        return "the manifest names no consent, or contradicts itself."
    assert expected is not None
    pairs = ((name, getattr(consent, name), getattr(expected, name)) for name in asdict(expected))
    names = ", ".join(name for name, said, wanted in pairs if said != wanted)
    return f"the manifest names another consent than the file carries: {names}."
