"""A statement as a table for a terminal, and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from bodyscan.ledger.checkpoint import parse_checkpoint
from bodyscan.ledger.statement import Statement, StatementLine, money, period_words

ROUNDING = "Totals are exact sums, rounded half to even at the currency's smallest unit."
_COLUMNS = ("entry", "date", "use", "for", "where", "reference", "amount", "due", "note")
_RIGHT = {"entry", "amount"}
CSV_COLUMNS = (
    "entry", "at", "kind", "purpose", "territory", "medium", "licensee", "reference", "output", "units",
    "revenue", "revenue_currency", "amount", "currency", "due", "note",
)  # fmt: skip


def statement_table(statement: Statement) -> str:
    """Return the statement as lines of text."""
    lines = [
        f"Statement for {', '.join(statement.subject.pseudonyms)}",
        period_words(statement.begin, statement.end),
        "",
    ]
    for record in statement.records:
        who = f" by {record.controller}" if record.controller else ""
        lines.append(f"Record {record.record_id}{who}: {'; '.join(record.terms)}")
    rows = [_row(line) for line in statement.lines]
    lines += ["", *_grid(rows), ""] if rows else ["", "No use in this period.", ""]
    for total in statement.totals:
        exact = "" if total.exact == total.rounded else f"  (exact {total.exact})"
        lines.append(f"Owed: {money(total.rounded, total.currency)}{exact}")
    if not statement.totals:
        lines.append("Owed: nothing")
    lines += [ROUNDING, proof_words(statement)]
    return "\n".join(lines) + "\n"


def proof_words(statement: Statement) -> str:
    """Return in one sentence what proves the statement."""
    if statement.checkpoint is None:
        return "No checkpoint was signed yet: nothing proves these entries. Run `bodyscan ledger checkpoint`."
    checkpoint = parse_checkpoint(statement.checkpoint)
    head = f"Checkpoint of {checkpoint.size:,} entries, {checkpoint.payload.at:%Y-%m-%d %H:%M} UTC, root "
    text = f"{head}{checkpoint.payload.root}."
    if newer := statement.num_unproved:
        text += f" {newer} of the entries {'is' if newer == 1 else 'are'} newer and not proved by it."
    return text


def statement_csv(statement: Statement) -> str:
    """Return the lines as CSV (RFC 4180), and a row for each total.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for line in statement.lines:
        values = [
            line.sequence, f"{line.at:%Y-%m-%dT%H:%M:%SZ}", line.kind, line.purpose, line.territory,
            line.medium, line.licensee, line.reference, line.output, line.units, line.revenue,
            line.revenue_currency,
        ]  # fmt: skip
        # Amounts begin with a minus where they take back; they are numbers and stay so.
        writer.writerow([*map(_cell, values), line.amount, line.currency, line.due, _cell(line.note)])
    for total in statement.totals:
        blank = [""] * (len(CSV_COLUMNS) - 6)
        note = "" if total.exact == total.rounded else f"exact {total.exact}"
        writer.writerow(["total", *blank, "", total.rounded, total.currency, "", note])
    return stream.getvalue()


def where_words(line: StatementLine) -> str:
    """Return territory, medium and licensee of a line."""
    medium = line.medium.replace("_", " ") if line.medium else None
    return ", ".join(part for part in (line.territory, medium, line.licensee) if part)


def what_words(line: StatementLine) -> str:
    """Return the kind of a line and how often."""
    return f"{line.kind} × {line.units:,}" if line.units and line.units > 1 else str(line.kind)


def _cell(value: object) -> object:
    text = str(value) if value is not None else ""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _row(line: StatementLine) -> tuple[str, ...]:
    return (
        str(line.sequence),
        f"{line.at:%Y-%m-%d}",
        what_words(line),
        (line.purpose or "").replace("_", " "),
        where_words(line),
        line.reference or "",
        money(line.amount, line.currency) if line.amount and line.currency else "",
        line.due or "",
        line.note,
    )


def _grid(rows: Sequence[tuple[str, ...]]) -> list[str]:
    shown = [name for at, name in enumerate(_COLUMNS) if any(row[at] for row in rows)]
    places = [_COLUMNS.index(name) for name in shown]
    table = [tuple(shown), *(tuple(row[at] for at in places) for row in rows)]
    widths = [max(len(row[at]) for row in table) for at in range(len(shown))]
    texts = []
    for row in table:
        cells = [
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for cell, width, name in zip(row, widths, shown, strict=True)
        ]
        texts.append("  ".join(cells).rstrip())
    texts.insert(1, "  ".join("-" * width for width in widths))
    return texts
