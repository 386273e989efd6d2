"""From an attempt's folder to the files' place: consent again, the ledger's entry, then the files.

A plan is written into the job table before the first step. Every step can be repeated, so a process that is
killed anywhere in between is finished by the next run: the ledger knows a use that stands there already, and
a file that was moved is not moved again. The twin itself comes last: where it lies, all that belongs to it
does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bodyscan.batch.consent_desk import ConsentDesk
from bodyscan.batch.job import Output
from bodyscan.batch.options import BLENDER_FORMATS
from bodyscan.batch.prepare import Prepared
from bodyscan.batch.storage import Store
from bodyscan.batch.task import MADE
from bodyscan.consent import ConsentRecord, Medium, Purpose, Use
from bodyscan.consent.fields import format_utc, parse_utc
from bodyscan.errors import ConsentError, InputError
from bodyscan.ledger import EntryKind, Ledger, LedgerLog
from bodyscan.ledger.recording import NOT_WRITTEN


@dataclass(frozen=True)
class Plan:
    """How the files of one scan get to their place. Crosses the job table as plain values."""

    id: str
    place: str
    """The attempt's folder in the store."""
    files: tuple[Mapping[str, Any], ...]
    """`name`, `kind`, `sha256`, `size_bytes`; the twin first."""
    text: str
    """The record that the twin carries."""
    purpose: str
    territory: str | None
    medium: str | None
    at: str
    """Time of the use, UTC."""
    kind: str
    """`twin`: a new twin; `export`: more formats of one; `report`: pages of a scan that was not accepted."""
    twin_id: str | None = None
    reference: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Plan:
        """Return the plan of plain values."""
        known: dict[str, Any] = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        known["files"] = tuple(known["files"])
        return cls(**known)

    @property
    def use(self) -> Use:
        """What the files are for."""
        return Use(Purpose(self.purpose), self.territory, Medium(self.medium) if self.medium else None)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The files in their place."""
        return tuple(
            Output(file["kind"], f"{self.id}/{file['name']}", file["sha256"], file["size_bytes"])
            for file in self.files
        )


@dataclass(frozen=True)
class Publisher:
    """What publishing needs. The ledger is opened anew each time, so that any thread may publish."""

    store: Store
    ledger: Path
    desk: ConsentDesk
    clock: Callable[[], datetime]

    def publish(self, plan: Plan, before: Sequence[Output] = ()) -> tuple[ConsentRecord, int]:
        """Carry a plan out; return the record and the ledger's entry (0 for a report alone).

        `before`: files of an earlier twin of this scan; those that have no successor are removed. Raises
        `ConsentError` where the consent does not allow it any more: then nothing of the plan is left, and a
        use that was written down is voided. Raises `InputError` where ledger or store cannot be written: the
        same call may be made again.
        """
        formats = any(file["kind"] in (*BLENDER_FORMATS, "vrm") for file in plan.files)
        try:
            record = self.desk.check(plan.text, plan.use, formats=formats)
        except ConsentError:
            self._take_back(plan)
            raise
        entry = 0
        if plan.kind == "report":
            self._move(plan, before)
        else:
            with Ledger.open(self.ledger, now=self.clock()) as ledger:
                receipt = ledger.append(self._entry(ledger, plan, record), again="return")
                self._move(plan, before)
                ledger.mark_written(receipt)
            entry = receipt.sequence
        self.store.remove(plan.place)
        return record, entry

    def _entry(self, ledger: Ledger, plan: Plan, record: ConsentRecord) -> Any:
        places = {self.store.locate(output.place): output for output in plan.outputs}
        log = LedgerLog(
            ledger,
            text=plan.text,
            reference=plan.reference,
            twin_id=plan.twin_id,
            kinds={place: output.kind for place, output in places.items()},
        )
        kind = EntryKind.TWIN if plan.kind == "twin" else EntryKind.EXPORT
        digests = {place: output.sha256 for place, output in places.items()}
        return log.entry(record, plan.use, kind, digests, parse_utc(plan.at))

    def _move(self, plan: Plan, before: Sequence[Output]) -> None:
        pairs = [
            (f"{plan.place}/{MADE}/{file['name']}", f"{plan.id}/{file['name']}", file["size_bytes"])
            for file in plan.files
        ]
        waiting = [pair for pair in pairs if self.store.exists(pair[0])]
        for _, target, size in pairs:
            moved = target not in {pair[1] for pair in waiting}
            if moved and not (self.store.exists(target) and self.store.size(target) == size):
                raise InputError(
                    f"{target} was made and is not there any more: somebody removed files below "
                    f"{self.store.locate(plan.place)}. Run the same command again; it is made anew."
                )
        if plan.kind == "twin" and waiting:
            # An earlier twin goes first: its levels and formats are replaced one by one.
            main = pairs[0][1]
            if pairs[0] in waiting and self.store.exists(main):
                self.store.remove(main)
            kept = {target for _, target, _ in pairs}
            for output in before:
                if output.place not in kept:
                    self.store.remove(output.place)
        for source, target, _ in reversed(waiting):
            self.store.move(source, target)

    def _take_back(self, plan: Plan) -> None:
        """Leave nothing of a plan whose consent is gone: no file, and no use that counts."""
        moved = [
            (f"{plan.id}/{file['name']}", file["size_bytes"])
            for file in plan.files
            if not self.store.exists(f"{plan.place}/{MADE}/{file['name']}")
        ]
        for target, size in moved:
            if self.store.exists(target) and self.store.size(target) == size:
                self.store.remove(target)
        if moved and plan.kind != "report":
            # Files were moved, so the use stands there: it is found again by its own values, and voided.
            from bodyscan.consent import open_consent

            with Ledger.open(self.ledger, now=self.clock()) as ledger:
                entry = self._entry(ledger, plan, open_consent(plan.text).record)
                receipt = ledger.append(entry, again="return")
                ledger.void(receipt.sequence, self.clock(), NOT_WRITTEN)
        self.store.remove(plan.place)


def plan_of(prepared: Prepared, answer: Mapping[str, Any], kind: str, now: datetime) -> dict[str, Any]:
    """Return the plan, as plain values, for what an attempt made of a row; `now` (UTC) dates the use."""
    use = prepared.use
    return {
        "id": prepared.row.id,
        "place": answer["place"],
        "files": answer["files"],
        "text": answer.get("text") or prepared.text,
        "purpose": str(use.purpose),
        "territory": use.territory,
        "medium": str(use.medium) if use.medium else None,
        "at": format_utc(now.replace(microsecond=0)),
        "kind": kind,
        "twin_id": answer.get("twin_id"),
        "reference": prepared.reference,
    }
