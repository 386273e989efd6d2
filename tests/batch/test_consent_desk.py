from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bodyscan.batch.consent_desk import ConsentDesk, EvidenceError
from bodyscan.batch.job import ErrorKind
from bodyscan.batch.job_errors import job_error
from bodyscan.consent import Medium, Purpose, Use
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from bodyscan.errors import ConsentError, InputError
from bodyscan.run.evidence import read_evidence
from consent.people import ANNA, NOW, changed, record, signed, signed_values

MAKING = Use(Purpose.MAKE_TWIN)


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    (folder / "withdrawals").mkdir(parents=True)
    return folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every look into a folder of evidence."""
    found: list[Path] = []

    def counted(folder: Any, **more: Any) -> Any:
        found.append(folder)
        return read_evidence(folder, **more)

    monkeypatch.setattr("bodyscan.batch.consent_desk.read_evidence", counted)
    return found


def desk(folder: Path | None, clock: Callable[[], datetime] = lambda: NOW) -> ConsentDesk:
    return ConsentDesk(folder, clock)


def revoke(folder: Path) -> None:
    text = withdraw(record(), WithdrawalAction.REVOKE, ANNA, 1, NOW)
    (folder / "withdrawals" / "anna.json").write_text(text)


def test_a_record_that_holds_is_returned(evidence):
    found = desk(evidence).check(signed(), MAKING, formats=False)
    assert (found.record_id, found.subject.pseudonym) == (record().record_id, "Anna 7")
    assert desk(None).check(signed(), Use(Purpose.VIRTUAL_TRY_ON, "DE", Medium.WEB)) == found


def test_the_evidence_is_read_once_while_nothing_changes(evidence, reads):
    at = desk(evidence)
    for _ in range(5):
        at.check(signed(), MAKING)
        at.version()
    assert reads == [evidence]


def test_the_evidence_is_read_again_when_a_file_comes_changes_or_goes(evidence, reads):
    at = desk(evidence)
    assert at.version() == 1
    file = evidence / "trusted.toml"
    file.write_text("people = []\n")
    assert at.version() == 2
    file.write_text("people = ['x']\n")
    assert at.version() == 3
    file.unlink()
    assert at.version() == 4
    assert at.version() == 4
    assert len(reads) == 4


def test_without_a_folder_nothing_changes(reads):
    at = desk(None)
    assert (at.version(), at.version()) == (1, 1)
    assert reads == [None]


def test_a_withdrawal_of_this_moment_is_known_at_the_next_look(evidence):
    at = desk(evidence)
    at.check(signed(), MAKING)
    revoke(evidence)
    with pytest.raises(ConsentError, match="revoked"):
        at.check(signed(), MAKING)


def test_a_record_ends_with_its_term_and_not_before(evidence):
    now = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    at = desk(evidence, lambda: now)
    at.check(signed(), MAKING)
    now += timedelta(minutes=2)
    with pytest.raises(ConsentError, match="expired"):
        at.check(signed(), MAKING)


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (Use(Purpose.RENDER, "DE", Medium.WEB), "the purpose render is not allowed"),
        (Use(Purpose.VIRTUAL_TRY_ON, "FR", Medium.WEB), "FR"),
        (Use(Purpose.VIRTUAL_TRY_ON, "DE", Medium.PRINT), "print"),
    ],
)
def test_a_use_that_the_record_does_not_cover_is_refused(use, words):
    with pytest.raises(ConsentError, match=words):
        desk(None).check(signed(), use)


def test_a_record_that_covers_the_use_and_no_twin_is_refused():
    text = signed_values(changed(scope__purposes=["virtual_try_on"]))
    with pytest.raises(ConsentError, match="make_twin is not allowed"):
        desk(None).check(text, Use(Purpose.VIRTUAL_TRY_ON, "DE", Medium.WEB))


@pytest.mark.parametrize(("modification", "allowed"), [("none", False), ("format", True), ("pose", True)])
def test_other_formats_need_a_record_that_lets_the_file_be_changed(modification, allowed):
    text = signed_values(changed(scope__modification=modification))
    desk(None).check(text, MAKING, formats=False)
    if allowed:
        desk(None).check(text, MAKING, formats=True)
        return
    with pytest.raises(ConsentError, match="writing a twin in another format"):
        desk(None).check(text, MAKING, formats=True)


def test_what_is_no_record_is_refused():
    for text in ("", "{}", "a letter", signed()[:-40]):
        with pytest.raises(ConsentError, match="consent"):
            desk(None).check(text, MAKING)


def test_a_folder_of_evidence_that_is_none_or_broken_is_an_input_error(evidence, tmp_path):
    with pytest.raises(InputError, match="nowhere is no folder; give the one that holds your evidence"):
        desk(tmp_path / "nowhere").check(signed(), MAKING)
    at = desk(evidence)
    at.check(signed(), MAKING)
    (evidence / "trusted.toml").write_text("people = [")
    with pytest.raises(InputError, match=r"trusted\.toml cannot be read"):
        at.check(signed(), MAKING)
    with pytest.raises(InputError, match=r"trusted\.toml cannot be read"):
        at.version()
    (evidence / "trusted.toml").unlink()
    at.check(signed(), MAKING)
    (evidence / "odd").mkdir()
    with pytest.raises(InputError, match="holds the folder odd; known are keys, lists, withdrawals"):
        at.check(signed(), MAKING)


def test_evidence_that_cannot_be_read_now_may_pass_and_is_no_word_on_the_consent(evidence):
    """A file that is half copied: a history that does not hold is an error of the folder, not of a person."""
    at = desk(evidence)
    (evidence / "keys").mkdir()
    (evidence / "keys" / "studio.json").write_text('{"payload": "half of it')
    with pytest.raises(EvidenceError) as caught:
        at.check(signed(), MAKING)
    assert job_error(caught.value).kind is ErrorKind.SYSTEM
    (evidence / "keys" / "studio.json").unlink()
    assert at.check(signed(), MAKING).record_id == record().record_id


def test_a_folder_that_is_taken_away_is_an_error_and_no_evidence_less(evidence):
    at = desk(evidence)
    revoke(evidence)
    (evidence / "withdrawals" / "anna.json").unlink()
    (evidence / "withdrawals").rmdir()
    evidence.rmdir()
    with pytest.raises(InputError, match="is no folder"):
        at.check(signed(), MAKING)
