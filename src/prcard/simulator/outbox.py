"""What a virtual reader has still to say: pieces of replies, each due at its moment, with the pace of a real line."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["CHUNK_BYTES", "MAX_QUEUED_BYTES", "Outbox", "Piece"]

MAX_QUEUED_BYTES: Final = 65_536
"""Replies that a host does not fetch are dropped beyond this many bytes, as a UART without flow control does."""

CHUNK_BYTES: Final = 64
"""Bytes that a slow line writes at once."""


class Piece(NamedTuple):
    """Bytes that go over the line together.

    Attributes:
        data: The bytes; b"" for a piece that only waits or acts.
        wait_s: Silence in seconds before it, counted from the end of what went before.
        byte_time_s: Time of one byte on the line in seconds; 0 writes it at once.
        then: What happens once it is written, for instance that the reader is unplugged.
    """

    data: bytes
    wait_s: float = 0.0
    byte_time_s: float = 0.0
    then: Callable[[], None] | None = None


class Outbox:
    """Pieces in their order; the caller owns the clock and the line."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Piece, float]] = deque()
        self._queued_bytes = 0
        self._due_at = 0.0

    @property
    def due_at(self) -> float | None:
        """When `ready` has something to give; None when nothing waits."""
        return self._due_at if self._queue else None

    def add(self, pieces: Iterable[Piece], not_before: float) -> None:
        """Queues the pieces of a reply.

        Args:
            pieces: In their order.
            not_before: Moment at which the first one may begin, its own wait not counted.
        """
        for piece in pieces:
            kept = piece._replace(data=piece.data[: MAX_QUEUED_BYTES - self._queued_bytes])
            if piece.data and not kept.data:
                continue
            self._queue.append((kept, not_before))
            self._queued_bytes += len(kept.data)
            if len(self._queue) == 1:
                self._begin(not_before)

    def ready(self, now: float) -> bytes | None:
        """Gives what may be written now; b"" for a piece without bytes, None when nothing is due."""
        if not self._queue or now < self._due_at:
            return None
        piece = self._queue[0][0]
        return piece.data[:CHUNK_BYTES] if piece.byte_time_s else piece.data

    def written(self, count: int) -> None:
        """Takes note that the first `count` bytes of what `ready` gave were written."""
        piece, not_before = self._queue.popleft()
        self._queued_bytes -= count
        rest = piece._replace(data=piece.data[count:], wait_s=0.0)
        # Counted from when the piece was due, not from now: a late loop must not slow the line down.
        if rest.data:
            self._queue.appendleft((rest, not_before))
            self._due_at += len(rest.data[:CHUNK_BYTES]) * rest.byte_time_s
            return
        if self._queue:
            self._begin(max(self._due_at, self._queue[0][1]))
        if piece.then is not None:
            piece.then()

    def postpone(self, until: float) -> None:
        """Looks at the line again at a later moment, since it took nothing now."""
        self._due_at = until

    def take(self, now: float) -> bytes:
        """Takes all that is due at once, for a line without a limit of its own."""
        taken = bytearray()
        while (data := self.ready(now)) is not None:
            taken += data
            self.written(len(data))
        return bytes(taken)

    def _begin(self, moment: float) -> None:
        piece = self._queue[0][0]
        self._due_at = moment + piece.wait_s + len(piece.data[:CHUNK_BYTES]) * piece.byte_time_s
