"""The attack table: hostile files and what a verifier must say of each.

Row 0 is the honest twin, which is allowed. Every other row differs from it by the one thing that its name
says, so that this thing is what decides.
"""

from __future__ import annotations

import sys

from consent.attacks_base import Attack, Rows, Unreadable
from consent.attacks_bindings import BINDINGS, PACKERS
from consent.attacks_bodies import BODIES
from consent.attacks_faces import FACES
from consent.attacks_files import FILES
from consent.attacks_harmless import HARMLESS
from consent.attacks_keys import KEYS
from consent.attacks_ledger import LEDGERS, LINTS, STATEMENTS
from consent.attacks_records import RECORDS
from consent.attacks_rigs import RIGS
from consent.attacks_signatures import SIGNATURES
from consent.attacks_status import LISTS, WITHDRAWN
from consent.attacks_uses import USES

GROUPS: tuple[Rows, ...] = (
    HARMLESS,
    USES,
    RECORDS,
    SIGNATURES,
    BINDINGS,
    PACKERS,
    KEYS,
    WITHDRAWN,
    LISTS,
    BODIES,
    FACES,
    RIGS,
    FILES,
)
"""Rows below their headings."""
ATTACKS: tuple[Attack, ...] = tuple(row for rows in GROUPS for row in rows)
"""Files and texts, judged by `Attack.judge`."""

INTRODUCTION = """# Attacks

What was tried against the consent in a twin, and what `bodyscan consent verify` answers. A test makes
each of these files from one honest twin (the first row) by the one change that is named, and asks the library
and the command line. The page is written from that test's table (`tests/consent/attacks.py`).

Exit codes: `allow` 0, `not read` 3, `deny` 4, `unknown` 7. Nothing is made on an `unknown`; with
`--fail-closed` it is a denial. Rows that say *not stopped* succeed today.

Who attacks has the files and every key but the person's, and can keep from a verifier what it should
know. Against a studio that writes down a wrong use, or none, only the person's own copy of the
checkpoints helps.
"""


def as_markdown() -> str:
    """Return the page for people."""
    parts = [INTRODUCTION]
    for rows in GROUPS:
        parts.append(_table(rows.kind, [(row.name, _answer(row)) for row in rows]))
    ledgers = [(row.name, ", ".join(sorted(map(_word, row.expected))) or "sound") for row in LEDGERS]
    parts.append(_table("The ledger, checked with the checkpoint that the person was handed", ledgers))
    statements = [
        (row.name, f"wrong: \u201c{row.reason}\u201d" if row.reason else "holds") for row in STATEMENTS
    ]
    parts.append(_table("Statements of pay", statements))
    lints = [(row.name, f"`consent lint --profile {row.profile}`: {row.rule}") for row in LINTS]
    parts.append(_table("Records that hold and are against the law or an agreement", lints))
    return "\n".join(parts)


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"## {title}", "", "| what is done | answer |", "|---|---|"]
    lines += [f"| {_cell(name)} | {_cell(answer)} |" for name, answer in rows]
    return "\n".join(lines) + "\n"


def _answer(row: Attack) -> str:
    expected = row.expected
    if isinstance(expected, Unreadable):
        return f"not read: \u201c{expected.reason}\u201d"
    words = [_word(expected.state)] if expected.decision != "unknown" else []
    words += [f"body {expected.geometry}"] if expected.geometry else []
    words += [f"`{expected.clause}`"] if expected.clause else []
    words += [f"with a warning: {expected.copies} of 3 copies"] if expected.copies < 3 else []
    words += [f"\u201c{expected.reason}\u201d"] if expected.reason else []
    told = f"**{expected.decision}**" + (f": {', '.join(words)}" if words else "")
    return f"*not stopped* ({row.succeeds}); it should be {told}" if row.succeeds else told


def _word(name: str) -> str:
    return str(name).replace("_", " ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
