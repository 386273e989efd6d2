# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture of one or of several twins says about them. No `bpy` here.

A mark holds one id, because the watermark does. A picture of several twins is marked with the id of the twin
that takes the most room in it; record and pseudonym name all of them, that one first, and the label shows the
short ids of all records. The ledger has an entry for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bodyscan.consent import Use
from bodyscan.consent.record import SourceType
from bodyscan.errors import ConsentError
from bodyscan.mark import MarkInfo, mark_under
from bodyscan.mark.label import MAX_TEXT

from .verdicts import Verdict

BETWEEN = "; "
_SYNTHETIC_FIRST = (
    SourceType.COMPOSITE_WITH_TRAINED,
    SourceType.COMPOSITE_SYNTHETIC,
    SourceType.DIGITAL_CREATION,
)
"""Of several source types the first one is said: it claims the least for the camera."""


@dataclass(frozen=True)
class MarkedTwin:
    """One twin in a picture."""

    text: str
    """Its consent text."""
    use: Use
    info: MarkInfo
    share: float
    """Of the picture, 0..1."""


def marked_twin(verdict: Verdict, share: float, software: str) -> MarkedTwin:
    """Return how an allowed twin is marked. Raises `ConsentError` for one that is not allowed."""
    if not verdict.is_allowed or verdict.text is None or verdict.use is None:
        raise ConsentError(verdict.sentence)
    info = mark_under(verdict.text, str(verdict.use.purpose), software)
    return MarkedTwin(verdict.text, verdict.use, info, share)


def joint_mark(twins: Sequence[MarkedTwin]) -> tuple[MarkInfo, list[MarkedTwin]]:
    """Return what a picture of all `twins` says, and each of them once, the largest first."""
    order = sorted(twins, key=lambda twin: -twin.share)
    once = list({(twin.info.twin_id, twin.info.record_id): twin for twin in reversed(order)}.values())[::-1]
    first = once[0].info
    if len(once) == 1:
        return first, once
    infos = [twin.info for twin in once]
    types = {info.source_type for info in infos}
    info = replace(
        first,
        record_id=_joined(info.record_id for info in infos),
        subject_pseudonym=_joined(info.subject_pseudonym for info in infos),
        purpose=_joined(info.purpose for info in infos),
        label=_label(infos),
        source_type=next(str(kind) for kind in _SYNTHETIC_FIRST if str(kind) in types),
    )
    return info, once


def _joined(texts: Iterable[str]) -> str:
    return BETWEEN.join(dict.fromkeys(texts))


def _label(infos: Sequence[MarkInfo]) -> str:
    """The records' labels and the short ids of all but the first, which is drawn behind them in any case."""
    words = " / ".join(dict.fromkeys(info.label for info in infos))
    ids = [short for info in infos[1:] if (short := info.short_id) != infos[0].short_id]
    for shown in range(len(ids), -1, -1):
        more = f" · and {len(ids) - shown} more" if shown < len(ids) else ""
        text = "".join([words, *(f" · {short}" for short in ids[:shown]), more])
        if len(text) <= MAX_TEXT:
            return text
    return f"{infos[0].label[: MAX_TEXT - 20]} · and {len(ids)} more"
