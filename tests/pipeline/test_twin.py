"""Several twins of one fit: what they share, what each is asked anew, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.capture import read_scan
from bodyscan.consent import Purpose, Use, verify_content
from bodyscan.consent.content import content_of
from bodyscan.consent.demo import make_demo_consent
from bodyscan.errors import ConsentError, InputError
from bodyscan.fit import FitLevel, FitOptions
from bodyscan.pipeline import FittedPerson, PipelineOptions, fit_scan, scan_to_twin, twin_of_fit
from bodyscan.rig.options import RigOptions
from bodyscan.texture.options import TextureOptions
from bodyscan.twin.levels import LevelOptions
from bodyscan.types import Capture
from render.shapes import made_twin

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DEMO = make_demo_consent("Alba")
ABOUT: dict[str, Any] = {"consent": DEMO.text, "use": Use(Purpose.MAKE_TWIN), "now": NOW}
SIGNED: dict[str, Any] = ABOUT | {"controller_key": DEMO.controller_key}


def stick_fit(options: PipelineOptions | None = None) -> FittedPerson:
    """A fit that is refused before anything of it is looked at."""
    scan, fit, _ = made_twin()
    capture = Capture(scan.mesh)
    model = load_body_model("adult")
    return FittedPerson(capture, scan, fit, model, (), None, options or PipelineOptions(), ())


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"texture": TextureOptions(size=1024)}, "texture"),
        ({"surface": "skin"}, "surface"),
        ({"bake_textures": False}, "bake_textures"),
        ({"fit": FitOptions(detail=False)}, "fit"),
    ],
)
def test_options_that_the_fit_was_not_made_with_are_refused(change, name):
    with pytest.raises(InputError, match=f"The option '{name}' differs from the one that the scan"):
        twin_of_fit(stick_fit(), **SIGNED, options=replace(PipelineOptions(), **change))


def test_a_consent_that_ended_since_the_fit_is_refused():
    late: dict[str, Any] = SIGNED | {"now": NOW + timedelta(days=365 * 120)}
    with pytest.raises(ConsentError, match="The consent is expired"):
        twin_of_fit(stick_fit(), **late)
    training: dict[str, Any] = SIGNED | {"use": Use(Purpose.AI_TRAINING)}
    with pytest.raises(ConsentError, match="does not allow AI training"):
        twin_of_fit(stick_fit(), **training)


def test_without_a_key_no_twin_is_made_and_no_scan_is_fitted():
    nothing = Capture(made_twin()[0].mesh)
    for make in (
        lambda: twin_of_fit(stick_fit(), **ABOUT, controller_key=None),
        lambda: scan_to_twin(nothing, **ABOUT, controller_key=None),
    ):
        with pytest.raises(ConsentError, match="There is no key to bind the consent to this geometry"):
            make()


def test_a_scan_is_not_fitted_without_a_consent():
    nothing = Capture(made_twin()[0].mesh)
    unsigned: dict[str, Any] = ABOUT | {"consent": None}
    with pytest.raises(ConsentError, match="no consent record"):
        fit_scan(nothing, **unsigned)


def test_a_face_that_a_scans_surface_does_not_have_is_refused_before_the_fit():
    nothing = Capture(made_twin()[0].mesh)
    options = PipelineOptions(surface="scan")
    with pytest.raises(InputError, match="has no face; leave the expressions out"):
        scan_to_twin(nothing, **SIGNED, options=options, expressions={"smile": nothing})


@pytest.mark.slow
def test_two_twins_of_one_fit_share_it_and_stand_each_in_their_own_pose(sample_scans):
    told: list[str] = []

    def on_stage(event: Any) -> None:
        if event.state == "done":
            told.append(event.stage)

    level = FitLevel(1000, (0.06, 0.03), 4, 0, fingers=False, steps=2, landmark_weight=1.0)
    options = PipelineOptions(
        fit=FitOptions(detail=False, levels=(level,)),
        texture=TextureOptions(size=1024),
        levels=LevelOptions(count=0),
        collision_body=False,
        accept_quality=True,
    )
    capture = read_scan(sample_scans / "child.glb")
    fitted = fit_scan(capture, **ABOUT, options=options, on_stage=on_stage)
    assert told == ["reconstruct", "fit", "measure", "texture"]
    first = twin_of_fit(fitted, **SIGNED, on_stage=on_stage)
    other = replace(options, rig=RigOptions(pose="t", joints="full"))
    second = twin_of_fit(fitted, **SIGNED, options=other, on_stage=on_stage)
    assert told[4:] == ["rig", "levels", "twin"] * 2
    assert (first.twin.pose, second.twin.pose) == ("captured", "t")
    assert second.twin.textures is first.twin.textures is fitted.textures
    assert second.twin.measurements == first.twin.measurements
    steps = [step.stage for step in second.twin.provenance.steps]
    assert steps == ["reconstruct", "fit", "measure", "texture", "rig", "levels"]
    seals = set()
    for made in (first.twin, second.twin):
        content = content_of(made.rig, made.morphs, made.textures)
        assert verify_content(made.consent, content, now=NOW, use=ABOUT["use"]).ok
        seals.add(made.consent)
    assert len(seals) == 2
