from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.ledger.merkle import (
    EMPTY_ROOT,
    build_tree,
    consistency_holds,
    inclusion_holds,
)

LEAVES = [hashlib.sha256(bytes([number])).digest() for number in range(40)]


def plain_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:split]) + plain_root(leaves[split:])).digest()


def plain_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*plain_path(index, leaves[:split]), plain_root(leaves[split:])]
    return [*plain_path(index - split, leaves[split:]), plain_root(leaves[:split])]


def plain_subproof(old: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162, 2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [plain_root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if old <= split:
        return [*plain_subproof(old, leaves[:split], whole), plain_root(leaves[split:])]
    return [*plain_subproof(old - split, leaves[split:], False), plain_root(leaves[:split])]


@pytest.mark.parametrize("size", range(34))
def test_the_root_is_that_of_the_standard(size):
    assert build_tree(LEAVES[:size]).root == plain_root(LEAVES[:size])


def test_the_tree_without_leaves_has_the_root_that_the_standard_says():
    # RFC 9162, 2.1.1: the hash of an empty list is the hash of an empty string.
    assert build_tree([]).root == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 21, 32, 33])
def test_a_leaf_is_proved_at_its_own_place_and_nowhere_else(size):
    tree = build_tree(LEAVES[:size])
    for index in range(size):
        path = tree.inclusion_proof(index)
        assert list(path) == plain_path(index, LEAVES[:size])
        for claimed in range(size + 1):
            for leaf in (index, (index + 1) % len(LEAVES)):
                told = inclusion_holds(LEAVES[leaf], claimed, size, path, tree.root)
                assert told == (claimed == index and leaf == index)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_earlier_tree_is_proved_to_be_the_beginning(size):
    tree = build_tree(LEAVES[:size])
    for old in range(size + 1):
        root, path = plain_root(LEAVES[:old]), tree.consistency_proof(old)
        assert tree.root_at(old) == root
        if old:
            assert list(path) == plain_subproof(old, LEAVES[:size], True)
        assert consistency_holds(old, root, size, tree.root, path)
        assert not consistency_holds(old, hashlib.sha256(b"other").digest(), size, tree.root, path)
        if old:  # every tree begins with the tree without leaves
            assert not consistency_holds(old, root, size, hashlib.sha256(b"other").digest(), path)


@given(st.integers(2, 40), st.data())
def test_a_tree_with_another_past_has_no_proof(size, data):
    changed = data.draw(st.integers(0, size - 2))
    old = data.draw(st.integers(changed + 1, size - 1))
    other = [*LEAVES[:changed], bytes(32), *LEAVES[changed + 1 : size]]
    tree = build_tree(LEAVES[:size])
    path = build_tree(other).consistency_proof(old)
    assert not consistency_holds(old, plain_root(LEAVES[:old]), size, build_tree(other).root, path)
    assert consistency_holds(old, plain_root(LEAVES[:old]), size, tree.root, tree.consistency_proof(old))


@given(st.integers(2, 40), st.data())
def test_a_path_with_one_bit_changed_proves_nothing(size, data):
    tree = build_tree(LEAVES[:size])
    index = data.draw(st.integers(0, size - 1))
    path = list(tree.inclusion_proof(index))
    at = data.draw(st.integers(0, len(path) - 1))
    path[at] = bytes([path[at][0] ^ 1]) + path[at][1:]
    assert not inclusion_holds(LEAVES[index], index, size, path, tree.root)


def test_a_path_that_is_too_short_or_too_long_proves_nothing():
    tree = build_tree(LEAVES[:7])
    path = tree.inclusion_proof(3)
    assert not inclusion_holds(LEAVES[3], 3, 7, path[:-1], tree.root)
    assert not inclusion_holds(LEAVES[3], 3, 7, (*path, bytes(32)), tree.root)
    proof = tree.consistency_proof(3)
    assert not consistency_holds(3, tree.root_at(3), 7, tree.root, proof[:-1])
    assert not consistency_holds(3, tree.root_at(3), 7, tree.root, (*proof, bytes(32)))


def test_places_outside_of_the_tree_are_refused():
    tree = build_tree(LEAVES[:3])
    with pytest.raises(ValueError, match="there is no leaf 3"):
        tree.inclusion_proof(3)
    with pytest.raises(ValueError, match="3 leaves, not 4"):
        tree.root_at(4)
    with pytest.raises(ValueError, match="3 leaves, not 4"):
        tree.consistency_proof(4)
