from __future__ import annotations

import sqlite3

import pytest

from bodyscan.batch.job import ErrorKind, Job, JobError, JobState, Output, StageSeconds
from bodyscan.batch.table import JobTable, Stored
from bodyscan.errors import InputError

FULL = Job(
    id="änna",
    position=3,
    capture="s3://b/anna.ply",
    state=JobState.FAILED,
    attempts=2,
    seconds=1.5,
    person="Anna 7",
    error=JobError(ErrorKind.INPUT, "no whole person"),
    quality={"surface_mean_mm": 0.5, "acceptable": True},
    measurements_cm={"stature": 170.5},
    warnings=("one", "two"),
    stages=(StageSeconds("fit", 2.0, "well"),),
    outputs=(Output("twin", "a/a.glb", "0" * 64, 12),),
    ledger_entry=4,
)


@pytest.fixture
def table(tmp_path):
    with JobTable.open(tmp_path / "jobs.sqlite") as found:
        yield found


def rows(count: int, state: JobState = JobState.WAITING) -> list[Stored]:
    return [Stored(Job(f"s{i}", i, f"s{i}.ply", state)) for i in range(count)]


def test_a_row_comes_back_as_it_was_saved(table):
    row = Stored(FULL, "key", {"files": [{"name": "a"}]})
    table.save(row)
    assert table.get("änna") == row
    assert table.get("ben") is None


def test_rows_stand_in_the_manifests_order_whatever_order_they_were_saved_in(table):
    table.save(*reversed(rows(12)))
    assert [job.position for job in table.jobs()] == list(range(12))


def test_rows_of_a_state_are_found_and_counted(table):
    table.save(*rows(3), *(row.but(id=f"d{i}", state=JobState.DONE) for i, row in enumerate(rows(2))))
    assert len(table.rows(JobState.DONE)) == 2
    assert table.counts()[JobState.WAITING] == 3
    assert table.counts()[JobState.REFUSED] == 0


def test_a_row_that_is_not_listed_any_more_is_kept(table):
    table.save(*rows(3))
    table.set_listed(rows(2))
    assert [job.id for job in table.jobs()] == ["s0", "s1"]
    assert table.get("s2").listed is False


def test_saving_is_all_or_none(table):
    broken = Stored(Job("bad", 1, "x"), plan={"not JSON": object()})
    with pytest.raises(TypeError):
        table.save(rows(1)[0], broken)
    assert table.jobs() == []


def test_digests_are_known_by_place_and_stamp(table):
    table.note_digests([("a.ply", "1", "f" * 64)])
    assert table.digest("a.ply", "1") == "f" * 64
    assert table.digest("a.ply", "2") is None


def test_it_is_read_by_others_while_it_is_written(table):
    table.save(*rows(2))
    with JobTable.open(table.path, read_only=True) as other:
        assert len(other.jobs()) == 2
        with pytest.raises(InputError, match="cannot be used"):
            other.save(*rows(3))


def test_there_is_none_to_read(tmp_path):
    with pytest.raises(InputError, match="There is no batch at"):
        JobTable.open(tmp_path / "jobs.sqlite", read_only=True)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be used"):
        JobTable.open(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(tmp_path):
    path = tmp_path / "jobs.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(InputError, match="no job table"):
        JobTable.open(path)


def test_another_format_is_refused(tmp_path):
    path = tmp_path / "jobs.sqlite"
    JobTable.open(path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 9")
    other.close()
    with pytest.raises(InputError, match="format 9"):
        JobTable.open(path)


def test_a_full_disk_is_one_error_and_what_was_saved_stays(table):
    table.save(*rows(1))
    (pages,) = table._connection.execute("PRAGMA page_count").fetchone()
    table._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(InputError, match="Make room"):
        table.save_many(rows(5000))
    assert [job.id for job in table.jobs()] == ["s0"]
