"""`bodyscan ledger checkpoint`: the controller signs the ledger as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, PassphraseFile, check_new, clock, signing_key
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.ledger.common import LedgerOption, open_to_write
from bodyscan.cli.output import print_result
from bodyscan.run.outputs import check_output_file

app = typer.Typer()


@app.command()
@run_guarded
def checkpoint(
    key: Annotated[Path, typer.Option(help="The controller's private key file (.jwk or .pem).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to hand out. Default: checkpoint-NUMBER.json.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
    ledger: LedgerOption = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign how long the ledger is and what it holds. Hand the file to everybody who is in it.

    Whoever has it can prove later that an entry was changed, taken out or cut off.
    """
    from bodyscan.files import write_atomic
    from bodyscan.ledger import add_checkpoint, checkpoint_texts

    private = signing_key(key, passphrase_file)
    with open_to_write(ledger) as opened:
        place = output or Path(f"checkpoint-{len(checkpoint_texts(opened)) + 1}.json")
        check_output_file(place, ".json", [key, opened.path])
        check_new(place, overwrite)
        made = add_checkpoint(opened, private, clock(now))
        write_atomic(place, made.text.encode())
    values = {
        "file": str(place),
        "ledger_id": made.payload.ledger_id,
        "size": made.size,
        "root": made.payload.root,
        "signed_by": made.kid,
    }
    rows = [
        ("checkpoint", f"{made.size:,} entries, signed by {made.kid}"),
        ("root", made.payload.root),
        ("written to", str(place)),
    ]
    print_result(values, rows, as_json)
