"""How SAM_V frames travel over USB: which bytes go through which pipe.

A reader by the interface document has two pipes each way: the first seven bytes of a frame (preamble and LEN) go
through one, the rest through the other. Some readers send whole frames through a single pair. Readers that show
themselves as HID wrap frames in reports of their maker's own and are not promised.

Source: SAM_V interface document, tables of the USB interface, and public host programs (A); single pair: observed in a
public host program (C).
"""

from __future__ import annotations

from enum import Enum, unique
from typing import Final, NamedTuple

from prcard.wire.frame import HEADER_BYTES, MAX_REPLY_LENGTH, PREAMBLE

__all__ = ["KNOWN_READERS", "MAX_FRAME_BYTES", "Pipes", "ReplyPipes", "USBReaderKind", "split_request"]

MAX_FRAME_BYTES: Final = HEADER_BYTES + MAX_REPLY_LENGTH


class Pipes(NamedTuple):
    """Endpoint addresses; head and body are the same for a single pair.

    Attributes:
        out_head: Where the first seven bytes of a request go.
        out_body: Where its rest goes.
        in_head: Where the first seven bytes of a reply come from.
        in_body: Where its rest comes from.
    """

    out_head: int
    out_body: int
    in_head: int
    in_body: int

    @property
    def split(self) -> bool:
        """Tells whether head and body have pipes of their own."""
        return self.in_head != self.in_body


SPLIT_PIPES: Final = Pipes(0x02, 0x06, 0x81, 0x85)
"""Source: SAM_V interface document (A)."""


@unique
class USBReaderKind(Enum):
    """Readers by vendor and product; the confidence stands beside each."""

    STANDARD = (0x0400, 0xC35A)  # (A)
    JOYUSING_2B19 = (0x2B19, 0x0200)  # (C)
    JOYUSING_0103 = (0x0103, 0x6066)  # (C)
    CLOUD = (0xC216, 0x0102)  # (C)

    @property
    def ids(self) -> tuple[int, int]:
        """Vendor and product."""
        vendor, product = self.value
        return vendor, product

    @property
    def pipes(self) -> Pipes | None:
        """Pipes that are known; None stands for the first pair of bulk pipes that the reader describes."""
        return SPLIT_PIPES if self is USBReaderKind.STANDARD else None


KNOWN_READERS: Final = {kind.ids: kind for kind in USBReaderKind}
"""(vendor, product) -> kind. Source: product lists and public host programs; which of C are SAM_V readers in every
batch is not confirmed."""


def split_request(pipes: Pipes, data: bytes) -> list[tuple[int, bytes]]:
    """Tells what to write to which pipe.

    Args:
        pipes: The reader's pipes.
        data: One whole request frame.
    """
    if not pipes.split:
        return [(pipes.out_head, data)]
    return [(pipes.out_head, data[:HEADER_BYTES]), (pipes.out_body, data[HEADER_BYTES:])]


class ReplyPipes:
    """Where the next bytes of a reply come from; tell it what came.

    The two pipes know nothing of each other, so the head's LEN says how much to fetch from the other one. A head that
    is none, or that claims more than any reply has, is passed on and forgotten: the session above finds out.
    """

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._head = b""
        self._body_bytes = 0

    def next_read(self) -> tuple[int, int]:
        """Gives the pipe to read and how many bytes are missing there at most."""
        if not self._pipes.split:
            return self._pipes.in_head, MAX_FRAME_BYTES
        if self._body_bytes:
            return self._pipes.in_body, self._body_bytes
        return self._pipes.in_head, HEADER_BYTES - len(self._head)

    def received(self, data: bytes) -> None:
        """Notes what came from the pipe of `next_read`; short packets are gathered."""
        if not self._pipes.split:
            return
        if self._body_bytes:
            self._body_bytes = max(self._body_bytes - len(data), 0)
            return
        self._head += data
        if len(self._head) >= HEADER_BYTES:
            length = int.from_bytes(self._head[len(PREAMBLE) : HEADER_BYTES], "big")
            good = self._head.startswith(PREAMBLE) and length <= MAX_REPLY_LENGTH
            self._head, self._body_bytes = b"", length if good else 0

    def restart(self) -> None:
        """Forgets a reply that was begun: the next request starts anew."""
        self._head, self._body_bytes = b"", 0
