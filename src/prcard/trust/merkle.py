"""The integrity log: a Merkle tree over security objects, with proofs and a signed checkpoint.

One signature over the root vouches for a whole batch: proofs show that an object is in the log, and that a later log
only adds to an earlier one. It is for back offices and auditors, beside the signature on each card and never instead.

Source: RFC 9162, clause 2.1; the checkpoint's form is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from prcard.trust.algorithms import check_public_key
from prcard.trust.asn1 import SEQUENCE, CheckpointContent, decode, encode, unwrap
from prcard.trust.cms import SignedMessage, check_signature, parse_signed, sign_message
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from cryptography import x509

    from prcard.trust.signer import Signer

__all__ = [
    "Checkpoint",
    "MerkleTree",
    "build_checkpoint",
    "check_consistency",
    "check_inclusion",
    "leaf_hash",
    "parse_checkpoint",
]

CHECKPOINT: Final = "2.25.321457411586390537172655816357121099135"
"""Content type of a checkpoint: an identifier made from a random UUID (ITU-T X.667)."""

EMPTY_ROOT: Final = sha256(b"").digest()
_LEAF: Final = sha256(b"\x00").copy
_NODE: Final = sha256(b"\x01").copy
"""States that have taken in the first byte; to copy one is quicker than to make one."""
MAX_CHECKPOINT_BYTES: Final = 16 * 1024


def leaf_hash(entry: bytes) -> bytes:
    """Hashes one entry of the log; 32 bytes."""
    state = _LEAF()
    state.update(entry)
    return state.digest()


def _node(left: bytes, right: bytes) -> bytes:
    state = _NODE()
    state.update(left + right)
    return state.digest()


class MerkleTree:
    """The tree over a fixed list of entries; each level is kept, so that a proof is a walk."""

    __slots__ = ("_levels",)

    def __init__(self, entries: Iterable[bytes]) -> None:
        """Hashes the entries.

        Args:
            entries: The logged bytes in order, such as security objects.
        """
        level = [leaf_hash(entry) for entry in entries]
        self._levels = [level]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            above = [_node(left, right) for left, right in pairs]
            # The last node without a partner rises as it is; that gives the very tree of RFC 9162.
            level = above if len(level) % 2 == 0 else [*above, level[-1]]
            self._levels.append(level)

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The root, 32 bytes."""
        return self._levels[-1][0] if self.size else EMPTY_ROOT

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Gives the nodes that lead from an entry to the root.

        Raises:
            TrustError: BAD_ARGUMENT: there is no such entry.
        """
        if not 0 <= index < self.size:
            raise refusal(TrustReason.BAD_ARGUMENT, f"index: expected less than {self.size}, found {index}")
        proof = []
        for level in self._levels[:-1]:
            partner = index ^ 1
            if partner < len(level):
                proof.append(level[partner])
            index >>= 1
        return tuple(proof)

    def inclusion_proofs(self) -> list[tuple[bytes, ...]]:
        """Gives the inclusion proofs of all entries in order, a few times quicker than one by one."""
        levels = self._levels[:-1]
        ends = [len(level) for level in levels]
        # Entries of a pair share all but their lowest node, so each level is walked once.
        above: list[tuple[bytes, ...]] = [()]
        for level, size in zip(reversed(levels), reversed(ends), strict=True):
            above = [(level[at ^ 1], *above[at >> 1]) if at ^ 1 < size else above[at >> 1] for at in range(size)]
        return above if self.size else []

    def consistency_proof(self, earlier_size: int) -> tuple[bytes, ...]:
        """Gives the nodes that show that the log of `earlier_size` entries is the beginning of this one.

        Raises:
            TrustError: BAD_ARGUMENT: there was no such log, or it was empty.
        """
        if not 0 < earlier_size <= self.size:
            raise refusal(TrustReason.BAD_ARGUMENT, f"earlier size: expected 1 to {self.size}, found {earlier_size}")
        proof: list[bytes] = []
        start, end, whole = 0, self.size, True
        while earlier_size < end:
            middle = start + _largest_power_below(end - start)
            if earlier_size <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._range(start, end))
        return tuple(reversed(proof))

    def _range(self, start: int, end: int) -> bytes:
        """Root of the entries from `start` up to `end`: a node of the tree, since proofs ask for no other."""
        height = (end - start - 1).bit_length()
        return self._levels[height][start >> height]


def _largest_power_below(count: int) -> int:
    """The largest power of two smaller than `count`, which is 2 or more."""
    return 1 << ((count - 1).bit_length() - 1)


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Checks that an entry is in the log with this root.

    Args:
        leaf: `leaf_hash` of the entry.
        index: Its place, from 0.
        size: How many entries the log has.
        proof: What `inclusion_proof` gave.
        root: The root, from a checkpoint that was verified.

    Raises:
        TrustError: PROOF_WRONG.

    Source: RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        raise refusal(TrustReason.PROOF_WRONG, f"inclusion proof: expected an index below {size}, found {index}")
    node = leaf
    for sibling, on_left in _steps(index, size - 1, proof):
        node = _node(sibling, node) if on_left else _node(node, sibling)
    if not compare_digest(node, root):
        raise refusal(TrustReason.PROOF_WRONG, "inclusion proof: it does not lead to the root")


def _steps(place: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Walks from a node to the root: each sibling, and whether it stands on the left.

    Raises:
        TrustError: PROOF_WRONG: the proof has too many or too few nodes for the log.
    """
    for sibling in proof:
        if last == 0:
            raise refusal(TrustReason.PROOF_WRONG, "proof: it has too many nodes for the log")
        on_left = bool(place & 1) or place == last
        yield sibling, on_left
        while on_left and place and not place & 1:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last != 0:
        raise refusal(TrustReason.PROOF_WRONG, "proof: it has too few nodes for the log")


def check_consistency(earlier_size: int, size: int, proof: Sequence[bytes], earlier_root: bytes, root: bytes) -> None:
    """Checks that an earlier log is the beginning of a later one.

    Args:
        earlier_size: Entries of the earlier log, 1 or more.
        size: Entries of the later log.
        proof: What `consistency_proof` gave.
        earlier_root: Root of the earlier log.
        root: Root of the later log.

    Raises:
        TrustError: PROOF_WRONG.

    Source: RFC 9162, 2.1.4.2.
    """
    if not 0 < earlier_size <= size:
        raise refusal(TrustReason.PROOF_WRONG, "consistency proof: it does not fit the sizes")
    if not proof and earlier_size < size:
        raise refusal(TrustReason.PROOF_WRONG, "consistency proof: expected nodes, found none")
    if earlier_size == size:
        if proof or not compare_digest(earlier_root, root):
            raise refusal(TrustReason.PROOF_WRONG, "consistency proof: expected the same root and no nodes")
        return
    place, last = earlier_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    # A log of a power of two entries is one node of the later tree, which the proof leaves out.
    first, *rest = proof if earlier_size & (earlier_size - 1) else (earlier_root, *proof)
    old = new = first
    for sibling, on_left in _steps(place, last, rest):
        old = _node(sibling, old) if on_left else old
        new = _node(sibling, new) if on_left else _node(new, sibling)
    if not compare_digest(old, earlier_root) or not compare_digest(new, root):
        raise refusal(TrustReason.PROOF_WRONG, "consistency proof: it does not lead to both roots")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed statement of a log's size and root; its signature holds under the certificate that it embeds.

    Attributes:
        raw: The signed message.
        message: Its parts.
        certificate: The signer's certificate; its chain is judged apart.
        origin: Name of the log.
        tree_size: How many entries.
        root: Root of the tree.
    """

    raw: bytes = field(repr=False)
    message: SignedMessage = field(repr=False)
    certificate: x509.Certificate
    origin: str
    tree_size: int
    root: bytes


def build_checkpoint(tree: MerkleTree, signer: Signer, *, origin: str, signing_time: datetime) -> bytes:
    """Signs size and root of a log.

    Args:
        tree: The log.
        signer: Who signs.
        origin: Name of the log, so that one log's checkpoint cannot stand for another's.
        signing_time: Aware moment.

    Returns:
        A signed message in DER.

    Raises:
        TrustError: the signer's key is not accepted, or what it signed does not verify.
    """
    content = CheckpointContent(version=0, origin=origin, tree_size=tree.size, root=tree.root)
    data = sign_message(encode(content), CHECKPOINT, signer, signing_time)
    parse_checkpoint(data)
    return data


def parse_checkpoint(data: bytes) -> Checkpoint:
    """Reads a checkpoint and checks its signature under the certificate that it embeds.

    Raises:
        TrustError: the form or the signature is not in order. The signer's chain is NOT judged here.
    """
    if len(data) > MAX_CHECKPOINT_BYTES:
        detail = f"checkpoint: expected at most {MAX_CHECKPOINT_BYTES} bytes, found {len(data)}"
        raise refusal(TrustReason.TOO_LARGE, detail)
    message = parse_signed(data, CHECKPOINT, "checkpoint")
    if message.certificate is None:
        raise refusal(TrustReason.CERTIFICATE_MISSING, "checkpoint: expected its signer's certificate")
    check_signature(message, check_public_key(message.certificate))
    unwrap(SEQUENCE, message.content, "CheckpointContent")
    content = decode(CheckpointContent, message.content, "CheckpointContent")
    if content.version != 0 or content.tree_size < 0 or len(content.root) != 32:
        raise refusal(TrustReason.MALFORMED, "CheckpointContent: expected version 0, a size and 32 bytes of root")
    return Checkpoint(
        raw=data,
        message=message,
        certificate=message.certificate,
        origin=content.origin,
        tree_size=content.tree_size,
        root=content.root,
    )
