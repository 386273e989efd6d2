"""Wavefront OBJ with materials, textures and vertex colours; any polygons, relative indices.

Parsed here with numpy over the file's bytes: one pass for all lines of a kind, with no loop a face.
trimesh was tried first: as fast on pure triangles (2.5 s for 1.3 million), but it falls back to a
Python loop for files that mix triangles and quads, and splits the surface at every change of material.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.capture.colors import to_srgb_u8
from bodyscan.capture.mtl import Material, read_materials
from bodyscan.capture.parts import Parsed, Part
from bodyscan.errors import InputError
from bodyscan.geometry.polygons import fan_corners, split_wedges

_SPACE, _NEWLINE, _SLASH = 32, 10, 47


@dataclass
class _Lines:
    """The bytes of a file and where its lines start."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def select(self, keyword: bytes) -> NDArray[np.bool_]:
        """True for lines that begin with `keyword` and a blank."""
        mask = np.ones(len(self.starts), bool)
        last = len(self.data) - 1
        for offset, byte in enumerate(keyword):
            mask &= self.data[np.minimum(self.starts + offset, last)] == byte
        after = self.data[np.minimum(self.starts + len(keyword), last)]
        return mask & ((after == _SPACE) | (after == 9)) & (self.lengths > len(keyword))

    def bytes_of(self, mask: NDArray[np.bool_], keyword_length: int) -> NDArray[np.uint8]:
        """The bytes of the chosen lines, their keyword blanked."""
        chosen = self.data[np.repeat(mask, self.lengths)]
        starts = np.cumsum(self.lengths[mask]) - self.lengths[mask]
        for offset in range(keyword_length):
            chosen[starts + offset] = _SPACE
        return chosen

    def texts(self, mask: NDArray[np.bool_]) -> list[str]:
        """The chosen lines as text without their first word."""
        out = []
        for start, length in zip(self.starts[mask], self.lengths[mask], strict=True):
            words = self.data[start : start + length].tobytes().decode("utf-8", "replace").split(None, 1)
            out.append(words[1].strip() if len(words) > 1 else "")
        return out


def read_obj(path: Path) -> Parsed:
    """Return the mesh or cloud of an OBJ file.

    Texture coordinates are kept where a texture image is found for them; without one they would only
    split the surface at their seams.
    """
    lines = _split(path.read_bytes())
    is_v, is_vt, is_f = lines.select(b"v"), lines.select(b"vt"), lines.select(b"f")
    if not is_v.any():
        raise InputError(f"{path.name} holds no 'v' lines: it is no OBJ mesh. Check its extension.")
    positions = _table(lines.bytes_of(is_v, 1), int(is_v.sum()), 3, path.name)
    whole = Part(positions[:, :3].copy(), np.zeros((0, 3), np.int64))
    if positions.shape[1] >= 6:
        whole.colors = to_srgb_u8(positions[:, 3:6])
    if not is_f.any():
        return Parsed([whole])
    vertex_id, uv_id, counts = _face_tokens(lines, is_f, is_v, is_vt)
    corners, polygon = fan_corners(counts)
    whole.faces = vertex_id[corners]
    if len(whole.faces) and (whole.faces.min() < 0 or whole.faces.max() >= len(positions)):
        return Parsed([whole])  # join_parts refuses it
    notes: list[str] = []
    names, group = _material_of_face(lines, is_f)
    materials = read_materials(path, lines.texts(lines.select(b"mtllib")), set(names), notes)
    uvs = _table(lines.bytes_of(is_vt, 2), int(is_vt.sum()), 2, path.name) if is_vt.any() else None
    wedge = None if uvs is None else uv_id[corners]
    return Parsed(_parts(whole, wedge, uvs, [materials.get(n) for n in names], group[polygon]), notes)


def _split(data: bytes) -> _Lines:
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    if b"\\\n" in data or b"\\\r\n" in data:
        data = re.sub(rb"\\\r?\n", b" ", data)
    if b"#" in data:
        data = re.sub(rb"#[^\r\n]*", b"", data)
    if re.search(rb"(?m)^[ \t]+[a-z]", data):
        data = re.sub(rb"(?m)^[ \t]+", b"", data)
    if not data.endswith(b"\n"):
        data += b"\n"
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw == _NEWLINE) + 1
    starts = np.concatenate([[0], ends[:-1]])
    return _Lines(raw, starts, ends - starts)


def _token_ends(raw: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return where tokens start (a mask over bytes) and how many tokens each line has."""
    blank = raw <= _SPACE
    start = ~blank
    start[1:] &= blank[:-1]
    before = np.searchsorted(np.flatnonzero(start), np.flatnonzero(raw == _NEWLINE))
    return start, np.diff(before, prepend=0)


def _table(raw: NDArray[np.uint8], rows: int, least: int, name: str) -> NDArray[np.float64]:
    """Return the numbers of the lines as rows; columns that not all lines have are left out."""
    values = np.fromstring(raw.tobytes(), dtype=np.float64, sep=" ")
    columns = len(raw[: int(np.argmax(raw == _NEWLINE))].tobytes().split())
    if columns >= least and len(values) == rows * columns:
        return values.reshape(rows, columns)
    _, counts = _token_ends(raw)
    if len(counts) != rows or counts.min() < least or counts.sum() != len(values):
        raise InputError(f"{name} is damaged: a line of numbers has too few of them, or is not numbers.")
    first = np.cumsum(counts) - counts
    return values[first[:, None] + np.arange(int(counts.min()))]


def _face_tokens(
    lines: _Lines, is_f: NDArray[np.bool_], is_v: NDArray[np.bool_], is_vt: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return for each corner the vertex and the texture coordinate (-1: none), and the corners a face."""
    raw = lines.bytes_of(is_f, 1)
    if (raw == _SLASH).any() and b"//" in (text := raw.tobytes()):
        raw = np.frombuffer(text.replace(b"//", b"/0/"), np.uint8).copy()
    token_start, counts = _token_ends(raw)
    slashes = np.flatnonzero(raw == _SLASH)
    if len(slashes):
        token_of_slash = np.searchsorted(np.flatnonzero(token_start), slashes) - 1
        fields = np.bincount(token_of_slash, minlength=int(counts.sum())) + 1
        raw[slashes] = _SPACE
    else:
        fields = np.ones(int(counts.sum()), np.int64)
    values = np.fromstring(raw.tobytes(), dtype=np.int64, sep=" ")
    if len(values) != fields.sum():
        raise ValueError("a face line holds something that is not an index")
    first = np.cumsum(fields) - fields
    vertex = values[first]
    texture = np.where(fields > 1, values[np.minimum(first + 1, len(values) - 1)], 0)
    line_of_corner = np.repeat(np.flatnonzero(is_f), counts)
    for ids, kind in ((vertex, is_v), (texture, is_vt)):
        negative = ids < 0
        if negative.any():  # counted back from the lines read so far
            so_far = np.cumsum(kind)
            ids[negative] += so_far[line_of_corner[negative]] + 1
    return vertex - 1, texture - 1, counts


def _material_of_face(lines: _Lines, is_f: NDArray[np.bool_]) -> tuple[list[str], NDArray[np.int64]]:
    """Return material names, the first empty, and which of them each face line has."""
    use = lines.select(b"usemtl")
    names = ["", *dict.fromkeys(lines.texts(use))]
    index = {name: i for i, name in enumerate(names)}
    of_use = np.array([0] + [index[n] for n in lines.texts(use)])
    return names, of_use[np.searchsorted(np.flatnonzero(use), np.flatnonzero(is_f))]


def _parts(
    whole: Part, wedge: Any, uvs: Any, materials: list[Material | None], group: NDArray[np.int64]
) -> list[Part]:
    """Return one part for each texture image; the mesh stays in one piece where there is none."""
    textures = [None if m is None else m.texture for m in materials]
    if wedge is None or not any(t is not None for t in textures):
        if whole.colors is None and any(m is not None and m.rgb is not None for m in materials):
            palette = np.array(
                [[200] * 3 if m is None or m.rgb is None else m.rgb for m in materials], np.uint8
            )
            if len(np.unique(palette[np.unique(group)], axis=0)) > 1:
                whole.colors = np.full((len(whole.vertices), 3), 200, np.uint8)
                whole.colors[whole.faces] = palette[group][:, None]
        return [whole]
    # Materials that share an image form one part; each material without an image is its own.
    keys = np.array([i if t is None else textures.index(t) for i, t in enumerate(textures)])[group]
    mapped = ((wedge >= 0) & (wedge < len(uvs))).all(axis=1)
    parts = []
    for key in np.unique(keys):
        texture, material = textures[key], materials[key]
        for has_uvs in (True, False):
            mine = (keys == key) & (mapped == has_uvs)
            if not mine.any():
                continue
            if texture is not None and has_uvs:
                corner_uvs = uvs[wedge[mine]][..., :2].copy()
                corner_uvs[..., 1] = 1 - corner_uvs[..., 1]  # OBJ counts v from the bottom
                source, faces, part_uvs = split_wedges(whole.faces[mine], corner_uvs)
                part = Part(whole.vertices[source], faces, part_uvs, texture=texture)
            else:
                source, inverse = np.unique(whole.faces[mine], return_inverse=True)
                part = Part(whole.vertices[source], inverse.reshape(-1, 3))
                part.material_rgb = None if material is None else material.rgb
            part.colors = None if whole.colors is None else whole.colors[source]
            parts.append(part)
    return parts
