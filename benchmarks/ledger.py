"""How many uses a second the ledger writes down, and what checking it costs.

    python benchmarks/ledger.py                     groups of 1, 10, 100, 1,000 and 10,000 uses
    python benchmarks/ledger.py --folder DIR        on the disk that DIR lies on (the wait for it counts)
    python benchmarks/ledger.py --record            append the rows to benchmarks/results/ledger.csv

`per_cpu_s` are uses a second of one core's time, from making the entries to the commit; `per_wall_s` hold the
wait for the disk: each group is one transaction that is flushed before `append_many` returns. Every use has a
reference, a twin's id and one file. Rows of `verify`, `checkpoint`, `statement` and `erase` are for the whole
ledger that was written: seconds in `per_*` columns become entries a second.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fit_record import git_revision

from bodyscan import __version__
from bodyscan.consent.keys import key_from_seed
from bodyscan.consent.record import PayKind, PayUnit, Purpose
from bodyscan.ledger import (
    Agreement,
    EntryKind,
    Ledger,
    OutputRef,
    UseEntry,
    add_checkpoint,
    erase_person,
    find_person,
    make_statement,
    verify_ledger,
)
from bodyscan.ledger.terms import PayTerms

RESULTS = Path(__file__).parent / "results" / "ledger.csv"
COLUMNS = (
    "date", "version", "revision", "what", "group", "entries", "cpu_s", "wall_s", "per_cpu_s", "per_wall_s",
    "bytes_per_entry", "cores",
)  # fmt: skip
NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEY = key_from_seed(b"\x02" * 32)
TERMS = PayTerms(kind=PayKind.PER_USE, amount="12.50", currency="EUR", unit=PayUnit.USE, due_days=30)
PEOPLE = tuple(
    Agreement(f"00000000-0000-4000-8000-{n:012d}", f"{n:043d}", f"Person {n}", TERMS) for n in range(20)
)
Row = dict[str, object]


def uses(start: int, count: int) -> list[UseEntry]:
    """Return made-up uses of twenty people, one a second."""
    return [
        UseEntry(
            PEOPLE[number % len(PEOPLE)],
            EntryKind.RENDER,
            Purpose.RENDER,
            NOW + timedelta(seconds=number),
            (OutputRef(f"/pictures/{number}.png", hashlib.sha256(b"%d" % number).hexdigest(), "picture"),),
            territory="DE",
            medium="web",
            reference=f"campaign {number % 7}",
            twin_id=f"{number % len(PEOPLE):016x}",
        )
        for number in range(start, start + count)
    ]


def timed(what: str, group: int, entries: int, work: Callable[[], object]) -> Row:
    """Return what a piece of work cost."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "what": what,
        "group": group,
        "entries": entries,
        "cpu_s": round(cpu, 4),
        "wall_s": round(wall, 4),
        "per_cpu_s": round(entries / cpu),
        "per_wall_s": round(entries / wall),
    }


def append_rows(folder: Path, group: int, count: int) -> Row:
    """Append `count` uses in groups, in a new ledger."""
    path = folder / f"group-{group}.sqlite"
    with Ledger.open(path, now=NOW) as ledger:
        ledger.append_many(uses(0, 1))

        def work() -> None:
            for start in range(1, count, group):
                ledger.append_many(uses(start, min(group, count - start)))

        row = timed("append", group, count - 1, work)
    return {**row, "bytes_per_entry": path.stat().st_size // count}


def check_rows(folder: Path, count: int) -> list[Row]:
    """Verify, sign, bill and erase in a ledger of `count` uses."""
    with Ledger.open(folder / "all.sqlite", now=NOW) as ledger:
        ledger.append_many(uses(0, count))
        end = NOW + timedelta(days=400)
        rows = [timed("checkpoint", 0, count, lambda: add_checkpoint(ledger, KEY, end))]
        rows.append(timed("verify", 0, count, lambda: verify_ledger(ledger, [KEY.public])))
        person = find_person(ledger, "Person 3")
        rows.append(timed("statement", 0, count, lambda: make_statement(ledger, person, NOW, end, end)))
        rows.append(timed("erase", 0, count, lambda: erase_person(ledger, person, end, settled=True)))
    return rows


def main() -> None:
    """Run all, print a table and keep it where that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--folder", type=Path, help="where the ledgers are made; default: the system's")
    parser.add_argument("--count", type=int, default=20_000, help="uses for each size of group")
    parser.add_argument("--record", action="store_true", help=f"append to {RESULTS.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        rows = [
            append_rows(folder, group, min(options.count, 200 * group))
            for group in (1, 10, 100, 1000, 10_000)
        ]
        rows += check_rows(folder, options.count)
    print(f"{'what':<11}{'group':>7}{'entries':>9}{'a CPU s':>10}{'a wall s':>10}{'bytes':>7}")
    for row in rows:
        print(
            f"{row['what']:<11}{row['group']:>7}{row['entries']:>9}{row['per_cpu_s']:>10}"
            f"{row['per_wall_s']:>10}{row.get('bytes_per_entry', ''):>7}"
        )
    if options.record:
        keep(rows)


def keep(rows: list[Row]) -> None:
    """Append the rows to the results."""
    common = {
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "revision": git_revision(),
        "cores": os.cpu_count(),
    }
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows({**common, **row} for row in rows)


if __name__ == "__main__":
    main()
