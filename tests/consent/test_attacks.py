"""Every row of the attack table, through the library and through the command line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bodyscan.cli.main import app
from bodyscan.consent.fields import format_utc
from bodyscan.consent.keys import public_key_pem
from bodyscan.consent.lint import Severity, lint
from bodyscan.consent.sign import sign_record
from bodyscan.consent.state import Decision
from bodyscan.errors import InputError
from bodyscan.ledger import Ledger, check_statement, parse_statement, verify_ledger
from consent.attacks import ATTACKS, GROUPS, as_markdown
from consent.attacks_base import NOW, Attack, Unreadable, warning_copies, write_evidence
from consent.attacks_ledger import (
    LEDGERS,
    LINTS,
    STATEMENTS,
    LedgerAttack,
    LintAttack,
    StatementAttack,
    keys_of,
    sound_ledger,
    statement_of,
    tamper_with,
)
from consent.people import ANNA, STUDIO

EXIT = {Decision.ALLOW: 0, Decision.DENY: 4, Decision.UNKNOWN: 7}
NOT_READABLE, NOT_SOUND = 3, 5
ROOT = Path(__file__).resolve().parents[2]


def rows(attacks: tuple[Any, ...]) -> list[Any]:
    """Return the rows as parameters; those that succeed are expected to fail, and must."""
    return [pytest.param(row, id=row.name, marks=_marks(row)) for row in attacks]


def _marks(row: Any) -> list[Any]:
    why = getattr(row, "succeeds", "")
    return [pytest.mark.xfail(strict=True, reason=why)] if why else []


def sampled(attacks: tuple[Attack, ...]) -> list[Any]:
    """Return all rows; below each heading, those with an answer that came before are marked slow."""
    seen: set[tuple[str, str]] = set()
    result = []
    for row in attacks:
        expected = row.expected
        answer = "" if isinstance(expected, Unreadable) else f"{expected.state} {expected.geometry}"
        later = (row.kind, answer) in seen
        seen.add((row.kind, answer))
        marks = [*_marks(row), *([pytest.mark.slow] if later else [])]
        result.append(pytest.param(row, id=row.name, marks=marks))
    return result


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_table_is_as_large_as_it_says_and_begins_with_the_honest_twin() -> None:
    assert len(ATTACKS) >= 60
    names = [row.name for row in (*ATTACKS, *LEDGERS, *STATEMENTS, *LINTS)]
    assert len(set(names)) == len(names)
    first = ATTACKS[0].expected
    assert not isinstance(first, Unreadable)
    assert first.decision is Decision.ALLOW
    assert all(rows_ for rows_ in GROUPS)


def test_the_page_holds_the_table() -> None:
    """To write it anew: `PYTHONPATH=tests python -m consent.attacks > docs/attacks.md`."""
    assert (ROOT / "docs" / "attacks.md").read_text() == as_markdown()


@pytest.mark.parametrize("row", rows(ATTACKS))
def test_the_library_says_what_the_table_says(row: Attack) -> None:
    expected = row.expected
    if isinstance(expected, Unreadable):
        with pytest.raises(InputError) as caught:
            row.judge()
        assert expected.reason in str(caught.value)
        return
    status = row.judge()
    told = (status.decision, status.state, status.geometry, status.clause)
    assert told == (expected.decision, expected.state, expected.geometry, expected.clause), status.reason
    assert expected.reason in status.reason
    for part, word in expected.parts.items():
        assert status.parts[part].split(":")[0] == word
    if status.ok and isinstance(row.case.file, bytes):
        assert warning_copies(row.case.file) == expected.copies


@pytest.mark.parametrize("row", sampled(ATTACKS))
def test_the_command_line_says_the_same_and_changes_no_file(row: Attack, tmp_path: Path) -> None:
    path = written(row, tmp_path)
    write_evidence(tmp_path / "evidence", row.case.evidence)
    before = contents(tmp_path)
    result = invoke("consent", "verify", path, *options(row), "--evidence", tmp_path / "evidence", "--json")
    assert contents(tmp_path) == before
    expected = row.expected
    if isinstance(expected, Unreadable):
        assert result.exit_code == NOT_READABLE, result.output
        assert result.stderr.startswith("error: ")
        assert expected.reason in result.stderr
        return
    assert result.exit_code == EXIT[expected.decision], result.output
    told = json.loads(result.stdout)
    assert (told["decision"], told["status"]) == (str(expected.decision), str(expected.state))
    assert expected.reason in told["reason"]


@pytest.mark.parametrize("row", rows(tuple(row for row in ATTACKS if getattr(row.expected, "copies", 3) < 3)))
def test_a_lost_copy_is_told_as_a_warning(row: Attack, tmp_path: Path) -> None:
    path = written(row, tmp_path)
    write_evidence(tmp_path / "evidence", row.case.evidence)
    result = invoke("consent", "verify", path, *options(row), "--evidence", tmp_path / "evidence")
    copies = getattr(row.expected, "copies", 3)
    assert f"the consent stands in {copies} of 3 places" in " ".join(result.stdout.split())


def test_with_fail_closed_an_unknown_is_a_denial(tmp_path: Path) -> None:
    row = next(row for row in ATTACKS if row.name == "No status list at all.")
    path = written(row, tmp_path)
    assert invoke("consent", "verify", path, *options(row)).exit_code == EXIT[Decision.UNKNOWN]
    assert invoke("consent", "verify", path, *options(row), "--fail-closed").exit_code == EXIT[Decision.DENY]


def written(row: Attack, folder: Path) -> Path:
    file = row.case.file
    path = folder / ("twin.glb" if isinstance(file, bytes) else "consent.json")
    path.write_bytes(file if isinstance(file, bytes) else file.encode())
    return path


def options(row: Attack) -> list[str]:
    use = row.use
    given = {
        "--purpose": use.purpose,
        "--territory": use.territory,
        "--medium": use.medium,
        "--licensee": use.licensee,
        "--product-line": use.product_line,
        "--at": None if use.when is None else format_utc(use.when),
        "--now": format_utc(row.now),
    }
    result = [text for name, value in given.items() if value is not None for text in (name, str(value))]
    result += [text for kind in use.content for text in ("--content", str(kind))]
    if row.case.evidence.max_age is not None:
        result += ["--max-age-days", str(row.case.evidence.max_age.days)]
    return result


def contents(folder: Path) -> dict[str, str]:
    """Digests of all files but the memory, which is there to be written."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "memory.json"
    }


@pytest.mark.parametrize("row", rows(LEDGERS))
def test_what_was_done_to_a_ledger_is_found(row: LedgerAttack, tmp_path: Path) -> None:
    handed = sound_ledger(tmp_path)
    tamper_with(tmp_path, row.tamper)
    file = tmp_path / "ledger.sqlite"
    with Ledger.open(file, read_only=True) as ledger:
        found = verify_ledger(ledger, [STUDIO.public], [("handed out", handed.text)])
    assert {finding.problem for finding in found.findings} == row.expected
    if row.expected:
        assert any(row.reason in finding.text for finding in found.findings)
    (tmp_path / "handed.json").write_text(handed.text)
    (tmp_path / "studio.pem").write_text(public_key_pem(STUDIO.public))
    result = invoke(
        "ledger",
        "verify",
        "--ledger",
        file,
        "--checkpoint",
        tmp_path / "handed.json",
        "--key",
        tmp_path / "studio.pem",
    )
    assert result.exit_code == (NOT_SOUND if row.expected else 0), result.output


@pytest.mark.parametrize("row", rows(STATEMENTS))
def test_what_was_done_to_a_statement_is_found(row: StatementAttack, tmp_path: Path) -> None:
    values, handed = statement_of(tmp_path)
    row.tamper(values)
    statement = parse_statement(json.dumps(values).encode())
    checked = check_statement(statement, handed, keys_of(row))
    assert checked.ok == (not row.reason), checked.problems
    assert row.reason in " ".join(checked.problems)


@pytest.mark.parametrize("row", rows(LINTS))
def test_a_record_against_the_law_is_found(row: LintAttack, tmp_path: Path) -> None:
    record = row.record()
    findings = lint(record, [row.profile], now=NOW)
    assert row.rule in {finding.rule.id for finding in findings if finding.rule.severity is Severity.ERROR}
    path = tmp_path / "record.json"
    path.write_text(sign_record(record, subject=ANNA, controller=STUDIO))
    result = invoke("consent", "lint", path, "--profile", row.profile, "--now", format_utc(NOW))
    assert result.exit_code == EXIT[Decision.DENY]
    assert row.rule in result.stdout


def test_the_honest_record_breaks_none_of_these_rules() -> None:
    honest = LintAttack("honest", {}, "new-york", "")
    broken = {finding.rule.id for finding in lint(honest.record(), ["new-york"], now=NOW)}
    assert not broken & {row.rule for row in LINTS}
