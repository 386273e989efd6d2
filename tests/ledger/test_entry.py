from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.consent.fields import format_utc
from bodyscan.consent.record import Medium, PayKind, PayUnit, Purpose, record_from_values
from bodyscan.errors import InputError
from bodyscan.ledger.entry import Entry, entry_hash, first_hash, parse_entry, use_text, utc_text
from bodyscan.ledger.tags import Blinder, subject_tag
from bodyscan.ledger.terms import PayTerms, canonical_text, terms_of
from bodyscan.ledger.use import MAX_OUTPUTS, USE_KINDS, EntryKind, OutputRef, agreement_of
from consent.people import ANNA, child_values, record
from ledger.uses import ANNAS, sha, text_of, use

BLINDER = Blinder(b"\x01" * 32)
TEXTS = st.text(st.characters(categories=["L", "N", "P", "Zs"], max_codepoint=0x2FF), min_size=1, max_size=40)


def told(**changes) -> dict:
    return json.loads(text_of(use("a", **changes), 7, BLINDER))


@given(
    st.sampled_from(USE_KINDS),
    st.sampled_from(Purpose),
    st.none() | st.sampled_from(Medium),
    st.none() | st.sampled_from(["Shop", 'The "Shop"', "Ærø \\ Sønner", "株式会社"]),
    st.none() | st.just("spring"),
    st.none() | st.just("0123456789abcdef"),
    st.integers(1, 1_000_000),
    st.integers(1, 4),
    st.none() | st.just("1250.00"),
)
def test_the_text_of_a_use_is_canonical_json(
    kind, purpose, medium, licensee, reference, twin, units, files, earned
):
    made = use(
        "a",
        kind=kind,
        purpose=purpose,
        medium=medium,
        licensee=licensee,
        reference=reference,
        twin_id=twin,
        units=units,
        outputs=tuple(OutputRef(f"/{number}", sha(number)) for number in range(files)),
        revenue=earned,
        currency=earned and "EUR",
    )
    text, key = use_text(made, utc_text(made.at), 7, 3, BLINDER)
    assert rfc8785.dumps(json.loads(text)) == text.encode()
    entry = parse_entry(text)
    assert entry.use_key() == key
    assert (entry.kind, entry.purpose, entry.medium, entry.licensee) == (kind, purpose, medium, licensee)
    assert (entry.units, entry.revenue, len(entry.more)) == (units, earned, files - 1)
    assert (entry.at, entry.pay) == (made.at, ANNAS.terms)


@pytest.mark.parametrize("name", ["Shop", "\N{SNOWMAN}" * 200])
def test_a_use_of_the_most_files_can_be_read(name):
    made = use("a", outputs=tuple(OutputRef("x", sha(n)) for n in range(MAX_OUTPUTS)), licensee=name)
    assert len(parse_entry(text_of(made, 1, BLINDER)).more) == MAX_OUTPUTS - 1


@given(st.permutations(range(4)), st.sets(st.integers(0, 3), min_size=1))
def test_the_use_key_is_one_of_the_files_and_not_of_their_order(order, some):
    def key_of(numbers: Iterable[int]) -> bytes:
        made = use("a", outputs=tuple(OutputRef(f"/{number}", sha(number)) for number in numbers))
        text, key = use_text(made, utc_text(made.at), 1, 1, BLINDER)
        assert parse_entry(text).use_key() == key
        return key

    assert key_of(order) == key_of(range(4))
    assert (key_of(sorted(some)) == key_of(range(4))) == (some == set(range(4)))


@given(st.dictionaries(st.sampled_from("abcdefgh"), TEXTS | st.integers(0, 2**53 - 1)))
def test_the_fast_encoder_gives_what_the_standard_one_gives(values):
    assert canonical_text(values).encode() == rfc8785.dumps(values)


def test_the_hash_covers_the_ledger_all_before_and_the_text():
    start = first_hash("8021afee-2b39-4564-be48-97b4e4217bb8")
    assert start == hashlib.sha256(b"bodyscan ledger v1\n8021afee-2b39-4564-be48-97b4e4217bb8").digest()
    assert entry_hash(start, "{}") == hashlib.sha256(b"bodyscan ledger entry v1\n" + start + b"{}").digest()
    assert len({entry_hash(start, "{}"), entry_hash(start, "{ }"), entry_hash(bytes(32), "{}")}) == 3


def test_nothing_that_names_the_person_stands_in_an_entry():
    text = text_of(use("a", reference="Anna's summer", twin_id="0123456789abcdef"), 1, BLINDER)
    for secret in (
        ANNAS.pseudonym, ANNAS.identity, ANNAS.record_id, "Anna", "0123456789abcdef", sha("a"), "a.png",
    ):  # fmt: skip
        assert secret not in text


@given(st.binary(max_size=64), st.text(max_size=40))
def test_a_tag_is_the_plain_hmac(salt, value):
    plain = hmac.new(salt, f"output\n{value}".encode(), "sha256").hexdigest()
    assert Blinder(salt).tag("output", value) == plain


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_the_fast_time_is_the_plain_one(moment):
    assert utc_text(moment) == format_utc(moment)


def test_tags_of_two_people_and_of_two_things_never_meet():
    other = Blinder(b"\x02" * 32)
    assert BLINDER.tag("record", "x") != other.tag("record", "x")
    assert BLINDER.tag("record", "x") != BLINDER.tag("reference", "x")
    assert BLINDER.tag("record", "x") == BLINDER.kept_tag("record", "x") == BLINDER.kept_tag("record", "x")
    assert subject_tag(b"\x01" * 32, "k") == BLINDER.tag("subject", "k")
    assert "\\x01" not in repr(BLINDER)


def test_the_first_entry_of_a_child_without_a_key_is_known_by_the_record():
    child = record_from_values(child_values())
    assert agreement_of(child).identity == child.record_id
    assert agreement_of(record()).identity == ANNA.thumbprint
    assert agreement_of(record()).controller == "Atelier"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "void"}, "a use is one of twin, render, export, not void"),
        ({"kind": "dance"}, "'dance' is not a valid EntryKind"),
        ({"territory": "Atlantis"}, "Atlantis"),
        ({"medium": "smoke"}, "'smoke' is not a valid Medium"),
        ({"outputs": ()}, "it has 0 outputs; a use has 1 to 128"),
        ({"outputs": (OutputRef("x", sha("x")),) * 129}, "it has 129 outputs; a use has 1 to 128"),
        ({"outputs": (OutputRef("x", "ABC"),)}, "64 lower-case hex digits"),
        ({"twin_id": "xyz"}, "twin_id must be 16 lower-case hex digits"),
        ({"units": 0}, "units must be 1 to 1,000,000"),
        ({"units": True}, "units must be 1 to 1,000,000"),
        ({"revenue": "12.50"}, "revenue and currency go together"),
        ({"currency": "EUR"}, "revenue and currency go together"),
        ({"revenue": "1e3", "currency": "EUR"}, "revenue must be a decimal number as text"),
        ({"revenue": "-1", "currency": "EUR"}, "revenue must be a decimal number as text"),
        ({"revenue": "NaN", "currency": "EUR"}, "revenue must be a decimal number as text"),
        ({"revenue": "1", "currency": "eur"}, "three capital letters"),
        ({"reference": ""}, "reference has 0 characters"),
        ({"reference": "x" * 201}, "reference has 201 characters"),
        ({"reference": "a\u202eb"}, "reference holds"),
        ({"licensee": "Sh\u043ep"}, "licensee the word"),
        ({"at": datetime(2026, 6, 1)}, "must be a time in UTC"),
    ],
    ids=str,
)
def test_a_use_that_is_not_what_it_must_be_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        use("a", **change)


def test_pay_by_project_needs_the_project():
    terms = PayTerms(kind=PayKind.PER_USE, amount="400", currency="EUR", unit=PayUnit.PROJECT)
    by_project = replace(ANNAS, terms=terms)
    with pytest.raises(InputError, match="pays by project; give the use's reference"):
        use("a", by_project)
    use("a", by_project, reference="spring")
    use("a", by_project, purpose=Purpose.MAKE_TWIN, kind="twin")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequence": 0}, "sequence"),
        ({"number": 0}, "number"),
        ({"kind": "dance"}, "kind"),
        ({"at": "2026-06-01"}, "at"),
        ({"at": "2026-06-01T12:00:00+02:00"}, "at"),
        ({"subject": "x"}, "subject"),
        ({"units": 1.5}, "units"),
        ({"extra": 1}, "extra"),
        ({"pay": {"kind": "unpaid", "amount": "1"}}, "takes nothing else"),
        ({"pay": {"kind": "per_use", "amount": 12.5}}, "amount"),
        ({"voids": 1}, "has no voids"),
        ({"output": None}, "needs output"),
        ({"pay": None}, "needs pay"),
        ({"revenue": "1"}, "revenue and currency go together"),
        ({"licensee": "a\u202eb"}, "holds"),
        ({"kind": "erase"}, "has no "),
    ],
    ids=str,
)
def test_an_entry_that_is_not_what_it_must_be_is_refused(change, message):
    values = {name: value for name, value in {**told(), **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        parse_entry(canonical_text(values))


@pytest.mark.parametrize(
    "spoil", [lambda text: text.replace(":", ": ", 1), lambda text: text.replace("{", '{"units":1,', 1)]
)
def test_a_second_spelling_of_an_entry_is_refused(spoil):
    with pytest.raises(ValueError, match=r"canonical|units"):
        parse_entry(spoil(canonical_text(told())))


def test_a_huge_entry_is_refused_unread():
    with pytest.raises(ValueError, match="20,000 characters; 16,384 are allowed"):
        parse_entry("[" * 20_000)


def test_the_terms_of_a_record_come_over_without_the_account():
    terms = terms_of(record().pay)
    assert terms.words() == "12.50 EUR per use, due 30 days after the use"
    assert "ref-77" not in terms.to_text()
    assert PayTerms(kind=PayKind.UNPAID).words() == "unpaid"
    assert PayTerms(kind=PayKind.SHARE, share_percent="7.5").words() == (
        "7.5 % of the revenue of each use, due with the use"
    )
    flat = PayTerms(kind=PayKind.FLAT, amount="400", currency="EUR", due_days=7)
    assert flat.words() == "400 EUR once, with the first use, due 7 days after the use"


def test_every_kind_of_entry_is_told_apart():
    assert {kind for kind in EntryKind if Entry.model_construct(kind=kind).is_use} == set(USE_KINDS)
