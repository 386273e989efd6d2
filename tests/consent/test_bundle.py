from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from bodyscan.consent.bundle import MAX_STAMP_BYTES, Stamp, Stamped, read_bundle
from bodyscan.consent.key_history import start_history
from bodyscan.consent.state import BindingVerdict, ConsentState, RefusedConsent
from bodyscan.consent.strict_json import canonical
from bodyscan.errors import InputError
from consent.people import NOW, STUDIO, signed

RECORD = json.loads(signed())
TOKEN = {"of": "record", "token": base64.b64encode(b"x").decode()}


def test_a_bare_record_stays_bare_and_a_bundle_reads_back() -> None:
    bare = read_bundle(signed())
    assert bare.to_text() == signed()
    full = replace(
        bare,
        binding={"payload": "", "signatures": []},
        attestations=({"payload": "a", "signatures": []},),
        stamps=(Stamp(Stamped.RECORD, b"\x00\x01"), Stamp(Stamped.BINDING, b"")),
        keys=(start_history(STUDIO, (), NOW).to_value(),),
    )
    assert read_bundle(full.to_text()) == full


def test_what_is_stamped_is_the_part_in_canonical_json() -> None:
    bundle = read_bundle(signed())
    assert bundle.stamped_bytes(Stamped.RECORD) == canonical(RECORD)
    with pytest.raises(InputError, match="holds no binding, so there is nothing to stamp"):
        bundle.stamped_bytes(Stamped.BINDING)


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_nothing_is_stripped(text: str | None) -> None:
    with pytest.raises(RefusedConsent) as caught:
        read_bundle(text)
    assert caught.value.status.geometry is BindingVerdict.STRIPPED


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bodyscan_consent": 2}, "its version 2 is not known"),
        ({"bodyscan_consent": True}, "its version True is not known"),
        ({"more": 1}, "unknown members ['more']"),
        ({"attestations": []}, "`attestations` must be a list of 1 to 3"),
        ({"attestations": [{}] * 4}, "`attestations` must be a list of 1 to 3"),
        ({"stamps": {}}, "`stamps` must be a list"),
        ({"stamps": [TOKEN] * 33}, "`stamps` must be a list of 1 to 32"),
        ({"stamps": [{**TOKEN, "of": "all"}]}, "a stamp must have `of`"),
        ({"stamps": [{**TOKEN, "of": []}]}, "a stamp must have `of`"),
        ({"stamps": [{**TOKEN, "token": "!"}]}, "altered"),
        ({"stamps": [{**TOKEN, "token": "A" * 2 * MAX_STAMP_BYTES}]}, "at most 16 KiB"),
        ({"keys": [1] * 5}, "`keys` must be a list of 1 to 4"),
    ],
)
def test_another_outline_is_altered(changes: dict[str, object], said: str) -> None:
    with pytest.raises(RefusedConsent, match="altered") as caught:
        read_bundle(json.dumps({"bodyscan_consent": 1, "record": RECORD, **changes}))
    assert caught.value.status.state is ConsentState.ALTERED
    assert said in str(caught.value)
