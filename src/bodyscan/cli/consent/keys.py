"""`bodyscan consent keys`: a key history, from its root key on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
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
    utc_time,
    write_consent,
)
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.consent.binding import open_consent
from bodyscan.consent.fields import format_utc
from bodyscan.consent.key_files import load_public_key
from bodyscan.consent.key_history import (
    KeyHistory,
    KeyUse,
    ListedKey,
    extend_history,
    newest_histories,
    read_key_history,
    start_history,
)
from bodyscan.consent.sign import role_keys
from bodyscan.errors import InputError
from bodyscan.files import write_atomic
from bodyscan.run.text_files import read_text

app = typer.Typer(help="A key history: which key counts, from when until when.", no_args_is_help=True)

HistoryArgument = Annotated[Path, typer.Argument(help="The key history (JSON); it is written anew.")]
SignerOption = Annotated[Path, typer.Option(help="Private key that may sign lists, the root at first.")]
UseOption = Annotated[list[KeyUse] | None, typer.Option(help="What the new key may sign; repeat.")]


@app.command()
@run_guarded
def start(
    root: Annotated[Path, typer.Argument(help="Private key that the records name.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Key history (JSON) to write.")],
    passphrase_file: PassphraseFile = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Begin a history: the root key alone, for every use."""
    check_new(output, overwrite=False)
    _finish(output, start_history(signing_key(root, passphrase_file), (), clock(now)), as_json)


@app.command()
@run_guarded
def add(
    history: HistoryArgument,
    public_key: Annotated[Path, typer.Argument(help="The new public key.")],
    key: SignerOption,
    use: UseOption = None,
    passphrase_file: PassphraseFile = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List one more key, in use from now on."""
    if not use:
        raise InputError(f"Say what the key may sign with --use: {', '.join(KeyUse)}.")
    known, moment = _read(history, now)
    new = ListedKey(
        key=load_public_key(public_key), uses=tuple(use), active_from=moment.replace(microsecond=0)
    )
    signer = signing_key(key, passphrase_file)
    _finish(history, extend_history(known, signer, (*known.current.keys, new), moment), as_json)


@app.command()
@run_guarded
def end(
    history: HistoryArgument,
    thumbprint: Annotated[str, typer.Argument(help="The key that ends.")],
    key: SignerOption,
    compromised: Annotated[bool, typer.Option(help="Somebody else may hold it.")] = False,
    at: Annotated[str | None, typer.Option(help="From when on, UTC. Default: now.")] = None,
    passphrase_file: PassphraseFile = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Put a key out of use. What it signed counts on only where a time stamp proves that it was before."""
    known, moment = _read(history, now)
    ended = (utc_time(at, "--at") if at else moment).replace(microsecond=0)
    if known.current.find(thumbprint) is None:
        listed = ", ".join(one.key.thumbprint for one in known.current.keys)
        raise InputError(f"The key {thumbprint} is not listed; listed are: {listed}.")
    change = {"compromised_at" if compromised else "active_until": ended}
    keys = [
        one.model_copy(update=change) if one.key.thumbprint == thumbprint else one
        for one in known.current.keys
    ]
    signer = signing_key(key, passphrase_file)
    _finish(history, extend_history(known, signer, keys, moment), as_json)


@app.command()
@run_guarded
def attach(
    history: Annotated[Path, typer.Argument(help="The key history (JSON).")],
    file: Annotated[Path, typer.Argument(help="A signed record or bound consent (JSON), or a twin (.glb).")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there instead.")] = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Put a key history into a consent, so that keys beside the record's own count with the file alone.

    The history's owner must be one whom the record names. A later history of the same owner replaces it.
    """
    known, _ = _read(history, now)
    text = consent_text(file)
    opened = open_consent(text)
    owners = {key.thumbprint for key in role_keys(opened.record).values()}
    if known.owner not in owners:
        raise InputError(
            f"The history is of {known.owner}, whom the record does not name; it names {', '.join(owners)}."
        )
    newest_histories([*opened.histories.values(), known])  # a fork is refused
    embedded = {**opened.histories, known.owner: known}
    bundle = replace(opened.bundle, keys=tuple(one.to_value() for one in embedded.values()))
    write_consent(file, output or file, bundle.to_text())
    values = {"file": str(output or file), "owner": known.owner, "list": known.current.sequence}
    print_result(values, values.items(), as_json)


@app.command()
@run_guarded
def show(history: HistoryArgument, now: NowOption = None, as_json: JsonFlag = False) -> None:
    """Print the newest list of a history whose every link holds."""
    _print(_read(history, now)[0], as_json)


def _read(path: Path, now: str | None) -> tuple[KeyHistory, datetime]:
    moment = clock(now)
    return read_key_history(read_text(path), moment), moment


def _finish(path: Path, history: KeyHistory, as_json: bool) -> None:
    write_atomic(path, history.to_text().encode())
    _print(history, as_json)


def _print(history: KeyHistory, as_json: bool) -> None:
    current = history.current
    rows = [("owner", history.owner), ("list", f"{current.sequence} of {format_utc(current.issued_at)}")]
    for listed in current.keys:
        ended = f", ended {format_utc(listed.end)}" if listed.end else ""
        uses = ", ".join(listed.uses)
        rows.append(("key", f"{listed.key.thumbprint}: {uses}; from {format_utc(listed.active_from)}{ended}"))
    print_result(current.model_dump(mode="json", exclude_none=True), rows, as_json)
