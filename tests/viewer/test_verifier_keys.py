from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bodyscan.consent.bundle import Bundle, Stamp, Stamped, read_bundle
from bodyscan.consent.curve import check_public_point
from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.key_history import KEYS_TYP, KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.keys import SigningKey, b64url_encode
from consent.people import ANNA, NOW, PACKER, STRANGER, STUDIO, signed
from viewer.agree import agreed
from viewer.bodies import bound_text
from viewer.node import as_bytes, call

pytestmark = pytest.mark.node

P = 2**255 - 19
POINTS = {
    "an honest key": bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
    "the identity": b"\x01" + bytes(31),
    "the identity with a sign": b"\x01" + bytes(30) + b"\x80",
    "order two": (P - 1).to_bytes(32, "little"),
    "order four": bytes(32),
    "order four with a sign": bytes(31) + b"\x80",
    "order eight": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "order eight, the other": bytes.fromhex(
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
    ),
    "zero as p": P.to_bytes(32, "little"),
    "one as p + 1": (P + 1).to_bytes(32, "little"),
    "all ones": b"\xff" * 32,
    "no point": b"\x02" + bytes(31),
    "31 bytes": bytes(31),
    "nothing": b"",
}


def is_sound(point: bytes) -> bool:
    try:
        check_public_point(point)
    except ValueError:
        return False
    return True


def test_unsound_points_are_no_keys():
    points = POINTS | {f"number {n}": n.to_bytes(32, "little") for n in range(2, 12)}
    found = call("curve.js", "checkPublicPoint", *[[as_bytes(point)] for point in points.values()])
    page = {name: "error" not in result for name, result in zip(points, found, strict=True)}
    assert page == {name: is_sound(point) for name, point in points.items()}
    assert [name for name in POINTS if page[name]] == ["an honest key"]


def test_the_refusal_says_what_a_low_order_key_means():
    (result,) = call(
        "keys.js", "checkPublicJwk", [{"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(bytes(32))}]
    )
    assert "low-order point: signatures made with it prove nothing" in result["error"]


def test_a_key_is_named_by_its_thumbprint():
    (result,) = call("keys.js", "thumbprint", [ANNA.public.model_dump()])
    assert result["value"] == ANNA.thumbprint


def listed(key: SigningKey, *uses: KeyUse, **times: object) -> ListedKey:
    values = {"active_from": NOW - timedelta(days=400), **times}
    return ListedKey.model_validate({"key": key.public, "uses": uses or tuple(KeyUse), **values})


def with_keys(text: str, *histories: object) -> str:
    bundle: Bundle = read_bundle(text)
    return replace(bundle, keys=tuple(histories)).to_text()


def test_key_histories_are_judged_alike():
    begun = NOW - timedelta(days=400)
    root = listed(STUDIO)
    first = start_history(STUDIO, [root], begun)
    ended = listed(STUDIO, active_until=NOW - timedelta(days=1))
    stolen = listed(STUDIO, compromised_at=NOW + timedelta(days=1))
    second = extend_history(first, STUDIO, [ended, listed(PACKER)], NOW - timedelta(days=2))
    without_binding = listed(STUDIO, KeyUse.RECORD, KeyUse.KEYS)
    value = first.to_value()
    newest = second.documents[1]
    by_stranger = sign_payload(newest.payload, Role.OWNER, KEYS_TYP, STRANGER)
    forged = {**value, "lists": [*value["lists"], replace(newest, signatures=(by_stranger,)).to_json()]}
    stamped = replace(read_bundle(signed()), stamps=(Stamp(Stamped.RECORD, b"x"),), keys=(second.to_value(),))
    histories = {
        "one list": (value,),
        "an ended key": (second.to_value(),),
        "a key that ends tomorrow": (extend_history(first, STUDIO, [stolen], begun).to_value(),),
        "a key without the use": (start_history(STUDIO, [without_binding], begun).to_value(),),
        "of the person": (start_history(ANNA, [listed(ANNA)], begun).to_value(),),
        "of somebody else": (start_history(STRANGER, [listed(STRANGER)], begun).to_value(),),
        "from the future": (start_history(STUDIO, [root], NOW + timedelta(days=1)).to_value(),),
        "not active when it signed": (
            start_history(STUDIO, [listed(STUDIO, active_from=NOW + timedelta(hours=1))], begun).to_value(),
        ),
        "the lists the other way round": ({**value, "lists": second.to_value()["lists"][::-1]},),
        "no lists": ({**value, "lists": []},),
        "another version": ({**value, "bodyscan_keys": 2},),
        "forged": (forged,),
        "twice": (value, second.to_value()),
        "two that differ": (value, start_history(STUDIO, [listed(STUDIO), listed(PACKER)], begun).to_value()),
    }
    cases = {name: (with_keys(signed(), *values), NOW) for name, values in histories.items()}
    cases |= {f"bound, {name}": (with_keys(bound_text(), *values), NOW) for name, values in histories.items()}
    cases["an ended key with a stamp"] = (stamped.to_text(), NOW)
    verdicts = agreed(cases)
    states = {name: verdict["state"] for name, verdict in verdicts.items()}
    assert states["one list"] == states["bound, one list"] == "valid"
    assert states["an ended key"] == states["an ended key with a stamp"] == "untrusted"
    assert states["bound, a key without the use"] == "untrusted"
    assert states["two that differ"] == states["forged"] == "altered"
