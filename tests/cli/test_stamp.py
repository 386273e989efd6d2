from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.consent import app
from bodyscan.consent.bundle import Stamp, Stamped, read_bundle
from bodyscan.consent.time_stamp import verify_stamp
from bodyscan.gltf.read import read_consent
from consent.authority import Authority, make_authority
from consent.people import signed

pytest.importorskip("rfc3161_client", reason="needs the `timestamp` extra")

NOW = "2026-06-01T00:00:00Z"


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["stamp", *(str(argument) for argument in arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority()


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "anna.json"
    path.write_text(signed())
    return path


def answer(authority: Authority, request: Path) -> Path:
    """Stamp the hash that a request asks for, as an authority does that never sees the data."""
    path = request.with_suffix(".tsr")
    data = read_bundle((request.parent / "anna.json").read_text()).stamped_bytes(Stamped.RECORD)
    path.write_bytes(authority.response(data, request.read_bytes()))
    return path


def test_a_record_is_stamped_by_request_and_answer(
    tmp_path: Path, authority: Authority, record: Path
) -> None:
    request, root = tmp_path / "anna.tsq", tmp_path / "root.pem"
    root.write_bytes(authority.root.pem)
    before = record.read_bytes()
    assert "for the record in anna.json" in run(record, "--request", request).output
    assert record.read_bytes() == before
    response = answer(authority, request)
    options = ("--response", response, "--request", request, "--stamp-authority", root, "--now", NOW)
    values = json.loads(run(record, *options, "--json").output)
    assert values["authority_checked"]
    assert values["stamped_at"] == "2026-03-01 12:00:00+00:00"
    bundle = read_bundle(record.read_text())
    (stamp,) = bundle.stamps
    data = bundle.stamped_bytes(Stamped.RECORD)
    moment = verify_stamp(stamp.token, data, (authority.root.pem,), datetime(2026, 6, 1, tzinfo=UTC))
    assert moment == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert "holds this very stamp already" in run(record, "--response", response, code=3).output


def test_a_twin_keeps_its_body_and_gains_a_stamp_of_its_binding(
    tmp_path: Path, twin_file: Path, authority: Authority
) -> None:
    text, positions, faces = read_consent(twin_file)
    data = read_bundle(text).stamped_bytes(Stamped.BINDING)
    response, stamped = tmp_path / "a.tsr", tmp_path / "stamped.glb"
    response.write_bytes(authority.response(data))
    stamped.with_suffix(".c2pa").write_bytes(b"an older manifest")
    before = twin_file.read_bytes()
    output = run(twin_file, "--of", "binding", "--response", response, "-o", stamped).output
    assert "stamped.c2pa no longer fits the file" in output
    assert twin_file.read_bytes() == before
    new_text, new_positions, new_faces = read_consent(stamped)
    assert (new_positions == positions).all()
    assert (new_faces == faces).all()
    token = authority.token(data)
    (found,) = read_bundle(new_text).stamps
    assert (found.of, len(found.token) - len(token)) == (Stamped.BINDING, pytest.approx(0, abs=4))
    assert read_bundle(new_text).record == read_bundle(text).record


def test_an_answer_for_another_part_is_refused_and_the_file_stays(
    tmp_path: Path, authority: Authority, record: Path
) -> None:
    response = tmp_path / "a.tsr"
    response.write_bytes(authority.response(b"something else"))
    before = record.read_bytes()
    assert "for other data" in run(record, "--response", response, code=4).output
    assert record.read_bytes() == before


def test_an_answer_of_an_authority_that_was_not_named_is_refused(
    tmp_path: Path, authority: Authority, record: Path
) -> None:
    request, root = tmp_path / "anna.tsq", tmp_path / "root.pem"
    run(record, "--request", request)
    root.write_bytes(make_authority().root.pem)
    options = ("--response", answer(authority, request), "--stamp-authority", root, "--now", NOW)
    assert "none of the roots that you trust" in run(record, *options, code=4).output


def test_an_answer_to_another_request_is_refused(tmp_path: Path, authority: Authority, record: Path) -> None:
    first, second = tmp_path / "a.tsq", tmp_path / "b.tsq"
    run(record, "--request", first)
    run(record, "--request", second)
    response = answer(authority, first)
    message = run(record, "--response", response, "--request", second, code=4).output
    assert "answers another request" in message


def test_a_request_is_not_written_over(tmp_path: Path, record: Path) -> None:
    run(record, "--request", tmp_path / "a.tsq")
    assert "may be on its way" in run(record, "--request", tmp_path / "a.tsq", code=3).output


def test_one_of_request_and_response_is_needed(record: Path) -> None:
    assert "give --request to ask" in run(record, code=3).output


def test_a_part_that_is_not_there_cannot_be_stamped(tmp_path: Path, record: Path) -> None:
    message = run(record, "--of", "binding", "--request", tmp_path / "a.tsq", code=3).output
    assert "holds no binding" in message


def test_a_record_that_lacks_a_signature_is_not_stamped(tmp_path: Path, record: Path) -> None:
    document = json.loads(record.read_text())
    document["signatures"].pop()
    record.write_text(json.dumps(document))
    assert "signature of the" in run(record, "--request", tmp_path / "a.tsq", code=4).output


def test_a_full_list_of_stamps_takes_no_more(tmp_path: Path, authority: Authority, record: Path) -> None:
    bundle = read_bundle(record.read_text())
    data = bundle.stamped_bytes(Stamped.RECORD)
    stamps = tuple(Stamp(Stamped.RECORD, authority.token(data, nonce=number + 1)) for number in range(32))
    record.write_text(type(bundle)(bundle.record, stamps=stamps).to_text())
    response = tmp_path / "a.tsr"
    response.write_bytes(authority.response(data))
    assert "holds 32 stamps, the most" in run(record, "--response", response, code=3).output
