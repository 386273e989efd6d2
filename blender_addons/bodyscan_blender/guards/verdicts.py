# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a consent says of a use of a twin, judged and put into words. No `bpy` here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from bodyscan.consent import (
    ConsentState,
    ConsentStatus,
    Decision,
    Evidence,
    Purpose,
    Use,
    verify_record,
    verify_surface,
)
from bodyscan.consent.describe import describe_record
from bodyscan.consent.fields import format_utc
from bodyscan.consent.modification import require_modification
from bodyscan.consent.record import ConsentRecord, Modification
from bodyscan.consent.state import RefusedConsent
from bodyscan.errors import BodyscanError


class Act(StrEnum):
    """What is about to be done with a twin."""

    SHOW = "show"
    """Nothing but look at it in the scene."""
    SAVE = "save"
    """Write a .blend that holds it."""
    RENDER = "render"
    """Make a picture of it."""
    EXPORT = "export"
    """Write its file in another program's format."""


DONE = {
    Act.SHOW: "Not shown",
    Act.SAVE: "Not saved",
    Act.RENDER: "Not rendered",
    Act.EXPORT: "Not exported",
}
"""What to say of an act that did not take place."""
_OWN_PURPOSE = {Act.RENDER: Purpose.RENDER, Act.EXPORT: Purpose.EXPORT}
_PANEL = {
    "DEMO": "Demo",
    "person": "Who",
    "allowed for": "Purposes",
    "where": "Territories",
    "media": "Media",
    "product lines": "Product lines",
    "NEVER for": "Never for",
    "may be changed": "May be changed",
    "file handed on to": "Handed on to",
    "machine learning": "Machine learning",
    "from": "From",
    "until": "Until",
    "controller": "Controller",
    "licensee": "Licensee",
    "take it back": "Taken back by",
}
"""Row of `bodyscan.consent.describe` -> its title in the panel. Guardians and advisers are not among them: a
panel is seen by whoever walks by, and theirs may be legal names."""


@dataclass(frozen=True, eq=False)
class Body:
    """A twin's surface at rest, as a consent is bound to it."""

    positions: np.ndarray
    """(V, 3) float32, metres, +Y up, facing +Z."""
    faces: np.ndarray
    """(F, 3) int32."""


@dataclass(frozen=True)
class Change:
    """How far a twin is changed by what is done with it."""

    degree: Modification = Modification.NONE
    what: str = ""
    """By what: `a pose or an expression`."""


@dataclass(frozen=True)
class Verdict:
    """What the consent of one twin says of one use."""

    name: str
    """The person's pseudonym in the record; without a sound record what they are called in the scene."""
    status: ConsentStatus
    use: Use | None
    """None where the scene states none that can be judged."""
    text: str | None = None
    """The consent text."""
    known: str = ""
    """What was known beside the record, in words."""

    @property
    def is_allowed(self) -> bool:
        """True where the use may take place. What is unknown may not."""
        return self.status.ok

    @property
    def word(self) -> str:
        """`allowed`, `refused`, or `cannot be told`."""
        if self.is_allowed:
            return "allowed"
        return "refused" if self.status.decision is Decision.DENY else "cannot be told"

    @property
    def sentence(self) -> str:
        """What is decided and why, with the clause of the record that decided."""
        clause = f" Clause: {self.status.clause}." if self.status.clause else ""
        state = str(self.status.state).replace("_", " ")
        return f"{self.word.capitalize()}: the consent is {state}: {self.status.reason}{clause}"


def use_for(act: Act, use: Use) -> Use:
    """Return the use that an act is.

    A scene that states no more than that the twin is made says nothing of a picture or of a file for others:
    these are then uses of their own purpose.
    """
    if use.purpose is Purpose.MAKE_TWIN and act in _OWN_PURPOSE:
        return replace(use, purpose=_OWN_PURPOSE[act])
    return use


def judge(
    text: str | None,
    body: Body | None,
    use: Use,
    now: datetime,
    evidence: Evidence,
    change: Change | None = None,
) -> ConsentStatus:
    """Check a consent text for a use at `now` (UTC), with the body that carries it and how it is changed.

    `body` None: the twin's mesh has no triangle. Never raises for what text or body hold.
    """
    if body is not None:
        positions, faces = body.positions, body.faces
        return _judged(lambda: verify_surface(text, positions, faces, now, use, evidence), change)

    def without_body() -> ConsentStatus:
        status = verify_record(text, now, use, evidence)
        if status.record is None or not status.ok:
            return status
        why = "the twin's mesh has no triangles, so its record belongs to no body."
        return replace(status, state=ConsentState.UNBOUND, reason=why)

    return _judged(without_body, change)


def judge_unbound(
    text: str | None, use: Use, now: datetime, evidence: Evidence, change: Change | None = None
) -> ConsentStatus:
    """Check a consent text for a use of its person's scan or fit, which no record is bound to."""
    return _judged(lambda: verify_record(text, now, use, evidence), change)


def _judged(check: Callable[[], ConsentStatus], change: Change | None) -> ConsentStatus:
    try:
        status = check()
        if status.ok and status.record is not None and change is not None:
            require_modification(status.record, change.degree, change.what)
    except RefusedConsent as refusal:
        return refusal.status
    except BodyscanError as error:
        return unknown(str(error))
    return status


def unknown(reason: str) -> ConsentStatus:
    """Return the status of what cannot be judged, for a reason that is a sentence."""
    return ConsentStatus(ConsentState.UNKNOWN, reason)


def missing(reason: str = "") -> ConsentStatus:
    """Return the status of a twin that carries no record; `reason`: why, where that is known."""
    why = reason or "the twin carries no consent record. Load the record that its person signed."
    return ConsentStatus(ConsentState.STRIPPED, why)


def refusal(act: Act, verdicts: Sequence[Verdict], extra: str = "") -> str:
    """Return what a person is told whose act is refused: one line a twin that does not allow it."""
    lines = [f"{v.name}: {v.sentence}" for v in verdicts if not v.is_allowed]
    return " ".join([f"{DONE[act]}.", *lines, *([extra] if extra else [])])


def use_words(use: Use | None) -> str:
    """Return a use in words: `render in DE, web, by Shop, for Spring`."""
    if use is None:
        return "no use is stated"
    words = str(use.purpose).replace("_", " ")
    if use.territory:
        words += f" in {use.territory}"
    if use.medium:
        words += f", {str(use.medium).replace('_', ' ')}"
    if use.licensee:
        words += f", by {use.licensee}"
    if use.product_line:
        words += f", for {use.product_line}"
    return words


def panel_rows(record: ConsentRecord) -> list[tuple[str, str]]:
    """Return (title, value): who, for what, where, until when, and for whom."""
    return [(_PANEL[label], value) for label, value in describe_record(record) if label in _PANEL]


def overlay_lines(verdict: Verdict) -> list[str]:
    """Return what stands in the 3D view beside a twin: name, verdict, use, term."""
    record, status = verdict.status.record, verdict.status
    lines = [verdict.name, f"{verdict.word}: {use_words(verdict.use)}"]
    if record is not None:
        lines.append(f"until {format_utc(record.term.not_after)[:10]}")
        if record.demo:
            lines.append("demo: this person does not exist")
    if not verdict.is_allowed:
        lines.append(status.reason + (f" ({status.clause})" if status.clause else ""))
    return lines


def evidence_words(evidence: Evidence | None, folder: str | None) -> str:
    """Return what is known beside the records, in a sentence."""
    if folder is None or evidence is None:
        return "No evidence folder is set: a withdrawal or a replaced key would not be known here."
    counts = (
        (len(evidence.status_lists), "status list"),
        (len(evidence.withdrawals), "withdrawal"),
        (len(evidence.histories), "key history"),
    )
    told = [f"{n} {what}{_plural(what, n)}" for n, what in counts if n]
    if evidence.trusted.people is not None or evidence.trusted.controllers is not None:
        told.append("trusted keys")
    return f"Checked with {', '.join(told)} of {folder}." if told else f"{folder} holds no evidence yet."


def _plural(what: str, number: int) -> str:
    if number == 1:
        return ""
    return "" if what.endswith("history") else "s"
