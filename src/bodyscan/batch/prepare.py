"""A row of the manifest -> what its twin is made of, under a key that changes when any of it does.

The key covers bodyscan's version, the options of the twin, the consent's text, the use, the content of every
input, and what else is made of the fit (VRM, report). What Blender makes of the finished twin is not in it:
a format more is a format more, and no new twin.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from bodyscan import __version__
from bodyscan.batch.addresses import local_path
from bodyscan.batch.manifest import Row
from bodyscan.batch.options import BatchOptions
from bodyscan.batch.storage import fetch, is_address, read_small, stamp_of
from bodyscan.consent import Medium, Purpose, Use
from bodyscan.errors import ConsentError, InputError
from bodyscan.run.options import TwinOptions, load_options
from bodyscan.run.text_files import read_text

Term = TypeVar("Term", bound=StrEnum)
Digest = Callable[[str, str], str | None]
"""(place, stamp) -> SHA-256 of an input's content, where it is known."""


@dataclass(frozen=True)
class Defaults:
    """What the command line says for every row; a row's own word wins."""

    options: Mapping[str, Any]
    """Options of the twin, as the options file has them."""
    purpose: str = "make_twin"
    territory: str | None = None
    medium: str | None = None
    controller_key: str | None = None
    passphrase_file: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A row that can be worked on."""

    row: Row
    options: Mapping[str, Any]
    """Defaults and the row's own, in one table."""
    text: str
    """The consent record."""
    use: Use
    fixed: str
    """JSON of all that the key covers beside the inputs' content."""
    inputs: Mapping[str, str]
    """What an input is (`capture`, `photos`, `expression.NAME`) -> its place. The key is of what they hold,
    not of where they lie: a studio may move its folders."""
    stamps: Mapping[str, str]
    """Input -> its stamp."""
    controller_key: str | None = None
    passphrase_file: str | None = None
    reference: str | None = None

    def key(self, digest: Digest) -> str:
        """Return the key, 64 hex digits; an input whose content is not known stands there by its stamp."""
        stamps = ((role, place, self.stamps[place]) for role, place in self.inputs.items())
        inputs = {role: digest(place, stamp) or f"stamp {stamp}" for role, place, stamp in stamps}
        text = self.fixed + json.dumps(inputs, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def prepare(row: Row, defaults: Defaults, batch: BatchOptions) -> Prepared:
    """Return what a row is made of; nothing large is read.

    Raises `InputError` for inputs that are not there and options that are wrong, `ConsentError` for a row
    without a consent. Whether the consent allows it is not asked here.
    """
    text, use = record_and_use(row, defaults)
    options = merged(defaults.options, row.options)
    inputs = {"capture": row.capture} | ({"photos": row.photos} if row.photos else {})
    inputs |= {f"expression.{name}": place for name, place in row.expressions.items()}
    fixed = {
        "version": __version__,
        "options": _resolved(json.dumps(options, sort_keys=True)),
        "consent": hashlib.sha256(text.encode()).hexdigest(),
        "use": [str(use.purpose), use.territory, use.medium and str(use.medium)],
        "report": batch.report,
        "vrm": "vrm" in batch.formats,
    }
    key = row.controller_key or defaults.controller_key
    if key and is_address(key):
        raise InputError("A private key is read from a file of this machine, never from an address.")
    return Prepared(
        row,
        options,
        text,
        use,
        json.dumps(fixed, sort_keys=True),
        inputs,
        {place: stamp_of(place) for place in dict.fromkeys(inputs.values())},
        key,
        row.passphrase_file or defaults.passphrase_file,
        row.reference or defaults.reference,
    )


def record_and_use(row: Row, defaults: Defaults) -> tuple[str, Use]:
    """Return a row's consent record and the use that it is to cover; nothing else is looked at.

    Raises as `prepare`.
    """
    if not row.consent:
        raise ConsentError(
            f"There is no consent for {row.id}. Without the person's signed record no twin is made: give its "
            "file in the column 'consent', or lay NAME.consent.json beside the capture."
        )
    text = _record_text(row.consent)
    medium = row.medium or defaults.medium
    use = Use(
        _one_of(Purpose, row.purpose or defaults.purpose, "purpose"),
        row.territory or defaults.territory,
        _one_of(Medium, medium, "medium") if medium else None,
    )
    return text, use


def merged(table: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested tables as one; what `over` says wins."""
    found = dict(table)
    for name, value in over.items():
        inner = found.get(name)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            found[name] = merged(inner, value)
        else:
            found[name] = value
    return found


@lru_cache(maxsize=1024)
def _resolved(table: str) -> dict[str, Any]:
    """All options with their values, defaults included: so a default that changes changes the key."""
    options: TwinOptions = load_options(None, json.loads(table))
    return json.loads(json.dumps(asdict(options), default=_plain, sort_keys=True))


def _plain(value: object) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"an option of the type {type(value).__name__} has no place in a key")


def _record_text(place: str) -> str:
    if local_path(place) is None:
        return read_small(place).removeprefix("\ufeff")  # a scan that is given by mistake is not fetched
    return read_text(fetch(place, Path()))


def _one_of(kind: type[Term], text: str, name: str) -> Term:
    try:
        return kind(text)
    except ValueError:
        raise InputError(f"The {name} '{text}' is not known; possible are: {', '.join(kind)}.") from None
