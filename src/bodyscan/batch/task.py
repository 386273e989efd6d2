"""What a worker is told of one scan: plain values, so that it crosses pipes and networks as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bodyscan import __version__
from bodyscan.batch.options import BatchOptions

MADE = "made"
"""Name of the folder, within an attempt's, of the files that are meant to be kept."""


@dataclass(frozen=True)
class Task:
    """One attempt at one scan."""

    id: str
    attempt: str
    """A name of its own: events and files of an attempt that was given up are told apart by it."""
    capture: str
    """Path or address; empty where only formats of a finished twin are missing."""
    consent: str
    """Path or address of the signed record: keys are looked for beside it."""
    text: str
    """The record, as it was checked."""
    out: str
    """Path or address of the batch's output folder."""
    version: str = __version__
    """Of bodyscan where the task was made: a worker of another version does not take it."""
    formats: tuple[str, ...] = ("glb",)
    """What is to be made: with `glb` the twin itself."""
    twin: str = ""
    """Where only formats are missing: the twin's place in the output folder."""
    twin_sha256: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the twin that differ from the defaults, as the options file has them."""
    purpose: str = "make_twin"
    territory: str | None = None
    medium: str | None = None
    evidence: str | None = None
    """Folder of what is known beside the record."""
    controller_key: str | None = None
    passphrase_file: str | None = None
    photos: str | None = None
    expressions: Mapping[str, str] = field(default_factory=dict)
    report: bool = False
    time_limit_s: float = BatchOptions.time_limit_s
    memory_limit_bytes: int = BatchOptions.memory_limit_bytes

    def values(self) -> dict[str, Any]:
        """Return the task as plain values."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Task:
        """Return the task of plain values."""
        known: dict[str, Any] = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        known["formats"] = tuple(known.get("formats", ("glb",)))
        return cls(**known)
