"""European Union: article 50 of the AI Act, on the marking of what AI systems make.

Regulation (EU) 2024/1689. Article 113 sets 2 August 2026 as the day from which article 50 applies; rules of
transition for older systems are not looked at. Whether a renderer is an AI system is not seen in fields; the
rules ask for what article 50 wants where it is.
"""

from __future__ import annotations

import re
from datetime import datetime

from bodyscan.consent.lint import checks
from bodyscan.consent.lint.rule import Profile, Rule, Severity, Source
from bodyscan.consent.record import ConsentRecord, SourceType

ARTIFICIAL = re.compile(
    r"\b(ai|a\.i\.|artificial\w*|synthetic\w*|synthétique\w*|computer\w*|cgi|digital twin|digital replica|"
    r"generated|virtual\w*|ki|künstlich\w*|synthetisch\w*|computergeneriert|digitaler zwilling|generiert|"
    r"virtuell\w*|ia|artificiel\w*|jumeau numérique|généré\w*|virtuel\w*|sintétic\w*|gemelo digital|"
    r"generad\w*|sintetic\w*|gemello digitale|generat\w*)\b"
)
"""Words that say that a picture is artificial: English, German, French, Spanish, Italian; lower case."""


def paragraph(place: str) -> Source:
    """Return the source of a paragraph of article 50."""
    return Source(
        "Regulation (EU) 2024/1689 (AI Act)",
        f"art. 50({place}), from 2 August 2026 (art. 113)",
        "https://eur-lex.europa.eu/eli/reg/2024/1689/oj",
    )


def _marked_as_generated(record: ConsentRecord, now: datetime) -> bool:
    return not record.ai.generation or record.disclosure.source_type is SourceType.COMPOSITE_WITH_TRAINED


def _marked_as_synthetic(record: ConsentRecord, now: datetime) -> bool:
    return record.ai.generation or record.disclosure.source_type is not SourceType.DIGITAL_CREATION


def _label_says_so(record: ConsentRecord, now: datetime) -> bool:
    return not checks.is_public(record) or bool(ARTIFICIAL.search(record.disclosure.label.casefold()))


def _informed_of_inference(record: ConsentRecord, now: datetime) -> bool:
    return not record.ai.inference or record.notice is not None


PROFILE = Profile(
    id="eu-ai-act",
    title="European Union: AI Act, article 50",
    rules=(
        Rule(
            id="AIACT50-1",
            severity=Severity.ERROR,
            fields=("ai.generation", "disclosure.source_type"),
            check="Where generation is allowed, the source type says that a model took part.",
            source=paragraph("2"),
            change="Set disclosure.source_type to compositeWithTrainedAlgorithmicMedia.",
            met=_marked_as_generated,
        ),
        Rule(
            id="AIACT50-2",
            severity=Severity.WARNING,
            fields=("disclosure.label", "scope.media"),
            check="Where the public sees the pictures, the label says that they are artificial.",
            source=paragraph("4), (5"),
            change="Let disclosure.label say so in the viewer's language, for example `AI-generated`.",
            met=_label_says_so,
        ),
        Rule(
            id="AIACT50-3",
            severity=Severity.WARNING,
            fields=("ai.inference", "notice"),
            check="Where the likeness may be given to a model, the person was informed.",
            source=paragraph("3"),
            change="Tell the person which model judges what about them, and name the text in notice.",
            met=_informed_of_inference,
        ),
        Rule(
            id="AIACT50-4",
            severity=Severity.NOTE,
            fields=("disclosure.source_type",),
            check="The source type does not hide that the picture was composed from captured parts.",
            source=paragraph("2"),
            change="Set disclosure.source_type to compositeSynthetic.",
            met=_marked_as_synthetic,
        ),
    ),
)
