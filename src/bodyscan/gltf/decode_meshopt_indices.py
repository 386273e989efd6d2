"""Decodes the triangle and index streams of meshopt compression (Appendix A, modes 1 and 2).

The bitstream follows C. Stokes, "Vertex cache optimised index buffer compression" (2014): each triangle is
one code byte that names an edge among the last 16 and a vertex among the last 16, with extra bytes where
that does not do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError

MASK = 0xFFFFFFFF


def decode_triangles(data: bytes, count: int) -> NDArray[np.uint32]:
    """Return the (count,) uint32 vertex indices of a triangle stream.

    Raises `InputError` where the stream is cut short, too long, or refers to an edge that was never there.
    """
    triangles, odd = divmod(count, 3)
    if not data or data[0] != 0xE1:
        raise _damaged("a triangle stream does not begin with 0xE1")
    end = len(data) - 16
    if odd or end < 1 + triangles:
        raise _damaged("a triangle stream is cut short, or its count is no multiple of 3")
    try:
        return _decode_triangles(data, triangles, end)
    except IndexError:
        raise _damaged("a triangle stream is cut short") from None
    except TypeError:  # None + int, or None unpacked
        raise _damaged("a triangle stream names an edge or vertex that was never there") from None


def _decode_triangles(data: bytes, triangles: int, end: int) -> NDArray[np.uint32]:
    table = data[end:]
    extra = data[:end]
    edges: list[tuple[int, int]] = [None] * 16  # type: ignore[list-item]
    recent: list[int] = [None] * 16  # type: ignore[list-item]
    edge_at = vertex_at = following = last = 0
    at = 1 + triangles
    out: list[int] = []

    def explicit() -> int:
        nonlocal at, last
        value = shift = 0
        while True:
            byte = extra[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift > 28:
                raise IndexError
        step = -(value >> 1) - 1 if value & 1 else value >> 1
        last = (last + step) & MASK
        return last

    for code in data[1 : 1 + triangles]:
        high, low = code >> 4, code & 15
        if high < 15:
            a, b = edges[(edge_at - 1 - high) & 15]
            if low == 0:
                c = following
                following += 1
                push = True
            elif low < 13:
                c = recent[(vertex_at - 1 - low) & 15] + 0
                push = False
            elif low == 15:
                c, push = explicit(), True
            else:
                c = last = (last + (1 if low == 14 else -1)) & MASK
                push = True
            if push:
                recent[vertex_at] = c
                vertex_at = (vertex_at + 1) & 15
            edges[edge_at] = (c, b)
            edges[(edge_at + 1) & 15] = (a, c)
            edge_at = (edge_at + 2) & 15
        else:
            if low < 14:
                pair = table[low]
                kind = 0
            else:
                pair = extra[at]
                at += 1
                kind = low
                if pair == 0:
                    following = 0
            left, right = pair >> 4, pair & 15
            if low < 14 and 15 in (left, right):
                raise IndexError
            if kind == 15:
                a = None
            else:
                a = following
                following += 1
            b = c = None
            if left == 0:
                b = following
                following += 1
            elif left < 15:
                b = recent[(vertex_at - left) & 15] + 0
            if right == 0:
                c = following
                following += 1
            elif right < 15:
                c = recent[(vertex_at - right) & 15] + 0
            # Explicit indices stand in the order a, b, c.
            a = explicit() if a is None else a
            b = explicit() if b is None else b
            c = explicit() if c is None else c
            for vertex, pushed in ((a, True), (b, left in (0, 15)), (c, right in (0, 15))):
                if pushed:
                    recent[vertex_at] = vertex
                    vertex_at = (vertex_at + 1) & 15
            for edge in ((b, a), (c, b), (a, c)):
                edges[edge_at] = edge
                edge_at = (edge_at + 1) & 15
        out += (a, b, c)
    if at != end:
        raise _damaged(f"a triangle stream has {end - at} bytes too many")
    if out and max(out) > MASK:
        raise _damaged("a triangle stream counts beyond 32 bits")
    return np.array(out, np.uint32)


def decode_indices(data: bytes, count: int) -> NDArray[np.uint32]:
    """Return the (count,) uint32 values of an index stream. Raises `InputError` as `decode_triangles`."""
    if not data or data[0] != 0xD1:
        raise _damaged("an index stream does not begin with 0xD1")
    end = len(data) - 4
    stream = np.frombuffer(data[1 : max(end, 1)], np.uint8)
    closing = np.flatnonzero(stream < 128)
    if len(closing) != count or (count and closing[-1] != len(stream) - 1):
        raise _damaged(f"an index stream holds {len(closing)} values, not {count}, or a part of one")
    if not count:
        return np.zeros(0, np.uint32)
    begins = np.concatenate([[0], closing[:-1] + 1])
    lengths = closing - begins + 1
    if lengths.max() > 5:
        raise _damaged("an index stream holds a value of more than 32 bits")
    values = np.zeros(count, np.uint64)
    for place in range(int(lengths.max())):
        rows = np.flatnonzero(lengths > place)
        values[rows] |= (stream[begins[rows] + place] & 127).astype(np.uint64) << np.uint64(7 * place)
    codes = (values & np.uint64(MASK)).astype(np.int64)
    steps = np.where(codes & 2, -(codes >> 2) - 1, codes >> 2)
    result = np.empty(count, np.int64)
    for baseline in (0, 1):
        rows = np.flatnonzero((codes & 1) == baseline)
        result[rows] = np.cumsum(steps[rows])
    return (result & MASK).astype(np.uint32)


def _damaged(why: str) -> InputError:
    return InputError(f"The file's meshopt data is damaged: {why}.")
