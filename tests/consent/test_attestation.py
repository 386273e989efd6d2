"""A packer's word: whose counts, and how far it reaches."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bodyscan.consent.attestation import ATTESTATION_TYP, MAX_MM, reattest
from bodyscan.consent.binding import bind
from bodyscan.consent.evidence import Evidence, TrustedKeys
from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.key_history import KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.keys import SigningKey, b64url_decode, b64url_encode
from bodyscan.consent.seal import seal
from bodyscan.consent.state import BindingVerdict, ConsentState
from bodyscan.consent.strict_json import canonical
from bodyscan.consent.verify import verify_content
from bodyscan.errors import ConsentError, InputError
from consent.bound import body, bound_body, moved, simplified
from consent.people import NOW, PACKER, SHOP, STRANGER, STUDIO, signed

LATER = NOW + timedelta(hours=1)


def attested(text: str | None = None, key: SigningKey = STUDIO) -> str:
    return reattest(text or bound_body(), simplified(), key, now=LATER, software="packer 1")


def forged(key: SigningKey, **changes: Any) -> str:
    """An attestation that says something else, or is signed by somebody else."""
    document = json.loads(attested())
    said = {**json.loads(b64url_decode(document["attestations"][0]["payload"])), **changes}
    payload = canonical(said)
    signature = sign_payload(payload, Role.PACKER, ATTESTATION_TYP, key).to_json()
    document["attestations"] = [{"payload": b64url_encode(payload), "signatures": [signature]}]
    return json.dumps(document)


def test_a_simplified_body_is_altered_until_a_packer_answers_for_it() -> None:
    assert verify_content(bound_body(), simplified(), now=LATER).state is ConsentState.ALTERED
    status = verify_content(attested(), simplified(), now=LATER)
    assert (status.state, status.geometry) == (ConsentState.VALID, BindingVerdict.REATTESTED)
    assert 1.5 < status.moved_mm < 5
    assert "A packer attests it" in status.reason
    # The word is for that file alone.
    assert verify_content(attested(), moved(0.006), now=LATER).state is ConsentState.ALTERED


def test_the_bound_body_itself_stays_exact() -> None:
    assert verify_content(attested(), body(), now=LATER).geometry is BindingVerdict.EXACT


def test_packing_twice_makes_a_chain() -> None:
    twice = reattest(attested(), moved(0.003), STUDIO, now=LATER, software="packer 2")
    assert verify_content(twice, moved(0.003), now=LATER).geometry is BindingVerdict.REATTESTED
    assert verify_content(twice, simplified(), now=LATER).geometry is BindingVerdict.REATTESTED
    document = json.loads(twice)
    del document["attestations"][0]
    status = verify_content(json.dumps(document), moved(0.003), now=LATER)
    assert "the chain of packers' attestations is broken" in status.reason


def test_a_licensee_repacks_only_where_the_record_lets_it() -> None:
    with pytest.raises(InputError, match="may not repack"):
        attested(key=SHOP)
    licensee = {"name": "Shop", "public_key": SHOP.public.model_dump(), "may_repack": True}
    record = signed(licensees=[licensee])
    text = bind(record, seal(body()), STUDIO, created_at=NOW, software="bodyscan test")
    assert verify_content(attested(text, SHOP), simplified(), now=LATER).ok


def test_a_key_that_the_controller_lists_for_packing_counts_until_it_ends() -> None:
    first = start_history(STUDIO, (), NOW)
    listed = ListedKey(key=PACKER.public, uses=(KeyUse.PACK,), active_from=NOW)
    known = extend_history(first, STUDIO, (*first.current.keys, listed), NOW)
    text = json.dumps({**json.loads(bound_body()), "keys": [known.to_value()]})
    packed = attested(text, PACKER)
    assert verify_content(packed, simplified(), now=LATER).ok
    ended = listed.model_copy(update={"active_until": LATER + timedelta(days=1)})
    newer = extend_history(known, STUDIO, (*first.current.keys, ended), LATER)
    after = LATER + timedelta(days=2)
    assert verify_content(packed, simplified(), now=after).ok
    status = verify_content(packed, simplified(), now=after, evidence=Evidence(histories=(newer,)))
    assert status.state is ConsentState.UNTRUSTED
    assert "only with a time stamp from before" in status.reason


def test_a_foreign_packers_word_does_not_count_unless_the_verifier_trusts_it() -> None:
    text = forged(STRANGER)
    status = verify_content(text, simplified(), now=LATER)
    assert (status.state, status.clause) == (ConsentState.UNTRUSTED, "licensees")
    trusting = Evidence(TrustedKeys(packers=(STRANGER.public,)))
    assert verify_content(text, simplified(), now=LATER, evidence=trusting).ok


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({"record_sha256": "0" * 64}, ConsentState.UNBOUND, "belongs to another twin"),
        ({"binding_sha256": "0" * 64}, ConsentState.UNBOUND, "belongs to another twin"),
        ({"from_geometry": "x"}, ConsentState.ALTERED, "the chain of packers' attestations is broken"),
        ({"created_at": "2026-06-02T00:00:00Z"}, ConsentState.UNBOUND, "in the future"),
        ({"created_at": "2025-06-02T00:00:00Z"}, ConsentState.UNBOUND, "outside the record's term"),
        ({"more": 1}, ConsentState.ALTERED, "the reattestation is not valid: more"),
    ],
)
def test_an_attestation_of_something_else_is_refused(
    changes: dict[str, Any], state: ConsentState, said: str
) -> None:
    status = verify_content(forged(STUDIO, **changes), simplified(), now=LATER)
    assert status.state is state
    assert said in status.reason


def test_no_packer_answers_for_another_body() -> None:
    far = moved(0.02)
    with pytest.raises(ConsentError, match=f"a packer answers for {MAX_MM:.0f} mm"):
        reattest(bound_body(), far, STUDIO, now=LATER, software="packer")
    text = forged(STUDIO, seal=json.loads(seal(far).model_dump_json(exclude_none=True)))
    status = verify_content(text, far, now=LATER)
    assert status.state is ConsentState.ALTERED
    assert "a packer answers for" in status.reason


def test_nothing_is_attested_without_a_binding_or_after_the_term() -> None:
    with pytest.raises(ConsentError, match="no packer can attest"):
        reattest(signed(), body(), STUDIO, now=LATER, software="packer")
    with pytest.raises(ConsentError, match="expired"):
        reattest(bound_body(), body(), STUDIO, now=NOW + timedelta(days=400), software="packer")


def test_a_changed_texture_needs_a_packer_too() -> None:
    assert body().colors is not None
    dyed = replace(body(), colors=body().colors[:, ::-1])
    assert verify_content(bound_body(), dyed, now=LATER).state is ConsentState.ALTERED
    text = reattest(bound_body(), dyed, STUDIO, now=LATER, software="packer")
    assert verify_content(text, dyed, now=LATER).geometry is BindingVerdict.REATTESTED
