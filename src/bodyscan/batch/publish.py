"""From an attempt's folder to the files' place: consent again, the ledger's entry, then the files.

A plan is written into the job table before the first step. Every step can be repeated, so a process that is
killed anywhere in between is finished by the next run: the ledger knows a use that stands there already, and
a file that was moved is not moved again. The twin itself comes last: where it lies, all that belongs to it
does.
"""

from __future__ import annotations

import hashlib
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
        `ConsentError` where the consent does not allow it any more, and `InputError` where files of the plan
        are gone: then nothing of the plan is left, and a use that was written down is voided. Raises
        `InputError` where ledger or store cannot be written: the same call may be made again.
        """
        formats = any(file["kind"] in (*BLENDER_FORMATS, "vrm") for file in plan.files)
        try:
            record = self.desk.check(plan.text, plan.use, formats=formats)
        except ConsentError:
            self._take_back(plan)
            raise
        waiting = self._waiting(plan)
        entry = 0
        if plan.kind == "report":
            self._move(plan, waiting, before)
        else:
            with Ledger.open(self.ledger, now=self.clock()) as ledger:
                receipt = ledger.append(self._entry(ledger, plan, record), again="return")
                self._move(plan, waiting, before)
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
        return log.entry(record, plan.use, kind, digests, self.clock())

    def _waiting(self, plan: Plan) -> list[Mapping[str, Any]]:
        """Return the files that are not in their place yet; where one is nowhere, leave nothing."""
        waiting = [file for file in plan.files if self.store.exists(_source(plan, file))]
        for file in plan.files:
            target = _target(plan, file)
            if file not in waiting and not self._is_there(target, file["size_bytes"]):
                self._take_back(plan)
                raise InputError(
                    f"{target} was made and is not there any more: somebody removed files below "
                    f"{self.store.locate(plan.place)}. Run the same command again; it is made anew."
                )
        return waiting

    def _move(self, plan: Plan, waiting: Sequence[Mapping[str, Any]], before: Sequence[Output]) -> None:
        if plan.kind == "twin" and waiting:
            # An earlier twin goes first: its levels and formats are replaced one by one.
            main = plan.files[0]
            if main in waiting and self.store.exists(_target(plan, main)):
                self.store.remove(_target(plan, main))
            kept = {_target(plan, file) for file in plan.files}
            for output in before:
                if output.place not in kept:
                    self.store.remove(output.place)
        for file in reversed(waiting):
            self.store.move(_source(plan, file), _target(plan, file))

    def _take_back(self, plan: Plan) -> None:
        """Leave nothing of a plan: no file, and no use that counts."""
        for file in plan.files:
            target = _target(plan, file)
            # By its content: the file of an earlier twin is another one, and its use stands for itself.
            if self._is_there(target, file["size_bytes"]) and self._digest(target) == file["sha256"]:
                self.store.remove(target)
        if plan.kind != "report" and self.ledger.exists():
            from bodyscan.consent import open_consent

            with Ledger.open(self.ledger, create=False) as ledger:
                entry = self._entry(ledger, plan, open_consent(plan.text).record)
                if (sequence := ledger.standing(entry)) is not None:
                    ledger.void(sequence, self.clock(), NOT_WRITTEN)
        self.store.remove(plan.place)

    def _is_there(self, target: str, size_bytes: int) -> bool:
        return self.store.exists(target) and self.store.size(target) == size_bytes

    def _digest(self, target: str) -> str:
        return hashlib.sha256(self.store.read(target)).hexdigest()


def _source(plan: Plan, file: Mapping[str, Any]) -> str:
    return f"{plan.place}/{MADE}/{file['name']}"


def _target(plan: Plan, file: Mapping[str, Any]) -> str:
    return f"{plan.id}/{file['name']}"


def plan_of(prepared: Prepared, answer: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the plan, as plain values, for what an attempt made of a row."""
    use = prepared.use
    return {
        "id": prepared.row.id,
        "place": answer["place"],
        "files": answer["files"],
        "text": answer.get("text") or prepared.text,
        "purpose": str(use.purpose),
        "territory": use.territory,
        "medium": str(use.medium) if use.medium else None,
        "kind": kind,
        "twin_id": answer.get("twin_id"),
        "reference": prepared.reference,
    }
