"""OFF, COFF, NOFF, CNOFF in ASCII (Geomview's object file format), any polygons."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from bodyscan.capture.colors import to_srgb_u8
from bodyscan.capture.parts import Parsed, Part
from bodyscan.errors import InputError
from bodyscan.geometry.polygons import fan_corners, ragged_positions, record_starts


def read_off(path: Path) -> Parsed:
    """Return the mesh of an OFF file with its vertex normals and colours."""
    text = path.read_bytes()
    if b"#" in text:
        text = re.sub(rb"#[^\n]*", b"", text)
    head = re.match(rb"\s*(ST)?(C?)(N?)(4?)OFF\b(\s+BINARY)?", text)
    if head is None:
        raise InputError(f"{path.name} is not an OFF file: it does not begin with OFF. Check its extension.")
    if head[4] or head[5]:
        raise InputError(f"{path.name} is a binary or 4-dimensional OFF file; save it as plain ASCII OFF.")
    body = text[head.end() :]
    counts_line = re.match(rb"\s*(\d+)[ \t]+(\d+)([ \t]+\d+)?[ \t]*\r?\n", body)
    if counts_line is None:
        raise InputError(f"{path.name} is damaged: its OFF header gives no counts of vertices and faces.")
    num_vertices, num_faces = int(counts_line[1]), int(counts_line[2])
    body = body[counts_line.end() :]
    # The number of columns is in no header: the first vertex line tells it.
    first = re.match(rb"\s*([^\r\n]+)", body)
    columns = len(first[1].split()) if first else 0
    tokens = np.fromstring(body, dtype=np.float64, sep=" ")
    if columns < 3 or len(tokens) < num_vertices * columns:
        raise InputError(f"{path.name} is truncated: it ends before its {num_vertices} vertices do.")
    table = tokens[: num_vertices * columns].reshape(num_vertices, columns)
    part = Part(table[:, :3].copy(), np.zeros((0, 3), np.int64))
    offset = 3
    if head[3] and columns >= 6:
        part.normals = table[:, 3:6].copy()
        offset = 6
    if columns >= offset + 3 and (head[2] or not head[3]):
        part.colors = to_srgb_u8(table[:, offset : offset + 3])
    if num_faces:
        part.faces = _faces(body, tokens[num_vertices * columns :], num_vertices, num_faces, path.name)
    return Parsed([part])


def _faces(body: bytes, tokens: np.ndarray, num_vertices: int, num_faces: int, name: str) -> np.ndarray:
    """Return triangles; each face line is a count, its indices and, in some files, a colour."""
    truncated = InputError(f"{name} is truncated: it ends before its {num_faces} faces do. Copy it again.")
    size = len(tokens)
    if size == 0:
        raise truncated
    corners = int(tokens[0])
    for extra in (0, 3, 4, 1):  # colour columns after the indices
        stride = 1 + corners + extra
        if size == num_faces * stride and (tokens[::stride] == corners).all():
            flat = tokens.reshape(num_faces, stride)[:, 1 : 1 + corners].reshape(-1)
            fans, _ = fan_corners(np.full(num_faces, corners))
            return flat[fans].astype(np.int64)
    counts_at = np.append(tokens, [0, 0]).clip(0, size).astype(np.int64)
    for extra in (0, 3, 4, 1):
        ends = np.minimum(np.arange(size + 2) + 1 + counts_at + extra, size + 1)
        starts = record_starts(ends, num_faces)
        if starts.max() < size and ends[starts[-1]] == size:
            counts = counts_at[starts]
            fans, _ = fan_corners(counts)
            return tokens[ragged_positions(starts + 1, counts)][fans].astype(np.int64)
    return _faces_by_line(body, num_vertices, num_faces, truncated)


def _faces_by_line(body: bytes, num_vertices: int, num_faces: int, truncated: InputError) -> np.ndarray:
    """Read faces of which only some carry a colour: rare, and only lines tell where they end."""
    lines = [line.split() for line in body.splitlines() if line.strip()][num_vertices:][:num_faces]
    if len(lines) < num_faces:
        raise truncated
    counts = np.array([int(line[0]) for line in lines])
    flat = np.array([int(word) for line, n in zip(lines, counts, strict=True) for word in line[1 : 1 + n]])
    if len(flat) != counts.sum():
        raise truncated
    return flat[fan_corners(counts)[0]]
