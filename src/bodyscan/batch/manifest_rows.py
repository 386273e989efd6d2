"""A row of a manifest: its columns, its id, its paths, its options."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from bodyscan.batch.addresses import is_address, name_of
from bodyscan.errors import InputError

REQUIRED_COLUMNS = ("capture", "consent")
KNOWN_COLUMNS = (
    *REQUIRED_COLUMNS,
    "id",
    "controller_key",
    "passphrase_file",
    "photos",
    "reference",
    "purpose",
    "territory",
    "medium",
)
"""Columns that are a row's own, beside `expression.NAME`. All others are options of the twin."""
EXPRESSION = "expression."
"""What a column's name begins with that holds a scan of an expression."""
MAX_ID_LENGTH = 100
MAX_ID_BYTES = 200
"""In UTF-8: a file's name has 255 on most systems, and endings are put to it."""

_OPTION = re.compile(r"[a-z_]+(\.[a-z0-9_]+)*")
_EXPRESSION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PLAIN_ID = re.compile(
    r"(?!(?i:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\.|$))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?"
)
"""Most ids: in ASCII, and nothing is wrong with them."""
_DEVICES = {"CON", "PRN", "AUX", "NUL"} | {f"{name}{n}" for name in ("COM", "LPT") for n in "0123456789¹²³"}
"""Names that no file can have on Windows, whatever its ending."""
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Row:
    """One scan that is to become a twin. What was not given is empty."""

    id: str
    """A file's name on every system: the name of the scan's folder in the output."""
    capture: str
    """Absolute path, or address, of the scan or depth capture."""
    consent: str
    """Absolute path, or address, of the signed record; empty where there is none: no twin is made then."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the twin as its options file nests them; not checked yet."""
    controller_key: str = ""
    """Absolute path of a key."""
    photos: str = ""
    """Absolute path, or address, of a folder of photos with their cameras."""
    expressions: Mapping[str, str] = field(default_factory=dict)
    """Name -> absolute path, or address, of a scan that shows it."""
    reference: str = ""
    purpose: str = ""
    territory: str = ""
    medium: str = ""
    passphrase_file: str = ""
    """Absolute path of a file with the key's passphrase."""
    line: int = 0
    """Where it begins in the manifest, from 1; 0 where that is a folder."""


class RowMaker:
    """Makes the rows of one manifest: paths from its folder, ids that no two rows share."""

    def __init__(self, folder: Path, source: str) -> None:
        """`folder`: where relative paths begin; `source`: the manifest's name in messages."""
        self._folder = folder
        self._prefix = f"{str(folder).rstrip('/')}/"
        self._source = source
        self._seen: dict[str, tuple[int, str]] = {}

    def where(self, line: int) -> str:
        """Return a line's place, as messages begin."""
        return f"{self._source}, line {line}" if line else self._source

    def row(
        self,
        values: Sequence[str],
        expressions: Mapping[str, str],
        options: Mapping[str, Any],
        line: int,
    ) -> Row:
        """Return the row of a line. `values` are of `KNOWN_COLUMNS`, in their order; empty is not given.

        Raises `InputError` for a row without a capture, for characters that no path can have, and for an id
        that is no file's name or is another row's, in capitals or not.
        """
        if not "".join(values).isprintable():
            self._check_texts(values, line)
        capture, consent, name, key, passphrase, photos, reference, purpose, territory, medium = values
        if not capture:
            raise InputError(f"{self.where(line)}: the capture is empty. Give the path or address of a scan.")
        return Row(
            id=self._id(name, capture, line),
            capture=self.place(capture),
            consent=self.place(consent),
            options=options,
            controller_key=self.place(key),
            photos=self.place(photos),
            expressions=expressions,
            reference=reference,
            purpose=purpose,
            territory=territory,
            medium=medium,
            passphrase_file=self.place(passphrase),
            line=line,
        )

    def place(self, text: str) -> str:
        """Return a path from the manifest's folder on as an absolute one; an address stays, and nothing."""
        if not text:
            return ""
        # A path needs no look at its parts where it has nothing that could be special: ten times as fast.
        if text[0] not in "./\\" and ":" not in text and "/." not in text and "//" not in text:
            return self._prefix + text
        return text if is_address(text) else str(PurePath(self._folder, text))

    def _check_texts(self, values: Sequence[str], line: int) -> None:
        for name, text in zip(KNOWN_COLUMNS, values, strict=True):
            for char in text:
                if unicodedata.category(char) in ("Cc", "Cs"):
                    raise InputError(
                        f"{self.where(line)}: {name} holds the character U+{ord(char):04X}, which no name "
                        "can have. Take it out."
                    )

    def _id(self, given: str, capture: str, line: int) -> str:
        if given:
            found = given if given.isascii() else unicodedata.normalize("NFC", given)
        else:
            found = safe_id(_stem(capture))
        if problem := id_problem(found):
            advice = (
                f"Give one in the column id: letters, digits, . _ and -, at most {MAX_ID_LENGTH}."
                if line
                else "Rename it, or write a manifest with a column id."
            )
            raise InputError(
                f"{self.where(line)}: the id '{given or found}' of {name_of(capture)} {problem}; it must be "
                f"able to name a folder on every system. {advice}"
            )
        key = found.casefold()
        if key in self._seen:
            other, name = self._seen[key]
            if line:
                owner, advice = f"line {other}", "Give each row an id of its own in the column id."
            else:
                owner, advice = name_of(name), "Rename one, or write a manifest with a column id."
            raise InputError(
                f"{self.where(line)}: {name_of(capture)} would have the id '{found}', which is that of "
                f"{owner} already (capitals do not count). {advice}"
            )
        self._seen[key] = (line, capture)
        return found


def safe_id(name: str) -> str:
    """Return a name as an id: whatever an id cannot hold (spaces, brackets ...) becomes one `-`."""
    if _PLAIN_ID.fullmatch(name):
        return name
    name = unicodedata.normalize("NFC", name)
    return re.sub("-+", "-", "".join(char if _fits(char) else "-" for char in name)).strip("-.")


def id_problem(text: str) -> str:
    """Return why a text cannot be an id, as the end of a sentence; empty where it can.

    Allowed are letters, digits and combining marks of every script, `.`, `_` and `-`.
    """
    if _PLAIN_ID.fullmatch(text):
        return ""
    if not text:
        return "is empty"
    if len(text) > MAX_ID_LENGTH or len(text.encode("utf-8", "surrogatepass")) > MAX_ID_BYTES:
        return f"is too long ({len(text)} characters)"
    if bad := next((char for char in text if not _fits(char)), None):
        return f"holds {bad!r}"
    if not (text[0].isalnum() or text[0] == "_"):
        return f"begins with {text[0]!r}"
    if text.endswith("."):
        return "ends with a dot"
    if text.partition(".")[0].upper() in _DEVICES:
        return "is a device's name on Windows"
    return ""


def check_column(name: str, where: str) -> None:
    """Raise `InputError` for a column that is neither a row's own nor looks like an option (`rig.pose`)."""
    if name in KNOWN_COLUMNS:
        return
    if name.startswith(EXPRESSION):
        if _EXPRESSION_NAME.fullmatch(name.removeprefix(EXPRESSION)):
            return
        raise InputError(
            f"{where}: the column '{name}' names no expression. Write {EXPRESSION}NAME, where NAME is a "
            "letter, then letters, digits and underscores: expression.smile."
        )
    if not _is_option(name):
        near = nearest(name, KNOWN_COLUMNS)
        raise InputError(
            f"{where}: the column '{name}' is not known{f'; is {near} meant?' if near else '.'} Known are: "
            f"{', '.join(KNOWN_COLUMNS)}, {EXPRESSION}NAME, and the options of a twin, such as scan.unit."
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like this one; empty where none is like it."""
    lower = re.sub(r"[\s-]+", "_", name.strip().lower())
    return next(iter(difflib.get_close_matches(lower, list(known), 1, 0.75)), "")


def set_option(table: dict[str, Any], name: str, value: Any, where: str) -> None:
    """Put an option, by its dotted name, into a nest of tables.

    A table is put in entry by entry, and None is not given. Raises `InputError` for a name that is none, for
    an option that is there already, and for one that is a table and a value at once.
    """
    if not _is_option(name):
        raise InputError(f"{where}: '{name}' is no name of an option; write it as scan.unit.")
    if isinstance(value, Mapping):
        for inner, item in value.items():
            set_option(table, f"{name}.{inner}", item, where)
        return
    if value is None:
        return
    *parents, last = name.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise InputError(f"{where}: {name} and {parent} are given, and {parent} cannot be both.")
    if last in table:
        both = isinstance(table[last], dict)
        raise InputError(
            f"{where}: {name} is given "
            + ("as a value and as a table; leave one out." if both else "twice; leave one out.")
        )
    table[last] = value


def typed(text: str) -> bool | int | float | str:
    """Return the value of a cell: true or false (in capitals or not), a whole number, a number, else text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and math.isfinite(value := float(text)):
        return value
    return text


@lru_cache(maxsize=4096)
def _is_option(name: str) -> bool:
    return _OPTION.fullmatch(name) is not None


def _fits(char: str) -> bool:
    return char.isalnum() or char in "._-" or unicodedata.category(char).startswith("M")


def _stem(capture: str) -> str:
    """Return the name of a capture without its ending."""
    plain = "?" not in capture and "\\" not in capture
    name = capture.rstrip("/").rpartition("/")[2] if plain else name_of(capture)
    return name.rpartition(".")[0] or name
