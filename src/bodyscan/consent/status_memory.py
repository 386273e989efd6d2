"""What a verifier has seen of each status list, so that an older list shown again is found out.

A list that is still valid may hide a withdrawal that a later one tells of, and whoever hands over a file can
hand over an old list with it. The highest sequence number that was seen of a list is enough to notice. The
memory holds digests of list names, not addresses: it does not tell whose consents were checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from bodyscan.consent import strict_json
from bodyscan.consent.fields import Sha256Hex, StrictModel, UtcTime, explain, format_utc, printable
from bodyscan.consent.status_list import RefusedStatusList, StatusList
from bodyscan.errors import InputError

MEMORY_SCHEMA = "urn:bodyscan:status-memory:1"
MAX_LISTS = 1000
"""Lists in one memory, so that its file stays below the 256 KiB that are read."""


class Seen(StrictModel):
    """The newest that was seen of one list."""

    sequence: Annotated[int, Field(ge=1, le=strict_json.MAX_INTEGER)]
    valid_from: UtcTime
    sha256: Sha256Hex
    """Digest of the signed bytes."""


class _MemoryFile(StrictModel):
    schema_: Annotated[
        Literal["urn:bodyscan:status-memory:1"],
        Field(validation_alias="schema", serialization_alias="schema"),
    ] = MEMORY_SCHEMA
    lists: Annotated[dict[Sha256Hex, Seen], Field(max_length=MAX_LISTS)]


@dataclass(frozen=True)
class StatusMemory:
    """The newest that was seen of each list. A value: `remember` returns a new one."""

    lists: Mapping[str, Seen] = field(default_factory=dict)
    """Name of the list (see `list_name`) -> what was seen."""

    @classmethod
    def parse(cls, text: str | bytes, what: str = "the status memory") -> StatusMemory:
        """Read a memory from JSON text, or raise `InputError`."""
        try:
            strict_json.loads(text, what)
            return cls(_MemoryFile.model_validate_json(text).lists)
        except ValidationError as error:
            raise InputError(f"{what} is not valid: {printable(explain(error))}.") from None

    def to_text(self) -> str:
        """Return the memory as canonical JSON text, for its file."""
        lists = {name: seen.model_dump(mode="json") for name, seen in self.lists.items()}
        return strict_json.canonical({"schema": MEMORY_SCHEMA, "lists": lists}).decode() + "\n"

    def check(self, status_list: StatusList) -> None:
        """Raise `RefusedStatusList` where a newer list, or another of the same number, was seen before."""
        seen = self.lists.get(list_name(status_list))
        if seen is None:
            if len(self.lists) >= MAX_LISTS:
                raise RefusedStatusList(
                    f"the memory holds {MAX_LISTS} lists already, and nothing is forgotten to make room; "
                    "use another memory"
                )
            return
        if status_list.sequence < seen.sequence:
            raise RefusedStatusList(
                f"it is replayed: its sequence number is {status_list.sequence}, and {seen.sequence} was seen"
            )
        if status_list.valid_from < seen.valid_from:
            raise RefusedStatusList(
                f"it is replayed: it was made at {format_utc(status_list.valid_from)}, and one of "
                f"{format_utc(seen.valid_from)} was seen"
            )
        if status_list.sequence == seen.sequence and status_list.sha256 != seen.sha256:
            raise RefusedStatusList(
                f"another list with the same sequence number {seen.sequence} was seen; its issuer made two"
            )

    def remember(self, status_list: StatusList) -> StatusMemory:
        """Return a memory that knows `status_list` too; raises what `check` raises."""
        self.check(status_list)
        seen = Seen(
            sequence=status_list.sequence, valid_from=status_list.valid_from, sha256=status_list.sha256
        )
        return StatusMemory({**self.lists, list_name(status_list): seen})

    def merged(self, other: StatusMemory) -> StatusMemory:
        """Return what both know, the newer of each list: two verifiers may share one file."""
        lists = dict(self.lists)
        for name, seen in other.lists.items():
            mine = lists.get(name)
            if mine is None or (seen.sequence, seen.valid_from) > (mine.sequence, mine.valid_from):
                lists[name] = seen
        if len(lists) > MAX_LISTS:
            raise InputError(f"the memory would hold {len(lists)} lists; it holds at most {MAX_LISTS}.")
        return StatusMemory(lists)


def list_name(status_list: StatusList) -> str:
    """Return the name under which a list is remembered, 64 hex digits.

    The issuer's key is part of it: somebody else's list that claims the same address cannot make the
    memory refuse the right one.
    """
    parts = (status_list.issuer, str(status_list.purpose), status_list.address)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
