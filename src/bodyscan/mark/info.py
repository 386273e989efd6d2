"""What a marked picture says about itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bodyscan.consent.record import DEFAULT_LABEL, SourceType
from bodyscan.errors import ConsentError


@dataclass(frozen=True)
class MarkInfo:
    """Whose twin a picture shows and under which consent; there is no default for either."""

    record_id: str
    """Identifier of the signed consent record that covers the picture."""
    subject_pseudonym: str
    """The pseudonym in the consent record; never a legal name."""
    purpose: str
    """The use that was asked for, one of the record's purposes."""
    software: str
    """`bodyscan` and its version."""
    twin_id: str
    """16 hex digits, small letters: `bodyscan.mark.twin_id` of the record and the twin's geometry."""

    label: str = field(default=DEFAULT_LABEL, compare=False)
    """What the visible label says: the record's `disclosure.label`. It is not read back from a picture."""
    source_type: str = field(default=str(SourceType.COMPOSITE_SYNTHETIC), compare=False)
    """IPTC term: the record's `disclosure.source_type`."""

    def __post_init__(self) -> None:
        for name in ("record_id", "subject_pseudonym", "purpose", "software", "twin_id"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip():
                raise ConsentError(
                    f"MarkInfo.{name} is empty. A picture of a twin names its consent record: pass the "
                    "record's id, the subject's pseudonym, the purpose, the software and the twin's id."
                )
            if any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF or ord(c) in (0xFFFE, 0xFFFF) for c in text):
                raise ConsentError(
                    f"MarkInfo.{name} holds control characters ({text!r}); use plain text on one line."
                )
        if not re.fullmatch("[0-9a-f]{16}", self.twin_id):
            raise ConsentError(
                f"MarkInfo.twin_id is {self.twin_id!r}; it is 16 hex digits in small letters, as "
                "`bodyscan.mark.twin_id(record_id, geometry).hex()` gives them."
            )

    @property
    def short_id(self) -> str:
        """The part of the record id that fits on a picture: what follows the last colon, 8 characters."""
        return self.record_id.rsplit(":", 1)[-1][:8]

    @property
    def twin_bytes(self) -> bytes:
        """The 8 bytes of `twin_id`, as the watermark carries them."""
        return bytes.fromhex(self.twin_id)
