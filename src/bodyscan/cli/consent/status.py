"""`bodyscan consent status`: publish status lists, and look a record up in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.consent.common import (
    JsonFlag,
    NowOption,
    PassphraseFile,
    clock,
    consent_text,
    signing_key,
)
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.consent.binding import open_consent
from bodyscan.consent.fields import format_utc
from bodyscan.consent.key_history import KeyHistory, newest_histories
from bodyscan.consent.record import ConsentRecord
from bodyscan.consent.state import RefusedConsent
from bodyscan.consent.status_check import StatusState, check_status
from bodyscan.consent.status_memory import StatusMemory
from bodyscan.consent.status_publish import free_index, publish
from bodyscan.errors import ConsentError, InputError
from bodyscan.files import write_all, write_atomic
from bodyscan.run.evidence import read_evidence
from bodyscan.run.text_files import read_text

app = typer.Typer(help="Status lists: who took a consent back, in two static files.", no_args_is_help=True)

EXIT_CODES = {
    StatusState.GOOD: 0,
    StatusState.SUSPENDED: 4,
    StatusState.REVOKED: 4,
    StatusState.UNKNOWN: 7,
}
KeysOption = Annotated[list[Path] | None, typer.Option("--keys", help="A key history, or a folder; repeat.")]
MAX_VALID_DAYS = 366.0
RECORD_SUFFIXES = (".json", ".glb")


@app.command(name="publish")
@run_guarded
def publish_lists(
    statements: Annotated[Path, typer.Option(help="Folder of withdrawal statements, all that ever came.")],
    records: Annotated[Path, typer.Option(help="Folder of the signed records (JSON or .glb).")],
    key: Annotated[Path, typer.Option(help="The issuer's private key file, which the records name.")],
    revocation_out: Annotated[
        Path, typer.Option(help="Revocation list to write; the one that is there is carried on.")
    ],
    suspension_out: Annotated[
        Path, typer.Option(help="Suspension list to write; the one that is there is carried on.")
    ],
    valid_days: Annotated[
        float, typer.Option(min=0.01, max=MAX_VALID_DAYS, help="Days for which the lists hold.")
    ] = 7.0,
    first_sequence: Annotated[
        int, typer.Option(min=1, help="Number of the first lists, where earlier ones were lost.")
    ] = 1,
    keys: KeysOption = None,
    passphrase_file: PassphraseFile = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write both status lists of a folder of records. Lay them at the addresses that the records name.

    A bit is set only by the person's own signed statement. What cannot be read among the statements is named
    and left out, so that it keeps no other withdrawal back. Publish anew before the lists end: a list that
    has ended makes every consent in it unknown.
    """
    moment = clock(now)
    if revocation_out.absolute() == suspension_out.absolute():
        raise InputError("--revocation-out and --suspension-out are two lists; give two files.")
    histories = newest_histories(read_evidence(None, keys=keys or (), now=moment).histories)
    consents = {path.name: _signed_record(path) for path in _files(records, RECORD_SUFFIXES)}
    words, unread = _texts(_files(statements, (".json",)))
    made = publish(
        consents,
        words,
        signing_key(key, passphrase_file),
        moment,
        timedelta(days=valid_days),
        previous_revocation=read_text(revocation_out) if revocation_out.exists() else None,
        previous_suspension=read_text(suspension_out) if suspension_out.exists() else None,
        first_sequence=first_sequence,
        histories=histories,
    )
    write_all({revocation_out: made.revocation.encode(), suspension_out: made.suspension.encode()})
    left_out = (*unread, *made.left_out)
    values = {
        "revocation": {
            "file": str(revocation_out),
            "address": made.revocation_address,
            "sequence": made.sequences[0],
            "records": list(made.revoked),
        },
        "suspension": {
            "file": str(suspension_out),
            "address": made.suspension_address,
            "sequence": made.sequences[1],
            "records": list(made.suspended),
        },
        "num_records": made.records,
        "valid_until": format_utc(moment + timedelta(days=valid_days)),
        "left_out": list(left_out),
    }
    rows = [
        ("records", str(made.records)),
        ("revoked", ", ".join(made.revoked) or "none"),
        ("suspended", ", ".join(made.suspended) or "none"),
        ("revocation list", f"{revocation_out}, number {made.sequences[0]}, for {made.revocation_address}"),
        ("suspension list", f"{suspension_out}, number {made.sequences[1]}, for {made.suspension_address}"),
        ("valid until", values["valid_until"]),
        *(("left out", reason) for reason in left_out),
    ]
    print_result(values, rows, as_json)


@app.command()
@run_guarded
def index(
    records: Annotated[Path, typer.Option(help="Folder of the signed records (JSON or .glb) so far.")],
    as_json: JsonFlag = False,
) -> None:
    """Print a free place in the lists for a new record: its `withdrawal.status.index`, drawn at random."""
    consents = [_signed_record(path) for path in _files(records, RECORD_SUFFIXES)]
    found = free_index(consents)
    print_result({"index": found, "num_records": len(consents)}, [("index", str(found))], as_json)


@app.command(epilog="Exit codes: 0 good, 3 not readable, 4 revoked or suspended, 7 unknown.")
@run_guarded
def check(
    lists: Annotated[list[Path], typer.Argument(help="Status lists, or a folder of them.")],
    record: Annotated[Path, typer.Option(help="The signed record (JSON), or a twin (.glb) that carries it.")],
    withdrawal: Annotated[
        list[Path] | None, typer.Option(help="A withdrawal statement, or a folder; repeat.")
    ] = None,
    memory: Annotated[
        Path | None, typer.Option(help="File that remembers which lists were seen; made where it is not.")
    ] = None,
    max_age_days: Annotated[
        float | None, typer.Option(min=0, help="Lists older than this are stale.")
    ] = None,
    keys: KeysOption = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Look a record up in status lists and statements. Nothing is fetched: fetch the lists first."""
    moment = clock(now)
    evidence = read_evidence(
        None,
        status_lists=lists,
        withdrawals=withdrawal or (),
        keys=keys or (),
        memory=memory,
        max_age_days=max_age_days,
        now=moment,
    )
    consent, histories = _opened(record, evidence.histories, moment)
    found = check_status(
        consent,
        evidence.status_lists,
        evidence.withdrawals,
        moment,
        memory=evidence.memory,
        max_age=evidence.max_age,
        histories=histories,
    )
    if memory is not None and found.memory is not None and found.memory != evidence.memory:
        # Read again: another process may have written meanwhile, and nothing that either saw is forgotten.
        kept = StatusMemory.parse(read_text(memory), memory.name) if memory.exists() else StatusMemory()
        write_atomic(memory, kept.merged(found.memory).to_text().encode())
    values = {
        "status": str(found.state),
        "reason": found.reason,
        "clause": found.clause or None,
        "since": format_utc(found.since) if found.since else None,
        "record_id": consent.record_id,
        "left_out": list(found.left_out),
    }
    rows = [(str(found.state), found.reason), ("record", consent.record_id)]
    if found.clause:
        rows.append(("clause", found.clause))
    rows += [("left out", reason) for reason in found.left_out]
    print_result(values, rows, as_json)
    if code := EXIT_CODES[found.state]:
        raise typer.Exit(code)


def _opened(
    path: Path, histories: Iterable[KeyHistory], now: datetime
) -> tuple[ConsentRecord, dict[str, KeyHistory]]:
    opened = open_consent(consent_text(path), tuple(histories), now)
    return opened.record, dict(opened.histories)


def _signed_record(path: Path) -> ConsentRecord:
    try:
        return open_consent(consent_text(path)).record
    except RefusedConsent as error:
        raise ConsentError(f"{path.name} cannot be listed: {error.status.reason}") from None


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder.")
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in suffixes and path.is_file() and path.name[0] != "."
    )


def _texts(paths: Iterable[Path]) -> tuple[dict[str, str], list[str]]:
    """Return the texts by file name, and for each file that cannot be read, why."""
    texts, unread = {}, []
    for path in paths:
        try:
            texts[path.name] = read_text(path)
        except InputError as error:
            unread.append(str(error))
    return texts, unread
