"""States, quality and warnings in words."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from addon.edit_people import QUALITY
from addon.outside import outside
from bodyscan.fit.options import FitOptions
from bodyscan.steps.folder import StepState

step_words = outside("steps.step_words")


def fit_values(**quality: Any) -> dict[str, Any]:
    return {"quality": asdict(replace(QUALITY, **quality)), "guessed_hands": []}


def states(**of: str) -> dict[str, StepState]:
    values = {"fit": fit_values(), "texture": {"size": 2048, "seen_share": 0.9}}
    return {
        step: StepState(
            of.get(step, "absent"), f"{step}-1", summary=f"The {step}.", values=values.get(step, {})
        )
        for step in ("scan", "fit", "texture", "twin")
    }


def words_of(facts: Any) -> dict[str, str]:
    return {view.step: view.words for view in step_words.step_views(facts)}


def test_nothing_is_done_at_first() -> None:
    views = step_words.step_views(step_words.Facts())
    assert [view.title for view in views] == ["Import", "Fit", "Texture", "Rig", "Export"]
    assert {view.state for view in views} == {"absent"}
    assert step_words.next_step(views) == "scan"


def test_what_comes_next_is_the_first_that_is_not_done() -> None:
    facts = step_words.Facts(states(scan="done", fit="stale"), in_scene={"scan", "fit"})
    views = step_words.step_views(facts)
    assert step_words.next_step(views) == "fit"
    all_done = states(scan="done", fit="done", texture="done", twin="done")
    facts = step_words.Facts(all_done, exported="/tmp/a.glb", is_exported_current=True)
    assert step_words.next_step(step_words.step_views(facts)) == ""


def test_a_failure_is_said_before_all_else_but_that_it_runs() -> None:
    done = states(scan="done", fit="done")
    facts = step_words.Facts(done, failures={"fit": "It is too dark."}, in_scene={"scan", "fit"})
    assert words_of(facts)["fit"] == "failed: It is too dark."
    facts = replace(facts, running="fit", share=0.417, running_words="fitting the body")
    assert words_of(facts)["fit"] == "running 41 %: fitting the body"


def test_an_export_of_an_earlier_twin_is_out_of_date() -> None:
    done = states(scan="done", fit="done", twin="done")
    facts = step_words.Facts(done, exported="/tmp/a.glb", is_exported_current=False)
    assert words_of(facts)["export"] == "out of date: the twin has changed; run it again"


@pytest.mark.parametrize(
    ("mean", "word"), [(0.4, "good"), (1.9, "good"), (3.0, "fair"), (5.9, "fair"), (6.1, "poor")]
)
def test_the_distance_to_the_scan_is_graded_by_what_the_fit_accepts(mean: float, word: str) -> None:
    assert FitOptions().max_surface_mean_mm == 6.0
    lines = step_words.quality_lines("fit", fit_values(surface_mean_mm=mean))
    assert lines[0] == f"Surface {mean:.1f} mm from the scan on average: {word}"


@pytest.mark.parametrize(("share", "word"), [(0.93, "good"), (0.6, "fair"), (0.3, "poor")])
def test_coverage_is_graded(share: float, word: str) -> None:
    lines = step_words.quality_lines("fit", fit_values(coverage=share))
    assert lines[1] == f"Scan data for {round(100 * share)} % of the body: {word}"


def test_what_a_person_corrected_is_said() -> None:
    values = {**fit_values(), "placed": {"left_wrist": [0, 0, 0]}, "pinned": ["head", "neck"]}
    assert "By hand: 1 landmarks placed, 2 regions pinned" in step_words.quality_lines("fit", values)


def test_a_share_is_rounded_down_so_that_all_means_all() -> None:
    assert [step_words.percent(share) for share in (0.0, 0.29, 0.999, 1.0)] == [
        "0 %",
        "29 %",
        "99 %",
        "100 %",
    ]


@pytest.mark.parametrize("values", [{}, {"quality": None}, {"quality": {"surface_mean_mm": "near"}}])
def test_values_of_another_version_are_told_and_not_guessed(values: dict[str, Any]) -> None:
    assert step_words.quality_lines("fit", values) == [
        "Its quality cannot be read: it was made by another version."
    ]


def test_options_of_the_command_line_are_called_as_in_the_panel() -> None:
    said = "Give it with --controller-key, or use --accept-quality; leave --up out, not --upper."
    assert step_words.in_panel_words(said) == (
        "Give it with the field 'Controller's key', or use 'Accept the quality'; leave the field 'Up' out, "
        "not --upper."
    )


def test_a_sentence_is_cut_into_lines_without_losing_a_word() -> None:
    text = (
        "The working folder /a/very/long/path/that/has/no/blank/in/it/at/all is gone; import the scan again."
    )
    lines = step_words.wrapped(text, 30)
    assert max(map(len, lines)) <= 30
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert step_words.wrapped("", 30) == [""]


def test_a_fit_below_the_quality_is_known_without_asking_again() -> None:
    assert step_words.is_acceptable({})
    poor = {"fit": StepState("done", values=fit_values(acceptable=False))}
    assert not step_words.is_acceptable(poor)
