"""`read_manifest`: which scans, with which consent and options: a table (CSV), JSON lines, or a folder."""

from __future__ import annotations

import csv
import gc
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from bodyscan.batch.addresses import told
from bodyscan.batch.manifest_folder import SCANS, rows_of_folder
from bodyscan.batch.manifest_rows import (
    EXPRESSION,
    KNOWN_COLUMNS,
    REQUIRED_COLUMNS,
    Row,
    RowMaker,
    check_column,
    nearest,
    set_option,
    typed,
)
from bodyscan.errors import InputError

__all__ = ["KNOWN_COLUMNS", "Manifest", "Row", "read_manifest"]

MAX_BYTES = 512 << 20
"""A million rows have less than half of it; a scan given by mistake is not read to its end."""
MAX_LINE_BYTES = 1 << 20
_TABLES = (".csv", ".tsv")
_JSON_LINES = (".jsonl", ".ndjson")
_NO_OPTIONS: Mapping[str, Any] = {}
_NO_EXPRESSIONS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Manifest:
    """The scans of a batch."""

    rows: tuple[Row, ...]
    """At least one, in the manifest's order."""
    source: str
    """The manifest's path, as it was given."""
    notes: tuple[str, ...] = ()
    """What is to be said of it, a sentence each: consents in a folder that have no capture."""


def read_manifest(path: Path) -> Manifest:
    """Read a manifest: a table (`.csv`, `.tsv`), JSON lines (`.jsonl`, `.ndjson`), or a folder of captures.

    A table has a header; its fields are divided by commas, semicolons or tabs. `capture` and `consent` must
    be there; `KNOWN_COLUMNS` names the others, and every other column is an option of the twin by its dotted
    name, whose cells become true, false, numbers or text. JSON lines have the same names, and tables named
    `options` and `expressions`. Empty cells and null are not given. Relative paths begin at the manifest's
    folder. Whether inputs exist and options are known is not asked here.

    Raises `InputError`, with the line, for all that cannot be read or is not meant: unknown and missing
    columns, fields too many or too few, text that is not UTF-8, ids that clash, and files of another kind.
    """
    if path.is_dir():
        rows, notes = rows_of_folder(path.absolute())
        return Manifest(rows, str(path), notes)
    ending = path.suffix.lower()
    if ending not in (*_TABLES, *_JSON_LINES):
        _refuse_kind(path, ending)
    with told("read", str(path)):
        size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path} is empty. Write a table with the columns capture and consent.")
    if size > MAX_BYTES:
        raise InputError(
            f"{path} has {size >> 20} MiB, more than the {MAX_BYTES >> 20} that a manifest may have. Is it a "
            "scan? Give a table of scans."
        )
    maker = RowMaker(path.absolute().parent, path.name)
    lines = _lines(path)
    with told("read", str(path)), _no_collection():
        rows = tuple(_table_rows(lines, maker) if ending in _TABLES else _json_rows(lines, maker))
    if not rows:
        raise InputError(f"{path} has no rows. Write one line for each scan.")
    return Manifest(rows, str(path))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put the garbage collector off: it looks at all rows again and again, a third of the time, in vain."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _refuse_kind(path: Path, ending: str) -> None:
    if not path.exists():
        raise InputError(f"There is no file or folder {path}. Give a manifest (.csv, .jsonl) or a folder.")
    if ending in SCANS:
        raise InputError(
            f"{path} is a scan, not a manifest. Use `bodyscan twin` for one scan, or give the folder of many."
        )
    raise InputError(
        f"{path} is of a kind that is no manifest. Give a table ({', '.join(_TABLES)}), JSON lines "
        f"({', '.join(_JSON_LINES)}) or a folder of captures."
    )


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text in UTF-8, or raise `InputError` at the first that is none."""
    with path.open("rb") as stream:
        number = 0
        while data := stream.readline(MAX_LINE_BYTES):
            number += 1
            if number == 1:
                if data.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise InputError(f"{path.name} is UTF-16. Save it again, as 'CSV UTF-8'.")
                data = data.removeprefix(b"\xef\xbb\xbf")
            if b"\0" in data:
                raise InputError(
                    f"{path.name}, line {number} holds a NUL byte: it is no text. Give a manifest."
                )
            if len(data) == MAX_LINE_BYTES:
                raise InputError(f"{path.name}, line {number} is longer than 1 MiB: it is no manifest.")
            try:
                yield data.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path.name}, line {number} is not UTF-8 (byte 0x{data[error.start]:02X} at byte "
                    f"{error.start + 1}). Save it again, as 'CSV UTF-8'."
                ) from None


def _table_rows(lines: Iterator[str], maker: RowMaker) -> Iterator[Row]:
    blank: list[str] = []
    for first in lines:
        if first.strip():
            break
        blank.append(first)
    else:
        raise InputError(f"{maker.where(0)} has no header. Begin with the columns capture and consent.")
    reader = csv.reader(chain(blank, [first], lines), delimiter=_delimiter(first), strict=True)
    header = next(fields for fields in _whole(reader, maker) if fields)
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()  # Excel ends lines with semicolons
    _check_header(names, maker.where(reader.line_num))
    yield from _filled(reader, names, maker)


def _filled(reader: Any, names: list[str], maker: RowMaker) -> Iterator[Row]:
    # A cell that is always empty stands after the last, for the columns that are not there.
    own = itemgetter(*(names.index(name) if name in names else len(names) for name in KNOWN_COLUMNS))
    shows = [
        (at, name.removeprefix(EXPRESSION)) for at, name in enumerate(names) if name.startswith(EXPRESSION)
    ]
    options_at = [
        at for at, name in enumerate(names) if name not in KNOWN_COLUMNS and not name.startswith(EXPRESSION)
    ]
    said_in = itemgetter(*options_at, len(names), len(names))
    # Most rows have the options of another one: they share a table, which nobody changes.
    known: dict[tuple[str, ...], Mapping[str, Any]] = {}
    count, line = len(names), reader.line_num + 1
    for fields in _whole(reader, maker):
        begin, line = line, reader.line_num + 1
        cells = [field.strip() for field in fields]
        if not any(cells):
            continue
        if len(cells) != count and (len(cells) < count or any(cells[count:])):
            raise InputError(
                f"{maker.where(begin)} has {len(cells)} fields; the header has {count}. Put a field that "
                "holds the divider into quotes, and leave no field out."
            )
        del cells[count:]
        cells.append("")
        said = said_in(cells)
        options = known.get(said)
        if options is None:
            options = known[said] = _options(names, options_at, cells, maker.where(begin))
        expressions = {name: maker.place(cells[at]) for at, name in shows if cells[at]} if shows else {}
        yield maker.row(own(cells), expressions or _NO_EXPRESSIONS, options, begin)


def _options(names: list[str], places: list[int], cells: list[str], where: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for at in places:
        if cells[at]:
            set_option(options, names[at], typed(cells[at]), where)
    return options


def _whole(reader: Any, maker: RowMaker) -> Iterator[list[str]]:
    """Yield the fields of each row, or raise `InputError` where quotes do not close."""
    begin = reader.line_num + 1
    try:
        for fields in reader:
            yield fields
            begin = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{maker.where(begin)} is no row of a table ({error}). Write a quote inside quotes twice, and "
            "close each."
        ) from None


def _delimiter(header: str) -> str:
    plain = re.sub(r'"[^"]*"', "", header)
    return max(",;\t", key=plain.count)


def _check_header(names: list[str], where: str) -> None:
    for name in names:
        if not name:
            raise InputError(f"{where}: a column has no name. Name it, or take it out.")
        check_column(name, where)
        if names.count(name) > 1:
            raise InputError(f"{where}: the column {name} stands there twice; leave one out.")
    for name in REQUIRED_COLUMNS:
        if name not in names:
            near = nearest(name, [other for other in names if other not in KNOWN_COLUMNS])
            raise InputError(
                f"{where}: the column {name} is missing{f'; is {near[:100]} meant?' if near else '.'} A "
                f"manifest has a header, with at least {' and '.join(REQUIRED_COLUMNS)}."
            )


def _json_rows(lines: Iterable[str], maker: RowMaker) -> Iterator[Row]:
    decoder = json.JSONDecoder(
        object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite_number
    )
    for line, text in enumerate(lines, start=1):
        text = text.strip()
        if not text:
            continue
        where = maker.where(line)
        try:
            value, end = decoder.raw_decode(text)
            if end != len(text):
                raise json.JSONDecodeError("more than one value", text, end)
        except json.JSONDecodeError as error:
            raise InputError(f"{where} is not JSON (column {error.colno}: {error.msg}).") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where} cannot be read: {error}.") from None
        if not isinstance(value, dict):
            raise InputError(
                f'{where} is no JSON object. Write one a line: {{"capture": ..., "consent": ...}}.'
            )
        yield _json_row(value, maker, line, where)


def _json_row(value: dict[str, Any], maker: RowMaker, line: int, where: str) -> Row:
    for name in REQUIRED_COLUMNS:
        if name not in value:
            near = nearest(name, [other for other in value if other not in KNOWN_COLUMNS])
            raise InputError(f"{where}: {name} is missing{f'; is {near[:100]} meant?' if near else '.'}")
    own: dict[str, str] = {}
    shows: dict[str, str] = {}
    options: dict[str, Any] = {}
    for name, item in value.items():
        if name == "expressions":
            if not isinstance(item, dict | None):
                raise InputError(f"{where}: expressions must be a table of names and scans.")
            for inner, scan in (item or {}).items():
                _add_expression(shows, inner, _text(inner, scan, where), maker, where)
        elif name == "options":
            if not isinstance(item, dict | None):
                raise InputError(f"{where}: options must be a table.")
            for inner, setting in (item or {}).items():
                set_option(options, inner, setting, where)
        elif name in KNOWN_COLUMNS:
            own[name] = _text(name, item, where)
        elif name.startswith(EXPRESSION):
            _add_expression(shows, name.removeprefix(EXPRESSION), _text(name, item, where), maker, where)
        else:
            check_column(name, where)
            set_option(options, name, item, where)
    values = [own.get(name, "") for name in KNOWN_COLUMNS]
    return maker.row(values, shows or _NO_EXPRESSIONS, options or _NO_OPTIONS, line)


def _add_expression(shows: dict[str, str], name: str, scan: str, maker: RowMaker, where: str) -> None:
    check_column(f"{EXPRESSION}{name}", where)
    if name in shows:
        raise InputError(f"{where}: the expression {name} is given twice; one scan an expression.")
    if scan:
        shows[name] = maker.place(scan)


def _text(name: str, value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{where}: {name} must be text, in quotes; it is {json.dumps(value)[:60]}.")
    return value.strip()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"'{twice}' stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _finite_number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:24]} is too large")
    return value
