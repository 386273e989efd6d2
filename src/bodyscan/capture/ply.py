"""PLY: ASCII and binary, either byte order, any polygons, vertex or corner texture coordinates.

Parsed here with numpy: the libraries at hand stumble over files that mix triangles with larger
polygons (trimesh) or drop corner texture coordinates and deep colours (Open3D). Layout after Turk,
"The PLY Polygon File Format" (1994).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.capture.colors import to_srgb_u8
from bodyscan.capture.companions import find_companion, load_texture
from bodyscan.capture.parts import Parsed, Part
from bodyscan.errors import InputError
from bodyscan.geometry.polygons import fan_corners, ragged_positions, record_starts, split_wedges

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "int64": "i8", "uint64": "u8",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip


@dataclass
class _Property:
    name: str
    type: str
    count_type: str | None = None


@dataclass
class _Element:
    name: str
    count: int
    properties: list[_Property]


@dataclass
class _Ragged:
    """A list property: `values[starts[i] : starts[i] + counts[i]]` is the list of record i."""

    flat: NDArray[Any]
    counts: NDArray[np.int64]


_Columns = dict[str, Any]


def read_ply(path: Path) -> Parsed:
    """Return the mesh or cloud of a PLY file, with its texture where a comment names one."""
    columns, comments = ply_columns(path)
    if "vertex" not in columns:
        raise InputError(f"{path.name} has no element named vertex: it is no mesh and no cloud.")
    return _assemble(path, columns, comments)


def ply_columns(path: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return a column for each property of each element, and the comments.

    Lists have `flat` values and `counts`, one a record. Raises `InputError` for what is no PLY file, and one
    of Python's own errors for some that are damaged.
    """
    data = path.read_bytes()
    encoding, elements, comments, body = _header(data, path.name)
    if encoding == "ascii":
        return _read_ascii(data[body:], elements, path.name), comments
    order = "<" if "little" in encoding else ">"
    return _read_binary(data, body, elements, order, path.name), comments


def _header_text(head: bytes) -> str:
    """The format says ASCII; comments hold file names as their writer's system spells them."""
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError:
        return head.decode("latin-1")


def _header(data: bytes, name: str) -> tuple[str, list[_Element], list[str], int]:
    if not data.startswith(b"ply"):
        raise InputError(f"{name} is not a PLY file: it does not begin with 'ply'. Check its extension.")
    end = re.search(rb"(?m)^end_header[ \t]*(\r\n|\n|\r)", data[: 1 << 20])
    if end is None:
        raise InputError(f"{name} is truncated: its PLY header has no end. Export or copy it again.")
    encoding, elements, comments = "", [], []
    for line in _header_text(data[: end.start()]).splitlines()[1:]:
        words = line.split()
        if not words:
            continue
        if words[0] == "format":
            encoding = words[1]
        elif words[0] in ("comment", "obj_info"):
            comments.append(line.split(None, 1)[1] if len(words) > 1 else "")
        elif words[0] == "element":
            elements.append(_Element(words[1], int(words[2]), []))
        elif words[0] == "property":
            if words[1] == "list":
                elements[-1].properties.append(_Property(words[4], _TYPES[words[3]], _TYPES[words[2]]))
            else:
                elements[-1].properties.append(_Property(words[2], _TYPES[words[1]]))
    if encoding not in ("ascii", "binary_little_endian", "binary_big_endian"):
        raise InputError(f"{name} has the PLY format {encoding!r}; known are ascii, binary_little_endian, "
                         "binary_big_endian.")  # fmt: skip
    return encoding, elements, comments, end.end()


def _truncated(name: str, element: _Element) -> InputError:
    return InputError(
        f"{name} is truncated: it ends before its {element.count} {element.name} records do. Copy it again."
    )


def _read_binary(
    data: bytes, at: int, elements: list[_Element], order: str, name: str
) -> dict[str, _Columns]:
    columns: dict[str, _Columns] = {}
    for element in elements:
        if element.count == 0:
            columns[element.name] = {}
            continue
        # Most files have lists of one length: then a record is a fixed struct, and nothing is copied.
        dtype = _fixed_dtype(data, at, element, order)
        table = None
        if dtype is not None and at + dtype.itemsize * element.count <= len(data):
            table = np.frombuffer(data, dtype, element.count, at)
            for prop in element.properties:
                if prop.count_type and not (table[f"#{prop.name}"] == table[f"#{prop.name}"][0]).all():
                    table = None
                    break
        if table is not None and dtype is not None:
            columns[element.name] = _table_columns(table, element)
            at += dtype.itemsize * element.count
        elif any(p.count_type for p in element.properties):
            columns[element.name], at = _read_varying(data, at, element, order, name)
        else:
            raise _truncated(name, element)
    return columns


def _fixed_dtype(data: bytes, at: int, element: _Element, order: str) -> np.dtype[Any] | None:
    fields: list[Any] = []
    for prop in element.properties:
        if prop.count_type:
            count_type = np.dtype(order + prop.count_type)
            if at + count_type.itemsize > len(data):
                return None
            length = int(np.frombuffer(data, count_type, 1, at)[0])
            if length < 0 or length > 4096:
                return None
            fields += [(f"#{prop.name}", count_type), (prop.name, order + prop.type, (length,))]
            at += count_type.itemsize + length * np.dtype(prop.type).itemsize
        else:
            fields.append((prop.name, order + prop.type))
            at += np.dtype(prop.type).itemsize
    return np.dtype(fields)


def _table_columns(table: NDArray[Any], element: _Element) -> _Columns:
    columns: _Columns = {}
    for prop in element.properties:
        values = table[prop.name]
        if prop.count_type:
            counts = np.full(len(table), values.shape[1], np.int64)
            columns[prop.name] = _Ragged(np.ascontiguousarray(values).reshape(-1), counts)
        else:
            columns[prop.name] = values
    return columns


def _gather(raw: NDArray[np.uint8], positions: NDArray[np.int64], type_: str, order: str) -> NDArray[Any]:
    size = np.dtype(type_).itemsize
    if size == 1:
        return raw[positions].view(type_)
    return raw[positions[:, None] + np.arange(size)].reshape(-1).view(order + type_)


def _read_varying(data: bytes, at: int, element: _Element, order: str, name: str) -> tuple[_Columns, int]:
    """Read records whose lists differ in length, by asking at every byte where a record would end."""
    size = len(data) - at
    raw = np.zeros(size + 9, np.uint8)
    raw[:size] = np.frombuffer(data, np.uint8, size, at)

    def walk(start: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[tuple[NDArray[np.int64], Any]]]:
        cursor, places = start, []
        for prop in element.properties:
            width = np.dtype(prop.type).itemsize
            if prop.count_type:
                counts = _gather(raw, np.minimum(cursor, size), prop.count_type, order).astype(np.int64)
                cursor = cursor + np.dtype(prop.count_type).itemsize
                places.append((cursor, counts))
                cursor = cursor + np.maximum(counts, 0) * width
            else:
                places.append((cursor, None))
                cursor = cursor + width
            cursor = np.minimum(cursor, size + 1)
        return cursor, places

    ends, _ = walk(np.arange(size + 1, dtype=np.int64))
    ends[-1] = size + 1
    starts = record_starts(np.append(ends, size + 1), element.count)
    last, places = walk(starts)
    if starts.max(initial=0) >= size or last.max(initial=0) > size:
        raise _truncated(name, element)
    columns: _Columns = {}
    for prop, (first, counts) in zip(element.properties, places, strict=True):
        if counts is None:
            columns[prop.name] = _gather(raw, first, prop.type, order)
        else:
            width = np.dtype(prop.type).itemsize
            index = ragged_positions(np.zeros(len(counts), np.int64), counts)  # place inside each list
            where = np.repeat(first, counts) + index * width
            columns[prop.name] = _Ragged(_gather(raw, where, prop.type, order), counts)
    return columns, at + int(last[-1])


def _read_ascii(text: bytes, elements: list[_Element], name: str) -> dict[str, _Columns]:
    tokens = np.fromstring(text, dtype=np.float64, sep=" ")
    columns: dict[str, _Columns] = {}
    at = 0
    for element in elements:
        if element.count == 0:
            columns[element.name] = {}
            continue
        part = tokens[at:]
        size = len(part)
        padded = np.append(part, np.zeros(2))

        def walk(
            cursor: NDArray[np.int64], element: _Element = element, padded: Any = padded, size: int = size
        ) -> tuple[NDArray[np.int64], list[Any]]:
            places = []
            for prop in element.properties:
                if prop.count_type:
                    counts = np.maximum(np.nan_to_num(padded[np.minimum(cursor, size)]), 0).astype(np.int64)
                    places.append((cursor + 1, counts))
                    cursor = cursor + 1 + counts
                else:
                    places.append((cursor, None))
                    cursor = cursor + 1
                cursor = np.minimum(cursor, size + 1)
            return cursor, places

        if any(p.count_type for p in element.properties):
            ends, _ = walk(np.arange(size + 2, dtype=np.int64))
            ends[-1] = size + 1
            starts = record_starts(ends, element.count)
        else:
            starts = np.arange(element.count, dtype=np.int64) * len(element.properties)
            starts = np.minimum(starts, size + 1)
        last, places = walk(starts)
        if starts.max(initial=0) >= max(size, 1) or last.max(initial=0) > size:
            raise _truncated(name, element)
        columns[element.name] = {
            prop.name: part[first]
            if counts is None
            else _Ragged(part[ragged_positions(first, counts)], counts)
            for prop, (first, counts) in zip(element.properties, places, strict=True)
        }
        for prop in element.properties:  # colours are told apart by their declared type
            values = columns[element.name][prop.name]
            if not prop.count_type and prop.type[0] in "iu":
                columns[element.name][prop.name] = values.astype(prop.type)
        at += int(last[-1])
    return columns


def pick(columns: _Columns, *choices: tuple[str, ...]) -> NDArray[Any] | None:
    """Return (N, len(names)) of the first of `choices` whose columns are all there, or None."""
    for names in choices:
        if all(n in columns and not isinstance(columns[n], _Ragged) for n in names):
            return np.stack([columns[n] for n in names], axis=1)
    return None


_ROUNDING = 1e-5
RGB = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))


def _confidence(columns: _Columns, notes: list[str]) -> NDArray[np.float32] | None:
    """How far each vertex can be trusted: Stanford's `confidence`, or MeshLab's `quality`.

    `quality` may also be a curvature or a distance, and MeshLab writes zeros where nothing was computed:
    what is no share, or nowhere more than 0, is left out.
    """
    for name in ("confidence", "quality"):
        column = columns.get(name)
        if column is None or isinstance(column, _Ragged):
            continue
        values = np.asarray(column, np.float64)
        if not len(values):
            return None
        # Not written as `min() < 0`: NaN is in no range.
        if not (values.min() >= -_ROUNDING and values.max() <= 1 + _ROUNDING):
            notes.append(f"The vertices' `{name}` was left out: its values do not lie between 0 and 1.")
        elif values.max() <= 0:
            notes.append(f"The vertices' `{name}` was left out: it is 0 everywhere.")
        else:
            return np.clip(values, 0, 1).astype(np.float32)
    return None


def _assemble(path: Path, columns: dict[str, _Columns], comments: list[str]) -> Parsed:
    vertex, face = columns["vertex"], columns.get("face", {})
    positions = pick(vertex, ("x", "y", "z"))
    if positions is None:
        raise InputError(f"{path.name} has no vertex positions: the properties x, y, z are missing.")
    notes: list[str] = []
    rgb = pick(vertex, *RGB)
    colors = None if rgb is None else to_srgb_u8(rgb)
    normals = pick(vertex, ("nx", "ny", "nz"))
    uvs = pick(vertex, ("texture_u", "texture_v"), ("u", "v"), ("s", "t"))
    part = Part(positions.astype(np.float64), np.zeros((0, 3), np.int32), colors=colors, normals=normals)
    part.confidence = _confidence(vertex, notes)
    if uvs is not None:
        part.uvs = _flip_v(uvs)
    lists = face.get("vertex_indices", face.get("vertex_index"))
    if "tristrips" in columns and lists is None:
        notes.append("Triangle strips are not read: only the points were kept.")
    if not isinstance(lists, _Ragged):
        return Parsed([part], notes)
    corners, polygon = fan_corners(lists.counts)
    part.faces = lists.flat[corners].astype(np.int64)
    face_rgb = pick(face, *RGB)
    if part.colors is None and face_rgb is not None:
        part.colors = np.full((len(positions), 3), 200, np.uint8)
        valid = (part.faces >= 0).all(axis=1) & (part.faces < len(positions)).all(axis=1)
        part.colors[part.faces[valid]] = to_srgb_u8(face_rgb)[polygon[valid]][:, None]
        notes.append("Colours of faces were given to their vertices.")
    words = [comment.split(None, 1) for comment in comments]
    images = [pair[1] for pair in words if len(pair) == 2 and pair[0].lower() == "texturefile"]
    wedge = face.get("texcoord")
    if isinstance(wedge, _Ragged) and (wedge.counts == 2 * lists.counts).all() and len(wedge.flat):
        wedge_uvs = _flip_v(wedge.flat.reshape(-1, 2))[corners]
        number = face.get("texnumber")
        return Parsed(_wedge_parts(path, part, wedge_uvs, images, number, polygon, notes), notes)
    if images and part.uvs is not None:
        file = find_companion(path, images[0], notes)
        part.texture = load_texture(file, images[0], notes) if file else None
    return Parsed([part], notes)


def _flip_v(uvs: NDArray[Any]) -> NDArray[np.float32]:
    """PLY and OBJ count v from the bottom of the image, glTF and `Mesh` from the top."""
    out = np.array(uvs, dtype=np.float32)
    out[:, 1] = 1 - out[:, 1]
    return out


def _wedge_parts(
    path: Path, whole: Part, wedge_uvs: Any, images: list[str], number: Any, polygon: Any, notes: list[str]
) -> list[Part]:
    """Return one part for each texture image, vertices split at the seams."""
    if len(whole.faces) and (whole.faces.min() < 0 or whole.faces.max() >= len(whole.vertices)):
        return [whole]  # join_parts refuses it
    groups = np.zeros(len(whole.faces), np.int64)
    if number is not None and not isinstance(number, _Ragged) and len(images) > 1:
        groups = np.asarray(number, np.int64)[polygon]
    parts = []
    for group in np.unique(groups):
        mine = groups == group
        source, faces, uvs = split_wedges(whole.faces[mine], wedge_uvs[mine])
        part = Part(whole.vertices[source], faces, uvs)
        part.colors = None if whole.colors is None else whole.colors[source]
        part.normals = None if whole.normals is None else whole.normals[source]
        part.confidence = None if whole.confidence is None else whole.confidence[source]
        if 0 <= group < len(images):
            file = find_companion(path, images[group], notes)
            part.texture = load_texture(file, images[group], notes) if file else None
        parts.append(part)
    return parts
