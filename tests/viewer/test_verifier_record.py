from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bodyscan.consent import Role, Use, strict_json
from bodyscan.consent.keys import b64url_encode
from bodyscan.consent.policy import PRIVATE_PURPOSES
from bodyscan.consent.record import Medium, ProhibitedUse, Purpose
from bodyscan.consent.sign import sign_record
from consent.people import (
    ANNA,
    MOTHER,
    NOW,
    SHOP,
    STRANGER,
    STUDIO,
    changed,
    child_values,
    forge,
    forge_both,
    payload_of,
    record_from_values,
    signed,
    signed_values,
    values,
    with_header,
)
from viewer.agree import agreed
from viewer.node import job, judge

pytestmark = pytest.mark.node

LOW_ORDER = b64url_encode(b"\x01" + bytes(31))
TWO_TORSION = b64url_encode(bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))
SECOND_SPELLING = b64url_encode(
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
)


def as_signed(**changes: Any) -> dict[str, Any]:
    """Return the values that are signed (defaults written out), with deep changes; None removes a field."""
    result = json.loads(payload_of(signed()))
    for place, value in changes.items():
        *groups, name = place.split("__")
        target = result
        for group in groups:
            target = target.setdefault(group, {})
        target.pop(name, None)
        if value is not None:
            target[name] = value
    return result


def forged(**changes: Any) -> str:
    """Return changed values with both right signatures, past every check."""
    return forge_both(strict_json.canonical(as_signed(**changes)))


SOUND: dict[str, Any] = {
    "as it is": {},
    "everything allowed": dict(scope__territories=["worldwide"], scope__media=["all"], ai={
        "training": True, "mining": True, "inference": True, "generation": True}),
    "share": dict(pay={"kind": "share", "share_percent": "100", "due_days": 0, "account": "x"}),
    "flat": dict(pay={"kind": "flat", "amount": "0.0001", "currency": "JPY", "due_days": 365,
                      "account": "x"}),
    "unpaid": dict(pay={"kind": "unpaid"}),
    "longest name": dict(subject__pseudonym="\U0001f600" * 200),
    "letters of many scripts": dict(subject__pseudonym="Łukasz 東京 Ωmega".replace("Ωmega", "Ωμέγα")),
    "agency": dict(agency={"name": "A", "contact": "https://a.example", "commission_percent": "20"}),
    "counsel": dict(subject__representation={"kind": "union", "name": "U", "agreement": "7"}),
    "notice": dict(notice={"address": "https://a.example/n", "sha256": "0" * 64, "language": "pt-BR",
                           "given_at": "2025-12-01T00:00:00Z"}),
    "exported": dict(scope__purposes=["export", "make_twin"], scope__redistribution="anyone"),
    "bound to a scan": dict(bindings={"scans": ["0" * 64], "geometries": []}),
    "day that exists": dict(issued_at="2024-02-29T23:59:59Z"),
}  # fmt: skip
FORGED: dict[str, Any] = {
    "unknown field": dict(extra=1),
    "unknown field below": dict(scope__extra=1),
    "another schema": dict(schema="urn:bodyscan:consent-record:2"),
    "no schema": dict(schema=None),
    "a default left out": dict(separate_document=None),
    "upper-case id": dict(record_id="0000000A-0000-4000-8000-000000000001"),
    "day that does not exist": dict(issued_at="2025-02-29T00:00:00Z"),
    "hour 24": dict(issued_at="2025-01-01T24:00:00Z"),
    "leap second": dict(issued_at="2016-12-31T23:59:60Z"),
    "year 0": dict(issued_at="0000-01-01T00:00:00Z"),
    "local time": dict(term__not_before="2026-01-01T00:00:00+01:00"),
    "time of another digit": dict(issued_at="202\u0665-01-01T00:00:00Z"),
    "term backwards": dict(term__not_before="2027-01-01T00:00:00Z"),
    "automatic renewal": dict(term__auto_renewal=True),
    "renewal as a number": dict(term__auto_renewal=0),
    "demo without its name": dict(demo=True),
    "demo name without demo": dict(subject__pseudonym="DEMO Anna"),
    "empty name": dict(subject__pseudonym=""),
    "too long a name": dict(subject__pseudonym="\U0001f600" * 201),
    "space before": dict(subject__pseudonym=" Anna"),
    "control character": dict(subject__pseudonym="An\u0007na"),
    "direction": dict(subject__pseudonym="An\u202ena"),
    "invisible": dict(subject__pseudonym="An\u200bna"),
    "unassigned": dict(subject__pseudonym="An\u0378na"),
    "private use": dict(subject__pseudonym="An\ue000na"),
    "NFD": dict(subject__pseudonym="Ame\u0301lie"),
    "homoglyph": dict(controller__name="\u0410telier"),
    "Greek among Latin": dict(scope__description="\u0391telier"),
    "no purposes": dict(scope__purposes=[]),
    "purpose twice": dict(scope__purposes=["render", "render"]),
    "AI as a purpose": dict(scope__purposes=["ai_training"]),
    "unknown purpose": dict(scope__purposes=["fun"]),
    "worldwide and more": dict(scope__territories=["worldwide", "DE"]),
    "unknown country": dict(scope__territories=["ZZ"]),
    "lower-case country": dict(scope__territories=["de"]),
    "long subdivision": dict(scope__territories=["US-CALI"]),
    "all and more": dict(scope__media=["all", "web"]),
    "export without redistribution": dict(scope__purposes=["export"]),
    "redistribution without export": dict(scope__redistribution="anyone"),
    "AI as a word": dict(ai__training="false"),
    "AI as a number": dict(ai__training=0),
    "amount as a number": dict(pay__amount=12.5),
    "amount 0": dict(pay__amount="0.00"),
    "amount with a leading zero": dict(pay__amount="012"),
    "amount with a newline": dict(pay__amount="12\n"),
    "five decimals": dict(pay__amount="1.00001"),
    "currency in small letters": dict(pay__currency="eur"),
    "per use without unit": dict(pay__unit=None),
    "unpaid with an account": dict(pay={"kind": "unpaid", "account": "x"}),
    "share over 100": dict(pay={"kind": "share", "share_percent": "101", "due_days": 0, "account": "x"}),
    "due after 366 days": dict(pay__due_days=366),
    "due days as text": dict(pay__due_days="30"),
    "deleted before the end": dict(data__delete_by="2026-12-31T00:00:00Z"),
    "retention of nothing": dict(data__retention="P0Y"),
    "place twice": dict(data__places=["DE", "DE"]),
    "web address without https": dict(withdrawal__address="http://a.example"),
    "mail address without a dot": dict(withdrawal__address="mailto:a@localhost"),
    "one list for both": dict(withdrawal__status={
        "revocation_list": "https://a.example/1", "suspension_list": "https://a.example/1", "index": 1,
        "issuer": SHOP.public.model_dump()}),
    "negative index": dict(withdrawal__status={
        "revocation_list": "https://a.example/1", "suspension_list": "https://a.example/2", "index": -1,
        "issuer": SHOP.public.model_dump()}),
    "long label": dict(disclosure__label="x" * 61),
    "unknown source type": dict(disclosure__source_type="photo"),
    "bound to nothing": dict(bindings={"scans": [], "geometries": []}),
    "agency takes all and more": dict(
        agency={"name": "A", "contact": "https://a.example", "commission_percent": "100.5"}),
    "two roles, one key": dict(licensees=[{"name": "S", "may_repack": False,
                                           "public_key": STUDIO.public.model_dump()}]),
    "two of one name": dict(licensees=[{"name": "ATELIER", "may_repack": False}]),
    "repacks without a key": dict(licensees=[{"name": "S", "may_repack": True}]),
    "adult without key": dict(subject__public_key=None),
    "adult with a guardian": dict(guardian={"name": "M", "contact": "https://a.example", "relation": "mother",
                                            "public_key": MOTHER.public.model_dump()}),
    "adult who comes of age": dict(subject__adult_from="2030-01-01T00:00:00Z"),
    "minor alone": dict(subject__minor=True, subject__adult_from="2030-01-01T00:00:00Z"),
    "private key": dict(subject__public_key={**ANNA.public.model_dump(), "d": "AAAA"}),
    "key with a use": dict(subject__public_key={**ANNA.public.model_dump(), "use": "sig"}),
    "key of another curve": dict(subject__public_key={**ANNA.public.model_dump(), "crv": "X25519"}),
    "low-order key": dict(licensees=[{"name": "S", "may_repack": False,
                                      "public_key": {"kty": "OKP", "crv": "Ed25519", "x": LOW_ORDER}}]),
    "key of order two": dict(licensees=[{"name": "S", "may_repack": False,
                                         "public_key": {"kty": "OKP", "crv": "Ed25519", "x": TWO_TORSION}}]),
    "key in a second spelling": dict(licensees=[{"name": "S", "may_repack": False,
                                    "public_key": {"kty": "OKP", "crv": "Ed25519", "x": SECOND_SPELLING}}]),
    "short key": dict(licensees=[{"name": "S", "may_repack": False,
                                  "public_key": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}}]),
}  # fmt: skip


def test_page_and_package_judge_records_alike():
    cases = {name: (forged(**changes), NOW) for name, changes in SOUND.items()}
    verdicts = agreed(cases)
    assert {verdict["state"] for verdict in verdicts.values()} == {"valid"}


def test_page_and_package_refuse_the_same_records():
    cases = {name: (forged(**changes), NOW) for name, changes in FORGED.items()}
    verdicts = agreed(cases)
    assert {name for name, verdict in verdicts.items() if verdict["state"] != "altered"} == set()


def texts() -> dict[str, str]:
    """Return signed texts that were tampered with."""
    good = signed()
    payload = payload_of(good)
    document = json.loads(good)
    other = json.loads(signed_values(changed(scope__territories=["worldwide"])))
    pretty = json.dumps(json.loads(payload), indent=1, ensure_ascii=False).encode()
    swapped = {**document, "payload": other["payload"]}
    return {
        "the controller alone": sign_record(record_from_values(values()), controller=STUDIO),
        "the person alone": sign_record(
            record_from_values(values()), controller=STUDIO, subject=ANNA
        ).replace(json.dumps(document["signatures"][1], separators=(",", ":"), sort_keys=True), ""),
        "nobody": json.dumps(values()),
        "no signatures at all": json.dumps({**document, "signatures": []}),
        "payload of another": json.dumps(swapped),
        "signed by a stranger": forge(payload, (Role.SUBJECT, STRANGER), (Role.CONTROLLER, STUDIO)),
        "controller twice": forge(payload, (Role.CONTROLLER, STUDIO), (Role.CONTROLLER, STUDIO)),
        "a role of its own": forge(
            payload, (Role.SUBJECT, ANNA), (Role.CONTROLLER, STUDIO), (Role.PACKER, SHOP)
        ),
        "the other way round": forge(payload, (Role.SUBJECT, STUDIO), (Role.CONTROLLER, ANNA)),
        "not canonical": forge_both(pretty),
        "two meanings": forge_both(
            payload.replace(b'{"agency"', b"{").replace(b'"demo":false', b'"demo":false,"demo":true')
        ),
        "of another type": forge(
            payload, (Role.SUBJECT, ANNA), (Role.CONTROLLER, STUDIO), typ="bodyscan-binding+jws"
        ),
        "none": with_header(good, 0, alg="none"),
        "HS256": with_header(good, 0, alg="HS256"),
        "EdDSA": with_header(good, 0, alg="EdDSA"),
        "crit": with_header(good, 0, crit=["b64"]),
        "jwk": with_header(good, 0, jwk=STRANGER.public.model_dump()),
        "jku": with_header(good, 0, jku="https://evil.example/keys"),
        "x5u": with_header(good, 0, x5u="https://evil.example/cert"),
        "no kid": with_header(good, 0, kid=None),
        "another kid": with_header(good, 0, kid=STRANGER.thumbprint),
        "a role unheard of": with_header(good, 0, role="boss"),
        "unprotected header": json.dumps({**document, "header": {"alg": "none"}}),
        "a member too many": json.dumps(
            {**document, "signatures": [{**document["signatures"][0], "header": {}}]}
        ),
        "padded base64url": json.dumps({**document, "payload": document["payload"] + "="}),
        "short signature": json.dumps(
            {
                **document,
                "signatures": [{**document["signatures"][0], "signature": "AAAA"}, document["signatures"][1]],
            }
        ),
        "a version to come": json.dumps({"bodyscan_consent": 2, "record": document}),
        "version 1.0": json.dumps({"bodyscan_consent": 1.0, "record": document}),
        "version true": json.dumps({"bodyscan_consent": True, "record": document}),
        "an unknown member": json.dumps({"bodyscan_consent": 1, "record": document, "extra": 1}),
        "empty attestations": json.dumps({"bodyscan_consent": 1, "record": document, "attestations": []}),
        "a stamp of nothing": json.dumps(
            {"bodyscan_consent": 1, "record": document, "stamps": [{"of": "all", "token": ""}]}
        ),
        "a bare bundle": json.dumps({"bodyscan_consent": 1, "record": document}),
        "another JSON": "[1, 2]",
        "no JSON": "{",
        "nothing": "",
        "spaces": " \n",
    }


def test_page_and_package_judge_tampered_texts_alike():
    cases = {name: (text, NOW) for name, text in texts().items()}
    verdicts = agreed(cases)
    valid = {name for name, verdict in verdicts.items() if verdict["state"] == "valid"}
    assert valid == {"a bare bundle"}


def child(**changes: Any) -> str:
    record = record_from_values(child_values())
    return sign_record(record, controller=STUDIO, guardian=MOTHER)


def test_the_term_holds_for_both_at_the_same_moments():
    term = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    moments = [at + timedelta(seconds=step) for at in term for step in (-1, 0, 1)]
    cases = {str(moment): (signed(), moment) for moment in moments}
    cases["a child"] = (child(), NOW)
    verdicts = agreed(cases)
    states = [verdict["state"] for verdict in verdicts.values()]
    assert states == ["not_yet_valid", "valid", "valid", "valid", "expired", "expired", "valid"]


def test_a_use_is_judged_alike_whatever_is_asked():
    record = signed_values(
        changed(
            scope__purposes=["make_twin", "virtual_try_on", "export"],
            scope__redistribution="licensees",
            scope__product_lines=["Spring"],
            ai={"mining": True},
        )
    )
    cases: dict[str, tuple[Any, ...]] = {}
    for purpose in Purpose:
        for territory in (None, "DE", "DE-BY", "US", "US-CA", "worldwide"):
            for medium in (None, Medium.WEB, Medium.PRINT, Medium.ALL):
                use = Use(purpose, territory=territory, medium=medium, product_line="Spring")
                cases[f"{purpose} {territory} {medium}"] = (record, NOW, use)
    for licensee in (
        None,
        "Shop",
        "Atelier",
        SHOP.thumbprint,
        STUDIO.thumbprint,
        STRANGER.thumbprint,
        "shop",
    ):
        for purpose in (Purpose.EXPORT, Purpose.VIRTUAL_TRY_ON, Purpose.MAKE_TWIN):
            use = Use(purpose, territory="DE", medium=Medium.WEB, licensee=licensee, product_line="Spring")
            cases[f"{purpose} by {licensee}"] = (record, NOW, use)
    for line in (None, "Spring", "Summer", "all"):
        use = Use(Purpose.VIRTUAL_TRY_ON, territory="DE", medium=Medium.WEB, product_line=line)
        cases[f"product line {line}"] = (record, NOW, use)
    for kind in ProhibitedUse:
        use = Use(Purpose.VIRTUAL_TRY_ON, "DE", Medium.WEB, product_line="Spring", content=(kind,))
        cases[f"showing {kind}"] = (record, NOW, use)
    later = Use(Purpose.MAKE_TWIN, when=NOW + timedelta(days=400))
    cases["after the end"] = (record, NOW, later)
    verdicts = agreed(cases)
    decisions = [verdict["decision"] for verdict in verdicts.values()]
    assert {"allow", "deny", "unknown"} == set(decisions)
    assert {Purpose.MAKE_TWIN} == PRIVATE_PURPOSES


def test_a_refusal_gives_the_packages_reason():
    use = Use(Purpose.VIRTUAL_TRY_ON, territory="FR", medium=Medium.WEB)
    (found,) = judge(job(signed(), NOW, use))
    assert found["reason"] == "the territory FR is not allowed; allowed: DE, US-CA."
    assert found["clause"] == "scope.territories"


def test_each_signature_is_told_with_its_key():
    (found,) = judge(job(signed(), NOW))
    told = {one["role"]: (one["kid"], one["holds"]) for one in found["signatures"]}
    assert told == {"subject": (ANNA.thumbprint, True), "controller": (STUDIO.thumbprint, True)}
    (found,) = judge(job(sign_record(record_from_values(values()), controller=STUDIO), NOW))
    assert [(one["role"], one["missing"]) for one in found["signatures"]] == [
        ("controller", False),
        ("subject", True),
    ]
