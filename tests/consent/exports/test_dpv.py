"""The DPV record of a record has the fields of ISO/IEC TS 27560 and terms that exist."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from bodyscan.consent.exports import dpv_receipt, dpv_record
from bodyscan.consent.exports.dpv import BASES, CONTEXT, PURPOSES
from bodyscan.consent.record import AI_PURPOSES, ConsentRecord, LawfulBasis, Purpose
from bodyscan.errors import InputError
from consent.exports.records import records
from consent.lint.fair import fair_child, fair_record
from consent.people import NOW

DPV = "https://w3id.org/dpv#"
GDPR_TERMS = {"A6-1-a", "A6-1-b-contract-performance", "A7-3", "A9-2-a", "A17"}
"""Terms of EU-GDPR 2.2 (modules legal_basis, legal_basis_special, rights) that are used."""


def strings(value: Any) -> Iterator[str]:
    """Yield every key and text of JSON values, the context left out."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "@context":
                yield key
                yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def terms(value: Any, prefix: str) -> set[str]:
    return {text.removeprefix(prefix) for text in strings(value) if text.startswith(prefix)}


def purposes(process: dict[str, Any]) -> list[str]:
    return [item["dpv:hasPurpose"]["@id"] for item in process["dpv:hasProcess"]]


@settings(max_examples=60, deadline=None)
@given(records())
def test_it_has_the_mandatory_fields(record: ConsentRecord):
    node = dpv_record(record, agreed=True)
    assert node["@type"] == "dpv:ConsentRecord"
    assert node["dct:identifier"] == record.record_id
    assert node["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#record"
    assert node["dpv:hasDataSubject"]["dct:identifier"] == record.subject.pseudonym
    assert node["dpv:hasDataController"]["dpv:hasName"] == record.controller.name
    assert node["dpv:hasDataController"]["dpv:hasContact"] == record.controller.contact
    assert len(node["dpv:hasJurisdiction"]) == len(record.scope.territories)
    assert node["dpv:hasConsentControl"]["dpv:isExercisedAt"] == record.withdrawal.address
    assert ("dpv:hasNotice" in node) is (record.notice is not None)
    process = node["dpv:hasProcess"]
    assert len(process["dpv:hasPersonalData"]) == len(record.data.categories)
    kinds = [condition["@type"] for condition in process["dpv:hasStorageCondition"]]
    assert kinds == ["dpv:StorageLocation", "dpv:StorageDuration", "dpv:StorageDeletion"]
    assert len(process.get("dpv:hasRecipient", [])) == len(record.licensees)
    (event,) = node["dpv:hasConsentStatus"]
    assert event["dpv:isIndicatedAtTime"]
    assert event["dct:valid"] == "2026-01-01T00:00:00Z/2027-01-01T00:00:00Z"


@settings(max_examples=60, deadline=None)
@given(records())
def test_each_purpose_is_a_process_or_a_prohibition(record: ConsentRecord):
    node = dpv_record(record, agreed=True)
    allowed = set(purposes(node["dpv:hasProcess"]))
    denied = {item["dpv:hasPurpose"]["@id"] for item in node["dpv:hasProhibition"]}
    ai = {purpose for purpose, field in AI_PURPOSES.items() if getattr(record.ai, field)}
    assert allowed == {f"urn:bodyscan:purpose:{purpose}" for purpose in {*record.scope.purposes, *ai}}
    assert denied == {f"urn:bodyscan:purpose:{purpose}" for purpose in set(AI_PURPOSES) - ai}


def test_signed_by_all_consent_is_given_else_requested():
    for agreed, status in ((True, "dpv:ConsentGiven"), (False, "dpv:ConsentRequested")):
        (event,) = dpv_record(fair_record(), agreed=agreed)["dpv:hasConsentStatus"]
        assert event["@type"] == [status, "dpv:ExplicitlyExpressedConsent"]


def test_a_contract_is_no_kind_of_consent():
    node = dpv_record(fair_record(data__lawful_basis="contract"), agreed=True)
    assert node["dpv:hasLegalBasis"] == ["dpv:ContractPerformance", "eu-gdpr:A6-1-b-contract-performance"]
    assert node["dpv:hasConsentStatus"][0]["@type"] == ["dpv:ConsentGiven"]


def test_a_child_has_a_guardian_who_signs():
    node = dpv_record(fair_child(), agreed=True)
    subject = node["dpv:hasDataSubject"]
    assert subject["@type"] == ["dpv:DataSubject", "dpv:Child"]
    guardian = subject["dpv:hasRepresentative"]
    assert guardian["dpv:hasName"] == "M. Example"
    assert node["dpv:hasConsentStatus"][0]["dpv:isIndicatedBy"] == guardian["@id"]


def test_the_notice_is_named_with_its_digest_and_language():
    notice = dpv_record(fair_record(), agreed=True)["dpv:hasNotice"]
    assert notice["@id"] == "https://atelier.example.org/notice"
    assert notice["dct:identifier"] == "sha256:" + "ab" * 32
    assert notice["dct:language"] == "en"


def test_places_are_countries_regions_or_the_world():
    def places(*codes: str) -> list[dict[str, Any]]:
        return dpv_record(fair_record(scope__territories=list(codes)), agreed=True)["dpv:hasJurisdiction"]

    assert places("DE", "US-CA", "XK") == [
        {"@id": "loc:DE", "@type": "dpv:Country", "dct:identifier": "DE"},
        {"@type": "dpv:Region", "dct:identifier": "US-CA", "skos:broader": "loc:US"},
        {"@type": "dpv:Location", "dct:identifier": "XK"},
    ]
    assert places("worldwide") == [{"@type": "dpv:Location", "dct:identifier": "worldwide"}]


def test_erasure_is_a_right_where_a_withdrawal_deletes():
    def rights(effect: str) -> list[str]:
        node = dpv_record(fair_record(withdrawal__effect=effect), agreed=True)
        return [right["@type"][1] for right in node["dpv:hasRight"]]

    assert rights("stop_and_delete") == ["eu-gdpr:A7-3", "eu-gdpr:A17"]
    assert rights("stop_all_uses") == ["eu-gdpr:A7-3"]


def test_a_receipt_holds_the_record_and_an_identifier_of_its_own():
    receipt = dpv_receipt(fair_record(), agreed=True, now=NOW)
    assert receipt["@type"] == "dpv:ConsentReceipt"
    assert receipt["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560"
    assert receipt["dct:created"] == "2026-06-01T00:00:00Z"
    (inside,) = receipt["dpv:hasRecordOfActivity"]
    assert {"@context": CONTEXT, **inside} == dpv_record(fair_record(), agreed=True)
    assert uuid.UUID(receipt["dpv:hasIdentifier"]) != uuid.UUID(fair_record().record_id)


def test_a_receipt_of_the_same_moment_is_the_same():
    first, again = (dpv_receipt(fair_record(), agreed=True, now=NOW) for _ in range(2))
    later = dpv_receipt(fair_record(), agreed=True, now=NOW + timedelta(seconds=1))
    assert first == again
    assert first["@id"] != later["@id"]


def test_a_receipt_needs_utc():
    with pytest.raises(InputError, match="now must be a time in UTC"):
        dpv_receipt(fair_record(), agreed=True, now=NOW.replace(tzinfo=None))


def test_every_purpose_and_basis_has_a_term():
    assert set(PURPOSES) == set(Purpose)
    assert set(BASES) == set(LawfulBasis)


@settings(max_examples=60, deadline=None)
@given(records())
def test_every_prefix_is_in_the_context(record: ConsentRecord):
    node = dpv_record(record, agreed=True)
    for key in (text for text in strings(node) if text.split(":")[0] in CONTEXT):
        assert isinstance(CONTEXT[key.split(":")[0]], str)
    json.dumps(node, allow_nan=False)
    assert terms(node, "eu-gdpr:") <= GDPR_TERMS


@settings(max_examples=60, deadline=None)
@given(records())
def test_the_terms_are_those_of_dpv_2_3(record: ConsentRecord):
    core = pytest.importorskip("stav.vocab.dpv", reason="the DPV 2.3 vocabulary comes with stav")
    ai = pytest.importorskip("stav.vocab.dpv.ai", reason="the DPV 2.3 vocabulary comes with stav")
    node = dpv_record(record, agreed=True)
    used = terms(node, "dpv:") | terms(CONTEXT, "dpv:")
    known = {value for value in vars(core).values() if isinstance(value, str) and value.startswith(DPV)}
    assert len(known) > 1000
    assert {DPV + term for term in used if term} <= known
    assert {f"https://w3id.org/dpv/ai#{term}" for term in terms(node, "ai:")} <= set(
        value for value in vars(ai).values() if isinstance(value, str)
    )


@settings(max_examples=20, deadline=None)
@given(records())
def test_it_expands_to_the_triples_that_it_says(record: ConsentRecord):
    rdflib = pytest.importorskip("rdflib", reason="expands JSON-LD")
    receipt = dpv_receipt(record, agreed=True, now=NOW)
    graph = rdflib.Graph().parse(data=json.dumps(receipt), format="json-ld")
    dpv = rdflib.Namespace(DPV)
    (found,) = graph.objects(rdflib.URIRef(receipt["@id"]), dpv.hasRecordOfActivity)
    assert found == rdflib.URIRef(f"urn:uuid:{record.record_id}")
    assert (found, rdflib.RDF.type, dpv.ConsentRecord) in graph
    assert {str(item).split("#")[-1].split(":")[-1] for item in graph.objects(found, dpv.hasLegalBasis)} == {
        term.split(":")[1] for term in BASES[record.data.lawful_basis]
    }
    (process,) = graph.objects(found, dpv.hasProcess)
    inner = list(graph.objects(process, dpv.hasProcess))
    ai = sum(getattr(record.ai, field) for field in AI_PURPOSES.values())
    assert len(inner) == len(record.scope.purposes) + ai
    for item in inner:
        (purpose,) = graph.objects(item, dpv.hasPurpose)
        (broader,) = graph.objects(purpose, rdflib.SKOS.broader)
        assert str(broader).startswith(DPV)
    predicates = {str(predicate) for predicate in graph.predicates()}
    assert not any(predicate.startswith(("dpv:", "dct:", "skos:", "file:")) for predicate in predicates)
