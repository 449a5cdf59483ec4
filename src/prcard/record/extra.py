"""Additional addresses: pieces of 70 bytes that a resident card may hold beside its text zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prcard.record.kinds import Refused, Text
from prcard.record.raw import EXTRA_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["addresses"]

_ADDRESS: Final = Text(EXTRA_BYTES // 2)


def addresses(extra: Sequence[bytes]) -> list[str]:
    """Gives the text of additional addresses; one that is not text is given as its hexadecimal bytes.

    Args:
        extra: Pieces of 70 bytes; nothing is refused, since the addresses are outside of the record.

    Source: reply to 30 03, public host programs (B); that it is text as the address field is (B).
    """
    texts = []
    for piece in extra:
        try:
            texts.append(_ADDRESS.decode(piece) if len(piece) == EXTRA_BYTES else piece.hex())
        except Refused:
            texts.append(piece.hex())
    return texts
