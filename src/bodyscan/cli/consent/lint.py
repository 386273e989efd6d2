"""`bodyscan consent lint`: a record's fields against the conditions of laws and agreements."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, clock, consent_text
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.consent.describe import open_any
from bodyscan.consent.lint import NOT_ADVICE, PROFILES, Chosen, Finding, Severity, choose_profiles
from bodyscan.consent.lint import lint as check_record
from bodyscan.errors import ConsentError, InputError

app = typer.Typer()

AUTO = "auto"
NONE = "basics"


@app.command(epilog="Exit codes: 0 no errors found, 3 cannot be read, 4 errors found or no sound signature.")
@run_guarded
def lint(
    file: Annotated[Path, typer.Argument(help="A record, signed or not (JSON), or a twin (.glb).")],
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Law or agreement to check: {', '.join(PROFILES)}; repeat. {NONE}: none of them. "
            f"{AUTO}: those that the record's places call for (the default)."
        ),
    ] = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a record's fields against the conditions of laws and agreements. Not legal advice."""
    wanted = _wanted(profile or [AUTO])
    signed, _ = open_any(consent_text(file))
    chosen = choose_profiles(signed.record, wanted)
    findings = check_record(signed.record, wanted, now=clock(now))
    counts = Counter(finding.rule.severity for finding in findings)
    values: dict[str, Any] = {
        "record_id": signed.record.record_id,
        "missing_signatures": [str(role) for role in signed.missing],
        "profiles": [
            {"id": item.profile.id, "title": item.profile.title, "why": item.why} for item in chosen
        ],
        "findings": [finding.to_json() for finding in findings],
        **{f"{severity}s": counts[severity] for severity in Severity},
        "not_legal_advice": NOT_ADVICE,
    }
    summary = ", ".join(_count(counts[severity], severity) for severity in Severity)
    rows = [*_profile_rows(chosen), *_finding_rows(findings), ("result", summary), ("", NOT_ADVICE)]
    print_result(values, rows, as_json)
    if counts[Severity.ERROR]:
        raise typer.Exit(ConsentError.exit_code)


def _wanted(profiles: list[str]) -> list[str] | None:
    """None: the record chooses."""
    if AUTO in profiles or NONE in profiles:
        if len(profiles) > 1:
            raise InputError(f"--profile {AUTO} and --profile {NONE} are given alone.")
        return None if AUTO in profiles else []
    return profiles


def _profile_rows(chosen: tuple[Chosen, ...]) -> list[tuple[str, str]]:
    return [("checked", f"{item.profile.id}: {item.profile.title} ({item.why})") for item in chosen]


def _finding_rows(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    rows = []
    for finding in findings:
        rule = finding.rule
        rows += [
            (str(rule.severity), f"{rule.id}  {rule.check}"),
            ("", "found:  " + "; ".join(f"{path} = {value}" for path, value in finding.found)),
            ("", f"change: {rule.change}"),
            ("", f"source: {rule.source}"),
        ]
    return rows


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
