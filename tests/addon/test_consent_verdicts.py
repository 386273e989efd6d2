"""What a consent says of a use, in words: without Blender."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from addon.consented import bound, revocation, signed
from addon.outside import outside
from bodyscan.consent import ConsentState, Evidence, Purpose, Use
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.record import Medium, Modification, Redistribution
from bodyscan.consent.verify import verify_record
from bodyscan.errors import ConsentError
from bodyscan.types import Twin
from gltf.shapes import small_twin

verdicts, marks = outside("guards.verdicts"), outside("guards.guard_marks")
Act, Verdict = verdicts.Act, verdicts.Verdict
NOW = datetime(2026, 6, 1, tzinfo=UTC)
RENDER = Use(Purpose.RENDER)
ONLY_DE = {"territories": ("DE",), "media": (Medium.WEB,)}


def body_of(twin: Twin, *, moved: float = 0.0) -> Any:
    mesh = twin.rig.mesh
    return verdicts.Body((mesh.vertices + moved).astype(np.float32), mesh.faces)


def judged(use: Use = RENDER, *, evidence: Evidence | None = None, moved: float = 0.0, **values: Any) -> Any:
    """The verdict on a small twin under a consent of the given terms."""
    twin = bound(signed(**values), small_twin())
    status = verdicts.judge(twin.consent, body_of(twin, moved=moved), use, NOW, evidence or Evidence())
    return Verdict("in the scene", status, use, twin.consent)


def test_a_covered_use_of_the_bound_body_is_allowed() -> None:
    verdict = judged()
    assert verdict.is_allowed
    assert verdict.word == "allowed"
    assert verdict.sentence.startswith("Allowed: the consent is valid: ")


NO_EXPORT = {"redistribution": Redistribution.NONE}
REFUSALS = {
    "expired": (RENDER, {"expired": True}, "expired", "it ended at 2021-01-01T00:00:00Z"),
    "purpose": (
        RENDER,
        {"purposes": (Purpose.MAKE_TWIN,), **NO_EXPORT},
        "not_covered",
        "the purpose render is not allowed; allowed: make_twin. Clause: scope.purposes.",
    ),
    "learning": (Use(Purpose.AI_TRAINING), {}, "not_covered", "Clause: ai.training."),
    "place": (
        Use(Purpose.RENDER, territory="US", medium=Medium.WEB),
        ONLY_DE,
        "not_covered",
        "the territory US is not allowed; allowed: DE. Clause: scope.territories.",
    ),
    "not stated": (RENDER, ONLY_DE, "unknown", "no territory is stated for the use"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_not_covered_is_refused_with_the_clause(case: str) -> None:
    use, values, state, words = REFUSALS[case]
    verdict = judged(use, **values)
    assert not verdict.is_allowed
    assert verdict.status.state == state
    assert words in verdict.sentence
    assert verdict.word == ("cannot be told" if state == "unknown" else "refused")


def test_making_a_twin_needs_no_place_and_a_picture_of_it_does() -> None:
    made = Use(Purpose.MAKE_TWIN)
    assert judged(made, **ONLY_DE).is_allowed
    assert verdicts.use_for(Act.SHOW, made) == made
    assert verdicts.use_for(Act.SAVE, made) == made
    assert verdicts.use_for(Act.RENDER, made) == RENDER
    assert verdicts.use_for(Act.EXPORT, made) == Use(Purpose.EXPORT)
    assert not judged(verdicts.use_for(Act.RENDER, made), **ONLY_DE).is_allowed


def test_a_stated_purpose_is_asked_about_whatever_is_done() -> None:
    stated = Use(Purpose.ADVERTISING, territory="DE")
    assert {verdicts.use_for(act, stated) for act in Act} == {stated}


def test_a_withdrawal_refuses() -> None:
    consent = signed()
    twin = bound(consent, small_twin())
    known = Evidence(withdrawals=(revocation(consent),))
    status = verdicts.judge(twin.consent, body_of(twin), RENDER, NOW, known)
    assert status.state is ConsentState.REVOKED
    assert "revoked" in Verdict("Ada", status, RENDER).sentence


def test_the_body_must_be_the_bound_one() -> None:
    other = judged(moved=1.0)
    assert other.status.state is ConsentState.UNBOUND
    assert "its binding belongs to another body" in other.sentence
    near = judged(moved=0.005)
    assert near.status.state is ConsentState.ALTERED
    assert "its body is not as it was bound" in near.sentence


def test_a_record_without_a_body_is_bound_to_nothing() -> None:
    twin = bound(signed(), small_twin())
    status = verdicts.judge(twin.consent, None, RENDER, NOW, Evidence())
    assert status.state is ConsentState.UNBOUND
    assert "no triangles" in status.reason


def test_positions_that_are_no_numbers_are_refused_and_nothing_is_raised() -> None:
    twin = bound(signed(), small_twin())
    body = body_of(twin)
    body.positions[3] = np.nan
    status = verdicts.judge(twin.consent, body, RENDER, NOW, Evidence())
    assert not status.ok
    assert "NaN" in status.reason


@pytest.mark.parametrize("text", [None, "", "{}", "no JSON", '{"record": 3}'])
def test_a_missing_or_damaged_record_is_refused(text: str | None) -> None:
    assert not verdicts.judge(text, body_of(small_twin()), RENDER, NOW, Evidence()).ok


def test_a_record_with_one_changed_letter_is_refused() -> None:
    twin = bound(signed(), small_twin())
    payload = twin.consent.index('"payload":"') + 40
    letter = "A" if twin.consent[payload] != "A" else "B"
    text = twin.consent[:payload] + letter + twin.consent[payload + 1 :]
    assert not verdicts.judge(text, body_of(twin), RENDER, NOW, Evidence()).ok


def test_a_change_beyond_what_the_record_allows_is_refused() -> None:
    twin = bound(signed(modification=Modification.FORMAT), small_twin())

    def after(degree: Modification) -> Any:
        change = verdicts.Change(degree, "a pose or an expression")
        return verdicts.judge(twin.consent, body_of(twin), RENDER, NOW, Evidence(), change)

    assert after(Modification.NONE).ok
    assert after(Modification.FORMAT).ok
    refused = after(Modification.POSE)
    assert refused.clause == "scope.modification"
    assert "a pose or an expression needs the modification pose" in refused.reason


def test_a_refusal_names_the_person_the_reason_and_the_clause() -> None:
    allowed, refused = judged(), judged(Use(Purpose.AI_TRAINING))
    words = verdicts.refusal(Act.SAVE, [allowed, refused], "The file is as it was.")
    assert words.startswith("Not saved. in the scene: Refused: ")
    assert "Clause: ai.training." in words
    assert words.endswith("The file is as it was.")
    assert words.count("in the scene") == 1


def test_uses_are_told_in_words() -> None:
    use = Use(
        Purpose.VIRTUAL_TRY_ON, territory="DE", medium=Medium.IN_STORE, licensee="Shop", product_line="Spring"
    )
    assert verdicts.use_words(use) == "virtual try on in DE, in store, by Shop, for Spring"
    assert verdicts.use_words(None) == "no use is stated"


def test_the_panel_says_who_for_what_and_until_when() -> None:
    rows = dict(verdicts.panel_rows(signed(**ONLY_DE).record))
    assert rows["Who"] == "DEMO Ada"
    assert "render" in rows["Purposes"]
    assert rows["Territories"] == "DE"
    assert rows["Media"] == "web"
    assert rows["Until"].startswith("2125-01-01")
    assert rows["Controller"].startswith("DEMO studio")
    assert "NOT allowed" in rows["Machine learning"]


def test_the_panel_shows_no_name_of_a_guardian() -> None:
    demo = make_demo_consent("Kid", minor=True)
    assert demo.record.guardian is not None
    told = " ".join(f"{title} {value}" for title, value in verdicts.panel_rows(demo.record))
    assert demo.record.guardian.name not in told
    assert demo.record.guardian.contact not in told


def test_the_overlay_says_name_verdict_use_and_term() -> None:
    lines = verdicts.overlay_lines(judged())
    assert lines[1:3] == ["allowed: render", "until 2125-01-01"]
    refused = verdicts.overlay_lines(judged(Use(Purpose.AI_TRAINING)))
    assert refused[1] == "refused: ai training"
    assert "(ai.training)" in refused[-1]


def test_what_is_known_beside_the_record_is_told() -> None:
    consent = signed()
    assert "No evidence folder is set" in verdicts.evidence_words(None, None)
    assert verdicts.evidence_words(Evidence(), "/known") == "/known holds no evidence yet."
    full = Evidence(withdrawals=(revocation(consent),) * 2)
    assert verdicts.evidence_words(full, "/known") == "Checked with 2 withdrawals of /known."


def marked(name: str, share: float, **values: Any) -> Any:
    verdict = judged(name=name, **values)
    return marks.marked_twin(replace_status(verdict), share, "bodyscan test")


def replace_status(verdict: Any) -> Any:
    return replace(verdict, status=verify_record(verdict.text, NOW, verdict.use))


def test_a_picture_of_one_twin_says_what_its_record_says() -> None:
    twin = marked("Ada", 0.3)
    info, once = marks.joint_mark([twin, twin])
    assert info == twin.info
    assert once == [twin]


def test_a_picture_of_several_twins_names_all_the_largest_first() -> None:
    ada, bob, eve = (marked(name, share) for name, share in (("Ada", 0.1), ("Bob", 0.4), ("Eve", 0.2)))
    info, once = marks.joint_mark([ada, bob, eve])
    assert [twin.info.subject_pseudonym for twin in once] == ["DEMO Bob", "DEMO Eve", "DEMO Ada"]
    assert info.twin_id == bob.info.twin_id
    assert info.record_id == "; ".join(twin.info.record_id for twin in once)
    assert info.subject_pseudonym == "DEMO Bob; DEMO Eve; DEMO Ada"
    assert info.short_id == bob.info.short_id
    assert eve.info.short_id in info.label
    assert ada.info.short_id in info.label


def test_the_label_of_a_crowd_says_how_many_more_there_are() -> None:
    crowd = [marked(f"Person {number}", 1.0 / (number + 1)) for number in range(9)]
    info, _ = marks.joint_mark(crowd)
    assert len(info.label) <= 80
    assert "more" in info.label
    assert all(twin.info.subject_pseudonym in info.subject_pseudonym for twin in crowd)


def test_a_refused_twin_has_no_mark() -> None:
    with pytest.raises(ConsentError, match=r"ai\.training"):
        marks.marked_twin(judged(Use(Purpose.AI_TRAINING)), 0.5, "bodyscan test")
