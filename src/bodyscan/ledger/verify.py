"""Whether a ledger is what it was: the chain, its checkpoints, and that nothing is billed twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from heapq import heappop, heappush

from bodyscan.consent.fields import format_utc, parse_utc
from bodyscan.consent.keys import PublicJwk
from bodyscan.errors import InputError
from bodyscan.ledger.append import MAX_BACKDATE
from bodyscan.ledger.checkpoint import Checkpoint, checkpoint_texts, parse_checkpoint
from bodyscan.ledger.entry import Entry, entry_hash, first_hash, parse_entry
from bodyscan.ledger.merkle import Tree, build_tree
from bodyscan.ledger.people import Person, all_people, details_of, outputs_of
from bodyscan.ledger.signers import Signers, vouched_for
from bodyscan.ledger.store import Ledger, StoredEntry
from bodyscan.ledger.tags import subject_tag
from bodyscan.ledger.use import EntryKind

MAX_FINDINGS = 1000


class Problem(StrEnum):
    """What is wrong with a ledger."""

    EDIT = "edit"
    """An entry's text does not belong to its hash."""
    ORDER = "order"
    """Entries stand in another order, or one is missing between others."""
    TRUNCATION = "truncation"
    """There are fewer entries than a checkpoint says."""
    FORK = "fork"
    """The chain holds, but it is another one than a checkpoint signed: it was written anew."""
    DOUBLE_USE = "double_use"
    """The same use stands there twice and is billed twice."""
    BAD_VOID = "bad_void"
    """A void of no use, of another person's, or a second one."""
    DATE = "date"
    """A use is dated more than a day before the one before it."""
    FOREIGN_CHECKPOINT = "foreign_checkpoint"
    """A checkpoint of another ledger."""
    SIGNATURE = "signature"
    """A checkpoint was not signed by the controller's key, or is none."""
    CHECKPOINTS = "checkpoints"
    """The ledger's own checkpoints do not follow from each other."""
    PERSONAL = "personal"
    """What is kept about a person does not belong to the entries."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    problem: Problem
    text: str
    """A sentence for a person."""
    sequence: int | None = None
    """The entry, where it is one."""


@dataclass(frozen=True)
class Verified:
    """What a check of a ledger found."""

    ledger_id: str
    size: int
    root: str
    """Of the tree over all entries, hex."""
    num_checkpoints: int
    """In the ledger and given together."""
    covered: int
    """Entries that stand under a checkpoint which holds."""
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True where nothing is wrong."""
        return not self.findings


def verify_ledger(
    ledger: Ledger,
    signers: Signers | Collection[PublicJwk],
    checkpoints: Sequence[tuple[str, str]] = (),
) -> Verified:
    """Check the chain and every checkpoint, those in the ledger and those given as (name, text).

    `signers` are the controller's keys. Without checkpoints from outside, a ledger that was cut off or
    written anew together with its own checkpoints by somebody who has the key looks sound: the copies that
    were handed out are what proves it. Never raises for what the ledger holds, but for a file that SQLite
    cannot read.
    """
    signers = signers if isinstance(signers, Signers) else Signers(tuple(signers))
    with ledger.snapshot():
        audit = _Audit(ledger.ledger_id)
        hashes = [audit.take(stored) for stored in ledger.entries()]
        _check_personal(ledger, audit)
        texts = checkpoint_texts(ledger)
    tree = build_tree(hashes)
    named = [(f"checkpoint {number} in the ledger", text) for number, text in enumerate(texts, start=1)]
    vouched = vouched_for(_readable(texts), signers.current)
    covered = 0
    own: list[Checkpoint] = []
    for number, (name, text) in enumerate([*named, *checkpoints]):
        found = _check_checkpoint(name, text, audit, tree, signers, vouched)
        if found is None:
            continue
        covered = max(covered, found.size)
        if number < len(named):
            own.append(found)
    _check_sequence(own, len(named), audit)
    return Verified(
        ledger_id=ledger.ledger_id,
        size=tree.size,
        root=tree.root.hex(),
        num_checkpoints=len(named) + len(checkpoints),
        covered=covered,
        findings=tuple(audit.findings),
    )


class _Audit:
    """Walks the chain once."""

    def __init__(self, ledger_id: str) -> None:
        self.ledger_id = ledger_id
        self.findings: list[Finding] = []
        self.previous = first_hash(ledger_id)
        self.expected = 1
        self.uses: dict[bytes, int] = {}
        """Use key -> the entry that counts."""
        self.targets: dict[int, tuple[str, bytes]] = {}
        """Use -> its person and use key: what a void of it needs."""
        self.voided: set[int] = set()
        self.numbers: dict[str, int] = {}
        self.erased: set[str] = set()
        self.times: list[tuple[float, int]] = []
        """Heap of the uses' times, the latest first; voided ones are taken out when they come up."""

    def find(self, problem: Problem, text: str, sequence: int | None = None) -> None:
        """Note something that is wrong."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(problem, text, sequence))

    def take(self, stored: StoredEntry) -> bytes:
        """Check one row and return the hash that its text has."""
        at = stored.sequence
        if at != self.expected:
            self.find(Problem.ORDER, f"entry {self.expected} is missing; entry {at} follows.", at)
        self.expected = at + 1
        digest = entry_hash(self.previous, stored.body)
        if digest != stored.hash:
            self.find(Problem.EDIT, f"entry {at} was changed, or one before it: its hash does not fit.", at)
        # The stored hash goes on, so that one edit is one finding; the tree is built of the true hashes.
        self.previous = stored.hash
        try:
            entry = parse_entry(stored.body)
        except ValueError as error:
            self.find(Problem.EDIT, f"entry {at} cannot be read: {error}.", at)
            return digest
        self._check_entry(entry)
        self._check_row(stored, entry)
        return digest

    def _check_row(self, stored: StoredEntry, entry: Entry) -> None:
        at = stored.sequence
        if entry.sequence != at:
            self.find(Problem.ORDER, f"entry {at} says that it is entry {entry.sequence}.", at)
        key = entry.use_key() if entry.is_use else None
        told = (entry.subject, entry.number, key, entry.voids, self._latest())
        row = (stored.subject.hex(), stored.number, stored.use_key, stored.voids, stored.latest)
        if row != told:
            self.find(Problem.EDIT, f"the look-up columns of entry {at} do not belong to its text.", at)

    def _check_entry(self, entry: Entry) -> None:
        at = entry.sequence
        expected = self.numbers.get(entry.subject, 0) + 1
        if entry.number != expected:
            self.find(
                Problem.ORDER,
                f"entry {at} is the person's number {entry.number}; it should be {expected}.",
                at,
            )
        self.numbers[entry.subject] = entry.number
        if entry.kind is EntryKind.VOID:
            self._check_void(entry)
        elif entry.kind is EntryKind.ERASE:
            self.erased.add(entry.subject)
        else:
            self._check_use(entry)

    def _check_use(self, entry: Entry) -> None:
        at, key = entry.sequence, entry.use_key()
        earlier = self.uses.setdefault(key, at)
        if earlier != at:
            self.find(Problem.DOUBLE_USE, f"entry {at} is the same use as entry {earlier}.", at)
        latest = self._latest()
        if latest and entry.at < parse_utc(latest) - MAX_BACKDATE:
            self.find(
                Problem.DATE, f"entry {at} is dated {format_utc(entry.at)}, after uses of {latest}.", at
            )
        heappush(self.times, (-entry.at.timestamp(), at))
        self.targets[at] = (entry.subject, key)

    def _latest(self) -> str:
        while self.times and self.times[0][1] in self.voided:
            heappop(self.times)
        return format_utc(datetime.fromtimestamp(-self.times[0][0], UTC)) if self.times else ""

    def _check_void(self, entry: Entry) -> None:
        at, voids = entry.sequence, entry.voids or 0
        subject, key = self.targets.get(voids, ("", b""))
        if subject != entry.subject:
            self.find(Problem.BAD_VOID, f"entry {at} voids entry {voids}, no use of this person.", at)
        elif voids in self.voided:
            self.find(Problem.BAD_VOID, f"entry {at} voids entry {voids} a second time.", at)
        else:
            self.voided.add(voids)
            if self.uses.get(key) == voids:
                del self.uses[key]


def _readable(texts: Sequence[str]) -> list[Checkpoint]:
    found = []
    for text in texts:
        with suppress(InputError):  # what is wrong with it is found where it is checked
            found.append(parse_checkpoint(text))
    return found


def _check_checkpoint(
    name: str, text: str, audit: _Audit, tree: Tree, signers: Signers, vouched: Collection[str]
) -> Checkpoint | None:
    """Return the checkpoint where its signature holds and it fits the ledger."""
    try:
        found = parse_checkpoint(text, name)
    except InputError as error:
        audit.find(Problem.SIGNATURE, str(error))
        return None
    if found.payload.ledger_id != audit.ledger_id:
        audit.find(Problem.FOREIGN_CHECKPOINT, f"{name} is of another ledger, {found.payload.ledger_id}.")
        return None
    if not found.is_signed_by(signers.current):
        if not found.is_signed_by(signers.ended):
            why = f"is not signed by the controller's key; it names {found.kid[:64]}"
            audit.find(Problem.SIGNATURE, f"{name} {why}.")
            return None
        if found.sha256 not in vouched:
            why = f"is signed by the key {found.kid}, which has ended, and no later checkpoint names it"
            audit.find(Problem.SIGNATURE, f"{name} {why}.")
            return None
    if found.size > tree.size:
        audit.find(
            Problem.TRUNCATION,
            f"{name} covers {found.size:,} entries, and the ledger has {tree.size:,}: "
            f"{found.size - tree.size:,} were cut off.",
        )
        return None
    if tree.root_at(found.size) != found.root:
        audit.find(
            Problem.FORK,
            f"{name} was signed over other entries: of the first {found.size:,}, some were changed since, "
            "or the ledger was written anew.",
        )
        return None
    return found


def _check_sequence(own: Sequence[Checkpoint], count: int, audit: _Audit) -> None:
    """The ledger's own checkpoints name each other and grow."""
    if len(own) < count:
        return  # what is wrong with one of them was said
    previous: Checkpoint | None = None
    for number, checkpoint in enumerate(own, start=1):
        if checkpoint.payload.previous != (previous.sha256 if previous else None):
            audit.find(Problem.CHECKPOINTS, f"checkpoint {number} does not name the one before it.")
        if previous and (checkpoint.size < previous.size or checkpoint.payload.at < previous.payload.at):
            audit.find(Problem.CHECKPOINTS, f"checkpoint {number} is older than the one before it.")
        previous = checkpoint


def _check_personal(ledger: Ledger, audit: _Audit) -> None:
    """The salts open the tags of the chain, and the index of outputs names what the entries name."""
    people = all_people(ledger)
    for person in people:
        if subject_tag(person.salt, person.identity) != person.tag:
            audit.find(Problem.PERSONAL, f"the salt of {person.identity} does not belong to its tag.")
        else:
            _check_person(ledger, person, audit)
    gone = set(audit.numbers) - {person.tag for person in people} - audit.erased
    for tag in sorted(gone):
        text = f"the data of the person {tag[:16]} are missing, and no entry says that they were erased."
        audit.find(Problem.PERSONAL, text)


def _check_person(ledger: Ledger, person: Person, audit: _Audit) -> None:
    blinder, details = person.blinder, details_of(ledger, person)
    listed: dict[int, set[str]] = {}
    for output in outputs_of(ledger, person):
        listed.setdefault(output.sequence, set()).add(blinder.tag("output", output.sha256))
    records = {blinder.tag("record", record.record_id) for record in person.records}
    for stored in ledger.entries(person.tag):
        at = stored.sequence
        try:
            entry = parse_entry(stored.body)
        except ValueError:
            continue  # was found in the chain
        if not entry.is_use:
            continue
        detail = details.get(at)
        reference = detail.reference if detail else None
        twin_id = detail.twin_id if detail else None
        told = (
            blinder.kept_tag("reference", reference) if reference is not None else None,
            blinder.kept_tag("twin", twin_id) if twin_id is not None else None,
        )
        # A use that was asked for again may lie in more places, and each of them holds the same bytes.
        whole = entry.record in records and entry.output_tags == listed.get(at, set())
        if not whole or told != (entry.reference, entry.twin):
            text = f"what is kept about entry {at} (record, reference, twin, files) was changed."
            audit.find(Problem.PERSONAL, text, at)
