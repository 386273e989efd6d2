"""Manifests: tables and JSON lines."""

from __future__ import annotations

import gc
import pickle
import time
from pathlib import Path

import pytest

from batch.manifests import line, refusal, rows, table
from bodyscan.batch.manifest import KNOWN_COLUMNS, MAX_BYTES, Manifest, Row, read_manifest
from bodyscan.errors import InputError

# Tables


def test_two_columns_are_enough(tmp_path):
    found = read_manifest(table(tmp_path, "capture,consent\nscans/anna.ply,anna.consent.json\n"))
    anna = Row("anna", f"{tmp_path}/scans/anna.ply", f"{tmp_path}/anna.consent.json", line=2)
    assert found == Manifest((anna,), str(tmp_path / "night.csv"))


def test_all_columns_find_their_place(tmp_path):
    names = "id,capture,consent,controller_key,passphrase_file,photos,reference,purpose,territory,medium"
    text = f"{names},expression.smile,rig.pose,profile\n1,a,b,c,d,e,f 7,make_twin,DE,film,s.ply,t,web\n"
    (row,) = rows(tmp_path, text)
    at = f"{tmp_path}/"
    assert row == Row(
        id="1",
        capture=at + "a",
        consent=at + "b",
        controller_key=at + "c",
        passphrase_file=at + "d",
        photos=at + "e",
        reference="f 7",
        purpose="make_twin",
        territory="DE",
        medium="film",
        expressions={"smile": at + "s.ply"},
        options={"rig": {"pose": "t"}, "profile": "web"},
        line=2,
    )
    assert set(names.split(",")) == set(KNOWN_COLUMNS)


@pytest.mark.parametrize("divider", [",", ";", "\t"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n", b"\xef\xbb\xbf\r\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_of_every_country_are_read(tmp_path, divider, start, end):
    text = end.join(('"capture"{0} consent {0}rig.pose', '"a,b;c d.ply"{0}Zoë.json{0}t', "")).format(divider)
    (row,) = rows(tmp_path, start + text.encode())
    assert row.capture == f"{tmp_path}/a,b;c d.ply"
    assert row.consent == f"{tmp_path}/Zoë.json"
    assert row.options == {"rig": {"pose": "t"}}


def test_quotes_hold_dividers_quotes_and_line_ends(tmp_path):
    text = 'capture,consent,texture.note\n"a ""1"", b.ply",c,"two\nlines"\nd.ply,e,\n'
    first, second = rows(tmp_path, text)
    assert first.capture == f'{tmp_path}/a "1", b.ply'
    assert first.options == {"texture": {"note": "two\nlines"}}
    assert (first.line, second.line) == (2, 4)


def test_what_excel_leaves_at_the_end_is_nothing(tmp_path):
    found = rows(tmp_path, "capture;consent;;\na.ply;b;;\n;;;\n\nc.ply;d\n")
    assert [(row.id, row.line) for row in found] == [("a", 2), ("c", 5)]


def test_cells_become_true_false_numbers_or_text(tmp_path):
    cells = {
        "true": True, "FALSE": False, "12": 12, "-3": -3, "0": 0, "1.5": 1.5, "-2.5e3": -2500.0, "1e3": 1e3,
        "007": 7.0, "1,5": "1,5", "mm": "mm", "nan": "nan", "inf": "inf", "1e999": "1e999", "1_000": "1_000",
        "+x": "+x", "٣": "٣",
    }  # fmt: skip
    for text, value in cells.items():
        (row,) = rows(tmp_path, f'capture,consent,a.b\na.ply,c,"{text}"\n')
        assert row.options == {"a": {"b": value}}
        assert type(row.options["a"]["b"]) is type(value)


def test_an_empty_cell_is_not_given(tmp_path):
    (row,) = rows(tmp_path, "capture,consent,id,photos,expression.smile,rig.pose\na.ply, ,,,,\n")
    assert row == Row("a", f"{tmp_path}/a.ply", "", line=2)


def test_paths_begin_at_the_manifest_and_addresses_stay(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    path = table(
        tmp_path / "in",
        "id,capture,consent\n1,./a.ply,../b\n2,/x/a.ply,s3://bucket/b.json\n3,s3://k/a.ply,.c\n4,a:b.ply,c//d\n",
    )
    monkeypatch.chdir(tmp_path)
    one, two, three, four = read_manifest(Path("in/night.csv")).rows
    assert (one.capture, one.consent) == (f"{path.parent}/a.ply", f"{path.parent}/../b")
    assert (two.capture, two.consent) == ("/x/a.ply", "s3://bucket/b.json")
    assert (three.capture, three.consent) == ("s3://k/a.ply", f"{path.parent}/.c")
    assert (four.capture, four.consent) == (f"{path.parent}/a:b.ply", f"{path.parent}/c/d")


def test_one_capture_may_be_made_twice_under_own_ids(tmp_path):
    found = rows(tmp_path, "id,capture,consent,rig.pose\na-t,a.ply,c,t\na-a,a.ply,c,a\n")
    assert [row.options["rig"]["pose"] for row in found] == ["t", "a"]


def test_rows_cross_processes(tmp_path):
    found = rows(tmp_path, "capture,consent,rig.pose,expression.smile\na.ply,c,t,s.ply\n")
    assert pickle.loads(pickle.dumps(found)) == found


# Ids


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        ("scans/anna.v2.ply", "anna.v2"),
        ("turntable", "turntable"),
        ("turntable/", "turntable"),
        ("s3://bucket/a/anna.ply", "anna"),
        ("https://host/anna.ply?token=x/y.z", "anna"),
        ("Scan 001 (final).ply", "Scan-001-final"),
        ("Zoë.ply", "Zoë"),
        ("Zoe\u0308.ply", "Zoë"),
        ("体 1.ply", "体-1"),
        ("अनिता.ply", "अनिता"),
        (".anna.ply", "anna"),
    ],
)
def test_the_id_is_the_captures_name_made_safe(tmp_path, capture, expected):
    (row,) = rows(tmp_path, f"capture,consent\n{capture},c\n")
    assert row.id == expected


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("a/b", "holds '/'"),
        ("a b", "holds ' '"),
        ("a:b", "holds ':'"),
        ("..", "begins with '.'"),
        (".a", "begins with '.'"),
        ("-a", "begins with '-'"),
        ("a.", "ends with a dot"),
        ("a" * 101, "is too long (101 characters)"),
        ("体" * 80, "is too long (80 characters)"),
        ("con", "is a device's name on Windows"),
        ("LPT1.x", "is a device's name on Windows"),
        ("a\u202eb", "holds '\\u202e'"),
    ],
)
def test_an_id_that_is_no_files_name_everywhere_is_refused(tmp_path, given, problem):
    message = refusal(tmp_path, f"id,capture,consent\n{given},a.ply,c\n")
    assert message.startswith(
        f"night.csv, line 2: the id '{given}' of a.ply {problem}; it must be able to name"
    )
    assert message.endswith("Give one in the column id: letters, digits, . _ and -, at most 100.")


def test_a_capture_without_a_usable_name_needs_an_id(tmp_path):
    assert "the id 'NUL' of NUL.ply is a device's name" in refusal(tmp_path, "capture,consent\nNUL.ply,c\n")
    assert "the id '' of ((.ply is empty" in refusal(tmp_path, "capture,consent\n((.ply,c\n")


def test_ids_that_differ_in_capitals_alone_clash_and_both_lines_are_named(tmp_path):
    message = refusal(tmp_path, "capture,consent\na/Anna.ply,c\nb/x.ply,c\nb/anna.obj,c\n")
    assert message == (
        "night.csv, line 4: anna.obj would have the id 'anna', which is that of line 2 already (capitals do "
        "not count). Give each row an id of its own in the column id."
    )


# What is refused in tables


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Capture,consent\na,b\n", "line 1: the column 'Capture' is not known; is capture meant? Known"),
        ("capture,consent,Passphrase File\na,b,c\n", "'Passphrase File' is not known; is passphrase_file"),
        ("capture,consent,rig..pose\na,b,c\n", "column 'rig..pose' is not known. Known are: capture"),
        ("capture,consent,expression.\na,b,c\n", "'expression.' names no expression. Write expression.NAME"),
        ("capture,consent,expression.a b\na,b,c\n", "'expression.a b' names no expression"),
        ("capture,consnet\na,b\n", "line 1: the column consent is missing; is consnet meant? A manifest"),
        ("consent\na\n", "line 1: the column capture is missing. A manifest has a header, with at least"),
        (";;;\n", "line 1: the column capture is missing"),
        ("capture,,consent\na,b,c\n", "line 1: a column has no name. Name it, or take it out"),
        ("capture,consent,id,id\na,b,c,d\n", "line 1: the column id stands there twice; leave one out"),
        ("capture,consent,rig,rig.pose\na,b,c,d\n", "line 2: rig.pose and rig are given, and rig cannot be"),
        ("capture,consent,rig.pose,rig\na,b,c,d\n", "line 2: rig is given as a value and as a table"),
        ("capture,consent\na,b\nc\n", "line 3 has 1 fields; the header has 2. Put a field"),
        ("capture,consent\na,b,c\n", "line 2 has 3 fields; the header has 2"),
        ("capture,consent\n,b\n", "line 2: the capture is empty. Give the path or address of a scan"),
        ('capture,consent\na,b\n"c,d\ne,f\n', "line 3 is no row of a table (unexpected end of data). Write"),
        ('capture,consent\n"a"b,c\n', "line 2 is no row of a table (',' expected after '\"')"),
        ('capture,consent\n"a\nb",c\n', "line 2: capture holds the character U+000A, which no name can"),
        ("capture,consent\na\0,b\n", "line 2 holds a NUL byte: it is no text"),
        (b"capture,consent\na,b\nZo\xeb.ply,b\n", "line 3 is not UTF-8 (byte 0xEB at byte 3). Save it again"),
        ("capture,consent\na,b\n".encode("utf-16"), "night.csv is UTF-16. Save it again, as 'CSV UTF-8'"),
        ("", "night.csv is empty. Write a table with the columns capture and consent"),
        ("\n \n", "night.csv has no header. Begin with the columns capture and consent"),
        ("capture,consent\n", "night.csv has no rows. Write one line for each scan"),
        ("capture,consent\n;\n,\n", "line 2 has 1 fields"),
        ("x" * (1 << 20), "line 1 is longer than 1 MiB: it is no manifest"),
        ("capture,consent\n" + "x" * 200_000 + ",b\n", "line 2 is no row of a table (field larger"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_meant_is_refused(tmp_path, text, message):
    assert message in refusal(tmp_path, text)


def test_a_scan_with_a_tables_name_is_refused_at_once(tmp_path):
    assert "the column capture is missing" in refusal(tmp_path, b"ply\nformat ascii 1.0\n")
    assert "the column '0.1 0.2 0.3' is not known" in refusal(tmp_path, "0.1 0.2 0.3\n" * 1000)
    assert "line 1 holds a NUL byte" in refusal(tmp_path, bytes(1000))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "scan.csv"
    with path.open("wb") as stream:
        stream.truncate(2 << 30)  # takes no room
    start = time.monotonic()
    with pytest.raises(
        InputError, match=r"has 2048 MiB, more than the 512 that a manifest may have. Is it a scan"
    ):
        read_manifest(path)
    assert time.monotonic() - start < 1
    assert MAX_BYTES == 512 << 20


def test_other_kinds_of_files_are_refused(tmp_path):
    (tmp_path / "a.PLY").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"a.PLY is a scan, not a manifest. Use `bodyscan twin` for one scan"
    ):
        read_manifest(tmp_path / "a.PLY")
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(
        InputError, match=r"a.json is of a kind that is no manifest. Give a table .\.csv, \.tsv"
    ):
        read_manifest(tmp_path / "a.json")
    for name in ("none.json", "none.csv"):
        with pytest.raises(InputError, match=f"There is no .*{name}"):
            read_manifest(tmp_path / name)


@pytest.mark.slow
def test_many_rows_are_read_in_time_that_grows_with_their_number(tmp_path):
    count = 100_000
    head = "id,capture,consent,rig.pose,scan.unit\n"
    path = table(
        tmp_path, head + "".join(f"p-{n},scans/p-{n}.ply,c/{n}.json,{'at'[n % 2]},mm\n" for n in range(count))
    )
    start = time.process_time()
    found = read_manifest(path).rows
    assert time.process_time() - start < 6  # 60 microseconds a row; 10 without other work on the machine
    assert len(found) == count
    assert found[-1].line == count + 1
    assert found[0].options is found[2].options
    assert gc.isenabled()


# JSON lines


def test_json_lines_have_the_same_names_and_tables_of_their_own(tmp_path):
    text = "\n".join(
        (
            line(id="1", photos=None, options={"rig": {"pose": "t", "joints": None}, "texture.size": 1024}),
            "",
            line(id="2", expressions={"smile": "s.ply"}, **{"rig.pose": "a", "profile": "web"}),
            line(id="3", options=None, expressions=None, **{"expression.smile": "s3://b/s.ply"}),
        )
    )
    one, two, three = rows(tmp_path, "\ufeff" + text, "night.jsonl")
    assert one == Row(
        "1",
        f"{tmp_path}/a.ply",
        f"{tmp_path}/a.json",
        {"rig": {"pose": "t"}, "texture": {"size": 1024}},
        line=1,
    )
    assert (two.options, two.expressions) == (
        {"rig": {"pose": "a"}, "profile": "web"},
        {"smile": f"{tmp_path}/s.ply"},
    )
    assert (three.options, three.expressions, three.line) == ({}, {"smile": "s3://b/s.ply"}, 4)


def test_values_of_json_keep_their_type(tmp_path):
    options = {"a": {"b": [1, 2.5, "x"], "c": True, "d": "true", "e": 3}}
    (row,) = rows(tmp_path, line(options=options), "night.ndjson")
    assert row.options == options


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"capture": "a"}', "line 1: consent is missing."),
        ('{"capture": "a", "consnet": "b"}', "line 1: consent is missing; is consnet meant?"),
        ('{"capture": "a", "capture": "b", "consent": "c"}', "line 1 cannot be read: 'capture' stands twice"),
        (line(options={"a": 1}) + '\n{"options": {"a": 1, "a": 2}}', "line 2 cannot be read: 'a' stands"),
        ("{", "line 1 is not JSON (column 2"),
        ("[1]", "line 1 is no JSON object. Write one a line"),
        ("{} {}", "line 1 is not JSON (column 3: more than one value)"),
        ('{"a": NaN}', "line 1 cannot be read: NaN is no number of JSON"),
        ('{"a": 1e999}', "line 1 cannot be read: the number 1e999 is too large"),
        ("[" * 100_000, "line 1 cannot be read: "),
        (line(id=7), "line 1: id must be text, in quotes; it is 7."),
        (line(capture=["a"]), "line 1: capture must be text, in quotes; it is [\"a\"]."),
        (line(capture=None), "line 1: the capture is empty"),
        (line(capture="a\0b"), "line 1: capture holds the character U+0000"),
        (line(consent="\ud800"), "line 1: consent holds the character U+D800"),
        (line(options=[1]), "line 1: options must be a table."),
        (line(expressions="a"), "line 1: expressions must be a table of names and scans."),
        (line(expressions={"a b": "c"}), "the column 'expression.a b' names no expression"),
        (line(expressions={"a": "c"}, **{"expression.a": "d"}), "the expression a is given twice"),
        (line(Consent="c"), "the column 'Consent' is not known; is consent meant?"),
        (line(options={"Rig": 1}), "'Rig' is no name of an option; write it as scan.unit."),
        (line(options={"rig": {"pose": 1}, "rig.pose": 2}), "rig.pose is given twice; leave one out."),
        (line(options={"rig": 1, "rig.pose": 2}), "rig.pose and rig are given, and rig cannot be both."),
        (line(options={"rig.pose": 1, "rig": 2}), "rig is given as a value and as a table"),
        (line() + "\n" + line(), "line 2: a.ply would have the id 'a', which is that of line 1 already"),
        (b'{"capture": "\xff"}', "line 1 is not UTF-8 (byte 0xFF at byte 14)"),
        ("\n\n", "night.jsonl has no rows"),
    ],
)  # fmt: skip
def test_a_json_line_that_is_not_meant_is_refused(tmp_path, text, message):
    assert message in refusal(tmp_path, text, "night.jsonl")
