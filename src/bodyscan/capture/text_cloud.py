"""Point clouds as text: XYZ, TXT, CSV. One point a line, columns parted by blanks or separators."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodyscan.capture.colors import to_srgb_u8
from bodyscan.capture.parts import Parsed, Part
from bodyscan.errors import InputError

_ALIASES = {"red": "r", "green": "g", "blue": "b", "normal_x": "nx", "normal_y": "ny", "normal_z": "nz",
            "normalx": "nx", "normaly": "ny", "normalz": "nz", "px": "x", "py": "y", "pz": "z"}  # fmt: skip


def read_text_cloud(path: Path) -> Parsed:
    """Return the points of a text file, with colours and normals by its header or by their values."""
    text = path.read_bytes()
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = text.decode("utf-16").encode()
    text = text.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in text[:4096]:
        raise InputError(f"{path.name} is no text: its name says a cloud with one point a line.")
    names, body = _split_header(text)
    head = body[:4096]
    separator = next((s for s in (b";", b"\t", b",") if s in head), b" ")
    if separator in (b";", b"\t") and b"," in head and b"." not in head:
        body = body.replace(b",", b".")  # decimal commas, as German and French exports write them
    body = body.replace(separator, b" ")
    try:
        table = np.loadtxt(io.BytesIO(body), dtype=np.float64, ndmin=2, comments=["#", "//"])
    except ValueError as error:
        raise InputError(
            f"{path.name} is no point cloud: its lines are not all rows of numbers ({str(error)[:120]}). "
            "A cloud has x y z, and colour or normals after them, on each line."
        ) from error
    if table.size == 0 or table.shape[1] < 3:
        raise InputError(
            f"{path.name} is no point cloud: a line has {table.shape[1] if table.size else 0} numbers; "
            "x, y and z are needed."
        )
    part = Part(table[:, :3].copy(), np.zeros((0, 3), np.int32))
    notes: list[str] = []
    if names and {"x", "y", "z"} <= set(names) and len(names) == table.shape[1]:
        _by_names(part, table, names)
    else:
        _by_values(part, table, notes)
    return Parsed([part], notes)


def _split_header(text: bytes) -> tuple[list[str], bytes]:
    """Return column names, empty where there are none, and the text without header lines."""
    names: list[str] = []
    for _ in range(3):
        line, _, rest = text.partition(b"\n")
        stripped = line.strip()
        plain = stripped.lstrip(b"#/ ")
        words = [w.strip().strip('"').lower() for w in re.split(r"[\s,;]+", plain.decode("latin-1"))]
        words = [w for w in words if w]
        if stripped and _is_number(words[0] if words else ""):
            if len(words) == 1 and rest:  # the point count that some exporters write first
                text = rest
                continue
            break
        names = [_ALIASES.get(w, w) for w in words] if "x" in words or "px" in words else names
        text = rest
    return names, text


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", "."))
    except ValueError:
        return False
    return True


def _by_names(part: Part, table: NDArray[np.float64], names: list[str]) -> None:
    def pick(*wanted: str) -> NDArray[np.float64] | None:
        return table[:, [names.index(n) for n in wanted]] if set(wanted) <= set(names) else None

    xyz, rgb = pick("x", "y", "z"), pick("r", "g", "b")
    if xyz is not None:
        part.vertices = xyz
    part.colors = None if rgb is None else to_srgb_u8(rgb)
    part.normals = pick("nx", "ny", "nz")


def _by_values(part: Part, table: NDArray[np.float64], notes: list[str]) -> None:
    """Tell normals (unit length) from colours (not negative) in the columns after x y z."""
    rest = table[:, 3:]
    if rest.shape[1] % 3 == 1:  # an intensity stands between position and colour
        rest = rest[:, 1:]
    for start in range(0, rest.shape[1] - 2, 3):
        block = rest[:, start : start + 3]
        if part.normals is None and np.abs(np.linalg.norm(block, axis=1) - 1).max() < 0.02:
            part.normals = block
            notes.append("The columns after x y z have unit length and were read as normals.")
        elif part.colors is None and block.min() >= 0:
            part.colors = to_srgb_u8(block)
            notes.append("The columns after x y z are not negative and were read as red, green, blue.")
