"""`bodyscan consent inspect`: what a record says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.consent.common import JsonFlag, consent_text
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.consent.describe import describe, open_any

app = typer.Typer()


@app.command()
@run_guarded
def inspect(
    file: Annotated[Path, typer.Argument(help="A record, signed or not (JSON), or a twin (.glb).")],
    as_json: JsonFlag = False,
) -> None:
    """Print what a record says and who signed it. Says nothing about whether it is valid now."""
    signed, binding = open_any(consent_text(file))
    values = {
        "record": signed.record.model_dump(mode="json", exclude_none=True),
        "missing_signatures": [str(role) for role in signed.missing],
        "binding": binding.model_dump(mode="json", exclude_none=True) if binding else None,
    }
    print_result(values, describe(signed, binding), as_json)
