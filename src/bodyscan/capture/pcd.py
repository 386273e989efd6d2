"""PCD point clouds (PCL's file format 0.5 to 0.7; ascii, binary, binary_compressed), read by Open3D.

Open3D trusts a header and crashes on some that are damaged, so the header is held against itself and the
file's length first. Fields named `_` are padding, which PCL writes; they may repeat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bodyscan.capture.parts import Parsed, Part
from bodyscan.errors import InputError
from bodyscan.geometry.load_open3d import load_open3d

HEADER_BYTES = 65_536
NUMBERS = ("WIDTH", "HEIGHT", "POINTS")
WORDS = {"VERSION", "FIELDS", "COLUMNS", "SIZE", "TYPE", "COUNT", "VIEWPOINT", *NUMBERS}
PADDING = "_"


@dataclass(frozen=True)
class _Body:
    """Where the points are, and how many."""

    points: int
    record_bytes: int
    encoding: str
    start: int


def read_pcd(path: Path) -> Parsed:
    """Return the points of a PCD file with colours and normals, in the file's order; empty cells of a depth
    picture stay, as NaN.

    Raises `InputError` for a header that is damaged or contradicts itself, and for a file that is cut off.
    """
    body = _checked(path)
    o3d = load_open3d()
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        cloud = o3d.io.read_point_cloud(str(path), remove_nan_points=False, remove_infinite_points=False)
    vertices = np.asarray(cloud.points)
    _require(path, body.points, len(vertices))
    part = Part(vertices, np.zeros((0, 3), np.int32))
    if cloud.has_colors():
        part.colors = np.clip(np.rint(np.asarray(cloud.colors) * 255), 0, 255).astype(np.uint8)
    if cloud.has_normals():
        part.normals = np.asarray(cloud.normals)
    return Parsed([part])


def pcd_header(path: Path) -> str:
    """The header, and some of what follows it."""
    with path.open("rb") as file:
        return file.read(HEADER_BYTES).decode("latin-1")


def _checked(path: Path) -> _Body:
    body = _body(path, pcd_header(path))
    needed, there = body.points * body.record_bytes, path.stat().st_size - body.start
    if body.encoding == "ascii":  # Open3D fills up missing lines with zeros
        found = sum(1 for line in path.read_bytes()[body.start :].splitlines() if line.strip())
        _require(path, body.points, found)
        return body
    if body.encoding == "binary_compressed":
        with path.open("rb") as file:
            file.seek(body.start)
            packed, plain = np.frombuffer(file.read(8).ljust(8, b"\0"), "<u4").tolist()
        if plain != needed:
            raise InputError(
                f"{path.name} is damaged: its points fill {plain} bytes, not {needed}. Copy it again."
            )
        needed = packed + 8
    if there < needed:
        raise InputError(
            f"{path.name} is truncated: it has {there} of {needed} bytes of points. Copy it again."
        )
    return body


def _body(path: Path, head: str) -> _Body:
    data = re.search(r"(?m)^DATA[ \t]+(ascii|binary|binary_compressed)[ \t]*\r?\n", head)
    lines = [line.split() for line in head[: data.start() if data else 0].splitlines()]
    lines = [line for line in lines if line and not line[0].startswith("#")]
    words = {line[0]: line[1:] for line in lines}
    fields = words.get("FIELDS", words.get("COLUMNS", []))
    if data is None or not fields or "POINTS" not in words:
        raise InputError(f"{path.name} is not a PCD file: its header lacks FIELDS, POINTS or DATA.")
    if not {"x", "y", "z"} <= set(fields):
        raise InputError(f"{path.name} has no positions: the PCD fields x, y, z are missing.")
    sizes, types = words.get("SIZE", []), words.get("TYPE", [])
    counts = words.get("COUNT", ["1"] * len(fields))
    known = dict(zip(fields, zip(sizes, types, counts, strict=False), strict=False))
    named = [name for name in fields if name != PADDING]
    if (
        len(words) < len(lines)
        or not set(words) <= WORDS
        or not len(fields) == len(sizes) == len(types) == len(counts)
        or len(set(named)) < len(named)
        or not all(size in ("1", "2", "4", "8") for size in sizes)
        or not all(kind in ("F", "I", "U") for kind in types)
        or not all(re.fullmatch(r"[1-9]\d{0,3}", count) for count in counts)
        or not all(known[axis] in (("4", "F", "1"), ("8", "F", "1")) for axis in "xyz")
        or not all(known.get(name, ("4", "", "1"))[::2] == ("4", "1") for name in ("rgb", "rgba"))
        or not all(re.fullmatch(r"\d{1,9}", " ".join(words.get(name, []))) for name in NUMBERS)
        or int(words["WIDTH"][0]) * int(words["HEIGHT"][0]) != int(words["POINTS"][0])
    ):
        raise InputError(f"{path.name}: its PCD header is damaged or contradicts itself; export it again.")
    record = sum(int(size) * int(count) for size, count in zip(sizes, counts, strict=True))
    return _Body(int(words["POINTS"][0]), record, data[1], data.end())


def _require(path: Path, promised: int, found: int) -> None:
    if found < promised:
        raise InputError(
            f"{path.name} is truncated or damaged: its header promises {promised} points and "
            f"{found} could be read. Copy it again."
        )
