"""A folder of captures as a manifest: each with its consent and its options beside it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bodyscan.batch.addresses import told
from bodyscan.batch.manifest_rows import KNOWN_COLUMNS, Row, RowMaker, safe_id
from bodyscan.errors import InputError

SCANS = (".ply", ".obj", ".stl", ".glb", ".gltf", ".off", ".pcd", ".xyz")
"""Endings of raw scans. Text clouds in `.txt` and `.csv` must be named by a manifest: such files are many."""
RECORDINGS = (".r3d", ".mkv", ".bag")
"""Endings of depth captures in one file."""
CONSENT = ".consent.json"
"""`woman.obj` has its consent in `woman.consent.json`, the folder `turntable` in `turntable.consent.json`."""


def rows_of_folder(folder: Path) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return a row for each capture in a folder, sorted by name, and what else is to be said of it.

    A capture is a file with a scan's or a recording's ending, or a folder that is a depth capture or has a
    consent beside it. `NAME.consent.json` beside it is its consent: without, the row has none. `NAME.toml`
    holds its options. Raises `InputError` for a folder that cannot be read or holds no capture, for options
    that are no TOML, and for two captures of one name.
    """
    with told("read", str(folder)):
        found = list(_captures(folder))
    if not found:
        raise InputError(_nothing_in(folder))
    maker = RowMaker(folder, str(folder))
    rows, consents = [], set()
    for path in found:
        name = path.name if path.is_dir() else path.stem
        consent = folder / f"{name}{CONSENT}"
        said = {
            "capture": str(path),
            "consent": str(consent) if consent.is_file() else "",
            # A folder's name has no ending to leave away.
            "id": safe_id(name) if path.is_dir() else "",
        }
        consents.add(consent.name)
        values = [said.get(column, "") for column in KNOWN_COLUMNS]
        rows.append(maker.row(values, {}, _options(folder / f"{name}.toml"), 0))
    alone = sorted({path.name for path in folder.glob(f"[!.]*{CONSENT}")} - consents)
    notes = tuple(f"{name} has no capture beside it: no twin is made for it." for name in alone)
    return tuple(rows), notes


def _captures(folder: Path) -> Iterator[Path]:
    from bodyscan.capture.depth import is_depth_capture

    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if (folder / f"{path.name}{CONSENT}").is_file() or is_depth_capture(path):
                yield path
        elif path.suffix.lower() in (*SCANS, *RECORDINGS):
            yield path


def _options(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    with told("read", str(path)):
        data = path.read_bytes()
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML file: {error}.") from None


def _nothing_in(folder: Path) -> str:
    from bodyscan.capture.depth import is_depth_capture

    if is_depth_capture(folder):
        return f"{folder} is one capture. Give the folder that holds it and others, or use `bodyscan twin`."
    return (
        f"The folder {folder} holds no capture: no file that ends in {', '.join((*SCANS, *RECORDINGS))}, and "
        "no folder of a depth camera's frames. Give another folder, or a manifest (.csv, .jsonl)."
    )
