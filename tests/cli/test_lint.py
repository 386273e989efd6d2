"""The commands `bodyscan consent lint` and `bodyscan consent export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.consent import app
from bodyscan.consent.sign import sign_record
from consent.lint.fair import AGENCY, fair_record
from consent.people import ANNA, STUDIO

JUNE = "2026-06-01T00:00:00Z"


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def lint(file: Path, *more: object, code: int = 0) -> dict[str, Any]:
    return json.loads(run("lint", file, "--now", JUNE, "--json", *more, code=code).stdout)


def rules(values: dict[str, Any]) -> list[str]:
    return [finding["rule"] for finding in values["findings"]]


@pytest.fixture
def draft(tmp_path: Path):
    """Return a function that writes an unsigned record with changes."""

    def write(**places: Any) -> Path:
        path = tmp_path / "record.json"
        path.write_text(fair_record(**places).canonical_json().decode(), encoding="utf-8")
        return path

    return write


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    path = tmp_path / "signed.json"
    path.write_text(sign_record(fair_record(), subject=ANNA, controller=STUDIO), encoding="utf-8")
    return path


def test_a_fair_draft_has_no_findings(draft):
    values = lint(draft())
    assert values["findings"] == []
    assert values["missing_signatures"] == ["subject", "controller"]
    assert [item["id"] for item in values["profiles"]] == [
        "basics", "california", "gdpr", "eu-ai-act", "equity",
    ]  # fmt: skip
    assert values["profiles"][1]["why"] == "scope.territories holds US-CA"
    assert "not legal advice" in values["not_legal_advice"]


def test_errors_exit_with_4_and_warnings_with_0(draft):
    values = lint(draft(separate_document=False), code=4)
    assert rules(values) == ["GDPR-2"]
    assert (values["errors"], values["warnings"], values["notes"]) == (1, 0, 0)
    values = lint(draft(data__places=["US"]))
    assert rules(values) == ["GDPR-9"]
    assert (values["errors"], values["warnings"], values["notes"]) == (0, 1, 0)


def test_a_commission_over_20_per_cent_is_found_everywhere(draft):
    greedy = draft(agency={**AGENCY, "commission_percent": "35"})
    assert rules(lint(greedy)) == ["REC-3"]
    assert rules(lint(greedy, "--profile", "new-york", code=4)) == ["NYFWA-7"]


def test_profiles_can_be_named(draft):
    vague = draft(scope__description="All uses.")
    assert rules(lint(vague, "--profile", "sag-aftra", "--profile", "california", code=4)) == [
        "SAG-2", "REC-5", "CA927-2",
    ]  # fmt: skip
    assert rules(lint(vague, "--profile", "basics")) == ["REC-5"]


def test_wrong_profiles_are_refused(draft):
    result = run("lint", draft(), "--profile", "texas", code=3)
    assert "There is no profile texas. Known: new-york, california" in result.stderr
    result = run("lint", draft(), "--profile", "auto", "--profile", "gdpr", code=3)
    assert "--profile auto and --profile basics are given alone" in result.stderr


def test_a_person_reads_what_was_found_what_to_change_and_why(draft):
    text = run("lint", draft(notice=None), "--profile", "gdpr", "--now", JUNE, code=4).stdout
    assert "checked  gdpr: European Union: General Data Protection Regulation (asked for)" in text
    assert "error    GDPR-3  The record names the information that the person was given." in text
    assert "found:  notice = absent" in text
    assert "change: Give the information of article 13, and name the text in notice." in text
    assert "source: Regulation (EU) 2016/679 (GDPR), art. 4(11), 13" in text
    assert "result   1 error, 0 warnings, 0 notes" in text
    assert "not legal advice" in text


def test_signed_records_and_twins_are_read(signed, twin_file):
    assert lint(signed)["missing_signatures"] == []
    values = lint(twin_file, "--profile", "basics")
    assert "REC-8" in rules(values)
    assert values["missing_signatures"] == []


def test_what_is_no_record_is_refused(tmp_path):
    other = tmp_path / "other.json"
    other.write_text("[1]", encoding="utf-8")
    assert "error: " in run("lint", other, code=3).stderr
    assert "cannot be read" in run("lint", tmp_path / "absent.json", code=3).stderr


def test_an_export_is_printed_or_written(signed, tmp_path):
    printed = json.loads(run("export", signed, "--format", "odrl").stdout)
    assert printed["type"] == "Agreement"
    target = tmp_path / "policy.json"
    said = run("export", signed, "--format", "odrl", "-o", target).stdout
    assert said.startswith(f"{target}: odrl of the record 00000000-")
    assert json.loads(target.read_text(encoding="utf-8")) == printed
    assert "exists already" in run("export", signed, "--format", "dpv", "-o", target, code=3).stderr
    run("export", signed, "--format", "dpv", "-o", target, "--overwrite")
    assert json.loads(target.read_text(encoding="utf-8"))["@type"] == "dpv:ConsentRecord"


def test_a_draft_is_an_offer(draft):
    assert json.loads(run("export", draft(), "--format", "odrl").stdout)["type"] == "Offer"
    (event,) = json.loads(run("export", draft(), "--format", "dpv").stdout)["dpv:hasConsentStatus"]
    assert event["@type"][0] == "dpv:ConsentRequested"


def test_a_receipt_is_made_at_the_given_time(signed):
    values = json.loads(run("export", signed, "--format", "dpv", "--receipt", "--now", JUNE).stdout)
    assert values["@type"] == "dpv:ConsentReceipt"
    assert values["dct:created"] == JUNE
    assert (
        "--receipt goes with --format dpv"
        in run("export", signed, "--format", "odrl", "--receipt", code=3).stderr
    )


def test_vrm_meta_of_a_record_and_of_a_twin(signed, twin_file):
    meta = json.loads(run("export", signed, "--format", "vrm", "--body-model", "Body, CC0").stdout)
    assert meta["name"] == "Anna 7"
    assert meta["thirdPartyLicenses"] == "Body model: Body, CC0"
    assert meta["allowExcessivelyViolentUsage"] is False
    assert json.loads(run("export", twin_file, "--format", "vrm").stdout)["licenseUrl"].startswith(
        "https://vrm"
    )
