"""A folder as a publisher of status lists has it, and the commands that are run in it."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from bodyscan.cli.consent import app
from bodyscan.consent.key_files import save_private_key
from bodyscan.consent.sign import sign_record
from consent.people import ANNA, ISSUER, SHOP, STRANGER, STUDIO
from consent.status_lists import (
    listed_record,
)

JUNE = "2026-06-01T00:00:00Z"
BEN_ID = "00000000-0000-4000-8000-000000000002"


def run(*arguments: object, code: int = 0) -> Result:
    """Run a consent command, and check its exit code."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def flat(text: str) -> str:
    """Return text with every run of white space as one space."""
    return " ".join(text.split())


def fill(path: Path) -> Path:
    """Write keys of Anna, the studio and the issuer, and Anna's and Ben's signed records in `records`."""
    for name, key in (("anna", ANNA), ("studio", STUDIO), ("issuer", ISSUER), ("stranger", STRANGER)):
        save_private_key(key, path / f"{name}.jwk")
    (path / "records").mkdir()
    (path / "statements").mkdir()
    texts = {
        "anna.json": sign_record(listed_record(), subject=ANNA, controller=STUDIO),
        "ben.json": sign_record(
            listed_record(
                5,
                record_id=BEN_ID,
                subject={"pseudonym": "Ben 2", "public_key": SHOP.public.model_dump()},
                licensees=None,
            ),
            subject=SHOP,
            controller=STUDIO,
        ),
    }
    for name, text in texts.items():
        (path / "records" / name).write_text(text)
    return path


def say(folder: Path, action: str, *more: object, name: str = "", code: int = 0) -> Result:
    """Have Anna sign a statement into `statements`."""
    output = folder / "statements" / (name or f"{action}.json")
    return run(
        *("withdraw", folder / "records" / "anna.json", "--action", action),
        *("--key", folder / "anna.jwk", "-o", output, "--now", JUNE, *more),
        code=code,
    )


def publish(folder: Path, *more: object, now: str = JUNE, code: int = 0) -> Result:
    """Publish both lists of the folder."""
    return run(
        *("status", "publish", "--statements", folder / "statements", "--records", folder / "records"),
        *("--key", folder / "issuer.jwk", "--revocation-out", folder / "revoked.jwt"),
        *("--suspension-out", folder / "suspended.jwt", "--now", now, *more),
        code=code,
    )


def check(folder: Path, *more: object, now: str = JUNE, code: int = 0) -> Result:
    """Look Anna's record up in both lists."""
    return run(
        *("status", "check", folder / "revoked.jwt", folder / "suspended.jwt"),
        *("--record", folder / "records" / "anna.json", "--now", now, *more),
        code=code,
    )
