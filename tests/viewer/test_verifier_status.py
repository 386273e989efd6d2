from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from bodyscan.consent.keys import b64url_encode
from bodyscan.consent.record import record_from_values
from bodyscan.consent.sign import sign_record
from bodyscan.consent.status_list import MIN_ENTRIES, StatusPurpose
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from consent.people import ANNA, MOTHER, NOW, STRANGER, STUDIO, changed, child_values, signed_values
from consent.status_lists import (
    INDEX,
    WEEK,
    both,
    header_of,
    listed_values,
    make,
    packed,
    resign,
    sign_bytes,
)
from viewer.agree import agreed
from viewer.node import job, judge

pytestmark = pytest.mark.node

SUSPENSION = StatusPurpose.SUSPENSION


@pytest.fixture(scope="module")
def listed() -> str:
    return signed_values(listed_values())


def states(verdicts: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: verdict["state"] for name, verdict in verdicts.items()}


def test_status_lists_are_judged_alike(listed):
    fresh = make(purpose=SUSPENSION)
    good = make()
    bits = bytes(MIN_ENTRIES // 8)
    bomb = packed(bytes(2**24))
    torn = "u" + b64url_encode(gzip.compress(bits)[:-6])
    more = "u" + b64url_encode(gzip.compress(bits) + b"more")
    old: dict[str, Any] = dict(valid_from=NOW - 3 * WEEK, valid_until=NOW - 2 * WEEK)
    subject = "credentialSubject"
    revocations = {
        "nothing set": good,
        "set": make(INDEX),
        "a neighbour set": make(INDEX - 1, INDEX + 1),
        "stale": make(**old),
        "stale and set": make(INDEX, **old),
        "in the clock's slack": make(valid_from=NOW + timedelta(minutes=4)),
        "of the future": make(valid_from=NOW + timedelta(minutes=6)),
        "of another key": make(key=STRANGER),
        "larger": make(INDEX, size=MIN_ENTRIES * 2),
        "a bomb": resign(good, {f"{subject}/encodedList": bomb}),
        "too short": resign(good, {f"{subject}/encodedList": packed(bits[:-1])}),
        "cut off": resign(good, {f"{subject}/encodedList": torn}),
        "with more behind": resign(good, {f"{subject}/encodedList": more}),
        "no GZIP": resign(good, {f"{subject}/encodedList": "uAAAA"}),
        "of another base": resign(good, {f"{subject}/encodedList": "z" + packed(bits)[1:]}),
        "for the other purpose": resign(good, {f"{subject}/statusPurpose": "suspension"}),
        "for both purposes": resign(good, {f"{subject}/statusPurpose": ["suspension", "revocation"]}),
        "two bits a consent": resign(good, {f"{subject}/statusSize": 2}),
        "a negative ttl": resign(good, {f"{subject}/ttl": -1}),
        "no sequence": resign(good, {"bodyscanSequence": None}),
        "sequence 0": resign(good, {"bodyscanSequence": 0}),
        "no end": resign(good, {"validUntil": None}),
        "another validity": resign(good, {"exp": 1}),
        "no context": resign(good, {"@context": None}),
        "no type": resign(good, {"type": ["VerifiableCredential"]}),
        "issuer as an object": resign(good, {"issuer": {"id": "did:example:1"}}),
        "issuer without a scheme": resign(good, {"issuer": "somebody"}),
        "HS256": resign(good, alg="HS256"),
        "EdDSA": resign(good, alg="EdDSA"),
        "crit": resign(good, crit=["b64"]),
        "jku": resign(good, jku="https://evil.example"),
        "another typ": resign(good, typ="JWT"),
        "no object": sign_bytes(b"[]", header_of(good)),
        "a key twice": sign_bytes(b'{"id":"https://status.example.org/revoked","id":1}', header_of(good)),
        "two parts": good.rpartition(".")[0],
    }
    cases: dict[str, tuple[Any, ...]] = {
        name: (listed, NOW, None, (text, fresh)) for name, text in revocations.items()
    }
    cases["none given"] = (listed, NOW, None, ())
    cases["only the suspensions"] = (listed, NOW, None, (fresh,))
    cases["suspended"] = (listed, NOW, None, tuple(both(suspended=(INDEX,))))
    cases["newer says suspended"] = (
        listed, NOW, None, (good, fresh, make(INDEX, purpose=SUSPENSION, sequence=8)),
    )  # fmt: skip
    cases["older said suspended"] = (
        listed, NOW, None, (good, fresh, make(INDEX, purpose=SUSPENSION, sequence=6)),
    )  # fmt: skip
    beyond = signed_values(listed_values(MIN_ENTRIES))
    cases["an index beyond"] = (beyond, NOW, None, tuple(both()))
    verdicts = agreed(cases)
    found = states(verdicts)
    assert found["nothing set"] == found["larger"].replace("revoked", "valid") == "valid"
    assert found["set"] == found["stale and set"] == "revoked"
    assert found["suspended"] == found["newer says suspended"] == "suspended"
    assert {found[name] for name in ("none given", "a bomb", "cut off", "stale", "jku")} == {"unknown"}


def test_withdrawals_are_judged_alike():
    plain = changed()
    record = record_from_values(plain)
    text = signed_values(plain)
    day = timedelta(days=1)

    def said(action: WithdrawalAction, sequence: int = 1, days: int = -1, key: Any = ANNA) -> str:
        return withdraw(record, action, key, sequence, NOW + days * day, "because")

    revoke, suspend, resume = (
        said(action)
        for action in (WithdrawalAction.REVOKE, WithdrawalAction.SUSPEND, WithdrawalAction.RESUME)
    )
    of_another = record_from_values(changed(scope__media=["print"]))
    document = json.loads(revoke)
    texts: dict[str, tuple[str, ...]] = {
        "revoked": (revoke,),
        "suspended": (suspend,),
        "resumed before it": (resume, said(WithdrawalAction.SUSPEND, 2)),
        "resumed after it": (suspend, said(WithdrawalAction.RESUME, 2)),
        "both at once": (resume, suspend),
        "revoked and resumed": (revoke, said(WithdrawalAction.RESUME, 9)),
        "tomorrow": (said(WithdrawalAction.REVOKE, days=1),),
        "of another record": (withdraw(of_another, WithdrawalAction.REVOKE, ANNA, 1, NOW),),
        "twice": (suspend, suspend),
        "no signature": (json.dumps({**document, "signatures": []}),),
        "two signatures": (json.dumps({**document, "signatures": document["signatures"] * 2}),),
        "something else": ('{"a": 1}',),
    }
    cases: dict[str, tuple[Any, ...]] = {name: (text, NOW, None, given) for name, given in texts.items()}
    child = record_from_values(child_values())
    by_mother = sign_record(child, controller=STUDIO, guardian=MOTHER)
    cases["by the mother"] = (
        by_mother,
        NOW,
        None,
        (withdraw(child, WithdrawalAction.REVOKE, MOTHER, 1, NOW),),
    )
    verdicts = agreed(cases)
    found = states(verdicts)
    assert {name for name, state in found.items() if state == "revoked"} == {
        "revoked", "revoked and resumed", "by the mother",
    }  # fmt: skip
    assert {name for name, state in found.items() if state == "suspended"} == {
        "suspended", "resumed before it", "both at once", "twice",
    }  # fmt: skip


def test_what_did_not_count_is_told():
    (found,) = judge(job(signed_values(changed()), NOW, None, ("{",)))
    assert found["decision"] == "allow"
    record = record_from_values(changed())
    tomorrow = withdraw(record, WithdrawalAction.REVOKE, ANNA, 1, NOW + timedelta(days=1))
    (found,) = judge(job(signed_values(changed()), NOW, None, (tomorrow,)))
    assert "later than" in found["status"]["leftOut"][0]
