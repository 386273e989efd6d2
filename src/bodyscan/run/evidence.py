"""What a verifier knows beside the file, read from a folder and from single files."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bodyscan.errors import InputError
from bodyscan.run.text_files import read_text

if TYPE_CHECKING:
    from bodyscan.consent import ConsentRecord, Evidence

FOLDERS = ("keys", "lists", "withdrawals", "authorities", "packers")
MEMORY_FILE, TRUSTED_FILE = "memory.json", "trusted.toml"
MAX_FILES = 10_000


def read_evidence(
    folder: Path | None,
    *,
    status_lists: Sequence[Path] = (),
    withdrawals: Sequence[Path] = (),
    keys: Sequence[Path] = (),
    authorities: Sequence[Path] = (),
    packers: Sequence[Path] = (),
    people: Sequence[str] = (),
    controllers: Sequence[str] = (),
    memory: Path | None = None,
    max_age_days: float | None = None,
    now: datetime,
) -> Evidence:
    """Return the evidence of a folder and of single files (a folder among them means all of its files).

    Raises `InputError` where a file cannot be read or is not what its place says, `ConsentError` for a key
    history that does not hold.
    """
    from bodyscan.consent import Evidence, TrustedKeys
    from bodyscan.consent.key_files import load_public_key
    from bodyscan.consent.key_history import read_key_history

    def of(name: str, given: Sequence[Path]) -> list[Path]:
        return _files([*([folder / name] if folder and (folder / name).exists() else []), *given])

    known_people, known_controllers = set(people), set(controllers)
    if folder is not None:
        _check_folder(folder)
        listed = _trusted(folder / TRUSTED_FILE)
        known_people |= listed["people"]
        known_controllers |= listed["controllers"]
    evidence = Evidence(
        trusted=TrustedKeys(
            people=frozenset(known_people) or None,
            controllers=frozenset(known_controllers) or None,
            packers=tuple(load_public_key(path) for path in of("packers", packers)),
        ),
        histories=tuple(read_key_history(read_text(path), now) for path in of("keys", keys)),
        status_lists=tuple(read_text(path) for path in of("lists", status_lists)),
        withdrawals=tuple(read_text(path) for path in of("withdrawals", withdrawals)),
        max_age=None if max_age_days is None else timedelta(days=max_age_days),
        stamp_roots=tuple(path.read_bytes() for path in of("authorities", authorities)),
    )
    place = memory_place(folder, memory)
    return evidence if place is None else replace(evidence, memory=_memory(place))


def memory_place(folder: Path | None, memory: Path | None) -> Path | None:
    """Return the file in which it is remembered which status lists were seen, or None."""
    return memory or (folder / MEMORY_FILE if folder is not None else None)


def remember(place: Path | None, record: ConsentRecord | None, evidence: Evidence, now: datetime) -> None:
    """Write down the status lists of `record` that were seen, so that older ones are known as replayed."""
    if place is None or record is None or not evidence.status_lists or evidence.memory is None:
        return
    from bodyscan.consent.key_history import newest_histories
    from bodyscan.consent.status_check import check_status
    from bodyscan.files import write_atomic

    histories = newest_histories(evidence.histories)
    found = check_status(record, evidence.status_lists, (), now, memory=evidence.memory, histories=histories)
    seen = found.memory
    if seen is not None and seen != evidence.memory:
        # Another process may have written meanwhile: nothing that either saw is forgotten.
        write_atomic(place, _memory(place).merged(seen).to_text().encode())


def _memory(place: Path):
    from bodyscan.consent.status_memory import StatusMemory

    return StatusMemory.parse(read_text(place), place.name) if place.exists() else StatusMemory()


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the one that holds your evidence.")
    odd = [path.name for path in folder.iterdir() if path.is_dir() and path.name not in FOLDERS]
    if odd:
        raise InputError(f"{folder} holds the folder {odd[0]}; known are {', '.join(FOLDERS)}.")


def _files(places: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(path for path in place.iterdir() if path.is_file() and path.name[0] != ".")
        else:
            found.append(place)
    if len(found) > MAX_FILES:
        raise InputError(f"{len(found)} files of evidence are more than the {MAX_FILES} that are read.")
    for path in found:
        if not path.is_file():
            raise InputError(f"There is no file {path}.")
    return found


def _trusted(path: Path) -> dict[str, set[str]]:
    known: dict[str, set[str]] = {"people": set(), "controllers": set()}
    if not path.exists():
        return known
    try:
        values = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    is_text: Callable[[object], bool] = lambda value: isinstance(value, str)  # noqa: E731
    for name, items in values.items():
        if name not in known or not isinstance(items, list) or not all(map(is_text, items)):
            raise InputError(f"{path}: `{name}` is not known; give lists `people` and `controllers`.")
        known[name] = set(items)
    return known
