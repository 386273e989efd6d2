"""Encodes views for EXT_meshopt_compression, version 0 of the bitstream, in plain numpy.

The published bitstream (Appendix A of the extension) leaves the encoder free. Here each group of 16 deltas
takes the narrowest of its four widths, as the reference encoder does, so the sizes are the same; the
triangle table is made of the mesh's own most frequent pairs. No compiled part, so that the same twin gives
the same bytes everywhere.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

GROUP = 16


def encode_attributes(elements: NDArray[np.uint8]) -> bytes:
    """Return the attribute stream of (N, stride) uint8 elements; stride a multiple of 4 up to 256."""
    count, stride = elements.shape
    block = min((8192 // stride) & ~15, 256)
    before = np.vstack([elements[:1], elements[:-1]]) if count else elements
    deltas = elements - before
    codes = ((deltas << 1) ^ (0 - (deltas >> 7))).astype(np.uint8)
    full, rest = divmod(count, block)
    parts = [b"\xa0"]
    if full:
        whole = codes[: full * block].reshape(full, block, stride).transpose(0, 2, 1)
        parts.append(_data_blocks(whole.reshape(full * stride, block)))
    if rest:
        padded = np.zeros((-(-rest // GROUP) * GROUP, stride), np.uint8)
        padded[:rest] = codes[full * block :]
        parts.append(_data_blocks(np.ascontiguousarray(padded.T)))
    parts.append(bytes(max(0, 32 - stride)))
    parts.append(elements[0].tobytes() if count else bytes(stride))
    return b"".join(parts)


def _data_blocks(codes: NDArray[np.uint8]) -> bytes:
    """Return the bytes of (B, G * 16) data blocks, one after the other."""
    blocks = len(codes)
    groups = codes.reshape(blocks, -1, GROUP)
    flat = groups.reshape(-1, GROUP)
    sizes = np.stack(
        [
            np.where(flat.any(axis=1), 99, 0),
            4 + (flat >= 3).sum(axis=1),
            8 + (flat >= 15).sum(axis=1),
            np.full(len(flat), GROUP),
        ]
    )
    modes = sizes.argmin(axis=0)
    lengths = np.take_along_axis(sizes, modes[None], axis=0)[0]
    per_block = groups.shape[1]
    header = -(-per_block // 4)
    # Where each group begins: after the headers of its own and all earlier blocks, and all earlier groups.
    begins = np.cumsum(lengths) - lengths + header * (1 + np.arange(len(flat)) // per_block)
    out = np.zeros(int(lengths.sum()) + blocks * header, np.uint8)
    two_bits = np.zeros((blocks, header * 4), np.uint8)
    two_bits[:, :per_block] = modes.reshape(blocks, per_block)
    heads = (two_bits.reshape(blocks, header, 4) << np.array([0, 2, 4, 6], np.uint8)).sum(
        axis=2, dtype=np.uint8
    )
    starts = begins[::per_block] - header
    out[starts[:, None] + np.arange(header)] = heads
    for mode, width in ((1, 2), (2, 4)):
        rows = np.flatnonzero(modes == mode)
        values = flat[rows]
        full = (1 << width) - 1
        escaped = values >= full
        small = np.where(escaped, full, values).reshape(len(rows), 2 * width, 8 // width)
        shifts = np.arange(8 - width, -1, -width).astype(np.uint8)
        out[begins[rows, None] + np.arange(2 * width)] = (small << shifts).sum(axis=2, dtype=np.uint8)
        places = begins[rows, None] + 2 * width + np.cumsum(escaped, axis=1) - 1
        out[places[escaped]] = values[escaped]
    rows = np.flatnonzero(modes == 3)
    out[begins[rows, None] + np.arange(GROUP)] = flat[rows]
    return out.tobytes()


def encode_indices(values: ArrayLike) -> bytes:
    """Return the index stream of (N,) whole numbers below 2^29, against one running baseline."""
    numbers = np.asarray(values, np.int64)
    steps = np.diff(numbers, prepend=0)
    codes = np.where(steps < 0, ~(steps << 1), steps << 1) << 1
    out = bytearray(b"\xd1")
    for code in codes.tolist():
        _append_varint(out, code)
    return bytes(out + bytes(4))


def encode_triangles(faces: ArrayLike) -> bytes:
    """Return the triangle stream of (F, 3) vertex indices.

    The order of the triangles and their orientation stay; which corner comes first may change.
    """
    encoder = _TriangleEncoder()
    for a, b, c in np.asarray(faces, np.int64).tolist():
        encoder.add(a, b, c)
    return encoder.to_bytes()


class _TriangleEncoder:
    """The state that encoder and decoder keep in step: see `decode_meshopt_indices`."""

    def __init__(self) -> None:
        self._edges: list[tuple[int, int]] = [(-1, -1)] * 16
        self._recent = [-1] * 16
        self._edge_at = self._vertex_at = self._next = self._last = 0
        self._codes: list[int | tuple[int, int]] = []
        """A code byte, or the pair of a triangle that begins with the next vertex and finds no edge."""
        self._extra: list[bytes] = []
        """Beside each code."""

    def add(self, a: int, b: int, c: int) -> None:
        edge = self._find_edge(a, b, c)
        if edge is None:
            self._add_free(a, b, c)
        else:
            self._add_at_edge(*edge)

    def to_bytes(self) -> bytes:
        pairs = Counter(code for code in self._codes if isinstance(code, tuple) and 15 not in code)
        # (0, 0) outside of the table would be read as a reset of the count, so that it goes first.
        ranked = sorted(pairs, key=lambda pair: (pair != (0, 0), -pairs[pair], pair))[:14]
        table = [left << 4 | right for left, right in ranked]
        place = {pair: index for index, pair in enumerate(ranked)}
        codes, extra = bytearray(), bytearray()
        for code, more in zip(self._codes, self._extra, strict=True):
            if isinstance(code, int):
                codes.append(code)
            elif code in place:
                codes.append(0xF0 | place[code])
            else:
                codes.append(0xFE)
                extra.append(code[0] << 4 | code[1])
            extra += more
        return b"\xe1" + bytes(codes) + bytes(extra) + bytes(table) + bytes(16 - len(table))

    def _find_edge(self, a: int, b: int, c: int) -> tuple[int, int, int, int] | None:
        """Return (index, a, b, c), turned so that edge (a, b) is the one in the list."""
        for index in range(15):
            edge = self._edges[(self._edge_at - 1 - index) & 15]
            for first, second, third in ((a, b, c), (b, c, a), (c, a, b)):
                if edge == (first, second):
                    return index, first, second, third
        return None

    def _add_at_edge(self, index: int, a: int, b: int, c: int) -> None:
        more = bytearray()
        place = self._find_vertex(c)
        push = True
        if c == self._next:
            low, self._next = 0, self._next + 1
        elif 0 < place < 13:
            low, push = place, False
        elif c == self._last - 1 or c == self._last + 1:
            low = 13 if c < self._last else 14
            self._last = c
        else:
            low = 15
            self._explicit(more, c)
        self._codes.append(index << 4 | low)
        self._extra.append(bytes(more))
        if push:
            self._push_vertex(c)
        self._push_edge(c, b)
        self._push_edge(a, c)

    def _add_free(self, a: int, b: int, c: int) -> None:
        # Turned so that the next unused vertex stands first, where one of the corners is it.
        if b == self._next:
            a, b, c = b, c, a
        elif c == self._next:
            a, b, c = c, a, b
        more = bytearray()
        new = a == self._next
        self._next += new
        kinds = [self._corner(b), self._corner(c)]
        if new and 15 not in kinds:
            self._codes.append((kinds[0], kinds[1]))
        else:
            # A pair byte of zero would reset the count of vertices: name one of the corners in full then.
            if kinds == [0, 0]:
                kinds[1] = 15
                self._next -= 1
            self._codes.append(0xFE if new else 0xFF)
            more.append(kinds[0] << 4 | kinds[1])
        if not new:
            self._explicit(more, a)
        for kind, vertex in zip(kinds, (b, c), strict=True):
            if kind == 15:
                self._explicit(more, vertex)
        self._extra.append(bytes(more))
        self._push_vertex(a)
        for kind, vertex in zip(kinds, (b, c), strict=True):
            if kind in (0, 15):
                self._push_vertex(vertex)
        self._push_edge(b, a)
        self._push_edge(c, b)
        self._push_edge(a, c)

    def _corner(self, vertex: int) -> int:
        if vertex == self._next:
            self._next += 1
            return 0
        place = self._find_vertex(vertex)
        return place + 1 if 0 <= place < 14 else 15

    def _find_vertex(self, vertex: int) -> int:
        for index in range(16):
            if self._recent[(self._vertex_at - 1 - index) & 15] == vertex:
                return index
        return -1

    def _explicit(self, out: bytearray, vertex: int) -> None:
        step = vertex - self._last
        self._last = vertex
        _append_varint(out, ~(step << 1) if step < 0 else step << 1)

    def _push_edge(self, a: int, b: int) -> None:
        self._edges[self._edge_at] = (a, b)
        self._edge_at = (self._edge_at + 1) & 15

    def _push_vertex(self, vertex: int) -> None:
        self._recent[self._vertex_at] = vertex
        self._vertex_at = (self._vertex_at + 1) & 15


def _append_varint(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
