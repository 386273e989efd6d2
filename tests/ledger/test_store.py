from __future__ import annotations

import os
import sqlite3
from datetime import timedelta

import pytest

from bodyscan.consent.record import Purpose
from bodyscan.errors import InputError
from bodyscan.ledger.schema import APPLICATION_ID
from bodyscan.ledger.store import Ledger
from bodyscan.ledger.use import DoubleUseError, EntryKind, OutputRef
from bodyscan.ledger.verify import verify_ledger
from ledger.uses import ANNAS, BENS, NOW, guard, open_new, sha, use, without_guards


def bodies(ledger: Ledger) -> list[str]:
    return [stored.body for stored in ledger.entries()]


def test_what_was_appended_is_there_after_the_file_is_opened_again(tmp_path):
    with open_new(tmp_path) as ledger:
        receipts = [ledger.append(use(name)) for name in "abc"]
        told = bodies(ledger)
    assert [receipt.sequence for receipt in receipts] == [1, 2, 3]
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert bodies(ledger) == told
        assert [stored.hash.hex() for stored in ledger.entries()] == [each.entry_hash for each in receipts]
        assert verify_ledger(ledger, []).findings == ()


def test_a_group_gives_the_chain_that_single_appends_give(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    uses = [use(number, BENS if number % 3 else ANNAS) for number in range(20)]
    with open_new(tmp_path / "one") as one, open_new(tmp_path / "two") as two:
        one.append_many(uses)
        for each in uses:
            two.append(each)
        # Salts are random, so texts differ; all that is not blinded is the same.
        plain = [[(s.sequence, s.number, s.latest) for s in ledger.entries()] for ledger in (one, two)]
        assert plain[0] == plain[1]
        assert verify_ledger(one, []).ok
        assert verify_ledger(two, []).ok


def test_a_group_is_written_whole_or_not_at_all(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
        with pytest.raises(DoubleUseError):
            ledger.append_many([use("b"), use("c"), use("a")])
        assert len(ledger) == 1
        assert verify_ledger(ledger, []).ok


def test_the_same_use_is_refused_the_second_time(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
        with pytest.raises(DoubleUseError, match=r"as entry 1: the same render .* give it a reference"):
            ledger.append(use("a", at=NOW + timedelta(days=3)))
        with pytest.raises(DoubleUseError, match="as entry 2"):
            ledger.append_many([use("b"), use("b")])
        assert len(ledger) == 1


def test_the_same_use_can_be_asked_for_instead(tmp_path):
    with open_new(tmp_path) as ledger:
        first = ledger.append(use("a"), again="return")
        second = ledger.append(use("a"), again="return")
        assert (first.new, second.new) == (True, False)
        assert (first.sequence, first.entry_hash) == (second.sequence, second.entry_hash)
        many = ledger.append_many([use("b"), use("a"), use("b")], again="return")
        assert [(each.sequence, each.new) for each in many] == [(2, True), (1, False), (2, False)]
        assert len(ledger) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "autumn"},
        {"purpose": Purpose.RENDER},
        {"kind": EntryKind.EXPORT},
        {"licensee": "Shop"},
        {"territory": "US-CA"},
        {"medium": "print"},
        {"agreement": BENS},
        {"outputs": (OutputRef("/pictures/a.png", sha("other")),)},
        {"outputs": (OutputRef("/pictures/a.png", sha("a")), OutputRef("/pictures/b.png", sha("b")))},
    ],
    ids=["reference", "purpose", "kind", "licensee", "territory", "medium", "record", "bytes", "one more"],
)
def test_a_use_that_differs_in_what_is_paid_for_is_another_use(tmp_path, change):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
        assert ledger.append(use("a", **change)).sequence == 2
        assert verify_ledger(ledger, []).ok


def test_a_voided_use_can_be_written_down_again(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
        ledger.void(1, NOW, "the picture was never made")
        assert ledger.append(use("a")).sequence == 3
        with pytest.raises(DoubleUseError, match="as entry 3"):
            ledger.append(use("a"))
        assert verify_ledger(ledger, []).ok


def test_only_a_use_that_counts_can_be_voided(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
        ledger.void(1, NOW, "a mistake")
        with pytest.raises(InputError, match="entry 1 is voided already, by entry 2"):
            ledger.void(1, NOW, "again")
        with pytest.raises(InputError, match="entry 2 is no use"):
            ledger.void(2, NOW, "a void")
        with pytest.raises(InputError, match="there is no entry 9; the ledger has 2 entries"):
            ledger.void(9, NOW, "nothing")
        with pytest.raises(InputError, match="the reason has 0 characters"):
            ledger.void(1, NOW, "")
        with pytest.raises(InputError, match="control character"):
            ledger.void(1, NOW, "line\nbreak")
        assert len(ledger) == 2


def test_a_use_is_not_slipped_into_a_time_that_is_over(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a", at=NOW + timedelta(days=10)))
        ledger.append(use("b", at=NOW + timedelta(days=9)))
        with pytest.raises(
            InputError, match=r"dated 2026-06-09T12:00:00Z, and the ledger's latest use 2026-06-11"
        ):
            ledger.append(use("c", at=NOW + timedelta(days=8)))
        ledger.void(1, NOW, "the clock was wrong")
        assert ledger.append(use("c", at=NOW + timedelta(days=8))).sequence == 4
        assert verify_ledger(ledger, []).ok


@pytest.mark.parametrize("table", ["entries", "checkpoints", "ledger"])
def test_the_file_itself_refuses_changes(tmp_path, table):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
        ledger.connection.execute("INSERT INTO checkpoints (number, text) VALUES (1, 'x')")
    connection = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    before = list(connection.iterdump())
    column = {"entries": "body", "checkpoints": "text", "ledger": "id"}[table]
    rows = connection.execute(f"SELECT * FROM {table}").fetchall()
    marks = ", ".join("?" * len(rows[0]))
    for statement, values in (
        (f"UPDATE {table} SET {column} = 'x'", ()),
        (f"DELETE FROM {table}", ()),
        (f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows[0]),
        (f"REPLACE INTO {table} VALUES ({marks})", rows[0]),
    ):
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|already"):
            connection.execute(statement, values)
    assert list(connection.iterdump()) == before
    connection.close()


def test_the_file_itself_refuses_a_use_twice(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
        row = ledger.connection.execute("SELECT * FROM entries").fetchone()
        with pytest.raises(sqlite3.IntegrityError, match="stands in the ledger already"):
            ledger.connection.execute("INSERT INTO entries VALUES (2, ?, ?, ?, ?, ?, ?, ?)", row[1:])


def test_a_new_ledger_is_for_its_owner_alone(tmp_path):
    with open_new(tmp_path / "deep" / "er") as ledger:
        ledger.append(use("a"))
        modes = {path.stat().st_mode & 0o777 for path in ledger.path.parent.iterdir()}
    assert modes == {0o600}


def test_there_must_be_a_ledger_to_read(tmp_path):
    path = tmp_path / "ledger.sqlite"
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(InputError, match=r"there is no ledger .*ledger\.sqlite"):
            Ledger.open(path, **options)
    with pytest.raises(InputError, match="to make one, give the time"):
        Ledger.open(path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is an empty file: it was cut off"),
        (b"not a database at all" * 10, "is no ledger of bodyscan"),
        (b"SQLite format 3\x00", "is no ledger of bodyscan"),
    ],
    ids=["empty", "foreign", "short"],
)
def test_another_file_is_no_ledger(tmp_path, content, message):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        Ledger.open(path, now=NOW)
    assert path.read_bytes() == content


def test_a_huge_foreign_file_is_refused_at_once(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with path.open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(InputError, match="is no ledger of bodyscan"):
        Ledger.open(path, now=NOW)


def test_another_programs_database_is_no_ledger(tmp_path):
    path = tmp_path / "ledger.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE entries (sequence INTEGER)")
    connection.close()
    with pytest.raises(InputError, match="is no ledger of bodyscan"):
        Ledger.open(path, now=NOW)


def test_a_folder_is_no_ledger(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        Ledger.open(tmp_path, now=NOW)


@pytest.mark.parametrize("number", [1, 3])
def test_a_ledger_of_another_format_is_refused(tmp_path, number):
    open_new(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    connection.execute(f"PRAGMA user_version = {number}")
    connection.close()
    message = f"has the format {number}; this version reads 2. Open it with the version that wrote it"
    for read_only in (True, False):
        with pytest.raises(InputError, match=message):
            Ledger.open(tmp_path / "ledger.sqlite", read_only=read_only)


def test_a_ledger_without_its_guards_is_refused(tmp_path):
    open_new(tmp_path).close()
    connection = without_guards(tmp_path / "ledger.sqlite")
    connection.close()
    with pytest.raises(InputError, match=r"guards of the ledger .* were changed \(see checkpoints_in_order"):
        Ledger.open(tmp_path / "ledger.sqlite")
    guard(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None))
    Ledger.open(tmp_path / "ledger.sqlite").close()


def test_a_damaged_file_is_one_clear_error(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append_many([use(number) for number in range(200)])
    path = tmp_path / "ledger.sqlite"
    data = bytearray(path.read_bytes())
    data[4096 * 3 :] = os.urandom(len(data) - 4096 * 3)
    path.write_bytes(data)
    with pytest.raises(InputError, match="is damaged"), Ledger.open(path) as ledger:
        list(ledger.entries())


def test_a_file_that_was_cut_off_is_one_clear_error(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append_many([use(number) for number in range(200)])
    path = tmp_path / "ledger.sqlite"
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(InputError, match="is damaged"), Ledger.open(path) as ledger:
        list(ledger.entries())


def test_a_text_of_impossible_length_is_refused_before_it_is_read(tmp_path):
    open_new(tmp_path).close()
    connection = without_guards(tmp_path / "ledger.sqlite")
    connection.execute(
        "INSERT INTO entries VALUES (1, printf('%.*c', 3000000, 'x'), x'00', x'00', 1, NULL, NULL, '')"
    )
    guard(connection)
    with (
        pytest.raises(InputError, match="is damaged"),
        Ledger.open(tmp_path / "ledger.sqlite") as ledger,
    ):
        list(ledger.entries())


def test_a_full_disk_is_one_clear_error_and_loses_nothing(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("first"))
        pages = ledger.connection.execute("PRAGMA page_count").fetchone()[0]
        ledger.connection.execute(f"PRAGMA max_page_count = {pages + 3}")
        with pytest.raises(InputError, match=r"no room left on its disk; nothing was added"):
            ledger.append_many([use(number) for number in range(200)])
        assert len(ledger) == 1
        ledger.connection.execute("PRAGMA max_page_count = 1000000")
        ledger.append(use("second"))
        assert verify_ledger(ledger, []).ok


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_can_be_read(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
    tmp_path.chmod(0o500)
    try:
        with Ledger.open(tmp_path / "ledger.sqlite", read_only=True) as ledger:
            assert len(ledger) == 1
        with pytest.raises(InputError, match=r"cannot be written|cannot be opened"):
            Ledger.open(tmp_path / "ledger.sqlite").append(use("b"))
    finally:
        tmp_path.chmod(0o700)


def test_a_reader_cannot_write(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
    with Ledger.open(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        assert len(ledger) == 1
        with pytest.raises(InputError, match="read-only"):
            ledger.append(use("b"))


def test_a_ledger_that_another_process_holds_is_one_clear_error(tmp_path):
    with open_new(tmp_path) as one, Ledger.open(tmp_path / "ledger.sqlite", wait_s=0.05) as two:
        with one.writing(), pytest.raises(InputError, match="in use by another process"):
            two.append(use("a"))
        two.append(use("a"))
        assert len(one) == 1


def test_a_reader_sees_one_moment_while_others_append(tmp_path):
    with open_new(tmp_path) as one, Ledger.open(tmp_path / "ledger.sqlite") as two:
        one.append(use("a"))
        with two.snapshot():
            assert len(two) == 1
            one.append(use("b"))
            assert len(two) == 1
        assert len(two) == 2


def test_the_header_names_the_program(tmp_path):
    open_new(tmp_path).close()
    head = (tmp_path / "ledger.sqlite").read_bytes()[:100]
    assert int.from_bytes(head[68:72], "big") == APPLICATION_ID


def test_a_use_that_stands_is_found_and_looking_writes_nothing(tmp_path):
    with open_new(tmp_path) as ledger:
        assert ledger.standing(use("a")) is None
        assert ledger.connection.execute("SELECT count(*) FROM people").fetchone() == (0,)
        ledger.append_many((use("a"), use("a", BENS), use("b")))
        assert [ledger.standing(each) for each in (use("a"), use("a", BENS), use("b"))] == [1, 2, 3]
        assert ledger.standing(use("c")) is None
        ledger.void(1, NOW, "by mistake")
        assert ledger.standing(use("a")) is None
        assert ledger.append(use("a")).sequence == 5
        assert ledger.standing(use("a")) == 5
        assert verify_ledger(ledger, []).ok
