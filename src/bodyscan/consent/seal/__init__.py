"""What a binding says of a body beyond its triangles, and how a body is compared with it."""

from __future__ import annotations

from bodyscan.consent.content import BodyContent, content_of
from bodyscan.consent.seal.report import PartReport, PartVerdict, SealReport
from bodyscan.consent.seal.seal import Seal, compare_seal, seal

__all__ = [
    "BodyContent",
    "PartReport",
    "PartVerdict",
    "Seal",
    "SealReport",
    "compare_seal",
    "content_of",
    "seal",
]
