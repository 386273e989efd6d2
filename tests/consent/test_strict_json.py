from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.consent import strict_json
from bodyscan.errors import InputError

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e15, 1e15)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("ab\u00e9\u20ac", max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_canonical_text_reads_back_to_a_value_with_the_same_canonical_text(value: object) -> None:
    text = strict_json.canonical(value)
    assert strict_json.canonical(strict_json.loads(text)) == text


def test_canonical_text_is_that_of_rfc_8785() -> None:
    value = json.loads('{"b":[56,{"d":true,"10":null,"1":[]}],"a":"\\u20ac$\\u000f\\n","é":1.0,"n":1e-7}')
    wanted = '{"a":"€$\\u000f\\n","b":[56,{"1":[],"10":null,"d":true}],"n":1e-7,"é":1}'
    assert strict_json.canonical(value).decode() == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ('{"x": {"a": 1, "\\u0061": 2}}', "the key 'a' stands twice"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": -Infinity}', "-Infinity is not a JSON number"),
        ('{"a": 1e999}', "not exact"),
        ("9007199254740993", "9007199254740993 lies beyond 2^53 - 1"),
        ("-9007199254740992", "lies beyond 2^53 - 1"),
        ("9007199254740993.0", "lies beyond 2^53 - 1"),
        ("1" * 5000, "lies beyond 2^53 - 1"),
        ("[" * 17 + "]" * 17, "nested deeper than 16"),
        ("[" * 100_000, "nested deeper than 16"),
        ('"\\ud800"', "half of a surrogate pair"),
        ('{"\\ud800": 1}', "half of a surrogate pair"),
        (b'"\xff"', "utf-8"),
        ('"' + "x" * strict_json.MAX_BYTES + '"', "more than the 262144"),
        ("{} {}", "it is not JSON (line 1, column 4)"),
        ("", "it is not JSON (line 1, column 1)"),
    ],
)
def test_refuses_with_a_reason(text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match="the file cannot be read") as caught:
        strict_json.loads(text, "the file")
    assert said in str(caught.value)


def test_brackets_in_strings_are_not_depth() -> None:
    assert strict_json.loads('"' + "[" * 50 + '\\"' + "{" * 50 + '"') == "[" * 50 + '"' + "{" * 50


def test_sixteen_levels_and_the_largest_exact_integer_are_read() -> None:
    assert strict_json.loads("[" * 16 + str(2**53 - 1) + "]" * 16)


def test_a_value_without_canonical_form_is_refused() -> None:
    with pytest.raises(InputError, match="no canonical JSON form"):
        strict_json.canonical({"a": 2**53 + 1})
