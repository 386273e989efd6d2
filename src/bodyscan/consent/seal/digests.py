"""Digests over sets of rows, so that the order and the copies of vertices make no difference."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


class Digest:
    """SHA-256 over a header and sets of rows of 4-byte numbers."""

    def __init__(self, header: bytes, *numbers: int) -> None:
        self._hash = hashlib.sha256(header)
        for number in numbers:
            self._hash.update(number.to_bytes(8, "little"))

    def add_text(self, text: str) -> None:
        """Add a text with its length."""
        self.add_bytes(text.encode())

    def add_bytes(self, data: bytes) -> None:
        """Add bytes with their number."""
        self._hash.update(len(data).to_bytes(8, "little") + data)

    def add_rows(self, columns: list[NDArray]) -> None:
        """Add the set of rows that `columns`, each (N, C) of 4-byte numbers, stand for side by side.

        Rows are sorted by their bits as unsigned integers, first column first; each counts once.
        """
        parts = [np.ascontiguousarray(part, part.dtype.newbyteorder("<")).view("<u4") for part in columns]
        rows = np.concatenate(parts, axis=1)
        rows = rows[np.lexsort(rows.T[::-1])]
        if len(rows):
            new = np.ones(len(rows), bool)
            new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
            rows = rows[new]
        self._hash.update(len(rows).to_bytes(8, "little"))
        self._hash.update(rows.tobytes())

    def hex(self) -> str:
        """Return the digest as 64 hex digits."""
        return self._hash.hexdigest()


def used_vertices(faces: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the ids of the vertices that a triangle with three different corners uses, ascending."""
    a, b, c = faces.T
    used = np.zeros(int(faces.max(initial=-1)) + 1, bool)
    used[faces[(a != b) & (b != c) & (c != a)]] = True
    return np.flatnonzero(used)
