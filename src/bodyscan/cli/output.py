"""Where results go: rows for a person or JSON for a machine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import typer


def print_result(values: Any, rows: Iterable[tuple[str, str]], as_json: bool) -> None:
    """Write one result to standard output: `values` as JSON, or `rows` of label and text."""
    if as_json:
        typer.echo(json.dumps(values, indent=2, ensure_ascii=False, default=str))
        return
    rows = list(rows)
    width = max((len(label) for label, _ in rows), default=0)
    for label, text in rows:
        typer.echo(_plain(f"{label:<{width}}  {text}".rstrip()))


def _plain(line: str) -> str:
    """Escape what could steer a terminal: names and notes come out of files that others made."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
