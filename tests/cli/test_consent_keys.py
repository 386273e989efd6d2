"""Key histories from the command line: begun, extended, ended; and what verify then makes of a binding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.consent import app
from bodyscan.consent.binding import bind
from bodyscan.consent.key_files import save_private_key, save_public_key
from bodyscan.consent.seal import seal
from bodyscan.consent.verify import verify_content
from bodyscan.errors import ConsentError
from bodyscan.run.keys import controller_key
from consent.bound import body, bound_body
from consent.people import ANNA, NOW, PACKER, STUDIO, signed

JUNE, JULY, AUGUST = "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The keys of a studio and of its packer, and a consent that the studio's key bound."""
    for name, key in (("studio", STUDIO), ("packer", PACKER), ("anna", ANNA)):
        save_private_key(key, tmp_path / f"{name}.jwk")
        save_public_key(key.public, tmp_path / f"{name}.pub.jwk")
    (tmp_path / "consent.json").write_text(bound_body())
    run("keys", "start", tmp_path / "studio.jwk", "-o", tmp_path / "keys.json", "--now", JUNE)
    return tmp_path


def listed(folder: Path, now: str = AUGUST) -> dict:
    return json.loads(run("keys", "show", folder / "keys.json", "--now", now, "--json").stdout)


def test_a_history_is_begun_extended_and_ended(folder: Path) -> None:
    signer = ("--key", folder / "studio.jwk", "--now", JULY)
    run("keys", "add", folder / "keys.json", folder / "packer.pub.jwk", "--use", "pack", *signer)
    run("keys", "end", folder / "keys.json", PACKER.thumbprint, "--compromised", *signer)
    shown = listed(folder)
    assert shown["sequence"] == 3
    assert shown["keys"][1]["uses"] == ["pack"]
    assert shown["keys"][1]["compromised_at"] == JULY
    assert (
        f"{PACKER.thumbprint}: pack; from {JULY}, ended {JULY}"
        in run("keys", "show", folder / "keys.json", "--now", AUGUST).stdout
    )


def test_an_ended_key_no_longer_vouches_for_what_it_bound(folder: Path) -> None:
    known = ("--keys", folder / "keys.json", "--json")
    verify = ("verify", folder / "consent.json", "--now", AUGUST)
    assert json.loads(run(*verify, *known).stdout)["decision"] == "allow"
    end = ("keys", "end", folder / "keys.json", STUDIO.thumbprint, "--key", folder / "studio.jwk")
    run(*end, "--now", JULY)
    answer = json.loads(run(*verify, *known, code=4).stdout)
    assert answer["status"] == "untrusted"
    assert "counts only with a time stamp from before, and that is missing" in answer["reason"]
    # The folder of evidence says the same.
    (folder / "evidence" / "keys").mkdir(parents=True)
    (folder / "keys.json").rename(folder / "evidence" / "keys" / "studio.json")
    assert run(*verify, "--evidence", folder / "evidence", code=4).stdout.startswith("deny")


def test_what_cannot_be_is_refused_and_the_history_stays(folder: Path) -> None:
    before = (folder / "keys.json").read_bytes()
    add = ("keys", "add", folder / "keys.json", folder / "packer.pub.jwk", "--now", JULY)
    assert "Say what the key may sign" in run(*add, "--key", folder / "studio.jwk", code=3).stderr
    stranger = (*add, "--use", "pack", "--key", folder / "anna.jwk")
    assert "which may not sign lists" in run(*stranger, code=3).stderr
    end = ("keys", "end", folder / "keys.json", "nobody", "--key", folder / "studio.jwk")
    assert "The key nobody is not listed; listed are" in run(*end, code=3).stderr
    again = ("keys", "start", folder / "studio.jwk", "-o", folder / "keys.json")
    assert "exists already" in run(*again, code=3).stderr
    assert (folder / "keys.json").read_bytes() == before
    (folder / "keys.json").write_bytes(before.replace(b"lists", b"list"))
    assert "the key history does not hold" in run("keys", "show", folder / "keys.json", code=4).stderr


def test_a_listed_key_binds_once_the_history_is_in_the_consent(folder: Path) -> None:
    signer = ("--key", folder / "studio.jwk", "--now", JUNE)
    run("keys", "add", folder / "keys.json", folder / "packer.pub.jwk", "--use", "binding", *signer)
    record = folder / "record.json"
    record.write_text(signed())
    given = (record.read_text(), folder, folder / "packer.jwk", None, NOW)
    with pytest.raises(ConsentError, match="is not the controller's"):
        controller_key(*given)
    run("keys", "attach", folder / "keys.json", record, "--now", JUNE)
    text = record.read_text()
    key = controller_key(text, folder, folder / "packer.jwk", None, NOW)
    assert key.thumbprint == PACKER.thumbprint
    bound = bind(text, seal(body()), key, created_at=NOW, software="test")
    assert verify_content(bound, body(), now=NOW).ok
    assert controller_key(text, folder, None, None, NOW).thumbprint == STUDIO.thumbprint
    run("keys", "end", folder / "keys.json", PACKER.thumbprint, *signer)
    run("keys", "attach", folder / "keys.json", record, "--now", JUNE)
    with pytest.raises(ConsentError, match="is not the controller's"):
        controller_key(record.read_text(), folder, folder / "packer.jwk", None, NOW)


def test_a_history_of_somebody_else_is_not_attached(folder: Path) -> None:
    run("keys", "start", folder / "packer.jwk", "-o", folder / "other.json", "--now", JUNE)
    attach = ("keys", "attach", folder / "other.json", folder / "consent.json", "--now", JUNE)
    before = (folder / "consent.json").read_bytes()
    assert "whom the record does not name" in run(*attach, code=3).stderr
    assert (folder / "consent.json").read_bytes() == before
