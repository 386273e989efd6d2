from __future__ import annotations

import re

import pytest

from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.record import AiTerms, ConsentRecord
from bodyscan.gltf.metadata import xmp_packet
from bodyscan.gltf.rights import PLUS_VOCABULARY, data_mining, rights_terms

RECORD = make_demo_consent("Alba").record


def changed(**fields) -> ConsentRecord:
    return RECORD.model_copy(update=fields)


def test_the_packet_holds_the_text_and_every_prefix_that_it_uses():
    demo = make_demo_consent("Alba")
    packet = xmp_packet(demo.text, "bodyscan test")
    assert packet["bodyscan:consent"] == demo.text
    assert packet["xmp:CreatorTool"] == "bodyscan test"
    prefixes = {key.split(":")[0] for key in packet if ":" in key}
    assert prefixes <= set(packet["@context"])
    assert len(set(packet["@context"].values())) == len(packet["@context"])  # no aliases


def test_a_text_that_is_no_sound_record_says_nothing():
    packet = xmp_packet('{"who": "anybody"}', "bodyscan test")
    assert packet["bodyscan:consent"] == '{"who": "anybody"}'
    assert not any(key.startswith(("plus:", "dcterms:", "xmpRights:")) for key in packet)


def test_rights_follow_the_record():
    terms = rights_terms(RECORD)
    assert terms["dcterms:rightsHolder"] == "DEMO Alba"
    assert terms["xmpRights:Marked"] is True
    assert terms["plus:ModelReleaseID"] == {"@set": [RECORD.record_id]}
    assert terms["plus:LicenseEndDate"] == "2125-01-01T00:00:00Z"
    assert terms["dcterms:valid"] == "start=2025-01-01T00:00:00Z; end=2125-01-01T00:00:00Z; scheme=W3C-DTF"
    assert "revoke@example.org" in terms["xmpRights:UsageTerms"]["rdf:_1"]["@value"]
    assert terms["Iptc4xmpExt:DigitalSourceType"].endswith("/digitalsourcetype/compositeSynthetic")


def test_arrays_are_sets_or_lists_as_the_extension_wants_them():
    def arrays(value, parent=""):
        if isinstance(value, list):
            assert parent in ("@set", "@list")
        if isinstance(value, dict):
            for key, item in value.items():
                arrays(item, key)

    arrays(rights_terms(RECORD))


def test_controlled_values_lie_in_the_vocabulary():
    values = [
        v for v in rights_terms(RECORD).values() if isinstance(v, str) and v.startswith(PLUS_VOCABULARY)
    ]
    assert len(values) == 2
    assert all(re.fullmatch(r"[A-Z]{2,3}(-[A-Z]+)+", value.removeprefix(PLUS_VOCABULARY)) for value in values)


def test_only_a_demo_person_needs_no_release():
    assert rights_terms(RECORD)["plus:ModelReleaseStatus"].endswith("MR-NAP")
    assert rights_terms(changed(demo=False))["plus:ModelReleaseStatus"].endswith("MR-LMR")


def test_a_child_s_age_is_told_to_be_unknown_and_an_adult_s_is_left_out():
    assert "plus:MinorModelAgeDisclosure" not in rights_terms(RECORD)
    child = rights_terms(make_demo_consent("Ben", minor=True).record)
    assert child["plus:MinorModelAgeDisclosure"] == f"{PLUS_VOCABULARY}AG-UNK"


@pytest.mark.parametrize(
    ("ai", "term"),
    [
        (AiTerms(), "DMI-PROHIBITED"),
        (AiTerms(training=True, mining=True, inference=True, generation=True), "DMI-ALLOWED"),
        (AiTerms(mining=True, inference=True), "DMI-PROHIBITED-AIMLTRAINING"),
        (AiTerms(training=True, mining=True, inference=True), "DMI-PROHIBITED-GENAIMLTRAINING"),
        (AiTerms(inference=True), "DMI-PROHIBITED-SEECONSTRAINT"),
    ],
)
def test_data_mining_follows_the_ai_terms(ai, term):
    assert data_mining(ai) == term
    terms = rights_terms(changed(ai=ai))
    said = terms["plus:OtherConstraints"]["rdf:_1"]["@value"]
    assert ("inference allowed" in said) == ai.inference
    assert ("training allowed" in said) == ai.training
