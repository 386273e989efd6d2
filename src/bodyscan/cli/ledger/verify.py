"""`bodyscan ledger verify`: is the ledger what it was?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, clock
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.ledger.common import (
    EXIT_CODES,
    WRONG,
    HistoryOption,
    KeysOption,
    LedgerOption,
    key_histories,
    open_to_read,
    public_keys,
)
from bodyscan.cli.output import print_result
from bodyscan.errors import InputError
from bodyscan.run.text_files import read_text

if TYPE_CHECKING:
    from bodyscan.consent.keys import PublicJwk
    from bodyscan.ledger import Person

app = typer.Typer()


@app.command(epilog=EXIT_CODES)
@run_guarded
def verify(
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that was handed out; repeat.")
    ] = None,
    key: KeysOption = None,
    keys: HistoryOption = None,
    ledger: LedgerOption = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Find edits, deletions, a cut-off end, a ledger written anew, and uses that are billed twice.

    Without --key the keys count that the ledger's own records name, and the answer says which. Give the
    checkpoints that were handed out: the ledger's own prove nothing against somebody who has the key.
    """
    from bodyscan.ledger import all_people, checkpoint_texts, signers_of, verify_ledger

    given = [(path.name, read_text(path)) for path in checkpoint or ()]
    with open_to_read(ledger) as opened, opened.snapshot():
        moment = clock(now)
        histories = key_histories(keys, moment)
        known = public_keys(key) or (() if histories else _named(all_people(opened)))
        signers = signers_of(known, histories, moment)
        own = len(checkpoint_texts(opened))
        if not signers.current and (own or given):
            raise InputError(
                "the ledger's records name no controller whose key could be asked; give it with --key, or "
                "its history with --keys."
            )
        found = verify_ledger(opened, signers, given)
    values = {
        "ok": found.ok,
        "ledger_id": found.ledger_id,
        "size": found.size,
        "root": found.root,
        "checkpoints": found.num_checkpoints,
        "covered": found.covered,
        "keys": [each.thumbprint for each in signers.current],
        "findings": [
            {"problem": str(each.problem), "entry": each.sequence, "text": each.text}
            for each in found.findings
        ],
    }
    rows = [(str(each.problem).replace("_", " "), each.text) for each in found.findings]
    rows.append(
        ("sound" if found.ok else "NOT SOUND", f"{found.size:,} entries, {found.covered:,} of them signed")
    )
    rows.append(("checkpoints", f"{own} in the ledger, {len(given)} given"))
    source = "given" if key or histories else "named by the ledger's records: compare it"
    rows += [("key", f"{each.thumbprint} ({source})") for each in signers.current]
    rows += [("ended key", each.thumbprint) for each in signers.ended]
    rows.append(("root", found.root))
    print_result(values, rows, as_json)
    if not found.ok:
        raise typer.Exit(WRONG)


def _named(people: tuple[Person, ...]) -> tuple[PublicJwk, ...]:
    from bodyscan.consent.keys import parse_public_key

    texts = dict.fromkeys(
        record.controller_key for person in people for record in person.records if record.controller_key
    )
    return tuple(parse_public_key(text, "a controller's key in the ledger") for text in texts)
