from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bodyscan.consent.binding import BINDING_TYP, bind, open_consent
from bodyscan.consent.content import BodyContent
from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.keys import SigningKey, b64url_decode, b64url_encode
from bodyscan.consent.seal import Seal, seal
from bodyscan.consent.sign import add_signature
from bodyscan.consent.state import ConsentState
from bodyscan.consent.strict_json import canonical
from bodyscan.consent.verify import verify_bound, verify_record
from bodyscan.errors import ConsentError, InputError
from consent.people import ANNA, NOW, STRANGER, STUDIO, record, signed, values
from consent.test_digest import bumpy_ball

VERTICES, FACES = bumpy_ball()
SCAN = "5" * 64
OTHER_ID = "00000000-0000-4000-8000-000000000002"


def seal_of(scale: float = 1.0) -> Seal:
    return seal(BodyContent((VERTICES * [scale, 1, 1]).astype(np.float32), FACES))


SEAL, OTHER_SEAL = seal_of(), seal_of(1.01)
DIGEST, OTHER_PERSON = SEAL.geometry, OTHER_SEAL.geometry


def bound(text: str | None = None, about: Seal = SEAL, created_at: datetime = NOW) -> str:
    return bind(
        text or signed(),
        about,
        STUDIO,
        created_at=created_at,
        software="bodyscan 0.1.0",
        scan_sha256=SCAN,
    )


def rebound(key: SigningKey = STUDIO, role: Role = Role.CONTROLLER, **changes: Any) -> str:
    """Return a bound consent whose binding says something else and is signed all the same."""
    document = json.loads(bound())
    said = {**json.loads(b64url_decode(document["binding"]["payload"])), **changes}
    payload = canonical(said)
    signature = sign_payload(payload, role, BINDING_TYP, key)
    document["binding"] = {"payload": b64url_encode(payload), "signatures": [signature.to_json()]}
    return json.dumps(document)


def test_a_bound_consent_is_valid_for_its_geometry_and_repeats() -> None:
    text = bound()
    assert text == bound()
    assert verify_bound(text, DIGEST, now=NOW).ok
    assert verify_record(text, now=NOW).ok
    binding = open_consent(text).binding
    assert binding is not None
    assert (binding.seal.geometry, binding.record_sha256) == (DIGEST, record().sha256())
    assert (binding.created_at, binding.software) == (NOW, "bodyscan 0.1.0")


def test_another_geometry_under_a_valid_record_is_altered() -> None:
    status = verify_bound(bound(), OTHER_PERSON, now=NOW)
    assert status.state is ConsentState.ALTERED
    assert "not those that were bound" in status.reason


def test_a_record_without_a_binding_is_unbound() -> None:
    assert verify_bound(signed(), DIGEST, now=NOW).state is ConsentState.UNBOUND
    document = json.loads(bound())
    del document["binding"]
    status = verify_bound(json.dumps(document), DIGEST, now=NOW)
    assert status.state is ConsentState.UNBOUND
    assert "no binding" in status.reason


def test_binding_again_replaces_the_binding() -> None:
    text = bound(bound(), OTHER_SEAL)
    assert verify_bound(text, OTHER_PERSON, now=NOW).ok
    assert not verify_bound(text, DIGEST, now=NOW).ok


def test_a_binding_moved_to_another_record_is_unbound() -> None:
    mine, other = json.loads(bound()), json.loads(bound(signed(ai={"training": True})))
    mine["record"] = other["record"]
    status = verify_bound(json.dumps(mine), DIGEST, now=NOW)
    assert status.state is ConsentState.UNBOUND
    assert "another record" in status.reason


@pytest.mark.parametrize(
    ("text", "state", "said"),
    [
        (rebound(STRANGER), ConsentState.ALTERED, "not signed by the controller"),
        (rebound(ANNA), ConsentState.ALTERED, "not signed by the controller"),
        (rebound(STUDIO, Role.SUBJECT), ConsentState.STRIPPED, "the controller's signature alone"),
        (rebound(note="x"), ConsentState.ALTERED, "the binding is not valid: note"),
        (rebound(seal=3), ConsentState.ALTERED, "the binding is not valid: seal"),
        (rebound(schema="urn:bodyscan:binding:2"), ConsentState.ALTERED, "the binding is not valid: schema"),
        (rebound(record_id=OTHER_ID), ConsentState.UNBOUND, "belongs to another record"),
        (rebound(created_at="2025-12-31T00:00:00Z"), ConsentState.UNBOUND, "outside the record's term"),
        (rebound(created_at="2026-06-01T00:06:00Z"), ConsentState.UNBOUND, "later than now"),
        (rebound(created_at="2026-06-01T00:04:00Z"), ConsentState.VALID, "signed by all"),
    ],
)
def test_a_tampered_binding_is_refused(text: str, state: ConsentState, said: str) -> None:
    status = verify_bound(text, DIGEST, now=NOW)
    assert status.state is state
    assert said in status.reason


def test_a_binding_in_another_spelling_or_with_another_kid_is_altered() -> None:
    """Both are signed by the right key; there is still but one form that is accepted."""
    document = json.loads(bound())
    said = json.loads(b64url_decode(document["binding"]["payload"]))
    for kid, payload, reason in (
        (STUDIO.thumbprint, json.dumps(said, indent=1).encode(), "not in canonical JSON"),
        (STRANGER.thumbprint, canonical(said), "not signed by the controller"),
    ):
        header = {"alg": "Ed25519", "kid": kid, "role": "controller", "typ": BINDING_TYP}
        protected, body = b64url_encode(canonical(header)), b64url_encode(payload)
        signature = b64url_encode(STUDIO.private.sign(f"{protected}.{body}".encode()))
        document["binding"] = {
            "payload": body,
            "signatures": [{"protected": protected, "signature": signature}],
        }
        status = verify_bound(json.dumps(document), DIGEST, now=NOW)
        assert status.state is ConsentState.ALTERED
        assert reason in status.reason


def test_an_edited_binding_payload_is_altered() -> None:
    document = json.loads(bound())
    said = json.loads(b64url_decode(document["binding"]["payload"]))
    document["binding"]["payload"] = b64url_encode(canonical({**said, "scan_sha256": "6" * 64}))
    assert verify_bound(json.dumps(document), DIGEST, now=NOW).state is ConsentState.ALTERED


def test_a_binding_without_signature_or_with_another_shape_is_refused() -> None:
    document = json.loads(bound())
    document["binding"]["signatures"] = []
    assert verify_bound(json.dumps(document), DIGEST, now=NOW).state is ConsentState.STRIPPED
    assert verify_bound(json.dumps({**document, "binding": 3}), DIGEST, now=NOW).state is ConsentState.ALTERED
    for version in (2, True, "1"):
        status = verify_bound(
            json.dumps({**json.loads(bound()), "bodyscan_consent": version}), DIGEST, now=NOW
        )
        assert f"its version {version!r} is not known" in status.reason
    extra = verify_bound(json.dumps({**json.loads(bound()), "more": 1}), DIGEST, now=NOW)
    assert "unknown members ['more']" in extra.reason


def test_only_the_controller_binds() -> None:
    with pytest.raises(InputError, match="is not the controller's"):
        bind(signed(), SEAL, ANNA, created_at=NOW, software="x")


def test_nothing_is_bound_without_a_sound_consent_to_a_twin() -> None:
    half = add_signature(record().canonical_json().decode(), Role.SUBJECT, ANNA)
    with pytest.raises(ConsentError, match="stripped: the signature of the controller is missing"):
        bound(half)
    with pytest.raises(ConsentError, match="expired: it ended at 2027-01-01"):
        bound(created_at=datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(ConsentError, match="not yet valid"):
        bound(created_at=datetime(2025, 1, 1, tzinfo=UTC))
    with pytest.raises(ConsentError, match="not covered: the purpose make_twin is not allowed"):
        bound(signed(scope={**values()["scope"], "purposes": ["research"]}))


def test_malformed_values_are_refused() -> None:
    with pytest.raises(InputError, match="created_at must be a time in UTC"):
        bound(created_at=datetime(2026, 6, 1))
    with pytest.raises(InputError, match="the binding cannot be made: software"):
        bind(signed(), SEAL, STUDIO, created_at=NOW, software="")
    assert verify_bound(bound(created_at=NOW + timedelta(microseconds=7)), DIGEST, now=NOW).ok


@pytest.mark.parametrize(
    ("named", "said"),
    [({"scans": ["6" * 64]}, "for other scans"), ({"geometries": [OTHER_PERSON]}, "for other bodies")],
)
def test_a_body_that_the_person_did_not_sign_for_is_refused(named: dict[str, Any], said: str) -> None:
    with pytest.raises(ConsentError, match=said):
        bound(signed(bindings=named))
    document = json.loads(bound())
    other = signed(bindings=named)
    said_before = json.loads(b64url_decode(document["binding"]["payload"]))
    sha = hashlib.sha256(b64url_decode(json.loads(other)["payload"])).hexdigest()
    payload = canonical({**said_before, "record_sha256": sha})
    signature = sign_payload(payload, Role.CONTROLLER, BINDING_TYP, STUDIO)
    binding = {"payload": b64url_encode(payload), "signatures": [signature.to_json()]}
    forged = json.dumps({**document, "record": json.loads(other), "binding": binding})
    status = verify_bound(forged, DIGEST, now=NOW)
    assert status.state is ConsentState.UNBOUND
    assert said in status.reason


def test_a_body_that_the_person_signed_for_is_bound() -> None:
    named = {"scans": [SCAN, "6" * 64], "geometries": [DIGEST]}
    assert verify_bound(bound(signed(bindings=named)), DIGEST, now=NOW).ok
