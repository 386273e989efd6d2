"""The option of commands that take what is known of keys, lists and withdrawals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EVIDENCE_VARIABLE = "BODYSCAN_EVIDENCE"

EvidenceOption = Annotated[
    Path | None,
    typer.Option(
        "--evidence",
        envvar=EVIDENCE_VARIABLE,
        help="Folder of what you know: keys, lists, withdrawals, authorities, packers, trusted.toml.",
    ),
]
