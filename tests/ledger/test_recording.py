from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from bodyscan.consent import Use
from bodyscan.errors import InputError
from bodyscan.ledger.entry import parse_entry
from bodyscan.ledger.erase import scrub
from bodyscan.ledger.people import find_person, known_twins, outputs_of, pending
from bodyscan.ledger.recording import LedgerLog, UseLog, recording
from bodyscan.ledger.store import Ledger
from bodyscan.ledger.use import DoubleUseError, EntryKind
from bodyscan.ledger.verify import verify_ledger
from consent.people import record, signed
from ledger.uses import NOW, open_new, sha, use

MAKING = Use("make_twin")


def kinds(ledger: Ledger) -> list[str]:
    return [str(parse_entry(stored.body).kind) for stored in ledger.entries()]


def test_the_use_is_on_the_disk_before_the_block_begins(tmp_path):
    with open_new(tmp_path) as ledger, Ledger.open(tmp_path / "ledger.sqlite") as other:
        with recording(ledger, use("a")) as receipt:
            assert len(other) == 1
            assert receipt.new
        assert kinds(ledger) == ["render"]


def test_a_block_that_fails_voids_its_use(tmp_path):
    with open_new(tmp_path) as ledger:
        with pytest.raises(InputError, match="the disk is full"), recording(ledger, use("a")):
            raise InputError("the disk is full")
        assert kinds(ledger) == ["render", "void"]
        with pytest.raises(KeyboardInterrupt), recording(ledger, use("a")):
            raise KeyboardInterrupt
        assert kinds(ledger) == ["render", "void"] * 2
        assert verify_ledger(ledger, []).ok


def fail(ledger: Ledger, message: str, before: Callable[[], object] | None = None) -> None:
    """Write a use down and fail to make its output."""
    with recording(ledger, use("a")):
        if before:
            before()
        raise InputError(message)


def test_a_use_that_stood_there_before_is_never_voided(tmp_path):
    with open_new(tmp_path) as ledger:
        with recording(ledger, use("a")):
            pass
        with pytest.raises(InputError, match="no room"):
            fail(ledger, "no room")
        assert kinds(ledger) == ["render"]
        with pytest.raises(DoubleUseError), recording(ledger, use("a"), again="refuse"):
            raise AssertionError("the block must not run")


def test_where_the_void_fails_too_the_first_error_says_so(tmp_path):
    with open_new(tmp_path) as ledger:
        with pytest.raises(InputError, match="first") as caught:
            fail(ledger, "first", lambda: ledger.void(1, NOW, "by somebody else"))
        assert "entry 1, could not be voided" in caught.value.__notes__[0]


def log_of(ledger: Ledger, **more: object) -> LedgerLog:
    return LedgerLog(ledger, text=signed(), **more)  # type: ignore[arg-type]


def test_files_are_written_after_their_use(tmp_path):
    with open_new(tmp_path) as ledger:
        log = log_of(ledger, twin_id="0123456789abcdef", kinds={str(tmp_path / "twin.glb"): "the twin"})
        contents = {tmp_path / "twin.glb": b"twin", tmp_path / "twin.lod1.glb": b"level"}
        receipt = log.write(record(), MAKING, EntryKind.TWIN, contents, NOW)
        assert (receipt.sequence, receipt.new) == (1, True)
        assert (tmp_path / "twin.glb").read_bytes() == b"twin"
        person = find_person(ledger, "Anna 7")
        assert [(out.kind, out.sha256, out.written) for out in outputs_of(ledger, person)] == [
            ("the twin", sha("twin"), True),
            ("twin", sha("level"), True),
        ]
        assert known_twins(ledger) == {"0123456789abcdef": (record().record_id, "Anna 7")}
        again = log.write(record(), MAKING, EntryKind.TWIN, contents, NOW)
        assert (again.sequence, again.new, len(ledger)) == (1, False, 1)


def test_files_are_listed_in_the_order_in_which_they_were_given(tmp_path):
    names = ["twin.glb", "twin.lod1.glb", "twin.collision.glb", "a.glb"]
    with open_new(tmp_path) as ledger:
        log = log_of(ledger)
        contents = {tmp_path / name: name.encode() for name in names}
        log.log(record(), MAKING, EntryKind.TWIN, {str(p): sha(p.name) for p in contents}, NOW)
        assert [Path(found.place).name for found in pending(ledger)] == names
        log.write(record(), MAKING, EntryKind.TWIN, contents, NOW)
        # The same files once more, in another folder and another order: of the same use, and behind it.
        (tmp_path / "0").mkdir()
        second = {tmp_path / "0" / name: name.encode() for name in reversed(names)}
        assert not log.write(record(), MAKING, EntryKind.TWIN, second, NOW).new
        scrub(ledger)
        listed = [Path(output.place) for output in outputs_of(ledger, find_person(ledger, "Anna 7"))]
        assert listed == [*contents, *second]
        assert verify_ledger(ledger, []).ok


def test_a_run_whose_files_cannot_be_written_is_not_billed(tmp_path):
    with open_new(tmp_path) as ledger:
        with pytest.raises(InputError, match="does not exist"):
            log_of(ledger).write(record(), MAKING, EntryKind.TWIN, {tmp_path / "no" / "twin.glb": b""}, NOW)
        assert kinds(ledger) == ["twin", "void"]


def test_a_log_is_what_other_rooms_ask_for(tmp_path):
    with open_new(tmp_path) as ledger:
        log: UseLog = log_of(ledger, reference="spring")
        receipt = log.log(record(), MAKING, EntryKind.TWIN, {"twin.glb": sha("x")}, NOW)
        assert receipt.sequence == 1
        (output,) = outputs_of(ledger, find_person(ledger, "Anna 7"))
        assert output.place == str(Path("twin.glb").absolute())


@pytest.mark.parametrize(
    "place", ["s3://studio/night/anna/anna.glb", "memory://out/a.glb", "gs://b/ä b#1.glb", "file:///x/a.glb"]
)
def test_an_address_stays_an_address(tmp_path, place):
    with open_new(tmp_path) as ledger:
        log = log_of(ledger, kinds={place: "the twin"})
        log.log(record(), MAKING, EntryKind.TWIN, {place: sha("x")}, NOW)
        (output,) = outputs_of(ledger, find_person(ledger, "Anna 7"))
    assert (output.place, output.kind) == (place, "the twin")


@pytest.mark.parametrize("name", ["a:b.glb", "c:/b.glb", "1://b.glb", "-s3://b.glb"])
def test_a_path_that_is_like_an_address_is_a_path(tmp_path, name):
    with open_new(tmp_path) as ledger:
        log_of(ledger).log(record(), MAKING, EntryKind.TWIN, {name: sha("x")}, NOW)
        (output,) = outputs_of(ledger, find_person(ledger, "Anna 7"))
    assert output.place == str(Path(name).absolute())


def write_for_ever(path: Path, turn: int) -> NoReturn:
    """What a child does until it is killed; it never comes back into the tests."""
    try:
        with Ledger.open(path) as ledger:
            for number in range(10**6):
                files = {path.with_name(f"{turn}-{number}.glb"): f"{turn} {number}".encode()}
                log_of(ledger).write(record(), MAKING, EntryKind.TWIN, files, NOW)
    finally:
        os._exit(1)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_process_never_leaves_an_output_without_a_use(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger.open(path, now=NOW).close()
    for turn in range(12):
        child = os.fork()
        if child == 0:
            write_for_ever(path, turn)
        while not list(tmp_path.glob(f"{turn}-*.glb")):
            time.sleep(0.002)
        time.sleep(0.004 * turn)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with Ledger.open(path) as ledger:
        person = find_person(ledger, "Anna 7")
        logged = {Path(output.place).name for output in outputs_of(ledger, person)}
        there = {file.name for file in tmp_path.glob("*.glb") if not file.name.startswith(".")}
        assert len(there) >= 12
        assert there <= logged
        assert {Path(output.place).name for output in pending(ledger)} == logged - there
        assert verify_ledger(ledger, []).ok


def test_a_use_without_its_output_can_be_seen_and_voided(tmp_path):
    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
        (found,) = pending(ledger)
        assert (found.sequence, found.place, found.written) == (1, "/pictures/a.png", False)
        ledger.void(1, NOW, "the run was killed")
        assert pending(ledger) == ()
