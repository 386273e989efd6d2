"""The one who keeps the job table: hands scans to workers, hears of them, publishes what they made.

Everything that may not happen twice happens here, in one process: a worker that is killed, and an attempt
that runs twice, cost time and nothing else.
"""

from __future__ import annotations

import heapq
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bodyscan.batch.board import Board, OnChange
from bodyscan.batch.hands import Hands, answer_of, numbers
from bodyscan.batch.interrupts import Interrupts
from bodyscan.batch.job import PASSING, BatchSummary, ErrorKind, JobError, JobState, Output, StageSeconds
from bodyscan.batch.job_errors import job_error
from bodyscan.batch.manifest import Row
from bodyscan.batch.options import BatchOptions
from bodyscan.batch.pools import Pool
from bodyscan.batch.prepare import Prepared
from bodyscan.batch.publish import Plan, plan_of
from bodyscan.batch.resume import missing_formats
from bodyscan.batch.task import Task
from bodyscan.consent.fields import format_utc
from bodyscan.errors import BodyscanError, ConsentError

TICK_S = 0.25
NOTE_S = 1.0
"""How often the summary is noted for `batch status`."""
NEWS_S = 2.0
"""How often it is looked whether a consent was withdrawn."""


@dataclass
class _Running:
    """An attempt on its way."""

    id: str
    attempt: str
    prepared: Prepared
    formats: tuple[str, ...]
    begun: int = 0
    refused: str = ""
    """Why it was given up."""


@dataclass
class Coordinator:
    """One run of a batch. `run` is all there is to call."""

    board: Board
    pool: Pool
    publishers: Executor
    hands: Hands
    options: BatchOptions
    out: str
    evidence: str | None
    clock: Callable[[], datetime]
    """UTC."""
    seconds: Callable[[], float] = time.monotonic
    on_change: OnChange = lambda changed, summary: None
    _rows: dict[str, Row] = field(default_factory=dict, init=False)
    _waiting: list[tuple[float, int, str]] = field(default_factory=list, init=False)
    """(not before, position, id), a heap."""
    _running: dict[Future[Any], _Running] = field(default_factory=dict, init=False)
    _attempts: dict[str, _Running] = field(default_factory=dict, init=False)
    _publishing: dict[Future[Any], str] = field(default_factory=dict, init=False)
    _late: list[tuple[float, str]] = field(default_factory=list, init=False)
    """(not before, id) of what is to be published again, a heap."""
    _tries: Counter[str] = field(default_factory=Counter, init=False)
    """How often publishing was tried."""
    _began: float = field(default=0.0, init=False)
    _looked: float = field(default=0.0, init=False)
    _version: int = field(default=0, init=False)
    _noted: float = field(default=float("-inf"), init=False)

    def run(self, rows: Sequence[Row]) -> BatchSummary:
        """Bring every row of the board, whose rows of the manifest are `rows`, to its end.

        Where it is interrupted, what runs is given up and waits for the next run. Raises `InputError` where
        the job table cannot be written, `StageError` where the cluster went away.
        """
        self._began = self._looked = self.seconds()
        self._rows = {row.id: row for row in rows}
        for row in self.board:
            if row.job.state is JobState.WAITING:
                heapq.heappush(self._waiting, (0.0, row.job.position, row.id))
        self._version = self.hands.evidence_version()
        try:
            for row in self.board:
                if row.job.state is JobState.PUBLISHING:
                    self._publish(row.id)
            with Interrupts() as interrupts:
                self._loop(interrupts)
        finally:
            self._give_up()
        return self.summary()

    def summary(self) -> BatchSummary:
        """Return the batch as a whole, now."""
        return self.board.summary(self.pool.capacity, self.seconds() - self._began)

    def _loop(self, interrupts: Interrupts) -> None:
        self._tell()
        while True:
            interrupts.check()
            self._fill()
            if not (self._running or self._publishing or self._waiting or self._late):
                return
            futures = {**self._running, **self._publishing}.keys()
            done = self.pool.wait(futures, TICK_S)
            self._hear()
            for future in done:
                if future in self._running:
                    self._ended(self._running.pop(future), future)
                else:
                    self._published(self._publishing.pop(future), future)
            self._look_at_consents()
            self._tell()

    # Beginning

    def _fill(self) -> None:
        """Hand out scans while workers are free, and publish again what could not be."""
        now = self.seconds()
        while self._late and self._late[0][0] <= now:
            self._publish(heapq.heappop(self._late)[1])
        while self._waiting and len(self._running) < self.pool.capacity and self._waiting[0][0] <= now:
            self._begin(heapq.heappop(self._waiting)[2])

    def _begin(self, job_id: str) -> None:
        row, stored = self._rows[job_id], self.board[job_id]
        again = bool(stored.key) and stored.job.error is None  # the twin is good, formats are missing
        try:
            prepared = self.hands.prepare(row)
            formats = missing_formats(stored.job, self.options) if again else self._formats()
            record = self.hands.check(prepared, formats)
        except BodyscanError as error:
            self._not_begun(job_id, job_error(error))
            return
        task = self._task(prepared, stored.job.output("twin") if again else None, formats)
        running = _Running(job_id, task.attempt, prepared, formats)
        row = stored.but(
            state=JobState.RUNNING,
            attempts=stored.job.attempts + 1,
            begun_at=self._now(),
            ended_at="",
            person=record.subject.pseudonym,
            record_id=record.record_id,
            demo=record.demo,
            error=None,
            stage="",
        )
        self.board.put(row, key=stored.key if again else "")
        self.board.save()
        self._attempts[task.attempt] = running
        self._running[self.pool.submit(task.values())] = running

    def _not_begun(self, job_id: str, error: JobError) -> None:
        if error.kind in PASSING:  # the store of the inputs was not to be reached: a try like others
            self.board.set(job_id, attempts=self.board[job_id].job.attempts + 1)
            if self._try_again(job_id):
                return
        self._failed(job_id, self._final(job_id, error) if error.kind in PASSING else error)

    def _task(self, prepared: Prepared, twin: Output | None, formats: tuple[str, ...]) -> Task:
        """What a worker is told; `twin` is there already where only formats are missing."""
        row, use = prepared.row, prepared.use
        return Task(
            id=row.id,
            attempt=f"{row.id}-{secrets.token_hex(4)}",
            capture="" if twin else row.capture,
            consent=row.consent,
            text=prepared.text,
            out=self.out,
            formats=formats,
            twin=twin.place if twin else "",
            twin_sha256=twin.sha256 if twin else "",
            options=prepared.options,
            purpose=str(use.purpose),
            territory=use.territory,
            medium=str(use.medium) if use.medium else None,
            evidence=self.evidence,
            controller_key=prepared.controller_key,
            passphrase_file=prepared.passphrase_file,
            photos=row.photos,
            expressions=row.expressions,
            report=self.options.report,
            time_limit_s=self.options.time_limit_s,
            memory_limit_bytes=self.options.memory_limit_bytes,
        )

    def _formats(self) -> tuple[str, ...]:
        """All formats of a new twin; the GLB is always made."""
        return tuple(dict.fromkeys(("glb", *self.options.formats)))

    # Hearing

    def _hear(self) -> None:
        for event in self.pool.events():
            running = self._attempts.get(event.get("attempt", ""))
            if running is None:
                continue  # of an attempt that ended or was given up
            if event["event"] == "stage":
                place = event["name"] if event["state"] == "start" else ""
                self.board.set(
                    running.id, stage=place, stages_done=event["done"], stages_total=event["total"]
                )
            elif event["event"] == "begun":
                running.begun += 1
                self.board.set(running.id, worker=event.get("worker", ""))
                if running.begun > 1:  # a cluster began it again: its worker had died
                    self.board.set(running.id, attempts=self.board[running.id].job.attempts + 1)

    def _look_at_consents(self) -> None:
        """Give up what runs without a consent any more."""
        if self.seconds() - self._looked < NEWS_S:
            return
        self._looked = self.seconds()
        try:
            version = self.hands.evidence_version()
        except BodyscanError:
            return  # somebody writes to it: the next look is soon, and the last one before files appear
        if version == self._version:
            return
        self._version = version
        for running in self._running.values():
            try:
                self.hands.check(running.prepared, running.formats)
            except ConsentError as error:
                running.refused = str(error)
                self.pool.stop(running.attempt)

    # Ending

    def _ended(self, running: _Running, future: Future[Any]) -> None:
        self._attempts.pop(running.attempt, None)
        answer = answer_of(future)
        job_id = running.id
        # What makes formats of a twin that is there comes on top of what made the twin.
        job, new = self.board[job_id].job, "glb" in running.formats
        stages = tuple(StageSeconds(**stage) for stage in answer.get("stages", ()))
        self.board.set(
            job_id,
            seconds=answer.get("seconds", 0.0) + (0.0 if new else job.seconds),
            peak_memory_bytes=max(answer.get("peak_bytes", 0), 0 if new else job.peak_memory_bytes),
            stages=stages if new else (*job.stages, *stages),
            stage="",
            worker="",
        )
        if digests := answer.get("inputs"):
            self.board.table.note_digests([(place, *pair) for place, pair in digests.items()])
        error = (
            JobError(ErrorKind(answer["error"]["kind"]), answer["error"]["message"])
            if answer["error"]
            else None
        )
        if running.refused:
            self._failed(job_id, JobError(ErrorKind.CONSENT, running.refused))
        elif error is not None and error.kind in PASSING and self._try_again(job_id):
            pass
        elif error is not None:
            self.hands.keep_log(job_id, answer.get("log", ""))
            self._failed(job_id, self._final(job_id, error), running, answer)
        else:
            self.hands.keep_log(job_id, "")
            self.board.took(answer["seconds"])
            self._made(running, answer)

    def _made(self, running: _Running, answer: Mapping[str, Any]) -> None:
        """Write down how the files get to their place, and send them on their way."""
        new = "glb" in running.formats
        row = self.board[running.id]
        if new:
            row = row.but(
                quality=numbers(answer["quality"]),
                measurements_cm=answer["measurements_cm"],
                warnings=tuple(answer["warnings"]),
            )
        plan = plan_of(running.prepared, answer, "twin" if new else "export")
        key = running.prepared.key(self.board.table.digest) if new else row.key
        self.board.put(row.but(state=JobState.PUBLISHING), key=key, plan=plan)
        self.board.save()
        self._publish(running.id)

    def _publish(self, job_id: str) -> None:
        row = self.board[job_id]
        future = self.publishers.submit(self.hands.publish, Plan.of(row.plan), row.job.outputs)
        self._publishing[future] = job_id

    def _published(self, job_id: str, future: Future[Any]) -> None:
        row = self.board[job_id]
        plan = Plan.of(row.plan)
        try:
            _, entry = future.result()
        except Exception as error:  # a bug too is this scan's alone
            self._not_published(job_id, job_error(error))
            return
        kinds = {output.kind for output in plan.outputs}
        kept = () if plan.kind == "twin" else tuple(o for o in row.job.outputs if o.kind not in kinds)
        row = row.but(
            state=JobState.FAILED if plan.kind == "report" else JobState.DONE,
            error=row.job.error if plan.kind == "report" else None,
            outputs=(*kept, *plan.outputs),
            ledger_entry=entry if plan.kind == "twin" else row.job.ledger_entry,
            ended_at=self._now(),
        )
        self.board.put(row, plan=row.plan.get("after", {}))
        self.board.save()

    def _not_published(self, job_id: str, error: JobError) -> None:
        self._tries[job_id] += 1
        if error.kind in PASSING and self._tries[job_id] < self.options.attempts:
            wait = self.options.retry_wait_s * 2 ** (self._tries[job_id] - 1)
            heapq.heappush(self._late, (self.seconds() + wait, job_id))
            return
        row = self.board[job_id]
        state = JobState.REFUSED if error.kind is ErrorKind.CONSENT else JobState.FAILED
        keep = row.plan if error.kind is ErrorKind.SYSTEM else {}
        key = row.key if error.kind is ErrorKind.SYSTEM else ""
        self.board.put(row.but(state=state, error=error, ended_at=self._now()), plan=dict(keep), key=key)
        self.board.save()

    def _try_again(self, job_id: str) -> bool:
        """Let a scan wait for its next try, unless there were enough; each wait is twice the one before."""
        attempts = self.board[job_id].job.attempts
        if attempts >= self.options.attempts:
            return False
        wait = self.options.retry_wait_s * 2 ** (attempts - 1)
        self.board.set(job_id, state=JobState.WAITING)
        self.board.save()
        job = self.board[job_id].job
        heapq.heappush(self._waiting, (self.seconds() + wait, job.position, job_id))
        return True

    def _final(self, job_id: str, error: JobError) -> JobError:
        attempts = self.board[job_id].job.attempts
        return (
            replace(error, message=f"{error.message} It was tried {attempts} times.")
            if attempts > 1
            else error
        )

    def _failed(
        self,
        job_id: str,
        error: JobError,
        running: _Running | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down why there is no twin; a report on it is published all the same."""
        refused = error.kind is ErrorKind.CONSENT
        limits = {
            ErrorKind.TIME: self.options.time_limit_s,
            ErrorKind.MEMORY: float(self.options.memory_limit_bytes),
        }
        after: dict[str, Any] = {"limit": limits[error.kind]} if error.kind in limits else {}
        key = ""
        if running is not None:
            key = running.prepared.key(self.board.table.digest)
            after |= {"anew": "glb" in running.formats}
        row = self.board[job_id].but(error=error, ended_at=self._now(), stage="")
        pages = [file for file in (answer or {}).get("files", ()) if file["kind"] == "report"]
        if pages and running is not None and answer is not None and not refused:
            plan = plan_of(running.prepared, {**answer, "files": pages}, "report")
            self.board.put(row.but(state=JobState.PUBLISHING), key=key, plan=plan | {"after": after})
            self.board.save()
            self._publish(job_id)
            return
        state = JobState.REFUSED if refused else JobState.FAILED
        self.board.put(row.but(state=state), key=key, plan=after)
        self.board.save()

    def _give_up(self) -> None:
        """Interrupted or at the end: what still runs waits for the next run, and costs it no try."""
        for running in self._running.values():
            row = self.board[running.id]
            tries = row.job.attempts - 1
            self.board.put(row.but(state=JobState.WAITING, attempts=tries, stage="", worker=""))
        self._running.clear()
        self.board.save()

    def _tell(self) -> None:
        """Save and tell what changed since the last tick."""
        self.board.save()
        summary = self.summary()
        if summary.elapsed_s >= self._noted + NOTE_S:
            self._noted = summary.elapsed_s
            self.board.note(summary)
        self.on_change(self.board.news(), summary)

    def _now(self) -> str:
        return format_utc(self.clock().replace(microsecond=0))
