"""The integrity log: every proof of every small log holds, and no other."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import TrustError
from prcard.trust.merkle import (
    EMPTY_ROOT,
    MAX_CHECKPOINT_BYTES,
    MerkleTree,
    build_checkpoint,
    check_consistency,
    check_inclusion,
    leaf_hash,
    parse_checkpoint,
)

ENTRIES = [f"entry {number}".encode() for number in range(40)]


def plain_root(entries: list[bytes]) -> bytes:
    """The definition of RFC 9162, 2.1.1, word for word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\x01" + plain_root(entries[:split]) + plain_root(entries[split:])).digest()


@pytest.mark.parametrize("size", range(20))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert MerkleTree(ENTRIES[:size]).root == plain_root(ENTRIES[:size])
    assert MerkleTree([]).root == EMPTY_ROOT
    assert MerkleTree([]).inclusion_proofs() == []


@pytest.mark.parametrize("size", range(1, 20))
def test_every_entry_is_proved_and_no_other(size: int) -> None:
    tree = MerkleTree(ENTRIES[:size])
    assert tree.inclusion_proofs() == [tree.inclusion_proof(index) for index in range(size)]
    for index in range(size):
        proof = tree.inclusion_proof(index)
        check_inclusion(leaf_hash(ENTRIES[index]), index, size, proof, tree.root)
        for wrong in (
            (leaf_hash(b"other"), index, proof),
            (leaf_hash(ENTRIES[index]), index, (*proof, bytes(32))),
            (leaf_hash(ENTRIES[index]), size, proof),
            *(((leaf_hash(ENTRIES[index]), index, proof[:-1]),) if proof else ()),
            *(((leaf_hash(ENTRIES[index]), (index + 1) % size, proof),) if size > 1 else ()),
        ):
            with pytest.raises(TrustError) as error:
                check_inclusion(wrong[0], wrong[1], size, wrong[2], tree.root)
            assert error.value.reason == "proof-wrong"


@pytest.mark.parametrize("size", range(1, 20))
def test_every_earlier_log_is_the_beginning_and_no_other(size: int) -> None:
    tree = MerkleTree(ENTRIES[:size])
    for earlier in range(1, size + 1):
        before, proof = MerkleTree(ENTRIES[:earlier]), tree.consistency_proof(earlier)
        check_consistency(earlier, size, proof, before.root, tree.root)
        for old, new, nodes in (
            (bytes(32), tree.root, proof),
            (before.root, bytes(32), proof),
            (before.root, tree.root, (*proof, bytes(32))),
        ):
            with pytest.raises(TrustError):
                check_consistency(earlier, size, nodes, old, new)
        if proof:
            with pytest.raises(TrustError):
                check_consistency(earlier, size, proof[:-1], before.root, tree.root)
            with pytest.raises(TrustError):
                check_consistency(earlier, size, (), before.root, tree.root)


@pytest.mark.parametrize("sizes", [(0, 4), (5, 4), (-1, 4)])
def test_sizes_that_fit_no_log(sizes: tuple[int, int]) -> None:
    with pytest.raises(TrustError):
        check_consistency(*sizes, (bytes(32),), bytes(32), bytes(32))
    with pytest.raises(TrustError):
        MerkleTree(ENTRIES[:4]).consistency_proof(sizes[0])


@pytest.mark.parametrize("index", [-1, 4])
def test_an_entry_that_is_none_has_no_proof(index: int) -> None:
    with pytest.raises(TrustError) as error:
        MerkleTree(ENTRIES[:4]).inclusion_proof(index)
    assert error.value.reason == "bad-argument"


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40), st.data())
def test_law_a_changed_entry_changes_the_root(entries: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    changed = [*entries[:at], entries[at] + b"x", *entries[at + 1 :]]
    assert MerkleTree(changed).root != MerkleTree(entries).root


def test_a_checkpoint_says_size_and_root(issuer: Any, signed: datetime) -> None:
    tree = MerkleTree(ENTRIES)
    data = build_checkpoint(tree, issuer.signer, origin="TEST ONLY log", signing_time=signed)
    checkpoint = parse_checkpoint(data)
    assert (checkpoint.origin, checkpoint.tree_size, checkpoint.root) == ("TEST ONLY log", 40, tree.root)
    assert checkpoint.certificate == issuer.dsc
    assert checkpoint.raw == data


def test_no_changed_byte_of_a_checkpoint_is_taken(p256: Any, signed: datetime) -> None:
    tree = MerkleTree(ENTRIES)
    data = build_checkpoint(tree, p256.signer, origin="TEST ONLY log", signing_time=signed)
    content = data.index(tree.root)
    for at in (*range(content, content + 32, 5), len(data) - 1, 0):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(TrustError):
            parse_checkpoint(bytes(changed))
    with pytest.raises(TrustError) as error:
        parse_checkpoint(bytes(MAX_CHECKPOINT_BYTES + 1))
    assert error.value.reason == "too-large"


def test_a_security_object_is_no_checkpoint(p256: Any) -> None:
    with pytest.raises(TrustError):
        parse_checkpoint(p256.sod[4:])
