"""A studio's night in a folder: captures that cost nothing, real consents, and the batch over them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bodyscan.batch.batch import Batch, BatchDone, run_batch
from bodyscan.batch.job import BatchSummary, Job
from bodyscan.batch.options import BatchOptions
from bodyscan.batch.pools import LocalPool
from bodyscan.batch.storage import open_store
from bodyscan.consent.demo import DemoConsent, make_demo_consent
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from bodyscan.ledger import Ledger

FAKE = "batch.fake_work"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TESTS = Path(__file__).parents[1]


@dataclass
class Night:
    """Captures, their consents, and where the batch goes."""

    folder: Path
    rows: list[dict[str, Any]] = field(default_factory=list)
    people: dict[str, DemoConsent] = field(default_factory=dict)
    options: BatchOptions = field(default_factory=lambda: BatchOptions(workers=2, retry_wait_s=0.01))
    now: datetime = NOW
    told: list[tuple[Sequence[Job], BatchSummary]] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    """Id of each attempt of the last run."""
    home: str = ""
    """Address below which captures, consents (`in`) and outputs (`out`) lie; empty: all in `folder`."""

    def add(self, name: str, do: str = "", seconds: float = 0.0, **more: Any) -> None:
        """Add a capture that does something, with a consent of its own person."""
        person = self.people.setdefault(name, make_demo_consent(name))
        self.lay(f"{name}.consent.json", person.text)
        self.write(name, do, seconds)
        at = f"{self.home}/in/" if self.home else ""
        row = {"id": name, "capture": f"{at}{name}.ply", "consent": f"{at}{name}.consent.json", **more}
        self.rows.append({key: value for key, value in row.items() if value is not None})

    def write(self, name: str, do: str = "", seconds: float = 0.0) -> None:
        """Write a capture, or write it anew."""
        self.lay(f"{name}.ply", json.dumps({"do": do, "seconds": seconds, "name": name}))

    def lay(self, name: str, text: str) -> None:
        """Write an input."""
        if self.home:
            open_store(f"{self.home}/in").write(name, text.encode())
        else:
            (self.folder / name).write_text(text)

    def revoke(self, name: str) -> None:
        """Have a person take their consent back."""
        person = self.people[name]
        assert person.subject_key is not None
        place = self.folder / "evidence" / "withdrawals"
        place.mkdir(parents=True, exist_ok=True)
        text = withdraw(person.record, WithdrawalAction.REVOKE, person.subject_key, 1, self.now)
        (place / f".{name}").write_text(text)
        (place / f".{name}").replace(place / f"{name}.json")

    @property
    def out(self) -> Path:
        """The output folder."""
        return self.folder / "out"

    @property
    def batch(self) -> Batch:
        """The batch over all rows, the manifest written."""
        manifest = self.folder / "night.jsonl"
        manifest.write_text("".join(json.dumps(row) + "\n" for row in self.rows))
        (self.folder / "evidence").mkdir(exist_ok=True)
        return Batch(
            manifest,
            f"{self.home}/out" if self.home else str(self.out),
            self.folder / "ledger.sqlite",
            self.options,
            state=self.folder / "state" if self.home else None,
            evidence=self.folder / "evidence",
        )

    def run(self, on_change: Any = None, pool: Any = None, **options: Any) -> BatchDone:
        """Run the batch, with other options where they are given."""
        batch = replace(self.batch, options=replace(self.options, **options))
        os.environ["PYTHONPATH"] = str(TESTS)
        self.told.clear()
        self.handed.clear()

        def hear(jobs: Sequence[Job], summary: BatchSummary) -> None:
            self.told.append((jobs, summary))
            if on_change is not None:
                on_change(jobs, summary)

        pool = pool or LocalPool(batch.options.workers or 2, FAKE)
        submit = pool.submit

        def note(task: Mapping[str, Any]) -> Any:
            self.handed.append(task["id"])
            return submit(task)

        pool.submit = note
        return run_batch(batch, clock=lambda: self.now, on_change=hear, pool=pool)

    def begun(self) -> list[str]:
        """Who was begun in the last run, sorted: only a scan that is worked on is told of."""
        return sorted({job.id for jobs, _ in self.told for job in jobs if job.attempts})

    def worked(self) -> list[str]:
        """Who was handed to workers in the last run, sorted; not what only came to its place."""
        return sorted(set(self.handed))

    def uses(self) -> list[dict[str, Any]]:
        """The entries of the ledger."""
        if not (self.folder / "ledger.sqlite").exists():
            return []
        with Ledger.open(self.folder / "ledger.sqlite", create=False) as ledger:
            return [json.loads(entry.body) for entry in ledger.entries()]

    def files(self) -> list[str]:
        """All files of the output, without the state folder."""
        if self.home:
            return open_store(f"{self.home}/out").list()
        paths = (path for path in self.out.rglob("*") if path.is_file())
        names = (path.relative_to(self.out).as_posix() for path in paths)
        return sorted(name for name in names if not name.startswith(".batch/"))


def state_of(done: BatchDone) -> Mapping[str, str]:
    """Id -> state."""
    return {job.id: str(job.state) for job in done.jobs}
