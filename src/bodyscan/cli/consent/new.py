"""`bodyscan consent new`: an unsigned record from a draft."""

from __future__ import annotations

import tomllib
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, check_new, clock
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.consent.describe import describe_record
from bodyscan.consent.draft import build_record, merge, parse_draft
from bodyscan.consent.fields import format_utc
from bodyscan.consent.key_files import load_public_key
from bodyscan.consent.record import RECORD_SCHEMA
from bodyscan.errors import InputError
from bodyscan.files import write_atomic
from bodyscan.run.text_files import read_text

app = typer.Typer()

_DECIMAL_FIELDS = ("amount", "share_percent", "commission_percent")
"""Text in a record, so that no reader rounds them."""


@app.command()
@run_guarded
def new(
    output: Annotated[Path, typer.Option("--output", "-o", help="Record file (JSON) to write.")],
    draft: Annotated[
        Path | None, typer.Option("--from", help="Draft (TOML or JSON); see `template`.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE, as scope.media='[\"web\"]'; wins over the draft; repeat."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file and its signatures.")] = False,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write an unsigned consent record from a draft, single settings, or both.

    Left out, record_id is a new UUID, issued_at and term.not_before are now. A public_key that is text names
    a key file; in a draft, relative to the draft.
    """
    check_new(output, overwrite)
    given = parse_draft(read_text(draft), draft.suffix.lower().lstrip("."), draft.name) if draft else {}
    moment = format_utc(clock(now))
    defaults = {"schema": RECORD_SCHEMA, "record_id": str(uuid.uuid4()), "issued_at": moment}
    values = merge({**defaults, **given}, _settings(settings or []))
    if isinstance(values.get("term", {}), dict):
        values["term"] = {"not_before": moment, **values.get("term", {})}
    folder = draft.parent if draft else Path()
    record = build_record(values, lambda name: load_public_key(folder / name))
    write_atomic(output, record.canonical_json() + b"\n")
    rows = [*describe_record(record), ("written to", f"{output} (nobody has signed it)")]
    plain = record.model_dump(mode="json", exclude_none=True)
    print_result({"record": plain}, rows, as_json)


def _settings(texts: list[str]) -> dict[str, Any]:
    """`scope.media=["web"]` -> path and value. A value that is no TOML is text, and so is money."""
    found: dict[str, Any] = {}
    for text in texts:
        place, equals, value = text.partition("=")
        if not (place and equals and value):
            raise InputError(f"--set {text} is not understood; give FIELD=VALUE, as scope.media='[\"web\"]'.")
        found[place] = value if place.rpartition(".")[2] in _DECIMAL_FIELDS else _value(value)
    return found


def _value(text: str) -> Any:
    try:
        value = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text
    # A time is written as it stands.
    return value if isinstance(value, bool | int | str | list | dict) else text
