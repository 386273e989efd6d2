from __future__ import annotations

from dataclasses import replace

from bodyscan.consent.certificates import SigningIdentity
from bodyscan.mark.c2pa_consent import C2paConsent
from bodyscan.mark.c2pa_manifest import C2paVerdict
from consent.authority import Certified
from consent.people import record
from mark.c2pa_files import CONSENT, check, glb, sign_anything


def test_closed_terms_are_said_for_machines_and_open_ones_point_to_the_record() -> None:
    def uses(**terms: bool) -> dict[str, str]:
        entries = replace(CONSENT, **terms).assertions()[1]["data"]["entries"]
        return {name.removeprefix("cawg."): entry["use"] for name, entry in entries.items()}

    closed = dict.fromkeys(
        ("ai_training", "ai_generative_training", "ai_inference", "data_mining"), "notAllowed"
    )
    assert uses() == closed
    assert uses(training=True) == {**closed, "ai_training": "constrained"}
    assert uses(generation=True) == closed
    assert uses(inference=True) == {**closed, "ai_inference": "constrained"}
    assert uses(mining=True) == {**closed, "data_mining": "constrained"}
    everything = uses(training=True, mining=True, inference=True, generation=True)
    assert set(everything.values()) == {"constrained"}


def test_the_consent_of_a_record_is_what_the_record_says() -> None:
    given = record(ai={"training": True, "mining": False, "inference": True, "generation": False})
    consent = C2paConsent.of(given, "tri-sha256-v1:00")
    assert (consent.record_id, consent.record_sha256) == (given.record_id, given.sha256())
    assert (consent.training, consent.mining, consent.inference, consent.generation) == (
        True,
        False,
        True,
        False,
    )
    assert consent.geometry == "tri-sha256-v1:00"


def test_assertions_that_contradict_each_other_name_no_consent(
    root: Certified, identity: SigningIdentity
) -> None:
    ours, mining = CONSENT.assertions()
    freer = replace(CONSENT, training=True, generation=True)
    for assertions in (
        [ours],
        [mining],
        [ours, freer.assertions()[1]],
        [freer.assertions()[0], mining],
        [ours, mining, ours],
        [{**ours, "data": {**ours["data"], "more": 1}}, mining],
        [{**ours, "data": {**ours["data"], "training": 0}}, mining],
        [{**ours, "data": {**ours["data"], "record_id": 5}}, mining],
        [{**ours, "data": []}, mining],
    ):
        manifest = sign_anything({"assertions": assertions}, identity)
        assert check(glb(), manifest, root, expected=None).verdict is C2paVerdict.DISAGREES
    assert check(glb(), sign_anything({"assertions": [ours, mining]}, identity), root).ok


def test_a_manifest_that_names_no_consent_disagrees(root: Certified, identity: SigningIdentity) -> None:
    report = check(glb(), sign_anything({}, identity), root, expected=None)
    assert report.verdict is C2paVerdict.DISAGREES
    assert "names no consent" in report.reason
