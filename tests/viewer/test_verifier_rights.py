from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.record import ConsentRecord, record_from_values
from bodyscan.consent.sign import sign_record
from bodyscan.gltf import twin_to_glb
from bodyscan.gltf.rights import PLUS_VOCABULARY, SOMETIMES, contradictions, rights_terms
from consent.people import MOTHER, NOW, STUDIO, changed, child_values, record, signed
from gltf.shapes import small_twin
from viewer.agree import agreed
from viewer.bodies import bound, bound_text, edited, plain_twin
from viewer.node import call, job, judge

pytestmark = pytest.mark.node

NOTICE = {
    "address": "https://atelier.example.org/notice",
    "sha256": "0" * 64,
    "language": "de",
    "given_at": "2025-12-01T00:00:00Z",
}
CHANGES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "notice": {"notice": NOTICE},
    "product lines": {"scope__product_lines": ["Spring", "Łódź 2026"]},
    "nothing prohibited": {"scope__prohibited_uses": []},
    "no licensees": {"licensees": []},
    "two licensees": {"licensees": [{"name": "Shop"}, {"name": "東京 Press"}]},
    "worldwide": {"scope__territories": ["worldwide"], "scope__media": ["all"]},
    "exported": {
        "scope__purposes": ["export", "make_twin"],
        "scope__redistribution": "licensees",
        "scope__modification": "garments",
    },
    "a label of its own": {
        "disclosure": {"label": 'A "digital" twin \\ 1', "source_type": "digitalCreation"}
    },
    "letters of many scripts": {"subject__pseudonym": "Łukasz 東京 \U0001f600"},
    "an early year": {"term__not_before": "0999-01-01T00:00:00Z"},
    "no list but an address": {"withdrawal__address": "https://atelier.example.org/stop"},
}


def records() -> dict[str, ConsentRecord]:
    """Return name -> record: what each part of the terms depends on."""
    found = {name: record_from_values(changed(**changes)) for name, changes in CHANGES.items()}
    for allowed in product((False, True), repeat=4):
        names = ("training", "mining", "inference", "generation")
        found[f"AI {allowed}"] = record(ai=dict(zip(names, allowed, strict=True)))
    found["a child"] = record_from_values(child_values())
    found["a child with a notice"] = record_from_values({**child_values(), "notice": NOTICE})
    found["a demo"] = make_demo_consent("Alba").record
    found["a demo child"] = make_demo_consent("Ben", minor=True).record
    return found


def as_read(one: ConsentRecord) -> Any:
    """Return a record as the page reads it from the signed bytes."""
    return json.loads(one.canonical_json())


def test_the_terms_are_the_packages():
    known = records()
    expected = {name: rights_terms(one) for name, one in known.items()}
    found = call("rights.js", "rightsTerms", *[[as_read(one)] for one in known.values()])
    assert {name: result.get("value") for name, result in zip(known, found, strict=True)} == expected
    assert set(SOMETIMES) <= {term for terms in expected.values() for term in terms}
    assert len({terms["plus:DataMining"] for terms in expected.values()}) == 5


def packets(one: ConsentRecord) -> list[dict[str, Any]]:
    """Return packets for a record: terms left out, exchanged, of another kind, unknown ones."""
    terms = rights_terms(one)
    made = [
        {},
        terms,
        {"plus:CopyrightStatus": "x", "dc:format": "y", "toString": 1, "bodyscan:consent": "z"},
    ]
    for name in (*terms, *SOMETIMES):
        made.append({key: value for key, value in terms.items() if key != name})
        odd = (
            None,
            "",
            "x",
            0,
            1,
            1.5,
            True,
            False,
            [],
            {},
            [terms.get(name)],
            {"@set": []},
            {"@list": ["x"]},
        )
        made += [{**terms, name: value} for value in odd]
        if isinstance(value := terms.get(name), dict):
            made += [
                {name: {**value, "more": 1}},
                {name: dict(list(value.items())[::-1])},
                {name: dict(list(value.items())[1:])},
                {name: {f"{key}x": item for key, item in value.items()}},
            ]
    return made


def test_a_packet_contradicts_for_both_or_for_none():
    jobs = [
        (packet, one)
        for one in (record(), record(notice=NOTICE), record_from_values(child_values()))
        for packet in packets(one)
    ]
    expected = [contradictions(packet, one) for packet, one in jobs]
    found = call("rights.js", "contradictions", *[[packet, as_read(one)] for packet, one in jobs])
    differing = [
        (packet, package, page)
        for (packet, _), package, page in zip(jobs, expected, found, strict=True)
        if page.get("value") != package
    ]
    assert differing == []
    assert [] in expected
    assert set(rights_terms(record(notice=NOTICE))) | set(SOMETIMES) == {
        name for one in expected for name in one
    }


def packet_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the packet of a twin's document that holds its consent."""
    (packet,) = document["extensions"]["KHR_xmp_json_ld"]["packets"]
    assert "bodyscan:consent" in packet
    return packet


def said(**terms: Any) -> Callable[[dict[str, Any]], None]:
    """Return an edit that sets terms, `plus__DataMining`; None takes one out."""

    def edit(document: dict[str, Any]) -> None:
        packet = packet_of(document)
        for name, value in terms.items():
            packet.pop(name.replace("__", ":"), None)
            if value is not None:
                packet[name.replace("__", ":")] = value

    return edit


def turned(document: dict[str, Any]) -> None:
    """Write a term's members in another order."""
    packet = packet_of(document)
    packet["dcterms:rights"] = dict(reversed(packet["dcterms:rights"].items()))


def another_packet(document: dict[str, Any]) -> None:
    """Add a packet of somebody else's, about something else."""
    extension = document["extensions"]["KHR_xmp_json_ld"]
    extension["packets"].append({"@context": packet_of(document)["@context"], **ALLOWED})


def a_second_consent(document: dict[str, Any]) -> None:
    """Add a packet with the same consent and a term that contradicts it."""
    packet = packet_of(document)
    document["extensions"]["KHR_xmp_json_ld"]["packets"].append({**packet, **ALLOWED})


def damaged(document: dict[str, Any]) -> None:
    said(**ALLOWED_TERM)(document)
    document["meshes"][0]["primitives"][0].update(indices=999)


ALLOWED_TERM = {"plus__DataMining": PLUS_VOCABULARY + "DMI-ALLOWED"}
ALLOWED = {"plus:DataMining": PLUS_VOCABULARY + "DMI-ALLOWED"}
HARMLESS: dict[str, Callable[[dict[str, Any]], None]] = {
    "as made": lambda document: None,
    "a term less": said(plus__DataMining=None),
    "a term that is not ours": said(plus__CopyrightStatus=f"{PLUS_VOCABULARY}CS-PRO", dc__format="x"),
    "members in another order": turned,
    "another packet": another_packet,
}
HARMFUL: dict[str, Callable[[dict[str, Any]], None]] = {
    "data mining": said(**ALLOWED_TERM),
    "end": said(plus__LicenseEndDate="2099-01-01T00:00:00Z"),
    "licensees": said(plus__Licensee={"@list": [{"plus:LicenseeName": "Stranger"}]}),
    "other words": said(
        dcterms__rights={
            "@type": "rdf:Alt",
            "rdf:_1": {"@language": "x-default", "@value": "All is allowed."},
        }
    ),
    "an adult's age": said(plus__MinorModelAgeDisclosure=f"{PLUS_VOCABULARY}AG-A25"),
    "a statement elsewhere": said(xmpRights__WebStatement="https://evil.example.org/"),
    "a second consent": a_second_consent,
    "a damaged body too": damaged,
}


def test_terms_beside_the_consent_must_say_what_it_says():
    files = {name: edited(plain_twin(), edit) for name, edit in (HARMLESS | HARMFUL).items()}
    verdicts = agreed({name: (file, NOW) for name, file in files.items()})
    assert {verdicts[name]["decision"] for name in HARMLESS} == {"allow"}
    assert {(verdicts[name]["decision"], verdicts[name]["state"]) for name in HARMFUL} == {
        ("deny", "altered")
    }


def test_the_refusal_names_the_terms():
    (found,) = judge(job(edited(plain_twin(), HARMFUL["data mining"]), NOW))
    assert found["reason"] == (
        "the file's rights terms contradict its consent: plus:DataMining. One of them was exchanged: do not "
        "use the file, ask for it again from its source."
    )
    assert found["kinds"] == ["extension", "xmp", "extras"]
    assert found["geometry"] == "altered"


def test_terms_are_held_against_a_record_that_all_signed():
    def with_text(text: str) -> bytes:
        def edit(document: dict[str, Any]) -> None:
            said(**ALLOWED_TERM, bodyscan__consent=text)(document)
            document["extensions"]["BODYSCAN_consent"]["record"] = text
            document["nodes"][0]["extras"]["bodyscan"]["consent"] = text

        return edited(plain_twin(), edit)

    bundle = json.loads(bound_text())
    bundle["binding"]["signatures"] = []
    texts = {
        "the controller alone": sign_record(record(), controller=STUDIO),
        "no JSON": "{",
        "a record without a body": signed(),
        "a binding that nobody signed": json.dumps(bundle),
    }
    verdicts = agreed({name: (with_text(text), NOW) for name, text in texts.items()})
    assert {name: verdict["state"] for name, verdict in verdicts.items()} == {
        "the controller alone": "stripped",
        "no JSON": "altered",
        # Their records are sound, so that the terms can be held against them.
        "a record without a body": "altered",
        "a binding that nobody signed": "altered",
    }


def test_a_childs_twin_is_judged_by_the_childs_terms():
    text = sign_record(record_from_values(child_values()), controller=STUDIO, guardian=MOTHER)
    twin = bound(small_twin(), text)
    without = edited(twin, said(plus__MinorModelAgeDisclosure=None))
    older = edited(twin, said(plus__MinorModelAgeDisclosure=f"{PLUS_VOCABULARY}AG-A25"))
    files = {"as made": twin_to_glb(twin), "no age": without, "another age": older}
    verdicts = agreed({name: (file, NOW) for name, file in files.items()})
    assert [verdict["decision"] for verdict in verdicts.values()] == ["allow", "allow", "deny"]
