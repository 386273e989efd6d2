"""The options that the commands share that take a finished twin: the file, and what it is used for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bodyscan.consent import Medium, ProhibitedUse, Purpose, Use

USE_EXIT_CODES = (
    "Exit codes: 0 done, 2 usage, 3 input, 4 the consent does not allow it or cannot be judged, "
    "5 a part is missing, 130 interrupted."
)
SUFFIXES = (".glb", ".vrm")

TwinArgument = Annotated[
    Path, typer.Argument(help="A finished twin (.glb, .vrm), of any target and profile.")
]
LicenseeOption = Annotated[
    str | None, typer.Option(help="Who uses it: a licensee's name or key. Default: the record's controller.")
]
ProductLineOption = Annotated[str | None, typer.Option(help="The product line that it is for.")]
ContentOption = Annotated[
    list[ProhibitedUse] | None,
    typer.Option(help="What is shown or promoted, of the kinds that a person may prohibit; repeat."),
]


def use_of(
    purpose: Purpose,
    territory: str | None,
    medium: Medium | None,
    licensee: str | None,
    product_line: str | None,
    content: list[ProhibitedUse] | None,
    when: datetime | None = None,
) -> Use:
    """Return the use that the options describe. Raises `InputError` for a place that is none."""
    return Use(
        purpose,
        territory,
        medium,
        when,
        licensee=licensee,
        product_line=product_line,
        content=tuple(content or ()),
    )
