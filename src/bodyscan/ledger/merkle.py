"""Merkle tree of the ledger's entries: root, inclusion proofs, consistency proofs.

After RFC 9162 (Certificate Transparency 2.0), sections 2.1.1 to 2.1.4, with SHA-256. A leaf's data is the
32-byte hash of an entry. An odd node at the end of a level goes up unchanged, which gives the tree that the
RFC defines by splitting at the largest power of two. `tests/ledger/test_merkle.py` holds the RFC's own
recursive definition as oracle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf, SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Tree:
    """All nodes of a tree; `levels[0]` are the leaf hashes, the last level is the root alone."""

    levels: tuple[tuple[bytes, ...], ...]

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self.levels[0])

    @property
    def root(self) -> bytes:
        """The tree's root, 32 bytes."""
        return self.levels[-1][0] if self.size else EMPTY_ROOT

    def root_at(self, size: int) -> bytes:
        """Return the root that the tree had when it had `size` leaves; `ValueError` beyond its own size."""
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {size}")
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Return the audit path of leaf `index`, from the leaf up; `ValueError` where there is none."""
        if not 0 <= index < self.size:
            raise ValueError(f"the tree has {self.size} leaves; there is no leaf {index}")
        path = []
        for level in self.levels[:-1]:
            beside = index ^ 1
            if beside < len(level):
                path.append(level[beside])
            index //= 2
        return tuple(path)

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of the first `old_size` leaves became this one.

        Empty for 0 leaves and for the same size; `ValueError` beyond its own size.
        """
        if not 0 <= old_size <= self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {old_size}")
        if old_size in (0, self.size):
            return ()
        path: list[bytes] = []
        start, end, whole = 0, self.size, True
        while old_size != end:
            split = start + _split(end - start)
            if old_size <= split:
                path.append(self._subtree(split, end))
                end = split
            else:
                path.append(self._subtree(start, split))
                start, whole = split, False
        if not whole:
            path.append(self._subtree(start, end))
        return tuple(reversed(path))

    def _subtree(self, start: int, end: int) -> bytes:
        """Root of the leaves `start` to `end`; `start` is a multiple of the next power of two."""
        count = end - start
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            return self.levels[height][start >> height]
        split = start + _split(count)
        return _node_hash(self._subtree(start, split), self._subtree(split, end))


def build_tree(entry_hashes: Iterable[bytes]) -> Tree:
    """Return the tree over entry hashes (32 bytes each), in their order."""
    level = tuple(leaf_hash(data) for data in entry_hashes)
    levels = [level]
    while len(level) > 1:
        pairs = len(level) // 2
        above = [_node_hash(level[2 * at], level[2 * at + 1]) for at in range(pairs)]
        level = tuple(above) + level[2 * pairs :]
        levels.append(level)
    return Tree(tuple(levels))


def inclusion_holds(entry_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """True where the path proves that `entry_hash` is leaf `index` of the tree of `size` leaves (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf_hash(entry_hash)
    for beside in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = _node_hash(beside, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = _node_hash(found, beside)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def consistency_holds(old_size: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """True where the path proves that the tree with `root` begins with the tree of `old_root` (2.1.4.2)."""
    if old_size == size:
        return not path and old_root == root
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    if not 0 < old_size < size or not path:
        return False
    steps = list(path)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = steps[0]
    for beside in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = _node_hash(beside, old), _node_hash(beside, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = _node_hash(new, beside)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _split(count: int) -> int:
    """Largest power of two below `count` (at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)
