"""`bodyscan consent`: keys, records, signatures and checks."""

from __future__ import annotations

import json
import os
import secrets
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.consent import strict_json
from bodyscan.consent.describe import Rows, describe, describe_record, open_any
from bodyscan.consent.draft import build_record, merge, parse_draft
from bodyscan.consent.fields import format_utc, parse_utc
from bodyscan.consent.jws import Role
from bodyscan.consent.key_files import (
    load_private_key,
    load_public_key,
    others_can_read,
    read_key_text,
    save_private_key,
    save_public_key,
)
from bodyscan.consent.keys import generate_key, is_locked
from bodyscan.consent.policy import Use
from bodyscan.consent.record import Medium, PayKind, Purpose
from bodyscan.consent.sign import add_signature, open_for_signing
from bodyscan.consent.state import ConsentState, ConsentStatus
from bodyscan.consent.verify import TrustedKeys, verify_record, verify_surface
from bodyscan.errors import ConsentError, InputError

app = typer.Typer(help="Consent records: make keys, write, sign, verify and read them.", no_args_is_help=True)

NOT_VALID = 4
_JSON_HELP = "Print JSON for machines."
JsonFlag = Annotated[bool, typer.Option("--json", help=_JSON_HELP)]
PassphraseFile = Annotated[
    Path | None, typer.Option(help="File whose first line is the key's passphrase. Default: asked for.")
]
NowOption = Annotated[
    str | None, typer.Option(help="The clock, UTC, 2026-01-31T12:00:00Z. Default: this computer's.")
]


@app.command()
@run_guarded
def keygen(
    output: Annotated[Path, typer.Argument(help="Private key file to write: .jwk, or .pem to lock it.")],
    lock: Annotated[bool, typer.Option(help="Ask for a passphrase that locks the key (.pem only).")] = False,
    passphrase_file: PassphraseFile = None,
    overwrite: Annotated[bool, typer.Option(help="Replace existing files; the old key is lost.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make an Ed25519 key: OUTPUT keeps the secret, NAME.pub beside it is for everybody."""
    public_path = output.with_name(f"{output.stem}.pub{output.suffix}")
    passphrase = _passphrase_from(passphrase_file)
    if passphrase is None and lock:
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    if public_path.exists() and not overwrite:
        raise InputError(f"{public_path} exists already; choose another name or give --overwrite.")
    key = generate_key()
    save_private_key(key, output, passphrase=passphrase, overwrite=overwrite)
    save_public_key(key.public, public_path, overwrite=overwrite)
    values = {"private": str(output), "public": str(public_path), "thumbprint": key.thumbprint}
    _print(values, as_json, [(name, value) for name, value in values.items()])


@app.command()
@run_guarded
def new(
    output: Annotated[Path, typer.Option("--output", "-o", help="Record file (JSON) to write.")],
    draft: Annotated[Path | None, typer.Option("--from", help="TOML or JSON with fields; flags win.")] = None,
    pseudonym: Annotated[str | None, typer.Option(help="Name by which the record calls the person.")] = None,
    subject_key: Annotated[Path | None, typer.Option(help="The person's public key file.")] = None,
    minor: Annotated[bool | None, typer.Option("--minor/--adult", help="The person is a child.")] = None,
    guardian_name: Annotated[str | None, typer.Option(help="For a child: who consents.")] = None,
    guardian_contact: Annotated[str | None, typer.Option(help="mailto:... or https://...")] = None,
    guardian_relation: Annotated[str | None, typer.Option(help="For example: mother.")] = None,
    guardian_key: Annotated[Path | None, typer.Option(help="The guardian's public key file.")] = None,
    controller_name: Annotated[str | None, typer.Option(help="Who uses the likeness.")] = None,
    controller_contact: Annotated[str | None, typer.Option(help="mailto:... or https://...")] = None,
    controller_key: Annotated[Path | None, typer.Option(help="The controller's public key file.")] = None,
    purpose: Annotated[list[Purpose] | None, typer.Option(help="Allowed purpose; repeat.")] = None,
    territory: Annotated[list[str] | None, typer.Option(help="worldwide, DE, US-CA ...; repeat.")] = None,
    medium: Annotated[list[Medium] | None, typer.Option(help="Allowed medium; repeat.")] = None,
    not_before: Annotated[str | None, typer.Option(help="First moment, UTC. Default: now.")] = None,
    not_after: Annotated[str | None, typer.Option(help="End, UTC, 2027-01-31T00:00:00Z.")] = None,
    pay: Annotated[PayKind | None, typer.Option(help="How each use is paid.")] = None,
    amount: Annotated[str | None, typer.Option(help="For per_use: 12.50")] = None,
    currency: Annotated[str | None, typer.Option(help="For per_use: EUR")] = None,
    share_percent: Annotated[str | None, typer.Option(help="For share: 7.5")] = None,
    account: Annotated[str | None, typer.Option(help="Reference to the account that is paid.")] = None,
    revocation: Annotated[
        str | None, typer.Option(help="Where consent is taken back: mailto:, https://")
    ] = None,
    ai_training: Annotated[bool | None, typer.Option(help="Allow AI training. Default: not allowed.")] = None,
    demo: Annotated[bool | None, typer.Option("--demo", help="Mark as sample data.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file and its signatures.")] = False,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write an unsigned consent record from flags, a TOML or JSON file, or both."""
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists already; choose another name or give --overwrite.")
    given = parse_draft(_read_text(draft), draft.suffix.lower().lstrip("."), draft.name) if draft else {}
    flags: dict[str, Any] = {
        "subject.pseudonym": pseudonym,
        "subject.minor": minor,
        "guardian.name": guardian_name,
        "guardian.contact": guardian_contact,
        "guardian.relation": guardian_relation,
        "controller.name": controller_name,
        "controller.contact": controller_contact,
        "scope.purposes": _texts(purpose),
        "scope.territories": _texts(territory),
        "scope.media": _texts(medium),
        "term.not_before": not_before,
        "term.not_after": not_after,
        "pay.kind": str(pay) if pay else None,
        "pay.amount": amount,
        "pay.currency": currency,
        "pay.share_percent": share_percent,
        "pay.account": account,
        "revocation": revocation,
        "ai_training": ai_training,
        "demo": demo,
    }
    for holder, path in (
        ("subject", subject_key),
        ("guardian", guardian_key),
        ("controller", controller_key),
    ):
        flags[f"{holder}.public_key"] = load_public_key(path).model_dump() if path else None
    defaults = {"record_id": str(uuid.uuid4()), "term": {"not_before": format_utc(_clock(now))}}
    values = merge({**defaults, **given}, flags)
    if isinstance(values.get("term"), dict):
        values["term"] = {**defaults["term"], **values["term"]}  # type: ignore[dict-item]
    folder = draft.parent if draft else Path()
    record = build_record(values, lambda name: load_public_key(folder / name))
    _write_text(output, record.canonical_json().decode() + "\n")
    rows = [*describe_record(record), ("written to", f"{output} (nobody has signed it)")]
    _print({"record": record.model_dump(mode="json", exclude_none=True)}, as_json, rows)


@app.command()
@run_guarded
def sign(
    file: Annotated[Path, typer.Argument(help="Record to sign; the signature is added to this file.")],
    role: Annotated[Role, typer.Option(help="As whom the key signs.")],
    key: Annotated[Path, typer.Option(help="The private key file (.jwk or .pem).")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there instead.")] = None,
    passphrase_file: PassphraseFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign a record as the subject, the guardian or the controller. What is signed is printed."""
    text = _read_text(file)
    signing_key = load_private_key(key, _passphrase_for(key, passphrase_file))
    if others_can_read(key):
        typer.echo(f"warning: other users can read the private key {key}; run: chmod 600 {key}", err=True)
    signed_text = add_signature(text, role, signing_key)
    signed = open_for_signing(signed_text)
    _write_text(output or file, signed_text)
    values = {
        "file": str(output or file),
        "signed_as": str(role),
        "thumbprint": signing_key.thumbprint,
        "missing": [str(missing) for missing in signed.missing],
    }
    _print(values, as_json, [*describe(signed), ("written to", str(output or file))])


@app.command()
@run_guarded
def verify(
    file: Annotated[Path, typer.Argument(help="A signed record (JSON) or a twin (.glb).")],
    purpose: Annotated[Purpose | None, typer.Option(help="The use that is asked about.")] = None,
    territory: Annotated[str | None, typer.Option(help="Where the use is: worldwide, DE, US-CA ...")] = None,
    medium: Annotated[Medium | None, typer.Option(help="In which medium the use is.")] = None,
    when: Annotated[str | None, typer.Option(help="A later moment of the use, UTC.")] = None,
    trust_person: Annotated[
        list[str] | None, typer.Option(help="Thumbprint of a known person's (or guardian's) key; repeat.")
    ] = None,
    trust_controller: Annotated[
        list[str] | None, typer.Option(help="Thumbprint of a known controller's key; repeat.")
    ] = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check signatures, term, scope and, for a twin, the binding to its geometry.

    Exit code 0: valid. 4: expired, altered, stripped, unbound ... 3: the file cannot be read.
    """
    use = _use(purpose, territory, medium, when)
    trusted = TrustedKeys(
        people=frozenset(trust_person) if trust_person else None,
        controllers=frozenset(trust_controller) if trust_controller else None,
    )
    is_twin = _is_glb(file)
    check = _verify_twin if is_twin else _verify_text
    status = check(file, _clock(now), use, trusted)
    record = status.record
    values = {
        "status": str(status.state),
        "reason": status.reason,
        "geometry_checked": is_twin,
        "geometry": str(status.geometry) if status.geometry else None,
        "moved_mm": round(status.moved_mm, 3),
        "record_id": record.record_id if record else None,
        "demo": record.demo if record else None,
    }
    rows = [(status.state.replace("_", " "), status.reason)]
    if record and record.demo:
        rows.append(("DEMO", "sample data; it proves nothing about any person"))
    _print(values, as_json, rows)
    if not status.ok:
        raise typer.Exit(NOT_VALID)


@app.command()
@run_guarded
def inspect(
    file: Annotated[Path, typer.Argument(help="A record, signed or not (JSON), or a twin (.glb).")],
    as_json: JsonFlag = False,
) -> None:
    """Print what a record says and who signed it. Says nothing about whether it is valid now."""
    if _is_glb(file):
        text, _, _ = _read_twin(file)
        if text is None:
            raise ConsentError(f"{file.name} carries no consent record.")
    else:
        text = _read_text(file)
    signed, binding = open_any(text)
    values = {
        "record": signed.record.model_dump(mode="json", exclude_none=True),
        "missing_signatures": [str(role) for role in signed.missing],
        "binding": binding.model_dump(mode="json") if binding else None,
    }
    _print(values, as_json, describe(signed, binding))


def _verify_text(file: Path, now: datetime, use: Use | None, trusted: TrustedKeys) -> ConsentStatus:
    text = _read_text(file)
    strict_json.loads(text, file.name)  # not JSON at all: unreadable (exit 3), not altered
    return verify_record(text, now=now, use=use, trusted=trusted)


def _verify_twin(file: Path, now: datetime, use: Use | None, trusted: TrustedKeys) -> ConsentStatus:
    try:
        text, positions, faces = _read_twin(file)
    except ConsentError as error:  # the copies in the file contradict each other
        return ConsentStatus(ConsentState.ALTERED, str(error))
    return verify_surface(text, positions, faces, now=now, use=use, trusted=trusted)


def _read_twin(file: Path) -> tuple[str | None, Any, Any]:
    from bodyscan.gltf.read import read_consent  # only twins need the glTF reader

    return read_consent(file)


def _is_glb(file: Path) -> bool:
    """By content, so that a renamed twin is not taken for a record."""
    try:
        with file.open("rb") as stream:
            return stream.read(4) == b"glTF" or file.suffix.lower() == ".glb"
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}.") from None


def _use(
    purpose: Purpose | None, territory: str | None, medium: Medium | None, when: str | None
) -> Use | None:
    if purpose is None:
        if territory or medium or when:
            raise InputError("--territory, --medium and --when describe a use; give its --purpose too.")
        return None
    return Use(purpose, territory, medium, _time(when, "--when") if when else None)


def _clock(now: str | None) -> datetime:
    return _time(now, "--now") if now else datetime.now(UTC)


def _time(text: str, name: str) -> datetime:
    try:
        return parse_utc(text)
    except ValueError as error:
        raise InputError(f"{name}: {error}.") from None


def _texts(values: list[Any] | None) -> list[str] | None:
    return [str(value) for value in values] if values else None


def _passphrase_for(key: Path, passphrase_file: Path | None) -> str | None:
    given = _passphrase_from(passphrase_file)
    if given is None and is_locked(read_key_text(key)) and sys.stdin.isatty():
        return typer.prompt(f"Passphrase of {key.name}", hide_input=True, err=True)
    return given


def _passphrase_from(path: Path | None) -> str | None:
    if path is None:
        return None
    passphrase = _read_text(path).split("\n", 1)[0].rstrip("\r")
    if not passphrase:
        raise InputError(f"the first line of {path} is empty; it must hold the passphrase.")
    return passphrase


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(strict_json.MAX_BYTES + 1)
        if len(data) > strict_json.MAX_BYTES:
            raise InputError(f"{path} is larger than {strict_json.MAX_BYTES} bytes, too large for a record.")
        return data.decode("utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; give a record (JSON) or a twin (.glb).") from None


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)  # noqa: PTH105
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None


def _print(values: dict[str, Any], as_json: bool, rows: Rows) -> None:
    if as_json:
        typer.echo(json.dumps(values, ensure_ascii=False, indent=2))
        return
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        typer.echo(f"{label + ':':<{width + 2}}{value}")
