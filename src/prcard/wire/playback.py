"""Plays the reader's side of a transcript: compares what a host writes, and gives what was answered. No I/O here."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from prcard.errors import RemoteWireError
from prcard.wire.transcript import Direction

if TYPE_CHECKING:
    from prcard.wire.transcript import Entry, Transcript

__all__ = ["Answered", "Player"]


class Answered(NamedTuple):
    """One piece that the reader wrote.

    Attributes:
        data: Its bytes.
        wait_ms: Milliseconds between what went before on the line and this piece.
    """

    data: bytes
    wait_ms: int


class Player:
    """One run through a transcript.

    What the host writes is compared byte by byte with the recording, however either was split. Pieces of the reader
    are there once everything that the host sent before them has been written again.
    """

    def __init__(self, transcript: Transcript) -> None:
        """Begins at the start of `transcript`."""
        self._left: deque[Entry] = deque(transcript.entries)
        self._expected = bytearray()
        self._at_ms = 0
        self._written = 0

    @property
    def written(self) -> int:
        """Bytes of the host that were as recorded."""
        return self._written

    @property
    def ended(self) -> bool:
        """Whether all of the recording was played."""
        return not self._left and not self._expected

    def write(self, data: bytes) -> None:
        """Compares what the host writes with the recording.

        Raises:
            RemoteWireError: it differs, with the first byte that does; or the recording has ended.
        """
        for byte in data:
            if not self._expected:
                self._next_request()
            wanted = self._expected[0]
            if byte != wanted:
                raise RemoteWireError(
                    f"The recording differs at byte {self._written} of what the host sends: "
                    f"expected {wanted:02X}, found {byte:02X}"
                )
            del self._expected[0]
            self._written += 1

    def take(self) -> Answered | None:
        """Takes the next piece of the reader; None while the host has to write first, and at the end."""
        if self._expected or not self._left or self._left[0].direction is not Direction.TO_HOST:
            return None
        entry = self._left.popleft()
        wait_ms, self._at_ms = max(entry.at_ms - self._at_ms, 0), entry.at_ms
        return Answered(entry.data, wait_ms)

    def _next_request(self) -> None:
        """Moves on to what the host sent next; replies that nobody fetched are passed over, as on a line."""
        while self._left:
            entry = self._left.popleft()
            if entry.direction is Direction.TO_READER:
                self._expected += entry.data
                self._at_ms = entry.at_ms
                return
        raise RemoteWireError(f"The recording ends after {self._written} bytes of the host")
