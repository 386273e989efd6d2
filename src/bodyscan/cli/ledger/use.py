"""`bodyscan ledger use`: a use of a twin that another program makes, checked and written down."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from bodyscan.cli.consent.common import NowOption, clock
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption
from bodyscan.cli.ledger.common import LedgerOption, open_to_write
from bodyscan.cli.output import print_result
from bodyscan.cli.scan_job import JsonOption, MediumOption, TerritoryOption
from bodyscan.cli.twin_file import (
    USE_EXIT_CODES,
    ContentOption,
    LicenseeOption,
    ProductLineOption,
    TwinArgument,
    use_of,
)
from bodyscan.consent import Purpose
from bodyscan.errors import InputError
from bodyscan.run.allowed_twin import AllowedTwin, allowed_twin

app = typer.Typer()


@app.command(epilog=USE_EXIT_CODES)
@run_guarded
def use(
    file: TwinArgument,
    purpose: Annotated[Purpose, typer.Option(help="What it is used for.")],
    territory: TerritoryOption = None,
    medium: MediumOption = None,
    licensee: LicenseeOption = None,
    product_line: ProductLineOption = None,
    content: ContentOption = None,
    evidence: EvidenceOption = None,
    kind: Annotated[
        Literal["render", "export"] | None,
        typer.Option(help="A picture or film, or the file handed on. Default: by the purpose."),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="A file that came of it; repeat. Default: the twin itself."),
    ] = None,
    reference: Annotated[str | None, typer.Option(help="Campaign, order or job.")] = None,
    units: Annotated[int, typer.Option(min=1, help="How many uses of this kind it is.")] = 1,
    revenue: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="What the use earned, as 1250.00; for shares.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Of the revenue: EUR.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Where it stands there already, show that entry: no error.")
    ] = False,
    ledger: LedgerOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a use of a twin down that another program made or will make.

    The twin's consent is checked for this use first; what it does not allow is not written down.
    """
    moment = clock(now)
    asked = use_of(purpose, territory, medium, licensee, product_line, content)
    twin = allowed_twin(file, asked, moment, evidence)

    from bodyscan.ledger import EntryKind, LedgerLog
    from bodyscan.ledger.terms import terms_of

    made = EntryKind(kind or ("export" if purpose is Purpose.EXPORT else "render"))
    with open_to_write(ledger, moment) as opened:
        log = LedgerLog(
            opened,
            text=twin.consent,
            reference=reference,
            twin_id=_twin_id(twin),
            units=units,
            revenue=revenue,
            currency=currency,
            again="return" if again else "refuse",
        )
        receipt = log.log(twin.record, asked, made, _outputs(twin, file, output or ()), moment)
        opened.mark_written(receipt)
        path = opened.path
    values = {"entry": receipt.sequence, "hash": receipt.entry_hash, "new": receipt.new, "ledger": str(path)}
    rows = [
        ("entry", f"{receipt.sequence}" + ("" if receipt.new else " (stood there already)")),
        ("use", f"{made} for {purpose}"),
        ("pay", terms_of(twin.record.pay).words()),
        ("ledger", str(path)),
    ]
    print_result(values, rows, as_json)


def _twin_id(twin: AllowedTwin) -> str:
    from bodyscan.mark.twin_id import bound_geometry, twin_id

    return twin_id(twin.record.record_id, bound_geometry(twin.consent)).hex()


def _outputs(twin: AllowedTwin, file: Path, given: Sequence[Path]) -> dict[str, str]:
    if not given:
        return {str(file): hashlib.sha256(twin.data).hexdigest()}
    found = {}
    for path in given:
        try:
            with path.open("rb") as stream:
                found[str(path)] = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    return found
