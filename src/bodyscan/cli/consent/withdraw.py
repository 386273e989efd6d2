"""`bodyscan consent withdraw`: the person takes a consent back, suspends it, or resumes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.consent.common import (
    JsonFlag,
    NowOption,
    PassphraseFile,
    check_new,
    clock,
    consent_text,
    signing_key,
)
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.consent.bundle import read_bundle
from bodyscan.consent.describe import open_any
from bodyscan.consent.fields import format_utc
from bodyscan.consent.key_history import newest_histories, read_key_history
from bodyscan.consent.withdrawal import WithdrawalAction, read_withdrawal, what_follows, withdraw
from bodyscan.errors import InputError
from bodyscan.files import write_atomic
from bodyscan.run.evidence import read_evidence

app = typer.Typer()


@app.command(name="withdraw")
@run_guarded
def withdraw_consent(
    record: Annotated[
        Path, typer.Argument(help="The record (JSON), signed, or a twin (.glb) that carries it.")
    ],
    action: Annotated[WithdrawalAction, typer.Option(help="revoke is final; suspend ends with resume.")],
    key: Annotated[
        Path, typer.Option(help="The person's private key file, for a child also the guardian's.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Statement (JSON) to write.")],
    reason: Annotated[
        str | None, typer.Option(help="What you wish to say about it. Nobody needs one.")
    ] = None,
    sequence: Annotated[
        int | None,
        typer.Option(help="Number of the statement; the highest counts. Default: the clock, in seconds."),
    ] = None,
    keys: Annotated[
        list[Path] | None, typer.Option(help="The person's key history, where the key is a newer one.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
    passphrase_file: PassphraseFile = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign a statement that the consent is taken back, suspended or resumed. Nothing is sent.

    Hand the file to whoever uses the likeness, and to whoever publishes the status list; it holds wherever
    it is shown. What follows from it is printed.
    """
    check_new(output, overwrite)
    moment = clock(now)
    text = consent_text(record)
    signed, _ = open_any(text)
    if not signed.jws.signatures:
        raise InputError(f"nobody has signed {record.name}, so there is no consent to withdraw.")
    known = read_evidence(None, keys=keys or (), now=moment).histories
    embedded = read_bundle(text).keys if not signed.missing else ()
    histories = newest_histories([*known, *(read_key_history(value, moment) for value in embedded)])
    number = int(moment.timestamp()) if sequence is None else sequence
    consent, private = signed.record, signing_key(key, passphrase_file)
    statement_text = withdraw(consent, action, private, number, moment, reason, histories)
    made = read_withdrawal(statement_text, consent, histories)
    write_atomic(output, statement_text.encode())
    follows, terms = what_follows(consent, action), consent.withdrawal
    values = {
        "file": str(output),
        "action": str(action),
        "record_id": consent.record_id,
        "signed_as": str(made.role),
        "sequence": number,
        "at": format_utc(made.statement.at),
        "follows": follows,
        "send_to": terms.address,
        "revocation_list": terms.status.revocation_list if terms.status else None,
        "suspension_list": terms.status.suspension_list if terms.status else None,
    }
    rows = [
        (str(action), f"the consent of {consent.subject.pseudonym} to {consent.controller.name}"),
        ("record", consent.record_id),
        ("signed as", f"{made.role}, {format_utc(made.statement.at)}, number {number}"),
        ("what follows", follows),
        ("send it to", terms.address),
    ]
    if terms.status is not None:
        listed = (
            terms.status.revocation_list
            if action is WithdrawalAction.REVOKE
            else terms.status.suspension_list
        )
        rows.append(("published at", listed))
    if consent.demo:
        rows.append(("DEMO", "sample data; it proves nothing about any person"))
    print_result(values, [*rows, ("written to", str(output))], as_json)
