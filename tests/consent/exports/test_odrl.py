"""The ODRL policy of a record permits what the record allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.exports import odrl_policy
from bodyscan.consent.exports.odrl_terms import CONTEXT, ODRL, TERMS
from bodyscan.consent.policy import Use, coverage_gap, term_gap
from bodyscan.consent.record import ConsentRecord, Medium, Modification, Purpose
from consent.exports.evaluate import permitted, request
from consent.exports.records import near, records, uses
from consent.lint.fair import fair_child, fair_record
from consent.people import NOW

SEEN = Use(Purpose.VIRTUAL_TRY_ON, "DE", Medium.WEB, NOW, None, "spring collection")


def allows(record: ConsentRecord, use: Use) -> bool:
    assert use.when is not None
    return coverage_gap(record, use) is None and term_gap(record, use.when) is None


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "@context":
                yield key
                yield from keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)


@settings(max_examples=80, deadline=None)
@given(records(), uses())
def test_a_policy_permits_what_the_record_allows_and_nothing_else(record: ConsentRecord, use: Use):
    assert permitted(odrl_policy(record, agreed=True), *request(use)) == allows(record, use)


@settings(max_examples=120, deadline=None)
@given(st.data(), records())
def test_one_fact_decides_alike(data: st.DataObject, record: ConsentRecord):
    use = data.draw(near(record))
    assert permitted(odrl_policy(record, agreed=True), *request(use)) == allows(record, use)


@settings(max_examples=50, deadline=None)
@given(records(), uses())
def test_a_policy_permits_nothing_that_the_record_leaves_open(record: ConsentRecord, use: Use):
    policy = odrl_policy(record, agreed=True)
    for missing in ({"territory": None}, {"medium": None}, {"product_line": None}, {"licensee": None}):
        vague = replace(use, **missing)
        assert allows(record, vague) or not permitted(policy, *request(vague))


@pytest.mark.parametrize(("redistribution", "strangers"), [("licensees", False), ("anyone", True)])
def test_a_file_goes_to_those_whom_the_record_names(redistribution: str, strangers: bool):
    record = fair_record(scope__redistribution=redistribution, scope__purposes=["export"])
    for receiver, allowed in (("Atelier", True), ("Shop", True), ("Stranger", strangers)):
        use = replace(SEEN, purpose=Purpose.EXPORT, licensee=receiver)
        assert permitted(odrl_policy(record, agreed=True), *request(use)) is allowed
        assert allows(record, use) is allowed


@settings(max_examples=50, deadline=None)
@given(records())
def test_each_kind_of_change_is_permitted_or_prohibited(record: ConsentRecord):
    policy = odrl_policy(record, agreed=True)
    kinds = list(Modification)
    for number, kind in enumerate(kinds[1:], start=1):
        facts = {"purpose": {f"urn:bodyscan:modification:{kind}"}, "dateTime": record.term.not_before}
        allowed = number <= kinds.index(record.scope.modification)
        action = "transform" if kind is Modification.FORMAT else "modify"
        assert permitted(policy, action, "Atelier", facts) is allowed


@pytest.mark.parametrize(
    ("redistribution", "allowed"),
    [("none", set()), ("licensees", {"Atelier", "Shop"}), ("anyone", {"Atelier", "Shop", "Stranger"})],
)
def test_who_may_be_granted_a_use_follows_the_redistribution(redistribution: str, allowed: set[str]):
    purposes = ["make_twin"] if redistribution == "none" else ["make_twin", "export"]
    record = fair_record(scope__redistribution=redistribution, scope__purposes=purposes)
    policy = odrl_policy(record, agreed=True)
    for receiver in ("Atelier", "Shop", "Stranger"):
        facts = {"recipient": receiver, "dateTime": NOW}
        assert permitted(policy, "grantUse", "Atelier", facts) is (receiver in allowed)


@settings(max_examples=50, deadline=None)
@given(records())
def test_every_key_has_a_meaning_in_the_context(record: ConsentRecord):
    policy = odrl_policy(record, agreed=False)
    assert set(keys(policy)) <= set(CONTEXT) | {"@id", "@value", "@type", "@list"}
    json.dumps(policy, allow_nan=False)


def test_the_examples_of_the_law_are_of_both_kinds():
    assert permitted(odrl_policy(fair_record(), agreed=True), *request(SEEN))
    assert not permitted(odrl_policy(fair_record(), agreed=True), *request(replace(SEEN, territory="FR")))


def test_signed_by_all_it_is_an_agreement_else_an_offer():
    assert odrl_policy(fair_record(), agreed=True)["type"] == "Agreement"
    assert odrl_policy(fair_record(), agreed=False)["type"] == "Offer"


def test_nothing_is_fetched_to_read_it():
    context = odrl_policy(fair_record(), agreed=True)["@context"]
    assert context["odrl"] == ODRL
    assert not any(key == "@import" for key in context)
    assert isinstance(context, dict)


def test_it_names_the_parties():
    policy = odrl_policy(fair_record(), agreed=True)
    assert policy["assigner"]["title"] == "Anna 7"
    assert [party["title"] for party in policy["assignee"]] == ["Atelier", "Shop"]
    assert policy["uid"] == "urn:uuid:00000000-0000-4000-8000-000000000001"


def test_a_guardian_assigns_for_a_child_until_it_comes_of_age():
    policy = odrl_policy(fair_child(subject__adult_from="2026-09-01T00:00:00Z"), agreed=True)
    assert policy["assigner"]["title"] == "M. Example, for Anna 7"
    assert policy["permission"][0]["constraint"][-1]["rightOperand"]["@value"] == "2026-09-01T00:00:00Z"


def test_ai_training_is_prohibited_unless_said():
    def rules(name: str, **ai: bool) -> list[str]:
        policy = odrl_policy(fair_record(ai=ai), agreed=True)
        return [
            iri for iri in json.dumps(policy[name]).split('"') if iri.startswith("urn:bodyscan:purpose:ai")
        ]

    assert "urn:bodyscan:purpose:ai_training" in rules("prohibition")
    assert rules("permission") == []
    assert rules("permission", training=True) == ["urn:bodyscan:purpose:ai_training"]
    assert "urn:bodyscan:purpose:ai_training" not in rules("prohibition", training=True)


def duty(record: ConsentRecord, action: str) -> dict[str, Any]:
    duties = odrl_policy(record, agreed=True)["permission"][1]["duty"]
    (found,) = [item for item in duties if _action(item) == action]
    return found


def _action(item: dict[str, Any]) -> str:
    action = item["action"]
    return action if isinstance(action, str) else action["value"]["@id"].removeprefix("odrl:")


def test_pay_is_a_duty_to_compensate():
    owed = duty(fair_record(), "compensate")
    amount, unit = owed["action"]["refinement"]
    assert amount == {
        "leftOperand": "payAmount",
        "operator": "eq",
        "rightOperand": {"@value": "12.50", "@type": "xsd:decimal"},
        "unit": "http://publications.europa.eu/resource/authority/currency/EUR",
    }
    assert unit["rightOperand"] == {"@id": "urn:bodyscan:pay-unit:use"}
    assert owed["compensatedParty"] == "urn:bodyscan:subject:00000000-0000-4000-8000-000000000001"
    assert owed["constraint"][0]["rightOperand"]["@value"] == "P30D"


def test_a_share_is_a_percentage():
    share = {"kind": "share", "share_percent": "7.5", "due_days": 30, "account": "ref-77"}
    (refinement,) = duty(fair_record(pay=share), "compensate")["action"]["refinement"]
    assert refinement["leftOperand"] == "percentage"
    assert refinement["rightOperand"]["@value"] == "7.5"


def test_an_unpaid_record_has_no_duty_to_compensate():
    actions = {
        _action(item)
        for item in odrl_policy(fair_record(pay={"kind": "unpaid"}), agreed=True)["permission"][1]["duty"]
    }
    assert actions == {"attribute", "annotate", "reviewPolicy"}


def test_the_label_and_the_source_type_are_duties():
    assert duty(fair_record(), "attribute")["target"]["title"] == "Synthetic · digital twin"
    target = duty(fair_record(), "annotate")["target"]
    assert target == "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"


def test_the_status_lists_are_looked_at_before_a_use():
    assert duty(fair_record(), "reviewPolicy")["target"] == [
        "https://lists.example.org/revoked",
        "https://lists.example.org/suspended",
    ]


def test_the_data_are_deleted():
    (obligation,) = odrl_policy(fair_record(), agreed=True)["obligation"]
    assert obligation["action"] == "delete"
    assert obligation["constraint"][0]["rightOperand"]["@value"] == "2028-01-01T00:00:00Z"


def test_exclusivity_binds_the_person():
    for kind, first in (("full", "dateTime"), ("product_lines", "product")):
        _, promise = odrl_policy(fair_record(scope__exclusivity=kind), agreed=True)["obligation"]
        assert promise["action"] == "ensureExclusivity"
        assert promise["assignee"].startswith("urn:bodyscan:subject:")
        assert promise["constraint"][0]["leftOperand"] == first


def test_sample_data_say_so():
    policy = odrl_policy(fair_record(demo=True, subject__pseudonym="DEMO Anna"), agreed=True)
    assert "DEMO" in policy["title"]


def test_the_terms_are_those_of_the_standard():
    rdflib = pytest.importorskip("rdflib", reason="the ODRL 2.2 vocabulary comes with rdflib")
    known = {str(term).removeprefix(ODRL) for term in dir(rdflib.namespace.ODRL2)}
    assert len(known) > 150
    used = {value["@id"] if isinstance(value, dict) else value for value in CONTEXT.values()}
    odrl = {term.removeprefix("odrl:") for term in used if term.startswith("odrl:")}
    # `or` is a word of Python, so rdflib's list cannot hold it; it is an operand of logical constraints.
    assert odrl - {"or"} <= known
    assert set(TERMS) <= odrl


@settings(max_examples=20, deadline=None)
@given(records())
def test_it_expands_to_the_triples_that_it_says(record: ConsentRecord):
    rdflib = pytest.importorskip("rdflib", reason="expands JSON-LD")
    policy = odrl_policy(record, agreed=True)
    graph = rdflib.Graph().parse(data=json.dumps(policy), format="json-ld")
    odrl = rdflib.Namespace(ODRL)
    uid = rdflib.URIRef(policy["uid"])
    assert (uid, rdflib.RDF.type, odrl.Agreement) in graph
    assert (uid, odrl.conflict, odrl.prohibit) in graph
    for name in ("permission", "prohibition", "obligation", "assignee"):
        assert len(list(graph.objects(uid, odrl[name]))) == len(policy[name])
    actions = {str(action) for action in graph.objects(None, odrl.action)}
    plain = {action for action in actions if action.startswith(ODRL)}
    assert plain == {
        ODRL + rule["action"] for name in ("permission", "prohibition", "obligation") for rule in policy[name]
    } | {
        ODRL + _action(item)
        for rule in policy["permission"]
        for item in rule.get("duty", [])
        if isinstance(item["action"], str)
    }
    for operand in (*graph.objects(None, odrl.leftOperand), *graph.objects(None, odrl.operator)):
        assert str(operand).startswith(ODRL)
    times = [v for v in graph.objects(None, odrl.rightOperand) if getattr(v, "datatype", None)]
    assert times
