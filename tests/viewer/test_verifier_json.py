from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent import strict_json
from bodyscan.consent.keys import b64url_decode
from bodyscan.errors import InputError
from viewer.node import as_bytes, call

pytestmark = pytest.mark.node

SOUND = [
    "{}",
    "[]",
    '{"b":1,"a":[true,false,null,"x"]}',
    ' {"a" :\t1 ,\r\n"b": -0.5 } ',
    "-0",
    "-0.0",
    "1e2",
    "9007199254740991",
    '"\\u00e9\\ud83d\\ude00\\n\\/"',
    '{"\u20ac":"Euro","\\r":"CR","1":"One","\U0001f600":"smile","\u0080":"ctl"}',
    '{"__proto__":1,"constructor":2}',
    "[" * 16 + "]" * 16,
]
REFUSED = {
    "a key twice": '{"a":1,"a":2}',
    "a key twice in two spellings": '{"a":1,"\\u0061":2}',
    "a key twice below": '[{"x":{"k":1,"k":1}}]',
    "the prototype twice": '{"__proto__":1,"__proto__":2}',
    "NaN": "[NaN]",
    "infinity": '{"a":Infinity}',
    "minus infinity": "-Infinity",
    "a number beyond 2^53": "9007199254740992",
    "5,000 digits": "1" * 5000,
    "a large float": "1e300",
    "an infinite float": "1e999",
    "17 levels": "[" * 17 + "]" * 17,
    "many levels": "[" * 100_000,
    "huge": '"' + "x" * (256 * 1024) + '"',
    "half of a surrogate pair": '"\\ud83d"',
    "half of a surrogate pair as key": '{"\\udc00":1}',
    "a control character": '"a\nb"',
    "a comma too many": "[1,]",
    "no comma": "[1 2]",
    "a number with a plus": "+1",
    "a number with a leading zero": "01",
    "a number without digits": "1.",
    "single quotes": "{'a':1}",
    "a comment": "[1/*x*/]",
    "something behind": "{} {}",
    "nothing": "",
    "a byte order mark": "\ufeff{}",
    "an unknown escape": '"\\x41"',
    "a cut escape": '"\\u00g0"',
    "an open string": '"abc',
    "a line separator as space": "[1,\u20282]",
}


def outcome(text: str | bytes) -> str | None:
    """Return the canonical text of what Python reads, None where it refuses."""
    try:
        return strict_json.canonical(strict_json.loads(text)).decode()
    except InputError:
        return None


def page_outcomes(texts: list[Any]) -> list[str | None]:
    read = call("test", "canonicalOf", *[[text] for text in texts])
    return [result.get("value") for result in read]


def test_sound_texts_have_the_same_canonical_form():
    expected = [outcome(text) for text in SOUND]
    assert None not in expected
    # Minus zero is zero in canonical JSON; Python writes the float -0.0 so too.
    assert page_outcomes(SOUND) == expected


def test_what_two_readers_could_read_in_two_ways_is_refused():
    assert {name: outcome(text) for name, text in REFUSED.items()} == dict.fromkeys(REFUSED)
    assert dict(zip(REFUSED, page_outcomes(list(REFUSED.values())), strict=True)) == dict.fromkeys(REFUSED)


def test_bytes_that_are_not_utf8_are_refused():
    (result,) = call("json_text.js", "parseStrict", [as_bytes(b'"\xc3\x28"')])
    assert "not UTF-8" in result["error"]


def test_a_refusal_names_the_key():
    (result,) = call("json_text.js", "parseStrict", ['{"name":1,"name":2}', "the record"])
    assert result["error"] == "the record cannot be read: the key 'name' stands twice in one object."


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=12,
        ),
        min_size=40,
        max_size=60,
    )
)
@settings(max_examples=3, deadline=None)
def test_any_value_has_the_same_canonical_form(values):
    texts = [json.dumps(value) for value in values]
    assert page_outcomes(texts) == [outcome(text) for text in texts]


BASE64URL = [
    "",
    "AA",
    "AQ",
    "AB",
    "AAA",
    "AAE",
    "AAF",
    "AAAA",
    "A",
    "AAAAA",
    "-_-_",
    "+/+/",
    "AA==",
    "A A",
    "\u00e9",
]


def test_base64url_has_one_spelling():
    expected = []
    for text in BASE64URL:
        try:
            expected.append(list(b64url_decode(text)))
        except ValueError:
            expected.append(None)
    found = call("test", "bytesOf", *[[text] for text in BASE64URL])
    assert [result.get("value") for result in found] == expected
