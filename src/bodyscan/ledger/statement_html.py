"""A statement as one HTML page that prints on A4: no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bodyscan.ledger.checkpoint import parse_checkpoint
from bodyscan.ledger.statement import (
    Statement,
    StatementLine,
    StatementTotal,
    day_words,
    money,
    period_words,
)
from bodyscan.ledger.statement_text import ROUNDING, what_words, where_words

_STYLE = """
@page { size: A4; margin: 18mm 17mm 20mm;
  @bottom-left { content: "LEFT"; font: 7.5pt SANS; color: #6b6b6b; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt SANS; color: #6b6b6b; } }
:root { color-scheme: light; }
* { box-sizing: border-box; }
html { background: #f1f1ef; }
body { margin: 0 auto; max-width: 210mm; padding: 18mm 17mm 20mm; background: #fff; color: #1b1b1b;
  font: 9.5pt/1.45 SANS; font-variant-numeric: tabular-nums; }
header { display: grid; grid-template-columns: 1fr auto; gap: 4mm 12mm; align-items: start;
  padding-bottom: 6mm; border-bottom: 0.5mm solid #1b1b1b; }
h1 { margin: 0; font-size: 22pt; line-height: 1.15; font-weight: 600; letter-spacing: -0.01em;
  overflow-wrap: anywhere; }
.eyebrow { margin: 0 0 1.5mm; color: #6b6b6b; font-size: 9pt; }
.period { margin: 1.5mm 0 0; font-size: 10.5pt; }
.owed { text-align: right; }
.owed p { margin: 0; }
.sum { font-size: 22pt; line-height: 1.15; font-weight: 600; letter-spacing: -0.01em; white-space: nowrap; }
.sum + .sum { margin-top: 1mm; }
.muted { color: #6b6b6b; }
dl { display: grid; grid-template-columns: 24mm 1fr; gap: 1.2mm 4mm; margin: 6mm 0 0; }
.facts { grid-template-columns: 24mm 1fr 16mm 1fr; }
dt { color: #6b6b6b; }
dd { margin: 0; overflow-wrap: anywhere; }
h2 { margin: 9mm 0 2mm; font-size: 11.5pt; font-weight: 600; break-after: avoid; }
table { width: 100%; border-collapse: collapse; font-size: 8.5pt; line-height: 1.35; }
thead { display: table-header-group; }
th { padding: 0 2.5mm 1.2mm 0; text-align: left; vertical-align: bottom; font-weight: 500; color: #6b6b6b;
  border-bottom: 0.25mm solid #1b1b1b; }
td { padding: 1.3mm 2.5mm 1.3mm 0; vertical-align: top; border-bottom: 0.2mm solid #e2e2df;
  overflow-wrap: break-word; }
.where { min-width: 24mm; }
.free { min-width: 26mm; overflow-wrap: anywhere; }
th:last-child, td:last-child { padding-right: 0; }
tr { break-inside: avoid; }
.number { text-align: right; white-space: nowrap; }
.fixed { white-space: nowrap; }
tfoot { display: table-row-group; }
tfoot tr { break-before: avoid; }
tfoot td { border-bottom: 0; font-weight: 600; padding-top: 2mm; }
tfoot .muted { font-weight: 400; }
.note { margin: 2mm 0 0; color: #6b6b6b; font-size: 8.5pt; max-width: 150mm; }
code { font: 8pt/1.4 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.proof { margin-top: 9mm; padding-top: 4mm; border-top: 0.25mm solid #1b1b1b; break-inside: avoid; }
.proof h2 { margin-top: 0; }
.proof dl { margin-top: 3mm; }
@media print { html { background: none; } body { max-width: none; padding: 0; } }
@media (max-width: 700px) { body { padding: 8mm 5mm; } header { grid-template-columns: 1fr; }
  .owed { text-align: left; } .table { overflow-x: auto; }
  table { min-width: 150mm; }
  dl, .facts { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 2mm; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_SANS = 'Inter, "Helvetica Neue", Helvetica, Arial, "Liberation Sans", "Noto Sans", sans-serif'


def statement_html(statement: Statement) -> str:
    """Return the page. Everything that comes out of the ledger is escaped."""
    who = ", ".join(statement.subject.pseudonyms)
    period = period_words(statement.begin, statement.end)
    parts = [
        _header(statement, who, period),
        _facts(statement),
        _terms(statement),
        _billed(statement),
        _listed(statement.listed),
        _proof(statement),
    ]
    title = f"Statement for {who}, {period}"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{_style(who, period)}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )


def _style(who: str, period: str) -> str:
    left = "".join(f"\\{ord(char):06x}" for char in f"{who} · {period}")
    return _STYLE.replace("LEFT", left).replace("SANS", _SANS)


def _header(statement: Statement, who: str, period: str) -> str:
    sums = "".join(f'<p class="sum">{_money(total)}</p>' for total in statement.totals)
    if not sums:
        sums = '<p class="sum">Nothing</p>'
    return (
        f'<header>\n<div><p class="eyebrow">Statement of use and pay</p><h1>{escape(who)}</h1>'
        f'<p class="period">{escape(period)}</p></div>\n'
        f'<div class="owed"><p class="eyebrow">Owed for this period</p>{sums}</div>\n</header>'
    )


def _money(total: StatementTotal) -> str:
    return escape(money(total.rounded, total.currency)).replace(" ", "&nbsp;")


def _facts(statement: Statement) -> str:
    payers = dict.fromkeys(record.controller for record in statement.records if record.controller)
    rows = [
        ("Paid by", ", ".join(payers)),
        ("Due", _due_words(statement.billed)),
        ("Made", f"{day_words(statement.made_at.date())}, {statement.made_at:%H:%M} UTC"),
        ("Uses", _count_words(statement)),
    ]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows if text)
    return f'<dl class="facts">{items}</dl>'


def _due_words(billed: Sequence[StatementLine]) -> str:
    days = sorted({line.due for line in billed if line.due})
    if not days:
        return ""
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}, as listed"


def _count_words(statement: Statement) -> str:
    count = len(statement.billed)
    text = f"{count:,} billed"
    return f"{text}, {len(statement.listed):,} listed without pay" if statement.listed else text


def _terms(statement: Statement) -> str:
    if not statement.records:
        return ""
    rows = "".join(
        f"<tr><td>{escape('; '.join(record.terms))}</td><td>{escape(record.controller)}</td>"
        f"<td><code>{escape(record.record_id)}</code></td></tr>"
        for record in statement.records
    )
    return _table("Terms", '<th>Pay</th><th>Paid by</th><th style="width:66mm">Consent record</th>', rows)


def _billed(statement: Statement) -> str:
    head = (
        '<th class="number">No.</th><th>Date</th><th>Use</th><th>For</th><th>Where</th><th>Reference</th>'
        '<th>Due</th><th class="number">Amount</th>'
    )
    rows = "".join(_billed_row(line) for line in statement.billed)
    if not rows:
        return '<h2>Billed</h2><p class="note">No use in this period is billed.</p>'
    foot = "".join(
        f'<tr><td colspan="7">Total{_exact(total)}</td><td class="number">{_money(total)}</td></tr>'
        for total in statement.totals
    )
    foot += f'<tr><td colspan="8"><span class="muted">{escape(ROUNDING)}</span></td></tr>'
    return _table("Billed", head, rows, foot)


def _exact(total: StatementTotal) -> str:
    if total.exact == total.rounded:
        return ""
    return f' <span class="muted">(exact {escape(total.exact)})</span>'


def _billed_row(line: StatementLine) -> str:
    note = f'<br><span class="muted">{escape(line.note)}</span>' if line.note else ""
    amount = escape(money(line.amount or "0", line.currency or "")).replace(" ", "&nbsp;")
    return (
        f'<tr><td class="number">{line.sequence}</td><td class="fixed">{line.at:%Y-%m-%d}</td>'
        f'<td><span class="fixed">{escape(what_words(line))}</span>{note}</td>{_purpose(line)}'
        f'<td class="where">{escape(where_words(line))}</td>'
        f'<td class="free">{escape(line.reference or "")}</td>'
        f'<td class="fixed">{escape(line.due or "")}</td><td class="number">{amount}</td></tr>'
    )


def _purpose(line: StatementLine) -> str:
    return f'<td class="fixed">{escape((line.purpose or "").replace("_", " "))}</td>'


def _listed(lines: Sequence[StatementLine]) -> str:
    if not lines:
        return ""
    head = '<th class="number">No.</th><th>Date</th><th>Use</th><th>For</th><th>Reference</th><th>Why</th>'
    rows = "".join(
        f'<tr><td class="number">{line.sequence}</td><td class="fixed">{line.at:%Y-%m-%d}</td>'
        f'<td class="fixed">{escape(what_words(line))}</td>{_purpose(line)}'
        f'<td class="free">{escape(line.reference or "")}</td><td>{escape(line.note)}</td></tr>'
        for line in lines
    )
    return _table("Listed without pay", head, rows)


def _table(title: str, head: str, rows: str, foot: str = "") -> str:
    foot = f"<tfoot>{foot}</tfoot>" if foot else ""
    return (
        f'<h2>{escape(title)}</h2>\n<div class="table"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody>{foot}</table></div>"
    )


def _proof(statement: Statement) -> str:
    rows: list[tuple[str, str]] = [("Person", statement.subject.identity), ("Ledger", statement.ledger_id)]
    if statement.checkpoint is None:
        text = "No checkpoint was signed when this was made, so nothing proves these entries yet."
    else:
        found = parse_checkpoint(statement.checkpoint)
        moment = f"{day_words(found.payload.at.date())}, {found.payload.at:%H:%M} UTC"
        rows += [("Checkpoint", f"{found.size:,} entries, {moment}"), ("Root", found.payload.root)]
        rows.append(("Signed by", found.kid))
        text = (
            "The controller signed the checkpoint below. With the JSON form of this statement and your copy "
            "of the checkpoint, “bodyscan ledger check” shows that every entry stands in it unchanged, and "
            "computes the amounts again."
        )
        if newer := statement.num_unproved:
            text += f" Entries newer than the checkpoint, not proved by it: {newer:,}."
    items = "".join(f"<dt>{escape(name)}</dt><dd>{_coded(name, value)}</dd>" for name, value in rows if value)
    return (
        f'<section class="proof"><h2>How to check it</h2><p class="note">{escape(text)}</p>'
        f"<dl>{items}</dl></section>"
    )


def _coded(name: str, value: str) -> str:
    return escape(value) if name == "Checkpoint" else f"<code>{escape(value)}</code>"
