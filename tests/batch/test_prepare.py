from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bodyscan.batch.manifest import Row
from bodyscan.batch.options import BatchOptions
from bodyscan.batch.prepare import Defaults, merged, prepare
from bodyscan.batch.resume import key_of
from bodyscan.batch.storage import digest_of, open_store
from bodyscan.batch.table import JobTable
from bodyscan.consent.demo import make_demo_consent
from bodyscan.errors import ConsentError, InputError

ANNA = make_demo_consent("anna")
NONE = Defaults({})
PLAIN = BatchOptions()


@pytest.fixture
def row(tmp_path: Path) -> Row:
    """A row with every kind of input."""
    (tmp_path / "anna.consent.json").write_text(ANNA.text)
    for name in ("anna.ply", "smile.ply"):
        (tmp_path / name).write_text(f"the scan {name}")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(b"a photo")
    return Row(
        id="anna",
        capture=str(tmp_path / "anna.ply"),
        consent=str(tmp_path / "anna.consent.json"),
        options={"rig": {"pose": "a"}},
        photos=str(tmp_path / "photos"),
        expressions={"smile": str(tmp_path / "smile.ply")},
    )


def key(row: Row, defaults: Defaults = NONE, batch: BatchOptions = PLAIN) -> str:
    """The key of a row whose inputs are all read."""
    return prepare(row, defaults, batch).key(lambda place, stamp: digest_of(place))


# The key


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"rig": {"pose": "t"}}},
        {"options": {"rig": {"pose": "a", "joints": "body"}}},
        {"options": {"rig": {"pose": "a"}, "levels": {"count": 1}}},
        {"options": {"rig": {"pose": "a"}, "scan": {"unit": "mm"}}},
        {"options": {"rig": {"pose": "a"}, "fit": {"max_surface_mean_mm": 2.0}}},
        {"options": {"rig": {"pose": "a"}, "pictures": {"width": 200}}},
        {"options": {"rig": {"pose": "a"}, "profile": "web"}},
        {"options": {}},
        {"purpose": "render"},
        {"territory": "DE"},
        {"medium": "web"},
        {"photos": ""},
        {"expressions": {}},
    ],
)
def test_the_key_changes_with_whatever_makes_the_twin(row, change):
    assert key(replace(row, **change)) != key(row)


def test_the_key_changes_with_the_name_of_an_expression(row):
    assert key(replace(row, expressions={"frown": row.expressions["smile"]})) != key(row)


@pytest.mark.parametrize("name", ["anna.ply", "smile.ply", "photos/1.jpg", "photos/2.jpg"])
def test_the_key_changes_with_the_content_of_each_input(row, tmp_path, name):
    before = key(row)
    (tmp_path / name).write_bytes(b"other content!!!")
    assert key(row) != before


def test_the_key_changes_with_the_record(row):
    before = key(row)
    Path(row.consent).write_text(make_demo_consent("anna", seed=1).text)
    assert key(row) != before


def test_the_key_changes_with_what_else_is_made_of_the_fit_and_with_the_version(row, monkeypatch):
    first = key(row)
    assert key(row, batch=BatchOptions(report=True)) != first
    assert key(row, batch=BatchOptions(formats=("glb", "vrm"))) != first
    monkeypatch.setattr("bodyscan.batch.prepare.__version__", "99.0")
    assert key(row) != first


@pytest.mark.parametrize(
    "batch",
    [
        BatchOptions(formats=("glb", "fbx", "usdz", "blend")),
        BatchOptions(workers=7, attempts=9, retry_wait_s=1.0, retry_failed=True),
        BatchOptions(time_limit_s=1.0, memory_limit_bytes=10),
    ],
)
def test_the_key_does_not_change_with_how_the_batch_runs_nor_with_formats_of_the_twin(row, batch):
    assert key(row, batch=batch) == key(row)


@pytest.mark.parametrize(
    "change",
    [{"reference": "spring"}, {"line": 9}, {"controller_key": "/keys/studio.jwk"}, {"passphrase_file": "/p"}],
)
def test_the_key_does_not_change_with_what_leaves_the_twin_as_it_is(row, change):
    assert key(replace(row, **change)) == key(row)


def test_a_default_is_as_good_as_the_rows_own_word(row):
    said = replace(row, options={"rig": {"pose": "a"}}, purpose="render", territory="DE", medium="web")
    silent = replace(row, options={})
    defaults = Defaults({"rig": {"pose": "a"}}, purpose="render", territory="DE", medium="web")
    assert key(said) == key(silent, defaults)
    assert key(replace(row, options={"levels": {"count": 2}})) == key(replace(row, options={})), (
        "an option that is said as it is anyway"
    )


def test_a_touched_file_is_read_again_and_keeps_the_key(row, tmp_path):
    with JobTable.open(tmp_path / "jobs.sqlite") as table:
        prepared = prepare(row, NONE, PLAIN)
        table.note_digests([(place, stamp, digest_of(place)) for place, stamp in prepared.stamps.items()])
        first = key_of(prepared, table)
        os.utime(row.capture, (1, 1))
        touched = prepare(row, NONE, PLAIN)
        assert touched.stamps[row.capture] != prepared.stamps[row.capture]
        assert key_of(touched, table) == first
        assert table.digest(row.capture, touched.stamps[row.capture]) is not None, "and not a third time"
        Path(row.capture).write_text("a new scan")
        assert key_of(prepare(row, NONE, PLAIN), table) != first


def test_an_input_whose_content_is_not_told_stands_in_the_key_by_its_stamp(row):
    def unknown(place: str, stamp: str) -> None:
        return None

    first = prepare(row, NONE, PLAIN).key(unknown)
    assert prepare(row, NONE, PLAIN).key(unknown) == first
    os.utime(row.capture, (1, 1))
    assert prepare(row, NONE, PLAIN).key(unknown) != first


def test_the_same_inputs_in_another_folder_have_the_same_key(row, tmp_path):
    moved = tmp_path / "archive" / "elsewhere.ply"
    moved.parent.mkdir()
    shutil.copy(row.capture, moved)
    with JobTable.open(tmp_path / "jobs.sqlite") as table:
        first = key_of(prepare(row, NONE, PLAIN), table)
        assert key_of(prepare(replace(row, capture=str(moved)), NONE, PLAIN), table) == first


# What a row is made of


def test_the_rows_own_word_wins(row):
    own = replace(
        row, purpose="render", territory="DE", medium="web", controller_key="/k", reference="own",
        passphrase_file="/p",
    )  # fmt: skip
    defaults = Defaults(
        {"rig": {"pose": "t", "joints": "body"}}, "virtual_try_on", "FR", "print", "/d", "/e", "all"
    )
    prepared = prepare(own, defaults, PLAIN)
    assert prepared.options == {"rig": {"pose": "a", "joints": "body"}}
    assert (str(prepared.use.purpose), prepared.use.territory, prepared.use.medium) == ("render", "DE", "web")
    assert (prepared.controller_key, prepared.passphrase_file, prepared.reference) == ("/k", "/p", "own")
    prepared = prepare(row, defaults, PLAIN)
    assert (str(prepared.use.purpose), prepared.use.territory) == ("virtual_try_on", "FR")
    assert (prepared.controller_key, prepared.passphrase_file, prepared.reference) == ("/d", "/e", "all")


@pytest.mark.parametrize(
    ("table", "over", "found"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": {"d": 2}}}, {"a": {"c": {"e": 3}}}, {"a": {"b": 1, "c": {"d": 2, "e": 3}}}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 2}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    ],
)
def test_tables_are_merged_all_the_way_down_and_left_as_they_were(table, over, found):
    before = (repr(table), repr(over))
    assert merged(table, over) == found
    assert (repr(table), repr(over)) == before


@pytest.mark.parametrize("number", range(2))
def test_an_input_or_a_record_at_an_address_is_as_good(row, number):
    store = open_store("memory://prepare/in")
    store.write("anna.ply", b"the scan anna.ply")
    store.write("anna.consent.json", ANNA.text.encode())
    change: dict[str, str] = {"capture": "memory://prepare/in/anna.ply"}
    change |= {"consent": "memory://prepare/in/anna.consent.json"} if number else {}
    prepared = prepare(replace(row, **change), NONE, PLAIN)
    assert prepared.text == ANNA.text
    assert set(prepared.stamps) == {change["capture"], row.photos, row.expressions["smile"]}
    store.remove("anna.ply")
    store.remove("anna.consent.json")


# Refusals


def refused(row: Row, kind: Any = InputError, **change: Any) -> str:
    with pytest.raises(kind) as caught:
        prepare(replace(row, **change), NONE, PLAIN)
    return str(caught.value)


def test_a_row_without_a_consent_is_refused_with_the_two_ways_to_give_one(row):
    message = refused(row, ConsentError, consent="")
    assert "There is no consent for anna" in message
    assert "column 'consent'" in message
    assert "NAME.consent.json beside the capture" in message


@pytest.mark.parametrize("field", ["capture", "photos", "consent"])
def test_an_input_that_is_not_there_is_named(row, tmp_path, field):
    assert f"There is no {'file or folder ' if field == 'consent' else ''}{tmp_path / 'none'}" in refused(
        row, **{field: str(tmp_path / "none")}
    )
    assert "none.ply" in refused(row, expressions={"smile": str(tmp_path / "none.ply")})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": {"textre": 1}}, "textre is not a known option; known are: "),
        ({"options": {"rig": {"pse": "a"}}}, "rig.pse is not a known option; known are: "),
        ({"options": {"rig": "a"}}, "rig is a table of options; it cannot be 'a'"),
        ({"options": {"levels": {"count": "two"}}}, "levels.count must be a whole number; it is 'two'"),
        ({"options": {"scan": {"unit": "ell"}}}, "possible are: m, cm, mm, in"),
        ({"purpose": "fun"}, "The purpose 'fun' is not known; possible are: make_twin, "),
        ({"medium": "smoke"}, "The medium 'smoke' is not known; possible are: "),
        ({"controller_key": "s3://bucket/studio.jwk"}, "A private key is read from a file of this machine"),
    ],
)
def test_what_is_not_known_is_named_with_what_is(row, change, words):
    assert words in refused(row, **change)


def test_a_record_that_is_no_text_or_huge_is_refused_by_name(row, tmp_path):
    Path(row.consent).write_bytes(b"\xff\xfe\x00record")
    assert "anna.consent.json" in refused(row)
    Path(row.consent).write_bytes(b"{" + b" " * (64 << 20))
    assert "anna.consent.json" in refused(row)
    assert "cannot be read: Is a directory" in refused(row, consent=str(tmp_path))
    store = open_store("memory://prepare/in")
    store.write("huge.json", b" " * (2 << 20))
    store.write("none.json", b"\xff\xfe\x00record")
    assert "huge.json has more than 1 MiB" in refused(row, consent="memory://prepare/in/huge.json")
    assert "none.json is no text in UTF-8" in refused(row, consent="memory://prepare/in/none.json")
    store.remove("huge.json")
    store.remove("none.json")
