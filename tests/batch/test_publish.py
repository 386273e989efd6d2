"""From an attempt's folder to the files' place, on a disk and in a store that moves by copying."""

from __future__ import annotations

import hashlib
import json
import resource
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from batch.nights import NOW
from bodyscan.batch.consent_desk import ConsentDesk
from bodyscan.batch.job import ErrorKind, Output
from bodyscan.batch.job_errors import job_error
from bodyscan.batch.manifest import Row
from bodyscan.batch.options import BatchOptions
from bodyscan.batch.prepare import Defaults, prepare
from bodyscan.batch.publish import Plan, Publisher, plan_of
from bodyscan.batch.storage import Store, StoreError, open_store
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from bodyscan.errors import ConsentError, InputError
from bodyscan.ledger import Ledger
from bodyscan.ledger.people import all_people, known_twins, outputs_of, pending

ANNA = make_demo_consent("anna")
FILES = {
    "anna.glb": "twin",
    "anna.lod1.glb": "level 1",
    "anna.vrm": "vrm",
    "anna.png": "picture",
    "report/report.html": "report",
}


class Watched:
    """A store that notes its moves, and fails before a move where it is told to."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.moves: list[str] = []
        self.fails_at: str = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def move(self, source: str, target: str) -> None:
        if target == self.fails_at:
            raise StoreError(
                f"{target} could not be moved (on purpose). It may pass: try again.", passing=True
            )
        self.moves.append(target)
        self.store.move(source, target)


class Desk:
    """A publisher over a store, with the evidence and the ledger of one folder."""

    def __init__(self, folder: Path, place: str) -> None:
        self.folder = folder
        self.store = Watched(open_store(place))
        self.ledger = folder / "ledger.sqlite"
        (folder / "evidence").mkdir()
        desk = ConsentDesk(folder / "evidence", lambda: NOW)
        self.publisher = Publisher(self.store, self.ledger, desk, lambda: NOW)  # type: ignore[arg-type]

    def plan(self, words: str = "new", names: Any = FILES, **more: Any) -> Plan:
        """Lay files into an attempt's folder, and return their plan."""
        place = f".staging/anna-{secrets.token_hex(4)}"
        files = []
        for name in names:
            data = f"{words} {name}".encode()
            self.store.write(f"{place}/made/{name}", data)
            digest = hashlib.sha256(data).hexdigest()
            files.append({"name": name, "kind": FILES[name], "sha256": digest, "size_bytes": len(data)})
        values = {"id": "anna", "place": place, "files": files, "text": ANNA.text, "purpose": "make_twin"}
        values |= {"territory": None, "medium": None, "kind": "twin", "twin_id": "0123456789abcdef"}
        return Plan.of(values | more)

    def publish(self, plan: Plan, before: tuple[Output, ...] = ()) -> int:
        record, entry = self.publisher.publish(plan, before)
        assert record.record_id == ANNA.record.record_id
        return entry

    def revoke(self) -> None:
        assert ANNA.subject_key is not None
        (self.folder / "evidence" / "withdrawals").mkdir()
        text = withdraw(ANNA.record, WithdrawalAction.REVOKE, ANNA.subject_key, 1, NOW)
        (self.folder / "evidence" / "withdrawals" / "anna.json").write_text(text)

    def kinds(self) -> list[str]:
        """Kinds of the ledger's entries; none where there is no ledger."""
        if not self.ledger.exists():
            return []
        with Ledger.open(self.ledger, create=False) as ledger:
            return [json.loads(entry.body)["kind"] for entry in ledger.entries()]

    def pending(self) -> list[str]:
        with Ledger.open(self.ledger, create=False) as ledger:
            return [found.place for found in pending(ledger)]


@pytest.fixture(params=["disk", "memory"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    name = secrets.token_hex(4)
    made = Desk(tmp_path, str(tmp_path / "out") if request.param == "disk" else f"memory://{name}/out")
    yield made
    for name in made.store.list():
        made.store.remove(name)


PLACES = sorted(f"anna/{name}" for name in FILES)


def test_all_files_come_to_their_place_and_the_twin_last(desk):
    assert desk.publish(desk.plan()) == 1
    assert desk.store.list() == PLACES
    assert desk.store.read("anna/anna.glb") == b"new anna.glb"
    assert desk.store.moves[-1] == "anna/anna.glb"
    assert sorted(desk.store.moves) == PLACES


def test_the_ledger_names_every_file_with_its_kind_and_whole_place(desk):
    plan = desk.plan(reference="spring")
    desk.publish(plan)
    with Ledger.open(desk.ledger, create=False) as ledger:
        (person,) = all_people(ledger)
        outputs = outputs_of(ledger, person)
        assert known_twins(ledger) == {"0123456789abcdef": (ANNA.record.record_id, "DEMO anna")}
    assert [(output.place, output.kind, output.sha256) for output in outputs] == [
        (desk.store.locate(f"anna/{file['name']}"), file["kind"], file["sha256"]) for file in plan.files
    ]
    assert all(output.written for output in outputs)
    begins = ("memory://",) if desk.store.locate("x").startswith("memory") else (str(desk.folder),)
    assert all(output.place.startswith(begins) for output in outputs)


def test_the_use_is_in_the_ledger_before_the_first_file_is_in_its_place(desk):
    desk.store.fails_at = "anna/report/report.html"  # the first to be moved
    with pytest.raises(StoreError, match="could not be moved"):
        desk.publish(desk.plan())
    assert desk.kinds() == ["twin"]
    assert not desk.store.exists("anna")


def test_an_earlier_twins_files_without_a_successor_are_removed(desk):
    first = desk.plan("old")
    desk.publish(first)
    desk.store.moves.clear()
    second = desk.plan("new", ("anna.glb", "anna.png"))
    assert desk.publish(second, first.outputs) == 2
    assert desk.store.list() == ["anna/anna.glb", "anna/anna.png"]
    assert desk.store.read("anna/anna.png") == b"new anna.png"


def test_an_earlier_twin_goes_before_its_levels_are_replaced(desk):
    """Where a twin lies, its levels and formats are those of it: never new ones beside an old twin."""
    first = desk.plan("old")
    desk.publish(first)
    desk.store.fails_at = "anna/anna.vrm"
    with pytest.raises(StoreError):
        desk.publish(desk.plan("new"), first.outputs)
    assert not desk.store.exists("anna/anna.glb")


@pytest.mark.parametrize("name", FILES)
def test_cut_at_any_move_the_same_plan_is_finished_by_the_next_call(desk, name):
    first = desk.plan("old")
    desk.publish(first)
    plan = desk.plan("new")
    desk.store.fails_at = f"anna/{name}"
    with pytest.raises(StoreError):
        desk.publish(plan, first.outputs)
    assert desk.pending()
    desk.store.fails_at = ""
    assert desk.publish(plan, first.outputs) == 2
    assert desk.kinds() == ["twin", "twin"]
    assert desk.pending() == []
    assert desk.store.list() == PLACES
    assert all(desk.store.read(place).startswith(b"new") for place in PLACES)


def test_the_same_plan_twice_is_one_entry_and_changes_nothing(desk):
    plan = desk.plan()
    assert desk.publish(plan) == 1
    desk.store.moves.clear()
    assert desk.publish(plan, plan.outputs) == 1
    assert desk.kinds() == ["twin"]
    assert desk.store.moves == []
    assert desk.store.list() == PLACES


def test_a_format_more_leaves_the_twin_alone_and_is_an_export(desk):
    first = desk.plan("old", ("anna.glb", "anna.png"))
    desk.publish(first)
    assert desk.publish(desk.plan("new", ("anna.vrm",), kind="export"), first.outputs) == 2
    assert desk.store.list() == ["anna/anna.glb", "anna/anna.png", "anna/anna.vrm"]
    assert desk.kinds() == ["twin", "export"]


def test_a_report_alone_is_no_use(desk):
    assert desk.publish(desk.plan("new", ("report/report.html",), kind="report")) == 0
    assert desk.store.list() == ["anna/report/report.html"]
    assert desk.kinds() == []


def test_a_use_is_dated_when_its_files_appear(desk):
    """A plan that is carried out a week later, when the ledger holds newer uses, is no use of the past."""
    plan = desk.plan()
    desk.publish(desk.plan("other"))
    later = NOW + timedelta(days=7)
    publisher = replace(desk.publisher, clock=lambda: later)
    publisher.publish(desk.plan("newer"))
    assert publisher.publish(plan)[1] == 3
    with Ledger.open(desk.ledger, create=False) as ledger:
        assert json.loads(list(ledger.entries())[-1].body)["at"] == "2026-06-08T00:00:00Z"


# Consent


def test_without_consent_nothing_is_left_and_nothing_is_in_the_ledger(desk):
    plan = desk.plan()
    desk.revoke()
    with pytest.raises(ConsentError, match="revoked"):
        desk.publish(plan)
    assert desk.store.list() == []
    assert desk.kinds() == []


@pytest.mark.parametrize("name", FILES)
def test_a_consent_that_goes_in_the_middle_takes_all_files_and_the_use_back(desk, name):
    plan = desk.plan()
    desk.store.fails_at = f"anna/{name}"
    with pytest.raises(StoreError):
        desk.publish(plan)
    desk.revoke()
    with pytest.raises(ConsentError, match="revoked"):
        desk.publish(plan)
    assert desk.store.list() == []
    assert desk.kinds() == ["twin", "void"]
    with pytest.raises(ConsentError):
        desk.publish(plan)
    assert desk.kinds() == ["twin", "void"]


def test_a_consent_that_goes_after_the_last_move_takes_all_back(desk):
    plan = desk.plan()
    desk.publish(plan)
    desk.revoke()
    with pytest.raises(ConsentError):
        desk.publish(plan)
    assert desk.store.list() == []
    assert desk.kinds() == ["twin", "void"]


def test_a_file_that_a_killed_move_left_twice_is_taken_back_in_both_places(desk):
    plan = desk.plan()
    desk.store.write("anna/anna.png", b"new anna.png")
    desk.revoke()
    with pytest.raises(ConsentError):
        desk.publish(plan)
    assert desk.store.list() == []


def test_what_an_earlier_twin_left_is_not_taken_back_with_a_new_one(desk):
    """The earlier file has the same size; its own use stands, and the sheet says that it must not be used."""
    desk.publish(desk.plan("old"))
    plan = desk.plan("new")
    desk.revoke()
    with pytest.raises(ConsentError):
        desk.publish(plan)
    assert desk.store.list() == PLACES
    assert desk.kinds() == ["twin"]


# What is not there, and what cannot be written


def test_files_that_vanished_are_an_error_that_says_what_to_do(desk):
    plan = desk.plan()
    desk.store.remove(f"{plan.place}/made/anna.vrm")
    with pytest.raises(InputError, match=r"anna/anna\.vrm was made and is not there any more: .* made anew"):
        desk.publish(plan)
    assert desk.store.list() == []
    assert desk.kinds() == []


def test_where_files_vanish_in_the_middle_the_use_is_voided(desk):
    plan = desk.plan()
    desk.store.fails_at = "anna/anna.lod1.glb"
    with pytest.raises(StoreError):
        desk.publish(plan)
    desk.store.remove(plan.place)
    with pytest.raises(InputError, match="made anew") as caught:
        desk.publish(plan)
    assert job_error(caught.value).kind is ErrorKind.INPUT
    assert desk.store.list() == []
    assert desk.kinds() == ["twin", "void"]


def test_a_file_in_its_place_of_another_size_is_not_taken_for_the_one_that_was_made(desk):
    plan = desk.plan()
    desk.store.remove(plan.place)
    for name in FILES:
        desk.store.write(f"anna/{name}", b"of an earlier twin")
    with pytest.raises(InputError, match="not there any more"):
        desk.publish(plan)
    assert desk.store.list() == PLACES


@contextmanager
def no_room(bytes_left: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_ledger_without_room_may_pass_and_no_file_appears(desk):
    desk.publish(desk.plan("old", ("anna.png",), id="ben"))
    plan = desk.plan()
    with (
        no_room(2000),
        pytest.raises(InputError, match=r"the ledger .* could not be read or written") as caught,
    ):
        desk.publish(plan)
    assert job_error(caught.value).kind is ErrorKind.SYSTEM
    assert not desk.store.exists("anna")
    assert desk.publish(plan) == 2
    assert "anna/anna.glb" in desk.store.list()


def test_a_ledger_that_is_none_is_an_error_that_does_not_pass(desk):
    desk.ledger.write_text("a text, and no ledger at all")
    with pytest.raises(InputError, match="ledger") as caught:
        desk.publish(desk.plan())
    assert job_error(caught.value).kind is ErrorKind.INPUT
    assert not desk.store.exists("anna")


def test_a_plan_crosses_the_job_table_as_it_is(tmp_path):
    (tmp_path / "anna.ply").write_text("ply")
    (tmp_path / "anna.consent.json").write_text(ANNA.text)
    row = Row("anna", str(tmp_path / "anna.ply"), str(tmp_path / "anna.consent.json"), territory="DE")
    prepared = prepare(row, Defaults({}, medium="web", reference="spring"), BatchOptions())
    file = {"name": "anna.glb", "kind": "twin", "sha256": "a" * 64, "size_bytes": 3}
    answer = {"place": ".staging/anna-1", "files": [file], "text": "bound", "twin_id": "0" * 16}
    values = json.loads(json.dumps(plan_of(prepared, answer, "twin")))
    plan = Plan.of(values | {"after": {"limit": 3.0}})
    assert (plan.text, plan.reference, plan.twin_id, plan.kind) == ("bound", "spring", "0" * 16, "twin")
    assert (str(plan.use.purpose), plan.use.territory, str(plan.use.medium)) == ("make_twin", "DE", "web")
    assert plan.outputs == (Output("twin", "anna/anna.glb", "a" * 64, 3),)
